"""Tiles of a layer's own operands, as an array forms them: all of them, or a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from chipdse_hdl.contract import ArrayContract

from chipdse.application.tensors import Operands
from chipdse.arrays import Int64s
from chipdse.errors import DesignError

MOST_STEPS = 2048
"""Steps of the tiles that are drawn of one layer, if they are not fewer in all."""
LEAST_TILES = 4
SEED = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiles:
    """Tiles in the order in which the array forms them, padded with zeros at the edges.

    a : [tile, row, step]
    b : [tile, step, column]
    total : tiles of all batches, of which these were drawn
    macs : of the layer, in all batches, without the padding
    """

    a: Int64s
    b: Int64s
    total: int
    macs: int

    def mean_error_j(self, deviation_j: float) -> float:
        """Standard error of the energy per MAC of the layer; 0 where no tile was left out.

        Parameters
        ----------
        deviation_j : standard deviation of the energy of the drawn tiles
        """
        drawn = len(self.a)
        of_mean_j = deviation_j / math.sqrt(drawn) * math.sqrt(1 - drawn / self.total)
        return of_mean_j * self.total / self.macs

    @property
    def padding_factor(self) -> float:
        """MACs of the tiles with their padding over those of the layer."""
        _, rows, depth = self.a.shape
        return float(self.total * rows * depth * self.b.shape[2] / self.macs)


def draw_tiles(operands: Operands, contract: ArrayContract, layer: str) -> Tiles:
    """The tiles of a layer that an array with this contract would form.

    Tiles are drawn without repetition, each with the same chance, so that edges have their share.

    Parameters
    ----------
    layer : its name, for messages

    Raises
    ------
    DesignError : an operand, or a sum of a drawn tile, is beyond the range of the array
    """
    for name, array in (("inputs", operands.a), ("weights", operands.b)):
        _check_range(
            array, contract.operand_range, f"tensors: {name} of layer {layer!r}", "operand"
        )
    batches, products, m, k = operands.a.shape
    n = operands.b.shape[3]
    shape = (batches, products, -(-m // contract.rows), -(-n // contract.columns))
    total = int(np.prod(shape))
    count = min(total, max(MOST_STEPS // k, LEAST_TILES))
    drawn = np.arange(total)
    if count < total:
        drawn = np.sort(np.random.default_rng(SEED).choice(total, count, replace=False))
    batch, product, row, column = np.unravel_index(drawn, shape)
    a = np.zeros((count, contract.rows, k), np.int64)
    b = np.zeros((count, k, contract.columns), np.int64)
    for at in range(count):
        top, left = row[at] * contract.rows, column[at] * contract.columns
        rows = operands.a[batch[at], product[at], top : top + contract.rows]
        shared = batch[at] if len(operands.b) > 1 else 0
        columns = operands.b[shared, product[at], :, left : left + contract.columns]
        a[at, : len(rows)], b[at, :, : columns.shape[1]] = rows, columns
    _check_range(a @ b, contract.result_range, f"tensors: sums of layer {layer!r}", "result")
    return Tiles(a=a, b=b, total=total, macs=batches * products * m * n * k)


def _check_range(array: Int64s, limits: tuple[int, int], what: str, kind: str) -> None:
    lowest, highest = int(array.min()), int(array.max())
    if lowest < limits[0] or highest > limits[1]:
        raise DesignError(
            f"{what} are from {lowest} to {highest}, and the array's {kind}s from {limits[0]} to "
            f"{limits[1]}; use a wider {kind}, or quantise to fewer bits"
        )
