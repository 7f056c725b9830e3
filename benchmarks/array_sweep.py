"""A cold sweep of rows and columns of `mac_array`, shared against flat: one JSON line.

The shared sweep is run with an empty store. At the same time, flat points are run for some of its
sizes, each with an empty store, and a line through them (processor time over elements) gives the
time of a flat sweep of all sizes. Compiled kernels and the library are in the cache before.

    python benchmarks/array_sweep.py
    python benchmarks/array_sweep.py --sides 4 8 --flat 4x4 8x4 8x8
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from chipdse.api.point import evaluate_point
from chipdse.paths import cache_folder

SIDES = (4, 5, 6, 8, 12, 16, 32)
FLAT = ("4x4", "6x6", "8x8", "12x8")
LENGTH = 96  # steps of the workload
SWEEP = """
question = "What do arrays of {sides} rows and columns cost?"
block = "mac_array"
rules = ["rows >= columns"]

[hardware]
rows = {sides}
columns = {sides}

[workload]
length = {length}

[library]
name = "sky130"

[synthesis]
hierarchy = "shared"

[physical]
wires = "formula"
glitches = false

[objectives]
energy_per_op_j = "minimize"
block_area_m2 = "minimize"

[search]
trials = {points}
seed = 1
sampler = "grid"
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--sides", nargs="*", type=int, default=list(SIDES))
    arguments.add_argument("--flat", nargs="*", default=list(FLAT), metavar="ROWSxCOLUMNS")
    arguments.add_argument("--workers", type=int, default=1)
    given = arguments.parse_args()
    sizes = [(rows, columns) for rows in given.sides for columns in given.sides if rows >= columns]
    elements = sum(rows * columns for rows, columns in sizes)
    evaluate_point("mac_array", {"rows": 1, "columns": 1})  # fills the cache
    with ThreadPoolExecutor(2) as pool:  # one command on each of two cores
        sweep = pool.submit(shared_sweep, given.sides, len(sizes), given.workers)
        flat = [flat_point(*map(int, size.split("x"))) for size in given.flat]
        shared = sweep.result()
    slope_s, constant_s = np.polyfit(
        [point["elements"] for point in flat], [point["processor_s"] for point in flat], 1
    )
    fitted_s = constant_s * len(sizes) + slope_s * elements
    result = {
        "points": len(sizes),
        "elements": elements,
        "shared": shared,
        "flat": flat,
        "flat_s_per_element": round(slope_s, 4),
        "flat_constant_s": round(constant_s, 2),
        "flat_fitted_s": round(fitted_s),
        "ratio": round(shared["processor_s"] / fitted_s, 3),
    }
    print(json.dumps({"benchmark": "array_sweep", "results": result}))


def shared_sweep(sides: list[int], points: int, workers: int) -> dict[str, float]:
    """A cold sweep of all pairs of sides with shared synthesis."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sweep.toml").write_text(SWEEP.format(sides=sides, length=LENGTH, points=points))
        command = ["sweep", "sweep.toml", "--study", "study", "--no-report"]
        return spent([*command, "--workers", str(workers)], folder)


def flat_point(rows: int, columns: int) -> dict[str, float]:
    """A cold point with flat synthesis."""
    command = ["eval", "mac_array", "--set", f"rows={rows}", "--set", f"columns={columns}"]
    command += ["--workload", f"length={LENGTH}", "--library", "sky130"]
    command += ["--physical", "wires=formula", "--physical", "glitches=false"]
    with tempfile.TemporaryDirectory() as name:
        return {"elements": rows * columns, **spent(command, Path(name))}


def spent(command: list[str], folder: Path) -> dict[str, float]:
    """Processor time [s] of a command with an empty store, programs included, and units mapped."""
    cache = folder / "cache"
    shutil.copytree(cache_folder(), cache, ignore=shutil.ignore_patterns("stages"))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chipdse", *command],
            cwd=folder,
            env=os.environ | {"CHIPDSE_CACHE": str(cache)},
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed: {(folder / 'log').read_text()}")
    mapped = [path for path in cache.glob("stages/map-module/*") if path.is_dir()]
    return {
        "processor_s": round(usage.ru_utime + usage.ru_stime, 1),
        "largest_process_mb": round(usage.ru_maxrss / 1024),
        "mapped_units": len(mapped),
    }


if __name__ == "__main__":
    main()
