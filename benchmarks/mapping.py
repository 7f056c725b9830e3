"""What mapping for delay alone, and clock gates, do to blocks: one JSON line.

Every row goes through the whole flow with wires, clock tree and glitches, at nominal supply and the
shortest clock period; synthesis alone is timed apart (processor time), and the path of the same
netlist without wires and skew is given. On the library that ships, mapping for delay is also
evaluated at the lowest supply at which it is as fast as the default.

    python benchmarks/mapping.py --liberty LIBRARY.lib.gz --node-nm 130
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.api.point import evaluate_point
from chipdse.design import LibraryChoice, find_block
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.stages.library import library_of
from chipdse.store.store import Store

Options = dict[str, Any]
CELLS_ALONE: Options = {"wires": "none", "clock_tree": False, "glitches": False}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--liberty", type=Path, nargs="*", default=[])
    arguments.add_argument("--node-nm", type=float, default=130.0, help="of the Liberty files")
    arguments.add_argument("--blocks", nargs="*", default=["mac_array", "fir"])
    arguments.add_argument("--gated", nargs="*", default=["mac_array", "fir", "fifo"])
    arguments.add_argument("--group", type=int, default=4, help="flip-flops behind a clock gate")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        libraries: dict[str, Options] = {"sky130": {"library": "sky130"}}
        libraries |= {
            file.name: {"liberty": [file], "package": {"node_nm": given.node_nm}}
            for file in given.liberty
        }
        rows = []
        for label, library in libraries.items():
            for block in given.blocks:
                rows += list(goals(Path(name), block, label, library))
            for block in given.gated:
                for group in (0, given.group):
                    rows.append(row(Path(name), block, label, library, {"clock_gating": group}))
    print(json.dumps({"benchmark": "mapping", "results": rows}))


def goals(folder: Path, block: str, label: str, library: Options) -> Iterator[dict[str, Any]]:
    plain = row(folder, block, label, library, {"goal": "balanced"})
    fast = row(folder, block, label, library, {"goal": "delay"})
    yield plain
    yield fast
    if label != "sky130":
        return
    period_s = plain["critical_path_ns"] * 1e-9
    for vdd_v in np.arange(1.0, 1.81, 0.05):
        operating = {"vdd_v": round(float(vdd_v), 2), "clock_period_s": period_s}
        slow = row(folder, block, label, library, {"goal": "delay"}, operating)
        if slow["critical_path_ns"] * 1e-9 <= period_s:
            yield slow
            return


def row(
    folder: Path,
    block: str,
    label: str,
    library: Options,
    synthesis: Options,
    operating: Options | None = None,
) -> dict[str, Any]:
    metrics = evaluate_point(
        block, synthesis=synthesis, operating=operating, store=folder / "store", **library
    ).flat()
    described: dict[str, Any] = {"block": block, "library": label} | synthesis | (operating or {})
    if operating is None:
        described["synthesis_s"] = round(_synthesis_s(folder, block, library, synthesis), 2)
        cells_alone = evaluate_point(
            block, synthesis=synthesis, physical=CELLS_ALONE, store=folder / "store", **library
        )
        described["path_of_cells_ns"] = round(cells_alone.flat()["critical_path_s"] * 1e9, 4)
    return described | {
        "cells": metrics["block_cell_count"],
        "area_um2": round(metrics["block_area_m2"] * 1e12),
        "critical_path_ns": round(metrics["critical_path_s"] * 1e9, 4),
        "energy_pj_per_op": round(metrics["block_energy_per_op_j"] * 1e12, 3),
        "glitch_power_frac": round(metrics["block_glitch_power_w"] / metrics["block_power_w"], 3),
        "register_power_frac": round(
            metrics["block_register_power_w"] / metrics["block_power_w"], 3
        ),
        "vdd_v": metrics["vdd_v"],
    }


def _synthesis_s(folder: Path, block: str, library: Options, synthesis: Options) -> float:
    """Processor seconds of one synthesis."""
    record = find_block(block)
    rtl = elaborate(record, record.parameters(), Store(root=folder / "store"))
    files = tuple(library.get("liberty", ()))
    choice = LibraryChoice(files=files) if files else LibraryChoice(name=library["library"])
    liberty = liberty_files_for_synthesis(library_of(choice), folder / "library")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    synthesise(rtl, liberty, SynthesisOptions(**synthesis), folder / "timed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
