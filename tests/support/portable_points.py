"""A few points through every stage after the tools, printed to the last bit: run as a program.

    python portable_points.py STORE [compiled|numpy]

Simulation and synthesis are in the store already; placement, wires, replay, glitches, timing, power
and the system models are computed here, in this process, from what they left.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from chipdse.design import (
    Design,
    LibraryChoice,
    OperatingPoint,
    PhysicalOptions,
    find_block,
    make_record,
)
from chipdse.evaluate import evaluate
from chipdse.netlist.layout.placer import place as placing
from chipdse.netlist.layout.placer.problem import PlacementProblem
from chipdse.sorting import among, distinct, distinct_rows
from chipdse.store.store import Store
from chipdse.system.parameters import PackageParameters

CELLS = 400
"""Of the design that starts from clusters, which designs of the flow do with five times as many."""
PACKAGES = (
    PackageParameters(),
    PackageParameters(arrangement="silicon_interposer", tiles=4000, chiplets=4),
)


def designs() -> list[Design]:
    """One small block at two supplies, of which one lies between characterised corners."""
    block = find_block("adder")
    design = Design(
        block=block,
        parameters=make_record(block.parameters, {"bits": 8}, "adder"),
        workload=make_record(block.workload, {"length": 64}, "adder"),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="placed"),
    )
    points = (OperatingPoint(vdd_v=1.8), OperatingPoint(vdd_v=1.33, temperature_c=61.0))
    return [
        dataclasses.replace(design, operating=point, package=package)
        for point, package in zip(points, PACKAGES, strict=True)
    ]


def computed(store: Path) -> dict[str, str]:
    """Every figure of every point, as a hexadecimal floating-point number."""
    found: dict[str, str] = {}
    for number, design in enumerate(designs()):
        for name, value in evaluate(design, Store(root=store)).flat().items():
            exact: Any = value.hex() if isinstance(value, float) else repr(value)
            found[f"{number}.{name}"] = exact
    with mock.patch.object(placing, "LEAST_CLUSTERED_CELLS", CELLS):
        placement = placing.place(problem(), clustered=True)
    placed = np.concatenate([placement.x_m, placement.y_m])
    found["clusters"] = hashlib.sha256(placed.tobytes()).hexdigest()
    found["sorted"] = sorted_digest()
    return found


def sorted_digest() -> str:
    """Distinct values, positions and membership, for arrays of many sizes and types."""
    random = np.random.default_rng(7)
    digest = hashlib.sha256()
    for size in (100, 300, 1000, 5000):
        for kind in (np.int32, np.int64, np.float32, np.float64, np.uint64):
            few = random.integers(0, 200, size).astype(kind)
            many = (random.random(size) * 2**30).astype(kind)
            rows = np.stack([few, few[::-1]], axis=1)
            parts = [*distinct(few), *distinct(many), *distinct_rows(rows), among(many, many[::3])]
            for part in parts:
                digest.update(part.tobytes())
    return digest.hexdigest()


def problem() -> PlacementProblem:
    """Cells in rows, each with a wire to two others."""
    number = np.arange(CELLS)
    pins = np.stack([number, (number + 1) % CELLS, (number + 20) % CELLS], axis=1)
    area_m2 = (4.0 + number % 5) * 1e-12
    edge_m = float(np.sqrt(area_m2.sum() / 0.6))
    return PlacementProblem(
        pin_net=np.repeat(number, 3).astype(np.int32),
        pin_node=pins.ravel().astype(np.int32),
        cell_area_m2=area_m2,
        port_count=0,
        core_width_m=edge_m,
        core_height_m=edge_m,
        target_density=0.7,
    )


def main() -> None:
    store = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        # What tools made and nothing else: the rest is computed anew.
        for stage in ("elaborate", "simulate", "synthesise"):
            if (store / stage).is_dir():
                shutil.copytree(store / stage, Path(scratch) / "store" / stage)
        print(json.dumps(computed(Path(scratch) / "store")))


if __name__ == "__main__":
    main()
