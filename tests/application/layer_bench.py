"""cocotb bench that runs whole layers on `mac_array`, tile by tile, and counts what happens.

It follows the ports only: an operand is read from the layer's matrices when it is offered for the
first time, a step counts when the array accepts it, a result is written when its row is valid.
Nothing here knows how many cycles a tile takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from chipdse_hdl.bench.testbench import pack, reset, start, unpack
from chipdse_hdl.mac_array.parameters import MacArrayParameters
from cocotb.triggers import FallingEdge


@dataclass(frozen=True, kw_only=True)
class LayerWorkload:
    """A folder with `layers.npz`: of each layer NAME the matrices NAME_a and NAME_b."""

    folder: str


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Used rows of A and columns of B of one tile, and where its results go."""

    product: int
    row: int
    column: int
    rows: int
    columns: int


def tiles_of(p: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> Iterator[Tile]:
    """The tiles of A[product, m, k] @ B[product, k, n], columns of C first."""
    products, m, _ = a.shape
    n = b.shape[2]
    for product in range(products):
        for row in range(0, m, p.rows):
            for column in range(0, n, p.columns):
                yield Tile(
                    product=product,
                    row=row,
                    column=column,
                    rows=min(p.rows, m - row),
                    columns=min(p.columns, n - column),
                )


class Memory:
    """Matrices of which every word that is read or written counts."""

    def __init__(self, p: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> None:
        self.parameters, self.a, self.b = p, a, b
        self.c = np.zeros((len(a), a.shape[1], b.shape[2]), np.int64)
        self.reads = self.writes = 0

    def step(self, tile: Tile, k: int) -> tuple[int, int]:
        """The words of the ports `a` and `b` for one step; unused rows and columns are zero."""
        p = self.parameters
        left, top = np.zeros((1, p.rows), np.int64), np.zeros((1, p.columns), np.int64)
        left[0, : tile.rows] = self.a[tile.product, tile.row : tile.row + tile.rows, k]
        top[0, : tile.columns] = self.b[tile.product, k, tile.column : tile.column + tile.columns]
        self.reads += tile.rows + tile.columns
        return pack(left, p.operand_bits)[0], pack(top, p.operand_bits)[0]

    def result(self, tile: Tile, i: int, j: int, value: int) -> bool:
        """Take a result; False for a row or column that the tile does not use."""
        if i >= tile.rows or j >= tile.columns:
            return False
        self.c[tile.product, tile.row + i, tile.column + j] = value
        self.writes += 1
        return True


async def run_layer(dut: Any, p: MacArrayParameters, memory: Memory) -> dict[str, int]:
    """Run a layer as fast as the array takes it, and one more tile to see when it is free again.

    Returns
    -------
    cycles : from the end of the first tile's operands to the end of the further tile's
    latency_cycles : from the first operand to the last result that is used
    """
    tiles = list(tiles_of(p, memory.a, memory.b))
    depth = memory.a.shape[2]
    cycle, index, k = 0, 0, 0
    offered: tuple[int, int] | None = None
    first: int | None = None
    ends: list[int] = []
    taken = [0] * p.rows
    last_result = 0
    edge = FallingEdge(dut.clk)
    while len(ends) <= len(tiles) or min(taken) < len(tiles) * p.columns:
        offering = index <= len(tiles)
        last = k == depth - 1
        if offering and offered is None:
            offered = (0, 0) if index == len(tiles) else memory.step(tiles[index], k)
            dut.a.value, dut.b.value = offered
        dut.valid.value, dut.last.value = int(offering), int(offering and last)
        ready = bool(int(dut.ready.value)) or (p.overlapped_drain and not last)
        valid = int(dut.c_valid.value)
        if valid:
            word = int(str(dut.c.value).replace("X", "0").replace("x", "0"), 2)
            values = unpack([word], p.accumulator_bits, p.rows, p.signed)[0]
            for i in range(p.rows):
                if valid >> i & 1:
                    number, j = divmod(taken[i], p.columns)
                    taken[i] += 1
                    if number < len(tiles) and memory.result(tiles[number], i, j, int(values[i])):
                        last_result = cycle
        if offering and ready:
            first = cycle if first is None else first
            offered, k = None, k + 1
            if last:
                ends.append(cycle)
                index, k = index + 1, 0
        await edge
        cycle += 1
    assert first is not None
    return {
        "cycles": ends[-1] - ends[0],
        "latency_cycles": last_result - first + 1,
        "reads": memory.reads,
        "writes": memory.writes,
    }


@cocotb.test()
async def layers_run(dut: Any) -> None:
    p = MacArrayParameters(**json.loads(os.environ["HDL_PARAMETERS"]))
    folder = Path(json.loads(os.environ["HDL_WORKLOAD"])["folder"])
    matrices = np.load(folder / "layers.npz")
    names = [name.removesuffix("_a") for name in matrices if name.endswith("_a")]
    results = {}
    await start(dut)
    for name in names:
        memory = Memory(p, matrices[f"{name}_a"], matrices[f"{name}_b"])
        await reset(dut, ["a", "b", "valid", "last"], 0)
        results[name] = await run_layer(dut, p, memory)
        np.save(folder / f"{name}_c.npy", memory.c)
    Path(os.environ["HDL_RESULT"]).write_text(json.dumps(results))
