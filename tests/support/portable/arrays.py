"""Arrays from all numerics that points use, to the last bit: run as a program, it prints them.

    python -m tests.support.portable.arrays

It loads NumPy and little of chipdse, so an emulated processor runs it in a few seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator

import numpy as np

from chipdse import numerics
from chipdse.netlist.layout.placer import place as placing
from chipdse.netlist.layout.placer.problem import PlacementProblem
from chipdse.sorting import among, distinct, distinct_rows

CELLS = 400
"""Of the design that starts from clusters, which designs of the flow do with five times as many."""


@contextlib.contextmanager
def quick_placement() -> Iterator[None]:
    """One start for each placement, and clusters in small designs too.

    Not with `unittest.mock`, which loads another 40 modules: under QEMU that takes a second.
    """
    names = ("LEAST_CLUSTERED_CELLS", "_STARTS")
    kept = [getattr(placing, name) for name in names]
    try:
        for name, value in zip(names, (CELLS, 1), strict=True):
            setattr(placing, name, value)
        yield
    finally:
        for name, value in zip(names, kept, strict=True):
            setattr(placing, name, value)


def computed() -> dict[str, str]:
    """A digest of positions, one of sorted values and one of series and products."""
    with quick_placement():
        placement = placing.place(problem(), clustered=True)
    placed = np.concatenate([placement.x_m, placement.y_m])
    return {
        "clusters": hashlib.sha256(placed.tobytes()).hexdigest(),
        "sorted": sorted_digest(),
        "numbers": numbers_digest(),
    }


def numbers_digest() -> str:
    """Functions, products and solutions, at sizes that leave rests of vectors of all lengths."""
    random = np.random.default_rng(5)
    digest = hashlib.sha256()
    for size in (1, 7, 64, 1003):
        x = random.uniform(1e-3, 40.0, size)
        of_one = [numerics.exp, numerics.expm1, numerics.log, numerics.log2, numerics.exp2]
        parts = [function(x) for function in of_one]
        parts += [numerics.power(x, x[::-1] / 9), np.array(numerics.dot(x, x))]
        left, right = random.random((size % 50, 33)), random.random((33, size % 17))
        parts += [numerics.matmul(left, right)]
        matrices = random.random((size % 11, 6, 6)) + 6 * np.eye(6)
        parts += [numerics.solve(matrices, random.random((size % 11, 6)))]
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


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


if __name__ == "__main__":
    print(json.dumps(computed()))
