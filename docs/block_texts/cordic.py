"""The page of cordic: unrolled or iterative."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, line, percent_less, percent_more, rate, share
from figures import Runs
from page_figures import Text

from block_texts.common import SUPPLIES


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""

    def block(architecture: str, steps: int, vdd_v: float = 1.8) -> Any:
        return runs.row(
            "cordic", architecture=architecture, iterations_per_cycle=steps, vdd_v=vdd_v
        )

    for architecture, steps in product(("unrolled", "iterative"), (1, 2, 4)):
        points = [block(architecture, steps, vdd_v) for vdd_v in SUPPLIES[:-1]]
        yield line(
            f"{architecture}, {steps}",
            ("{:,.0f}", area(points[0])),
            *(("{}, {:.0f}", rate(point), energy(point)) for point in points),
            ("{:.0f} %", share(points[0], "glitch")),
        )
    unrolled, second, fourth = (block("unrolled", steps) for steps in (1, 2, 4))
    iterative, twice, four = (block("iterative", steps) for steps in (1, 2, 4))
    yield Text(
        words="{:.1f} times smaller and {:.1f} times slower, with {:.1f} times the energy.",
        values=(
            *(area(unrolled) / area(iterative), rate(unrolled) / rate(iterative)),
            energy(iterative) / energy(unrolled),
        ),
    )
    yield Text(
        words="take {:.0f} % more energy than after every iteration at the same supply, and {:.0f} "
        "% less area, but are {:.0f} % slower.",
        values=(
            percent_more(energy(second), energy(unrolled)),
            *(percent_less(of(second), of(unrolled)) for of in (area, rate)),
        ),
    )
    slow, fast = block("unrolled", 1, 1.4), block("unrolled", 2, 1.6)
    yield Text(
        words="{} Mvector/s for {:.0f} pJ (1.4 V) against {} Mvector/s for {:.0f} pJ (1.6 V). "
        "With registers after every fourth iteration, glitches take {:.0f} % of the energy.",
        values=(
            *(rate(slow), energy(slow), rate(fast), energy(fast)),
            share(fourth, "glitch"),
        ),
    )
    yield Text(
        words="{:.0f} % with two, at {:.0f} % more energy; {:.0f} % with four, at {:.0f} % more.",
        values=(
            percent_more(rate(twice), rate(iterative)),
            percent_more(energy(twice), energy(iterative)),
            percent_more(rate(four), rate(iterative)),
            percent_more(energy(four), energy(iterative)),
        ),
    )
