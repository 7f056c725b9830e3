"""Measure every point of the parts of chip.toml and keep what chips are composed of.

    nice python -m benchmarks.search.freeze_chip     # goes on if stopped

Prints one JSON line.
"""

from __future__ import annotations

import json

from benchmarks.search.frozen_chip import PARTS, read_chip_sweep
from chipdse.api.study import tool_versions
from chipdse.evaluate import evaluate
from chipdse.store.store import Store, default_store

KEPT = (
    "block_power_w",
    "block_leakage_power_w",
    "block_throughput_ops_per_s",
    "clock_frequency_hz",
    "block_area_m2",
    "block_core_area_m2",
    "library_temperature_c",
    "timing_slack_s",
    "critical_path_s",
)
DIGITS = 7


def main() -> None:
    """Measure, and write the points of each part by number, one per operating point."""
    sweep, store = read_chip_sweep(), Store(root=default_store())
    assert sweep.chip is not None
    points: dict[str, dict[int, list[dict[str, float]]]] = {}
    for part in sweep.chip.parts:
        points[part.name] = {}
        for hardware in part.hardware.points():
            point_metrics = [evaluate(design, store).flat() for design in part.designs(hardware)]
            points[part.name][part.hardware.number_of(hardware)] = [
                {name: float(f"{metrics[name]:.{DIGITS}g}") for name in KEPT}
                for metrics in point_metrics
            ]
            print(part.name, hardware, flush=True)
    data = {"versions": tool_versions(), "points": points}
    PARTS.write_text(json.dumps(data) + "\n", encoding="utf-8")
    counts = {name: len(some) for name, some in points.items()}
    print(json.dumps({"points": counts, "bytes": PARTS.stat().st_size}))


if __name__ == "__main__":
    main()
