"""The page of dot_product: what a MAC costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from figure_values import area, energy, line, percent_more, rate, share, span
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    formats = ("fp8_e5m2", "fp8_e4m3", "bf16")
    at = {
        (name, guard, stages): runs.row(
            "dot_product", number_format=name, guard_bits=guard, pipeline_stages=stages
        )
        for name, guard, stages in product(("int4", "int8", *formats), (4, 12), (0, 1))
    }
    floats = [(name, guard) for name in formats for guard in (4, 12)]
    for name, guard in [("int4", 4), ("int8", 4), *floats]:
        plain, staged = at[name, guard, 0], at[name, guard, 1]
        yield line(
            name if name.startswith("int") else f"{name}, {guard}",
            ("{:,.0f}", area(plain)),
            ("{:,.0f}", rate(plain)),
            ("{:.1f}", energy(plain)),
            ("{:.0f} %", share(plain, "glitch")),
            ("{:,.0f}, {:.1f}", rate(staged), energy(staged)),
            ("{:.0f} %", share(staged, "glitch")),
        )
    int8 = energy(at["int8", 4, 0])
    yield Text(
        words="fp8 takes {:.1f} to {:.1f} times the energy at half the speed. int4 takes {:.1f} "
        "times less than int8.",
        values=(
            *(energy(at[name, 4, 0]) / int8 for name in ("fp8_e5m2", "fp8_e4m3")),
            int8 / energy(at["int4", 4, 0]),
        ),
    )
    yield Text(
        words="bf16 takes {:.1f} times the energy of int8",
        values=(energy(at["bf16", 4, 0]) / int8,),
    )
    yield Text(
        words="eight more cost {:.0f} % (bf16) to {:.0f} % (E4M3).",
        values=tuple(
            percent_more(energy(at[name, 12, 0]), energy(at[name, 4, 0]))
            for name in ("bf16", "fp8_e4m3")
        ),
    )
    yield Text(
        words="in floating point, {:.0f} to {:.0f} %,",
        values=span(share(at[*each, 0], "glitch") for each in floats),
    )
    changes = [percent_more(energy(at[*each, 1]), energy(at[*each, 0])) for each in floats]
    yield Text(
        words="change their energy by {:.0f} to {:+.0f} %, and all gain {:.0f} to {:.0f} % of "
        "speed.",
        values=(
            *span(changes),
            *span(percent_more(rate(at[*each, 1]), rate(at[*each, 0])) for each in floats),
        ),
    )
    pairs = [(at[name, 4, 1], at[name, 4, 0]) for name in ("int8", "int4")]
    yield Text(
        words="so the register costs {:.0f} % of energy in int4 and changes it by {:+.1f} % in "
        "int8, for {:.0f} to {:.0f} % more speed.",
        values=(
            *(percent_more(energy(a), energy(b)) for a, b in reversed(pairs)),
            *(percent_more(rate(a), rate(b)) for a, b in pairs),
        ),
    )
