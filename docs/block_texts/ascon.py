"""The page of ascon: how many rounds per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, f_max, line, percent_more, rate, share
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""

    def core(function: str, rounds: int, length: int = 128, vdd_v: float = 1.8) -> Any:
        return runs.row(
            "ascon",
            **{"function": function, "rounds_per_cycle": rounds},
            **{"message_bytes": length, "vdd_v": vdd_v},
        )

    for function, rounds in product(("encrypt", "both"), (1, 2, 4)):
        long, short = core(function, rounds), core(function, rounds, 16)
        low = core(function, rounds, vdd_v=0.8)
        yield line(
            f"{function} | {rounds}",
            ("{:,.0f}", area(long)),
            ("{:.0f}", f_max(long)),
            *(("{:.0f}, {:.0f}", rate(point), energy(point)) for point in (long, short)),
            ("{:.1f}, {:.1f}", rate(low), energy(low)),
            ("{:.0f} %", share(long, "glitch")),
        )
    first, second, fourth = (core("encrypt", rounds) for rounds in (1, 2, 4))
    yield Text(
        words="A second round gains {:.0f} % in speed for {:.0f} % more area and {:.0f} % more "
        "energy.",
        values=tuple(percent_more(of(second), of(first)) for of in (rate, area, energy)),
    )
    slow = core("encrypt", 2, vdd_v=1.6)
    yield Text(
        words="one round gives {:.0f} Mbyte/s for {:.0f} pJ per byte (1.8 V), two rounds {:.0f} "
        "for {:.0f} (1.6 V).",
        values=(rate(first), energy(first), rate(slow), energy(slow)),
    )
    yield Text(
        words="Four rounds gain {:.0f} % and take {:.1f} times the energy: the share of the "
        "registers falls from {:.0f} to {:.0f} %",
        values=(
            percent_more(rate(fourth), rate(first)),
            energy(fourth) / energy(first),
            *(share(point, "register") for point in (first, fourth)),
        ),
    )
    yield Text(
        words="**Decryption costs little**: {:.0f} % more area",
        values=(percent_more(area(core("both", 1)), area(first)),),
    )
    yield Text(
        words="cost {:.1f} times as much energy per byte",
        values=(energy(core("encrypt", 1, 16)) / energy(first),),
    )
    low = core("encrypt", 1, vdd_v=0.8)
    yield Text(
        words="the energy falls by a factor of {:.1f}, and the speed by a factor of {:.0f}",
        values=(energy(first) / energy(low), rate(first) / rate(low)),
    )
