"""The page of aes_sbox: what two shares cost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from figure_values import area, energy, f_max, line, percent_less, rate, share
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    at = {
        (shares, vdd_v): runs.row("aes_sbox", shares=shares, vdd_v=vdd_v)
        for shares, vdd_v in product((1, 2), (0.8, 1.8))
    }
    for shares in (1, 2):
        nominal, low = at[shares, 1.8], at[shares, 0.8]
        yield line(
            f"{shares}",
            ("{:,.0f}", area(nominal)),
            ("{:.0f}", f_max(nominal)),
            *(("{}", figure) for figure in (rate(nominal), energy(nominal))),
            ("{:.0f} %", share(nominal, "glitch")),
            *(("{}", figure) for figure in (rate(low), energy(low))),
        )
    plain, masked = at[1, 1.8], at[2, 1.8]
    yield Text(
        words="Two shares take {:.1f} times the area and {:.1f} times the energy per byte** at "
        "1.8 V, and their clock is {:.1f} times as fast",
        values=tuple(of(masked) / of(plain) for of in (area, energy, f_max)),
    )
    yield Text(
        words="Registers and clock tree take {:.0f} % of the energy with two shares and {:.0f} % "
        "with one",
        values=tuple(share(point, "register", "clock_tree") for point in (masked, plain)),
    )
    plain, masked = (runs.row("aes_sbox", shares=n, vdd_v=v) for n, v in ((1, 1.6), (2, 1.2)))
    yield Text(
        words="one share takes {:.1f} pJ per byte (1.6 V) and two shares {:.1f} pJ (1.2 V), {:.1f} "
        "times as much",
        values=(energy(plain), energy(masked), energy(masked) / energy(plain)),
    )
    plain, low = at[1, 1.8], at[2, 0.8]
    yield Text(
        words="At 0.8 V two shares take {:.0f} % less energy than one share at 1.8 V, for {:.1f} "
        "instead of {:.0f} Mbyte/s",
        values=(percent_less(energy(low), energy(plain)), rate(low), rate(plain)),
    )
