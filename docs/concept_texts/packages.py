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
    one = by_kind.loc["monolithic", 1, "ucie_standard"]
    two, four = (by_kind.loc["organic", dies, "ucie_standard"] for dies in (2, 4))
    stack = by_kind.loc["stack_hybrid", 2, "ucie_3d"]
    interposer = by_kind.loc["silicon_interposer", 2, "ucie_advanced"]
    yield from (
        _package("one die of {:.0f} mm²", one, "cost_usd", one["die_area_m2"] * 1e6),
        _package("2 dies, organic, UCIe standard", two, "peak_temperature_c"),
        _package("4 dies, organic, UCIe standard", four, "embodied_kgco2e"),
        _package("2 dies, hybrid-bonded", stack, "total_kgco2e"),
        _package("2 dies, silicon interposer, UCIe advanced", interposer, ""),
    )
    yield Text(words="with {:.1f} TMAC/s in total", values=(one["throughput_ops_per_s"] * TERA,))
    yield Text(
        words="({:.2f} W of {:.1f} W with two dies, {:.2f} W with four)",
        values=(two["link_power_w"], two["power_w"], four["link_power_w"]),
    )
    yield Text(words="stack draws {:.2f} W for its links", values=(stack["link_power_w"],))


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
