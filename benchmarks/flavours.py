"""Energy of an array in the threshold flavours of a process, at full clock: one JSON line.

Each Liberty file is a flavour of its own. A 2 x 2 `mac_array` is synthesised with it and measured
at its nominal supply, with cells alone and with placed wires and glitches (no clock tree, as
there are no constants of it for such a process).

    python benchmarks/flavours.py --liberty HVT.lib.gz LVT.lib.gz
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from chipdse.api.point import evaluate_point

LEVELS: dict[str, dict[str, Any]] = {
    "cells alone": {"wires": "none", "clock_tree": False, "glitches": False},
    "wires and glitches": {
        "wires": "placed",
        "clock_tree": False,
        "added_cells": False,
        "glitches": True,
    },
}
PACKAGE = {"node_nm": 3.0, "die_overhead_frac": 4.0}
"""The finest node that has a cost, and a die large enough to stay cool at full clock."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--liberty", type=Path, nargs="+", required=True)
    arguments = parser.parse_args()
    results = [
        {"library": file.name, "level": level, **_measured(file, physical)}
        for file in arguments.liberty
        for level, physical in LEVELS.items()
    ]
    print(json.dumps({"benchmark": "flavours", "results": results}))


def _measured(file: Path, physical: dict[str, Any]) -> dict[str, float]:
    metrics = evaluate_point(
        "mac_array",
        {"rows": 2, "columns": 2},
        workload={"length": 64, "depth": 16},
        liberty=[file],
        package=PACKAGE,
        physical=physical,
    ).flat()
    return {
        "energy_fj_per_op": round(metrics["block_energy_per_op_j"] * 1e15, 2),
        "throughput_gops_per_s": round(metrics["block_throughput_ops_per_s"] * 1e-9, 3),
        "critical_path_ps": round(metrics["critical_path_s"] * 1e12, 2),
        "leakage_uw": round(metrics["block_leakage_power_w"] * 1e6, 4),
    }


if __name__ == "__main__":
    main()
