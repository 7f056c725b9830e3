"""What wires, clock tree and glitches add to a mapped block: one JSON line.

Every block is simulated and synthesised once a library and mapped to `--goal`; then each level of
physical effect is measured on that netlist, at nominal supply and the shortest clock period.

    python benchmarks/physical_levels.py --library sky130hd=FILE.lib.gz --library ihp=FILE.lib.gz
    python benchmarks/physical_levels.py --library ... --only fir,keccak
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block, make_record
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.layout.wires import published_length_m
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import measure
from chipdse.store.store import Store, default_store
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Sources

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "mac_array": ("mac_array", {"rows": 2, "columns": 2}),
    "mac_array gated": ("mac_array", {"rows": 2, "columns": 2, "gating": "zero"}),
    "fir": ("fir", {"taps": 8, "data_bits": 8, "coefficient_bits": 8}),
    "fir pipelined": (
        "fir",
        {"taps": 8, "data_bits": 8, "coefficient_bits": 8, "pipeline_stages": 1},
    ),
    "multiplier": ("multiplier", {"bits": 16}),
    "multiplier pipelined": ("multiplier", {"bits": 16, "pipeline_stages": 2}),
    "fft": ("fft", {"points": 16}),
    "keccak": ("keccak", {}),
    "ascon": ("ascon", {}),
}
WIRES_ALONE = {"clock_tree": False, "added_cells": False, "glitches": False}
LEVELS: dict[str, dict[str, Any]] = {
    "none": {"wires": "none", "clock_tree": False, "glitches": False},
    "formula": {"wires": "formula", **WIRES_ALONE},
    "placed": {"wires": "placed", **WIRES_ALONE},
    "placed, clock tree": {"wires": "placed", **WIRES_ALONE, "clock_tree": True},
    "all": {"wires": "placed", "clock_tree": True, "glitches": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--only", help="cases, with commas")
    parser.add_argument("--goal", default="balanced", help="of mapping: balanced or delay")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",") if arguments.only else list(CASES)
    rows = []
    for library in arguments.library:
        name, _, file = library.partition("=")
        choice = LibraryChoice(files=(Path(file).absolute(),))
        rows += [
            {"library": name, "case": case, **_case(case, choice, arguments.goal)}
            for case in wanted
        ]
    print(json.dumps({"benchmark": "physical_levels", "results": rows}))


def _case(case: str, choice: LibraryChoice, goal: str) -> dict[str, Any]:
    block, hardware_parameters = CASES[case]
    record = find_block(block)
    design = Design(
        block=record,
        parameters=make_record(record.parameters, hardware_parameters, block),
        workload=make_record(record.workload, {}, block),
        library=choice,
        synthesis=make_record(SynthesisOptions, {"goal": goal}, "synthesis"),
        package=PackageParameters(node_nm=130.0),
    )
    store = Store(root=default_store())
    _, hardware = build_hardware(design, store)
    levels = {}
    for level, options in LEVELS.items():
        physical = PhysicalOptions(**options)
        began = time.process_time()
        report, _ = measure(dataclasses.replace(design, physical=physical), hardware, store)
        levels[level] = {
            "cpu_s": round(time.process_time() - began, 2),
            "wire_mm": round(report.wire_length_m * 1e3, 2),
            "delay_ns": round(report.critical_path_s * 1e9, 3),
            "energy_pj_per_cycle": round(
                (report.block_power_w - report.block_leakage_power_w)
                / report.clock_frequency_hz
                * 1e12,
                3,
            ),
            "wires_frac": round(report.block_wire_power_w / report.block_power_w, 3),
            "clock_tree_frac": round(report.block_clock_tree_power_w / report.block_power_w, 3),
            "glitch_frac": round(report.block_glitch_power_w / report.block_power_w, 3),
            "energy_pj_per_op": round(report.block_energy_per_op_j * 1e12, 3),
        }
    published = published_length_m(report.block_cell_count, report.block_area_m2, Sources())
    return {
        "cells": report.block_cell_count,
        "registers": report.block_flip_flop_count,
        "clock_buffers": report.clock_buffer_count,
        "cell_area_um2": round(report.block_area_m2 * 1e12),
        "wire_over_published": round(report.wire_length_m / published, 2),
        "levels": levels,
    }


if __name__ == "__main__":
    main()
