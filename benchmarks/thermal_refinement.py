"""How far the default temperatures are from the converged ones; prints one JSON line per case.

    python benchmarks/thermal_refinement.py

Rise of the hottest point over the air on the default mesh and on meshes 1.5 and 2 times as fine
along every axis, all extrapolated from two nested meshes; the stated discretisation error; and the
rise by the mesh that was the default before: 16 equal cells across the dies, one slice per layer,
three through the sink, no extrapolation. Silicon's conductivity is that at 350 K in all of them.
"""

from __future__ import annotations

import dataclasses
import json

import numpy as np

from chipdse.system.arrays.geometry import DieOutline, Geometry, layers_of
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.nested_meshes import CELLS
from chipdse.system.thermal.refined import refined
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Stack
from chipdse.system.thermal.symmetry import fold_of
from chipdse.technology.constants import Sources

MM2 = 1e-6
# Arrangement, area and kind of each die, power of each kind [W], cooling.
CASES: dict[str, tuple[str, list[float], list[int], list[float], str]] = {
    "hot corner of 2 x 2": ("organic", [9 * MM2] * 4, [0, 1, 1, 1], [30, 3], "cold_plate"),
    "hot corner of 3 x 3": (
        "organic", [4 * MM2] * 9, [0, *range(1, 9)], [15, *[1] * 8], "cold_plate",
    ),
    "hot centre of 3 x 3": (
        "organic", [4 * MM2] * 9, [0] * 4 + [1] + [0] * 4, [1, 15], "heatsink_forced_air",
    ),
    "checkerboard of 3 x 3": (
        "organic", [4 * MM2] * 9, [0, 1] * 4 + [0], [12, 1], "heatsink_forced_air",
    ),
    "stack, hot below": ("stack_hybrid", [50 * MM2] * 2, [0, 1], [50, 5], "heatsink_forced_air"),
    "stack, small and hot below": (
        "stack_hybrid", [4 * MM2, 50 * MM2], [0, 1], [15, 5], "heatsink_forced_air",
    ),
    "small hot die beside a large one": (
        "organic", [100 * MM2, 4 * MM2], [0, 1], [20, 10], "heatsink_forced_air",
    ),
    "one die of 100 mm2": ("monolithic", [100 * MM2], [0], [80], "heatsink_forced_air"),
    "one die of 1 mm2": ("monolithic", [1 * MM2], [0], [8], "heatsink_forced_air"),
}  # fmt: skip


def geometry_of(arrangement: str, areas: list[float], kinds: list[int], cooling: str) -> Geometry:
    """A package with the default materials."""
    dies = tuple(
        DieOutline(name=f"die {i}", area_m2=area, kind=kind)
        for i, (area, kind) in enumerate(zip(areas, kinds, strict=True))
    )
    return Geometry(
        arrangement=arrangement,
        dies=dies,
        cooling=cooling,
        interface_material="interface_typical",
        spreader_material="copper",
        die_material="silicon",
        die_thickness_m=15e-5,
        spreader_side_m=0.03,
        sink_side_m=0.06,
    )


def before(stack: Stack, power_w: np.ndarray) -> float:
    """Rise of the hottest cell on the mesh that was the default before [K]."""
    ratio = 1 / 1.2036  # conductivity at 350 K over that at 300 K, by Glassbrenner and Slack's fit
    layers = []
    for layer in stack.layers:
        regions = tuple(
            (r, dataclasses.replace(m, conductivity_w_per_mk=m.conductivity_w_per_mk * ratio))
            if m.softening
            else (r, m)
            for r, m in layer.regions
        )
        slices = 3 if layer.name == "sink" else 1
        layers.append(dataclasses.replace(layer, regions=regions, slices=slices))
    operator = solve(assemble(dataclasses.replace(stack, layers=tuple(layers)), 16))
    return float(operator.peak_rise(power_w).max())


def main() -> None:
    for name, (arrangement, areas, kinds, watts, cooling) in CASES.items():
        stack = layers_of(geometry_of(arrangement, areas, kinds, cooling), Sources())
        fold = fold_of(stack, tuple(kinds))
        power = np.array([watts[kinds[i]] for i in fold.sources], dtype=float)
        rises, stated = [], []
        for cells in (CELLS, CELLS * 3 // 2, 2 * CELLS):
            peak, error = refined(stack, fold, cells).peak_rise(power)
            rises.append(float(peak.max()))
            stated.append(float(error[peak.argmax()]))
        old = before(stack, np.array([watts[kind] for kind in kinds], dtype=float))
        print(
            json.dumps(
                {
                    "case": name,
                    "rise_k": [round(rise, 3) for rise in rises],
                    "off_frac": round(rises[0] / rises[-1] - 1, 4),
                    "stated_frac": round(stated[0] / rises[0], 4),
                    "stated_finest_frac": round(stated[-1] / rises[-1], 4),
                    "before_off_frac": round(old / rises[-1] - 1, 4),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
