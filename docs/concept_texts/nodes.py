"""Figures of docs/howto/nodes.md: the array in four processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figure_values import MHZ, PJ, UM2
from figures import Runs
from page_figures import Text, shown

NODES_NM = {"gf180mcu": 180, "sky130": 130, "asap7": 7, "gt2n": 2}


def nodes(runs: Runs) -> Iterator[Text]:
    """The table at the highest clock with one pipeline stage, and who is on the front."""
    rows = {
        name: runs.row("nodes", library=name, pipeline_stages=1, clock_frac=1.0)
        for name in NODES_NM
    }
    for name, row in rows.items():
        area, leakage, cost = area_of(row), row["block_leakage_power_w"], row["cost_usd"]
        fast, small = row["f_max_hz"] >= 1e9, leakage < 1e-7
        yield Text(
            words=f"| {name} | {row['vdd_v']:g} V | {{}} {'GHz' if fast else 'MHz'} | {{}} µm² | "
            f"{{}} {'nW' if small else 'µW'} | {{}} pJ | {{}} USD |",
            values=(
                row["f_max_hz"] * (1e-9 if fast else MHZ),
                area,
                leakage * (1e9 if small else 1e6),
                row["energy_per_op_j"] * PJ,
                cost,
            ),
        )
    best = {
        name: NODES_NM[choose(rows, key=lambda each: rows[each][column])]
        for name, column, choose in (
            ("energy", "energy_per_op_j", min),
            ("throughput", "throughput_ops_per_s", max),
            ("cost", "cost_usd", min),
        )
    }
    leads = f"The {best['energy']} nm cells have the least energy"
    if best["energy"] == best["throughput"]:
        leads += " and the highest throughput"
    yield Text(
        words=f"{leads}. The {best['cost']} nm cells cost {{:.0f}} % less",
        values=(100 * (1 - rows["asap7"]["cost_usd"] / rows["gt2n"]["cost_usd"]),),
    )
    older = sorted(name for name in on_front(runs.table("nodes")) if NODES_NM[name] >= 130)
    front = f"On the front are points of {', '.join(older)}."
    none = "No point of the two older processes is on the front."
    yield Text(words=front if older else none, values=())


def area_of(row: Any) -> float:
    """Cell area [µm²], above a thousand in hundreds."""
    area = float(row["block_area_m2"]) * UM2
    return round(area, -2) if area >= 1000 else float(shown(area))


def on_front(table: Any) -> set[str]:
    """Libraries of points that no other point beats in energy, throughput and cost."""
    points = [
        (row["library"], row["energy_per_op_j"], -row["throughput_ops_per_s"], row["cost_usd"])
        for _, row in table.iterrows()
    ]
    return {
        str(name)
        for name, *node_figures in points
        if not any(
            all(a <= b for a, b in zip(other, node_figures, strict=True)) and other != node_figures
            for _, *other in points
        )
    }
