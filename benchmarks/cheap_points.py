"""How fast supplies, clocks and packages are evaluated around a netlist that is there already.

    python benchmarks/cheap_points.py            # all of this
    python benchmarks/cheap_points.py --views    # typical and guaranteed points, and their ratio

A sweep of `mac_array` with 20,412 cheap points around each of two designs. After both have been
simulated and synthesised: the first design's cheap points with everything cold (corners of 18
supplies read, thermal models of all packages made), again, the second design's, and both when only
package values of the sweep file have changed. Prints one JSON line, points per second of one core.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from chipdse.store.store import Store
from chipdse.study.harvest.harvest import harvest_point
from chipdse.study.question.sweep_file import read_sweep

TILES = "tiles = [256, 1024, 2048, 4096, 8192, 16384]"
SWEEP = f"""
block = "mac_array"
[hardware]
rows = [1, 2]
columns = 2
operand_bits = 6
[workload]
length = 128
depth = 16
[library]
name = "sky130"
[operating]
vdd_v = [0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0,
    1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8]
clock_frac = [0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0]
[package]
node_nm = 130.0
{TILES}
arrangement = ["monolithic", "organic", "silicon_interposer"]
chiplets = [1, 2, 4, 8]
local_traffic_frac = [0.8, 0.9, 0.95]
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
cost_usd = "minimize"
[search]
trials = 2
"""


# The supply voltages that the guaranteed view covers with the default tolerance.
BOTH_VIEWS = SWEEP.replace("0.6, 0.65, 0.7, ", "").replace("[package]", 'view = "VIEW"\n[package]')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", action="store_true")
    if parser.parse_args().views:
        print(json.dumps(_views()))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built, first, changed = (
            folder / f"{file_name}.toml" for file_name in ("built", "first", "changed")
        )
        built.write_text(SWEEP.replace(TILES, "tiles = 64"))
        first.write_text(SWEEP)
        changed.write_text(SWEEP.replace(TILES, "tiles = [300, 900, 1500, 3000, 7000, 12000]"))
        store = folder / "store"
        points = list(read_sweep(first).proposed_space.points())
        for point in points:  # built, so that only reading is left
            harvest_point(read_sweep(built), point, Store(root=store))
        times = {
            "cold": _rate(first, points[:1], store),
            "again": _rate(first, points[:1], store),
            "next_design": _rate(first, points[1:], store),
            "package_changed": _rate(changed, points, store),
        }
    print(json.dumps(times))


def _views() -> dict[str, float]:
    """Cheap points per second of processor time in either view, mismatch included, alternating."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {view: folder / f"{view}.toml" for view in ("typical", "guaranteed")}
        store, times = folder / "store", dict.fromkeys(files, 0.0)
        for view, file in files.items():
            file.write_text(BOTH_VIEWS.replace("VIEW", view))
        points = list(read_sweep(files["typical"]).proposed_space.points())[:1]
        for round_number in range(3):  # the first one builds the design
            for view, file in files.items():
                rate = _rate(file, points, store)
                if round_number:
                    times[view] = max(times[view], rate)
    return {**times, "ratio": round(times["guaranteed"] / times["typical"], 3)}


def _rate(file: Path, points: list[dict[str, object]], store: Path) -> float:
    """Cheap points per second of processor time."""
    sweep, count = read_sweep(file), 0
    start = time.process_time()
    for point in points:
        count += harvest_point(sweep, point, Store(root=store)).evaluated
    return round(count / (time.process_time() - start))


if __name__ == "__main__":
    main()
