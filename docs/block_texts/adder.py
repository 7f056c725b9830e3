"""The page of adder: which adder at which supply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from figure_values import area, energy, line, percent_less, percent_more, rate, share, span
from figures import Runs
from page_figures import Text

from block_texts.common import SUPPLIES

STRUCTURES = ("ripple", "carry_select", "brent_kung", "operator", "sklansky", "kogge_stone")
Points = Mapping[tuple[str, float], Any]


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    at = {
        (name, vdd_v): runs.row("adder", structure=name, vdd_v=vdd_v)
        for name, vdd_v in product(STRUCTURES, SUPPLIES)
    }
    yield from _table(at)
    yield from _required_speed(runs)
    yield from _sentences(at)


def _table(at: Points) -> Iterator[Text]:
    """Every structure over the supply."""
    for name in STRUCTURES:
        points = [at[name, vdd_v] for vdd_v in SUPPLIES]
        yield line(
            f"`{name}`",
            ("{:,.0f}", area(points[0])),
            *(("{}, {:.2f}", rate(point), energy(point)) for point in points),
        )


def _required_speed(runs: Runs) -> Iterator[Text]:
    """The answer to the sweep's question, and how many points are its front."""
    table = runs.table("adder")
    fast = table[table["block_throughput_ops_per_s"] >= 100e6].sort_values("block_energy_per_op_j")
    best = fast.iloc[0]
    small = fast[fast["structure"] == "brent_kung"].iloc[0]
    yield Text(
        words="**At {:.0f} Madd/s**, which the sweep requires, Kogge-Stone takes the least energy: "
        "{:.2f} pJ at {} V. Brent-Kung reaches this speed at {} V, with {:.0f} % more energy in "
        "{:.0f} % less area.",
        values=(
            *(100, energy(best), best["vdd_v"], small["vdd_v"]),
            *(percent_more(energy(small), energy(best)), percent_less(area(small), area(best))),
        ),
    )


def _sentences(at: Points) -> Iterator[Text]:
    """The sentences of the page."""
    fast = at["ripple", 1.8], at["brent_kung", 1.2], at["sklansky", 1.2]
    yield Text(
        words="Ripple reaches {} Madd/s at 1.8 V with {:.2f} pJ; Brent-Kung reaches {} Madd/s at "
        "1.2 V with {:.2f} pJ, Sklansky {} Madd/s at 1.2 V with {:.2f} pJ.",
        values=tuple(figure for point in fast for figure in (rate(point), energy(point))),
    )
    brent, kogge = at["brent_kung", 1.6], at["kogge_stone", 1.4]
    faster, sklansky = at["kogge_stone", 1.6], at["sklansky", 1.6]
    low = at["sklansky", 1.2], at["kogge_stone", 1.2]
    yield Text(
        words="Brent-Kung takes {:.2f} pJ for {} Madd/s (1.6 V), and Kogge-Stone {:.2f} pJ for {} "
        "Madd/s (1.4 V), {:.0f} % less. At 1.6 V Kogge-Stone takes {:.2f} pJ for {} Madd/s, and "
        "Sklansky {:.2f} pJ for {} Madd/s.",
        values=(
            *(energy(brent), rate(brent), energy(kogge), rate(kogge)),
            *(percent_less(energy(kogge), energy(brent)), energy(faster), rate(faster)),
            *(energy(sklansky), rate(sklansky)),
        ),
    )
    yield Text(
        words="{} Madd/s for {:.2f} pJ against {} Madd/s for {:.2f} pJ (both 1.2 V).",
        values=tuple(figure for point in low for figure in (rate(point), energy(point))),
    )
    brent, sklansky, kogge = (at[name, 1.8] for name in ("brent_kung", "sklansky", "kogge_stone"))
    yield Text(
        words="Sklansky is {:.0f} % faster than Brent-Kung for {:.0f} % more energy and {:.0f} % "
        "more area, and Kogge-Stone {:.0f} % faster for {:.0f} % and {:.0f} %.",
        values=tuple(
            percent_more(of(point), of(brent))
            for point in (sklansky, kogge)
            for of in (rate, energy, area)
        ),
    )
    built = [percent_less(rate(at["operator", v]), rate(at["brent_kung", v])) for v in SUPPLIES]
    yield Text(
        words="takes the same energy as Brent-Kung, and is {:.0f} to {:.0f} % slower.",
        values=span(built),
    )
    ripple = at["ripple", 1.8]
    yield Text(
        words="{:.0f} % less than Brent-Kung at {:.0f} % of its speed",
        values=(percent_less(energy(ripple), energy(brent)), 100 * rate(ripple) / rate(brent)),
    )
    yield Text(
        words="Registers and clock tree take {:.0f} to {:.0f} % of the energy",
        values=span(share(at[name, 1.8], "register", "clock_tree") for name in STRUCTURES),
    )
