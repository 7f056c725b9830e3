"""Wire length by formula and buffers of the clock tree against routed designs: one JSON line.

    python benchmarks/routed_designs.py DESIGNS.csv

A row a design, as OpenROAD-flow-scripts' metadata have them: `pdk`, `design`, `dp_cells` and
`dp_area` (cells and their area [µm²] after detailed placement), `wl` (routed length [µm]), `seq`
(registers) and `ckbuf` (clock buffers). Errors are of the estimate against the routed design.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.netlist.layout.wires import published_length_m
from chipdse.technology.calibration import calibration_of
from chipdse.technology.constants import Sources

LARGE = 500
"""Registers from which on clock trees are compared: what the sinks a buffer are medians of."""
PROCESS = {"sky130hd": "sky130"}
"""Names of a process in our constants, where the flow's platform has another."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a table of routed designs")
    with parser.parse_args().file.open(newline="") as table:
        designs = list(csv.DictReader(table))
    print(json.dumps({"wires": wires(designs), "clock_buffers": clock_buffers(designs)}))


def wires(designs: list[dict[str, str]]) -> dict[str, Any]:
    """Total length by formula, by platform and of all."""
    found: dict[str, list[float]] = {}
    for row in designs:
        if row["wl"]:
            area_m2 = float(row["dp_area"]) * 1e-12
            estimate = published_length_m(int(float(row["dp_cells"])), area_m2, Sources())
            found.setdefault(row["pdk"], []).append(estimate / (float(row["wl"]) * 1e-6) - 1)
    whole = [error for errors in found.values() for error in errors]
    return {name: _spread(np.array(errors)) for name, errors in {**found, "all": whole}.items()}


def clock_buffers(designs: list[dict[str, str]]) -> dict[str, Any]:
    """Buffers of the trees of large designs, by platform."""
    found = dict[str, list[float]]()
    for row in designs:
        sinks, there = (int(float(row[name] or 0)) for name in ("seq", "ckbuf"))
        if sinks >= LARGE and there:
            process = PROCESS.get(row["pdk"], row["pdk"])
            estimate = math.ceil(sinks / calibration_of(process).sinks_per_leaf)
            found.setdefault(row["pdk"], []).append(estimate / there - 1)
    return {name: _spread(np.array(errors)) for name, errors in found.items()}


def _spread(errors: NDArray[np.float64]) -> dict[str, float]:
    sizes = np.abs(errors)
    return {
        "designs": len(errors),
        "median": round(float(np.median(sizes)), 3),
        "percentile_90": round(float(np.percentile(sizes, 90)), 3),
        "least": round(float(errors.min()), 3),
        "most": round(float(errors.max()), 3),
    }


if __name__ == "__main__":
    main()
