"""Figures of docs/concepts/packages.md: the packages of 1,024 copies of the 8 x 8 array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figure_values import TERA
from figures import Runs
from page_figures import Text

from chipdse.technology.constants import load_constants


def packages(runs: Runs) -> Iterator[Text]:
    """The packages of 1,024 copies of the 8 x 8 array."""
    table = runs.table("mac_array_packages").query(
        "rows == 8 and columns == 8 and cooling == 'heatsink_forced_air'"
    )
    by_kind = table.set_index(["arrangement", "chiplets", "link"]).sort_index()
    single = by_kind.loc["monolithic", 1, "ucie_standard"]
    two, four = (by_kind.loc["organic", dies, "ucie_standard"] for dies in (2, 4))
    stack = by_kind.loc["stack_hybrid", 2, "ucie_3d"]
    interposer = by_kind.loc["silicon_interposer", 2, "ucie_advanced"]
    yield from (
        _package("one die of {:.0f} mm²", single, "cost_usd", single["die_area_m2"] * 1e6),
        _package("2 dies, organic, UCIe standard", two, "peak_temperature_c"),
        _package("4 dies, organic, UCIe standard", four, "embodied_kgco2e"),
        _package("2 dies, hybrid-bonded", stack, "total_kgco2e"),
        _package("2 dies, silicon interposer, UCIe advanced", interposer, ""),
    )
    yield Text(words="with {:.1f} TMAC/s in total", values=(single["throughput_ops_per_s"] * TERA,))
    yield Text(
        words="({:.2f} W of {:.1f} W with two dies, {:.2f} W with four)",
        values=(two["link_power_w"], two["power_w"], four["link_power_w"]),
    )
    yield Text(words="stack draws {:.2f} W for its links", values=(stack["link_power_w"],))
    yield from _ranges(runs.benchmark("package_ranges"))


_RANGED = {
    "one die": "one die",
    "two dies": "2 dies, organic",
    "four dies": "4 dies, organic",
    "stack": "2 dies, hybrid-bonded",
    "interposer": "2 dies, silicon interposer",
}
_INTERVALS = {
    "cost_usd": "{:.1f} to {:.1f}",
    "embodied_kgco2e": "{:.2f} to {:.2f}",
    "total_kgco2e": "{:.0f} to {:.0f}",
    "peak_temperature_c": "{:.1f} to {:.1f}",
}
_CONCLUSIONS = {
    "one_die_cheapest": "| one die is cheapest (the stack left out) | {:.0f} % of the draws |",
    "four_dies_least_embodied": "| four dies have the least embodied carbon (the stack left out) "
    "| {:.0f} % |",
    "interposer_most_embodied": "| an interposer has the most embodied carbon (the stack left out) "
    "| {:.0f} % |",
    "stack_least_over_life": "| the hybrid-bonded stack emits least over the life in Alberta "
    "| {:.0f} % |",
    "one_die_less_than_two_over_life": "| one die emits less over the life than two dies side by "
    "side | {:.0f} % |",
    "two_dies_coolest": "| two dies side by side are coolest | {:.0f} % |",
    "stack_hottest": "| the stack is hottest | {:.0f} % |",
    "four_dies_cheapest": "four dies are cheapest with those of CATCH (in {:.0f} % of the draws)",
}


def _ranges(run: dict[str, Any]) -> Iterator[Text]:
    """Intervals, probabilities and conclusions when uncertain inputs are drawn."""
    yield Text(
        words="of its {:.0f} feasible points {:.0f} are on the front at the stated values, "
        "and {:.0f} of them in every draw",
        values=(run["points"], run["on_front"], run["never_off"]),
    )
    for row in run["results"]:
        bounds = [(row["low"][name], row["high"][name]) for name in _INTERVALS]
        words = " | ".join([f"| {_RANGED[row['package']]} | {{:.0f}} %", *_INTERVALS.values()])
        values = (row["front_probability"] * 100, *(end for pair in bounds for end in pair))
        yield Text(words=f"{words} |", values=values)
    for name, words in _CONCLUSIONS.items():
        yield Text(words=words, values=(run["conclusions"][name] * 100,))
    decides = {name: max(shares.values(), default=0) for name, shares in run["decisive"].items()}
    yield Text(
        words="explains {:.0f} % of the variance in which points are on the front and {:.0f} % of "
        "that of the cost",
        values=(decides["front"] * 100, decides["cost_usd"] * 100),
    )
    yield Text(
        words="Alberta's grid of 2019 to 2023 explains {:.0f} % of its variance",
        values=(decides["total_kgco2e"] * 100,),
    )


def _package(label: str, row: Any, best: str, *figures: float) -> Text:
    """A row of the table, the figure in bold for which this package is the best."""
    constants = load_constants()
    quebec, alberta = (
        constants[f"grids.intensity_canada.{name}"].value for name in ("quebec", "alberta")
    )
    in_quebec = row["embodied_kgco2e"] + row["operational_kgco2e"] * quebec / alberta
    cells = (
        ("cost_usd", "{:.2f}", row["cost_usd"]),
        ("embodied_kgco2e", "{:.2f}", row["embodied_kgco2e"]),
        ("total_kgco2e", "{:.1f}", row["total_kgco2e"]),
        ("embodied_kgco2e", "{:.2f}", in_quebec),  # the same package is the best by both
        ("peak_temperature_c", "{:.1f}", row["peak_temperature_c"]),
    )
    words = [f"**{form}**" if metric == best else form for metric, form, _ in cells]
    return Text(
        words=" | ".join([f"| {label}", *words]) + " |",
        values=(*figures, *(value for *_, value in cells)),
    )
