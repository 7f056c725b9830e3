"""Which designs are best, before and after wires, clock tree and glitches count: one JSON line.

Variants of a multiply-accumulate array and of a filter, each at several supplies, are measured at
two levels: as mapped, and with everything. Per level: the front of energy per operation against
throughput per area, and what clock gating, operand isolation and pipelining save.

    python benchmarks/physical_front.py
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

import numpy as np

from chipdse.design import (
    Design,
    LibraryChoice,
    OperatingPoint,
    PhysicalOptions,
    find_block,
    make_record,
)
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import measure
from chipdse.store.store import Store, default_store
from chipdse.study.results.front import is_on_front

MAC = {"rows": 2, "columns": 2}
FIR = {"taps": 8, "data_bits": 8, "coefficient_bits": 8}
SPARSE = {"sparsity": 0.7}
# Block, hardware, synthesis, workload.
Variant = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]
VARIANTS: dict[str, Variant] = {
    "mac": ("mac_array", MAC, {}, SPARSE),
    "mac, for delay": ("mac_array", MAC, {"goal": "delay"}, SPARSE),
    "mac, balanced": ("mac_array", MAC, {"goal": "balanced"}, SPARSE),
    "mac, carry save": ("mac_array", MAC | {"accumulation": "carry_save"}, {}, SPARSE),
    "mac, 1 stage": ("mac_array", MAC | {"pipeline_stages": 1}, {}, SPARSE),
    "mac, 2 stages": ("mac_array", MAC | {"pipeline_stages": 2}, {}, SPARSE),
    "mac, isolated": ("mac_array", MAC | {"gating": "isolate"}, {}, SPARSE),
    "mac, zero gating": ("mac_array", MAC | {"gating": "zero"}, {}, SPARSE),
    "mac, zero gating, clock gates": (
        "mac_array",
        MAC | {"gating": "zero"},
        {"clock_gating": 8},
        SPARSE,
    ),
    "mac, isolated, clock gates": (
        "mac_array",
        MAC | {"gating": "isolate"},
        {"clock_gating": 8},
        SPARSE,
    ),
    "fir": ("fir", FIR, {}, {}),
    "fir, transposed": ("fir", FIR | {"form": "transposed"}, {}, {}),
    "fir, 1 stage": ("fir", FIR | {"pipeline_stages": 1}, {}, {}),
    "fir, for delay": ("fir", FIR, {"goal": "delay"}, {}),
    "fir, balanced": ("fir", FIR, {"goal": "balanced"}, {}),
}
SUPPLIES = (0.9, 1.2, 1.5, 1.8)
LEVELS = {
    "as mapped": PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    "everything": PhysicalOptions(wires="placed", clock_tree=True, glitches=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="sky130")
    parser.add_argument("--goal", default="balanced", help="of mapping, where a variant has none")
    arguments = parser.parse_args()
    store = Store(root=default_store())
    points = []
    for variant in VARIANTS:
        points += _points(variant, LibraryChoice(name=arguments.library), arguments.goal, store)
    fronts = {
        block: {level: _front(points, block, level) for level in LEVELS} for block in ("mac", "fir")
    }
    nominal = [point for point in points if point["vdd_v"] == max(SUPPLIES)]
    print(json.dumps({"benchmark": "physical_front", "fronts": fronts, "nominal": nominal}))


def _points(variant: str, library: LibraryChoice, goal: str, store: Store) -> list[dict[str, Any]]:
    block, hardware_parameters, synthesis, workload = VARIANTS[variant]
    record = find_block(block)
    design = Design(
        block=record,
        parameters=make_record(record.parameters, hardware_parameters, block),
        workload=make_record(record.workload, workload, block),
        library=library,
        synthesis=make_record(SynthesisOptions, {"goal": goal} | synthesis, "synthesis"),
    )
    _, hardware = build_hardware(design, store)
    points = []
    for level, physical in LEVELS.items():
        for supply in SUPPLIES:
            at = dataclasses.replace(
                design, operating=OperatingPoint(vdd_v=supply), physical=physical
            )
            report, _ = measure(at, hardware, store)
            area = report.block_area_m2 * 1e6
            points.append(
                {
                    "variant": variant,
                    "level": level,
                    "vdd_v": supply,
                    "energy_pj_per_op": round(report.block_energy_per_op_j * 1e12, 3),
                    "mops_per_mm2": round(report.block_throughput_ops_per_s / area / 1e6, 1),
                    "f_max_mhz": round(report.f_max_hz / 1e6, 1),
                    "glitch_frac": round(report.block_glitch_power_w / report.block_power_w, 3),
                    "clock_frac": round(report.block_clock_tree_power_w / report.block_power_w, 3),
                    "wire_frac": round(report.block_wire_power_w / report.block_power_w, 3),
                }
            )
    return points


def _front(points: list[dict[str, Any]], block: str, level: str) -> list[str]:
    """Variants on the front, best energy first, with the supplies at which they are on it."""
    of_block = [p for p in points if p["level"] == level and p["variant"].startswith(block)]
    goals = np.array([[p["energy_pj_per_op"], -p["mops_per_mm2"]] for p in of_block])
    best = [p for p, on in zip(of_block, is_on_front(goals), strict=True) if on]
    best.sort(key=lambda p: p["energy_pj_per_op"])
    return [f"{p['variant']} at {p['vdd_v']} V" for p in best]


if __name__ == "__main__":
    main()
