"""Cold points of `mac_array` by size: processor time and memory of each stage: one JSON line.

Each point runs in a process of its own with an empty store; compiled kernels and the library are
in the cache before the first one. A stage counts without the stages that it waits for; `other` is
what runs outside of stages: imports, the reading of the netlist, replay. The memory of a stage is
the peak of this process while the stage runs, without programs.

    python benchmarks/array_sizes.py
    python benchmarks/array_sizes.py --sizes 16 32 --hierarchies shared --wires formula
    python benchmarks/array_sizes.py --sizes 64 --hierarchies shared --wires formula \
        --without-glitches --length 192
    python benchmarks/array_sizes.py --sizes 8 16 32 --hierarchies shared --picture stages.svg
    python benchmarks/array_sizes.py --read docs/figures/array_sizes.json \
        --picture docs/concepts/array_sizes.svg
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chipdse.api.point import evaluate_point
from chipdse.store.stage import Stage


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--sizes", nargs="*", type=int, default=[4, 8, 16])
    arguments.add_argument("--hierarchies", nargs="*", default=["flat", "shared"])
    arguments.add_argument("--wires", default="auto", choices=("auto", "formula", "none"))
    arguments.add_argument("--without-glitches", action="store_true")
    arguments.add_argument("--length", type=int, default=512, help="of the workload, in steps")
    arguments.add_argument("--picture", type=Path, help="draws the stages of the last hierarchy")
    arguments.add_argument("--read", type=Path, nargs="*", help="draws earlier output instead")
    arguments.add_argument("--point", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.point:
        print(json.dumps(measured(**json.loads(given.point))))
        return
    rows = [row for file in given.read for row in read_rows(file)] if given.read else run(given)
    if given.picture:
        draw([row for row in rows if row["hierarchy"] == rows[-1]["hierarchy"]], given.picture)
    print(json.dumps({"benchmark": "array_sizes", "results": rows}))


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The results of an earlier run."""
    rows: list[dict[str, Any]] = json.loads(file.read_text())["results"]
    return rows


def run(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every size with every hierarchy."""
    glitches = not given.without_glitches
    if len(given.sizes) * len(given.hierarchies) > 1:
        in_new_process(4, "flat", given.wires, glitches, given.length)  # fills the cache
    rows = []
    for size in given.sizes:
        for kind in given.hierarchies:
            rows.append(in_new_process(size, kind, given.wires, glitches, given.length))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


_NAMES = {"map-module": "map units"}


def draw(rows: list[dict[str, Any]], picture: Path) -> None:
    """Processor time and memory of the stages over cells, both scales logarithmic.

    Rows without memory by stage show the largest process alone.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "array_sizes"
    from matplotlib import pyplot

    rows = sorted(rows, key=lambda row: row["cells"])
    stages = sorted(
        {stage for row in rows for stage in row["stages_s"]},
        key=lambda stage: -rows[-1]["stages_s"].get(stage, 0),
    )
    _, axes = pyplot.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
    names = _NAMES | ({"synthesise": "synthesise, without units"} if "map-module" in stages else {})
    cells = [row["cells"] for row in rows]
    kinds = (("stages_s", 1, "processor time [s]"), ("stages_mb", 1e-3, "peak memory [GB]"))
    for axis, (kind, scale, title) in zip(axes, kinds, strict=True):
        for stage in stages:
            values = [(r["cells"], r.get(kind, {}).get(stage)) for r in rows]
            points = [(count, value * scale) for count, value in values if value is not None]
            if points:
                axis.loglog(*zip(*points, strict=True), marker="o", label=names.get(stage, stage))
        axis.set(xlabel="cells", ylabel=title)
    totals = (("sum", [row["processor_s"] for row in rows]),)
    totals += (("largest process", [row["memory_mb"] * 1e-3 for row in rows]),)
    for axis, (label, values) in zip(axes, totals, strict=True):
        axis.loglog(cells, values, color="black", marker="s", label=label)
        scale = values[-1] / cells[-1]
        line = [count * scale for count in cells]
        axis.loglog(cells, line, color="gray", linestyle=":", label="in proportion to cells")
        axis.legend(fontsize=8)
    pyplot.savefig(picture, metadata={"Date": None})


def in_new_process(
    size: int, hierarchy: str, wires: str, glitches: bool, length: int
) -> dict[str, Any]:
    """The figures of one cold point, with the memory of its process and of its programs alone."""
    point = {"size": size, "hierarchy": hierarchy, "wires": wires, "glitches": glitches}
    point["length"] = length
    done = subprocess.run(
        [sys.executable, __file__, "--point", json.dumps(point)], stdout=subprocess.PIPE, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


class _Clock:
    """Processor time by stage [s], of this process and of its programs, and peak memory [MB]."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}
        self.peak_mb: dict[str, float] = {}
        self.running = ["other"]
        self.since_s = 0.0

    def lap(self) -> None:
        """Count the time since the last lap for the stage that runs."""
        now_s = sum(used.ru_utime + used.ru_stime for used in _usage())
        name = self.running[-1]
        self.spent_s[name] = self.spent_s.get(name, 0.0) + now_s - self.since_s
        self.since_s = now_s
        self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), _peak_mb())

    def watch(self) -> None:
        """Count each stage from now on."""
        folder = Stage.folder

        def watched(stage: Stage, *values: Any, **options: Any) -> Path:
            self.lap()
            self.running.append(stage.name)
            try:
                return folder(stage, *values, **options)
            finally:
                self.lap()
                self.running.pop()

        Stage.folder = watched  # type: ignore[method-assign]


def _peak_mb() -> float:
    """The most memory that this process had since the last call (Linux)."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]
    Path("/proc/self/clear_refs").write_text("5")
    return int(kilobytes) / 1024


def _usage() -> list[resource.struct_rusage]:
    return [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]


def measured(size: int, hierarchy: str, wires: str, glitches: bool, length: int) -> dict[str, Any]:
    """Processor time [s] in total and by stage, peak memory [MB] and cells of one cold point.

    The peak memory is that of the largest process, by stage that of this process; `memory_sum_mb`
    adds the largest program to this process, so that it is an upper bound for both together.
    """
    started_s = time.monotonic()
    clock = _Clock()
    clock.watch()
    with tempfile.TemporaryDirectory() as name:
        metrics = evaluate_point(
            "mac_array",
            {"rows": size, "columns": size},
            workload={"length": length},
            synthesis={"hierarchy": hierarchy},
            physical={"wires": wires, "glitches": glitches},
            store=Path(name),
        ).flat()
    clock.lap()
    usage = _usage()
    own_mb, program_mb = max(clock.peak_mb.values()), usage[1].ru_maxrss / 1024
    return {
        "size": size,
        "hierarchy": hierarchy,
        "cells": metrics["block_cell_count"],
        "cycles": metrics.get("cycles"),
        "processor_s": round(sum(clock.spent_s.values()), 2),
        "programs_s": round(usage[1].ru_utime + usage[1].ru_stime, 2),
        "stages_s": {stage: round(spent, 2) for stage, spent in clock.spent_s.items()},
        "stages_mb": {stage: round(peak) for stage, peak in clock.peak_mb.items()},
        "elapsed_s": round(time.monotonic() - started_s, 1),
        "memory_mb": round(max(own_mb, program_mb)),
        "memory_sum_mb": round(own_mb + program_mb),
        "area_um2": round(metrics["block_area_m2"] * 1e12),
        "f_max_mhz": round(1e-6 / metrics["critical_path_s"], 3),
        "energy_pj_per_op": round(metrics["block_energy_per_op_j"] * 1e12, 4),
    }


if __name__ == "__main__":
    main()
