"""The placer: wire length against reference placements, and cost over size: one JSON line.

    python benchmarks/placer.py REFERENCE.npz ...    # read by `placer.problem.read_problem`
    python benchmarks/placer.py REFERENCE.npz ... --shuffles 20   # numbered at random
    python benchmarks/placer.py REFERENCE.npz ... --clustered     # start from clusters of cells
    python benchmarks/placer.py --sizes 1000,10000,100000
    python benchmarks/placer.py --full 144,256     # full cores against simulated annealing

Designs of a size are made: cells on a square, each wired to a few others at distances drawn from
a power law, so that wires are mostly short, as Rent's rule has it. Times are of the process.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.annealing import full_core_row
from chipdse.netlist.layout.placer.place import place
from chipdse.netlist.layout.placer.problem import PlacementProblem, read_problem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--sizes", default="")
    parser.add_argument("--full", default="", help="cells of full cores, against annealing")
    parser.add_argument("--shuffles", type=int, default=0)
    parser.add_argument("--clustered", action="store_true", help="start from clusters of cells")
    parser.add_argument("--numpy", action="store_true", help="without the compiled loops")
    arguments = parser.parse_args()
    compiled = None if not arguments.numpy else False
    rows = []
    for file in arguments.files:
        problem, reference_m = read_problem(file)
        measured_rows = [_placed(problem, compiled, arguments.clustered)]
        measured_rows += [
            _placed(shuffled(problem, k), compiled, arguments.clustered)
            for k in range(arguments.shuffles)
        ]
        over = [row["wire_m"] / reference_m for row in measured_rows]
        row = {"design": file.stem, **measured_rows[0], "over_reference": over[0]}
        if arguments.shuffles:
            row["over_reference_range"] = [min(over), max(over)]
            row["overflow_most"] = max(row["overflow"] for row in measured_rows)
            row["cpu_ms_per_cell_range"] = [
                pick(row["cpu_ms_per_cell"] for row in measured_rows) for pick in (min, max)
            ]
        rows.append(row)
    for size in filter(None, arguments.sizes.split(",")):
        rows.append(
            {"design": "made", **_placed(random_problem(int(size)), compiled, arguments.clustered)}
        )
    for size in filter(None, arguments.full.split(",")):
        rows.append({"design": "full core, over annealing", **full_core_row(int(size))})
    print(json.dumps({"benchmark": "placer", "compiled": not arguments.numpy, "results": rows}))


def _placed(problem: PlacementProblem, compiled: bool | None, clustered: bool) -> dict[str, Any]:
    began = time.process_time()
    measured_rows = place(problem, compiled=compiled, clustered=clustered)
    spent = time.process_time() - began
    cells = len(problem.cell_area_m2)
    return {
        "cells": cells,
        "wire_m": measured_rows.wire_length_m,
        "overflow": round(measured_rows.overflow, 4),
        "steps": measured_rows.steps,
        "cpu_s": round(spent, 2),
        "cpu_ms_per_cell": round(1e3 * spent / cells, 3),
    }


def shuffled(problem: PlacementProblem, seed: int) -> PlacementProblem:
    """The same design, numbered at random; with an odd seed its core is turned."""
    rng = np.random.default_rng(seed)
    cells = len(problem.cell_area_m2)
    number = np.r_[rng.permutation(cells), cells + rng.permutation(problem.port_count)]
    net = rng.permutation(int(problem.pin_net.max()) + 1)[problem.pin_net]
    order = np.lexsort((rng.random(len(net)), net))
    area = np.empty(cells)
    area[number[:cells]] = problem.cell_area_m2
    width, height = problem.core_width_m, problem.core_height_m
    return dataclasses.replace(
        problem,
        pin_net=net[order].astype(np.int32),
        pin_node=number[problem.pin_node][order].astype(np.int32),
        cell_area_m2=area,
        core_width_m=height if seed % 2 else width,
        core_height_m=width if seed % 2 else height,
    )


def random_problem(cells: int) -> PlacementProblem:
    """A design of that many cells: nets of 2 to 5 pins, lengths from a power law."""
    rng = np.random.default_rng(cells)
    side = math.ceil(math.sqrt(cells))
    driver = np.arange(cells)
    loads = rng.choice([1, 1, 1, 2, 2, 3, 4], cells)
    owner = np.repeat(driver, loads)
    reach = (1 - rng.random(len(owner))) ** -0.7  # P(distance > r) falls as r^-1.4
    angle = rng.uniform(0, 2 * np.pi, len(owner))
    x = np.clip(np.rint(owner % side + reach * np.cos(angle)), 0, side - 1)
    y = np.clip(np.rint(owner // side + reach * np.sin(angle)), 0, side - 1)
    target = np.minimum((y * side + x).astype(np.int64), cells - 1)
    ports = 4 * math.ceil(cells**0.5 / 4)
    nets = np.concatenate([driver, owner, rng.choice(cells, ports)])
    nodes = np.concatenate([driver, target, cells + np.arange(ports)])
    order = np.argsort(nets, kind="stable")
    area = rng.choice([3.75, 5.0, 7.5, 21.0], cells, p=[0.45, 0.3, 0.15, 0.1]) * 1e-12
    edge = math.sqrt(float(area.sum()) / 0.6)
    return PlacementProblem(
        pin_net=nets[order].astype(np.int32),
        pin_node=nodes[order].astype(np.int32),
        cell_area_m2=area,
        port_count=ports,
        core_width_m=edge,
        core_height_m=edge,
        target_density=0.7,
    )


if __name__ == "__main__":
    main()
