"""Layers on arrays of multipliers: cycles, operand reads and result writes.

Every function broadcasts columns of layers against columns of arrays, so that many chips and many
layers are one call. Numbers of cycles and accesses are exact integers below 2^53, kept as floats.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from chipdse_hdl.contract import ArrayContract

from chipdse.application.layers import LayerColumns
from chipdse.arrays import Floats, Int64s


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayColumns:
    """Contracts of many arrays, one entry each; see `chipdse_hdl.contract.ArrayContract`.

    copies : equal arrays that share the tiles of a layer
    """

    rows: Floats
    columns: Floats
    operand_bits: Floats
    result_bits: Floats
    extra_cycles: Floats
    least_cycles: Floats
    result_cycles: Floats
    row_cycles: Floats
    column_cycles: Floats
    exact_depth: Floats
    copies: Floats

    @staticmethod
    def of(contracts: Sequence[ArrayContract], copies: Sequence[int]) -> ArrayColumns:
        """One entry per contract."""
        names = [f.name for f in dataclasses.fields(ArrayColumns) if f.name != "copies"]
        columns = {
            name: np.array([getattr(contract, name) for contract in contracts], np.float64)
            for name in names
        }
        return ArrayColumns(**columns, copies=np.array(copies, np.float64))

    def take(self, rows: Int64s | slice) -> ArrayColumns:
        """Some of the arrays, or one for each index."""
        names = [field.name for field in dataclasses.fields(self)]
        return ArrayColumns(**{name: getattr(self, name)[rows] for name in names})

    def over_layers(self) -> ArrayColumns:
        """The same with a last axis of length 1, against which layers broadcast."""
        names = [field.name for field in dataclasses.fields(self)]
        return ArrayColumns(**{name: getattr(self, name)[..., None] for name in names})


@dataclass(frozen=True, kw_only=True, eq=False)
class Tiling:
    """Layers cut into tiles.

    tiles : of all products of a layer
    row_tiles, column_tiles : of one product
    cycles : in which the arrays are taken: tiles of one copy times the interval of a tile
    latency_cycles : from the first operand to the last result, and no less than `cycles`
    input_reads, weight_reads : operands that enter the arrays, of A and of B; edge tiles read only
        what they use
    writes : results that leave
    utilisation : MACs over the multipliers' cycles
    """

    tiles: Floats
    row_tiles: Floats
    column_tiles: Floats
    cycles: Floats
    latency_cycles: Floats
    input_reads: Floats
    weight_reads: Floats
    writes: Floats
    utilisation: Floats


def tile_layers(layers: LayerColumns, arrays: ArrayColumns) -> Tiling:
    """Cut layers into tiles of at most ``rows x columns`` results at full depth.

    Notes
    -----
    Tiles of a product go along the columns of C first. Tile i of a layer runs on copy
    ``i mod copies``. The last tile of a layer may be smaller than the array, so its results leave
    earlier; with several copies a full tile is assumed there.
    """
    row_tiles = np.ceil(layers.m / arrays.rows)
    column_tiles = np.ceil(layers.n / arrays.columns)
    tiles = row_tiles * column_tiles * layers.count
    interval = np.maximum(layers.k + arrays.extra_cycles, arrays.least_cycles)
    per_copy = np.ceil(tiles / arrays.copies)
    cycles = per_copy * interval
    alone = arrays.copies == 1
    last_rows = np.where(
        alone, layers.m - (row_tiles - 1) * arrays.rows, np.minimum(layers.m, arrays.rows)
    )
    last_columns = np.where(
        alone,
        layers.n - (column_tiles - 1) * arrays.columns,
        np.minimum(layers.n, arrays.columns),
    )
    drained = (
        (per_copy - 1) * interval
        + layers.k
        + arrays.result_cycles
        + (last_rows - 1) * arrays.row_cycles
        + (last_columns - 1) * arrays.column_cycles
    )
    return Tiling(
        tiles=tiles,
        row_tiles=row_tiles,
        column_tiles=column_tiles,
        cycles=cycles,
        latency_cycles=np.maximum(cycles, drained),
        input_reads=layers.m * layers.k * column_tiles * layers.count,
        weight_reads=layers.n * layers.k * row_tiles * layers.count,
        writes=layers.m * layers.n * layers.count,
        utilisation=layers.macs / (cycles * arrays.rows * arrays.columns * arrays.copies),
    )


DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")


def ideal_layers(
    layers: LayerColumns, rows: float, columns: float, dataflow: str = DATAFLOWS[0]
) -> Tiling:
    """Layers on an ideal systolic array, as SCALE-Sim 3.0.0 counts them [1]_.

    Notes
    -----
    A fold takes ``T + R + C - 2`` cycles, with T the dimension that is not spread over the array,
    and R more where an operand must be loaded first; the last fold takes one cycle less. Output
    stationary spreads m and n, weight stationary k and n, input stationary k and m. Partial sums
    of several folds are added outside the array, at no cost; reads of them are not counted.

    References
    ----------
    .. [1] Samajdar et al., "A systematic methodology for characterizing scalability of DNN
       accelerators using SCALE-Sim", ISPASS 2020; version 3.0.0 of the package `scalesim`.
    """
    once: Floats = np.ones(1)
    across: dict[str, tuple[Floats, Floats, Floats, float]] = {
        "output_stationary": (layers.m, layers.n, layers.k, 0.0),
        "weight_stationary": (layers.k, layers.n, layers.m, rows),
        "input_stationary": (layers.k, layers.m, layers.n, rows),
    }
    on_rows, on_columns, in_time, loading = across[dataflow]
    row_tiles, column_tiles = np.ceil(on_rows / rows), np.ceil(on_columns / columns)
    tiles = row_tiles * column_tiles * layers.count
    cycles = tiles * (in_time + rows + columns - 2 + loading) - 1
    # How often each input, weight and output crosses the array's border.
    repeats: dict[str, tuple[Floats, Floats, Floats]] = {
        "output_stationary": (column_tiles, row_tiles, once),
        "weight_stationary": (column_tiles, once, row_tiles),
        "input_stationary": (once, column_tiles, row_tiles),
    }
    of_inputs, of_weights, of_outputs = repeats[dataflow]
    return Tiling(
        tiles=tiles,
        row_tiles=row_tiles,
        column_tiles=column_tiles,
        cycles=cycles,
        latency_cycles=cycles,
        input_reads=layers.m * layers.k * layers.count * of_inputs,
        weight_reads=layers.n * layers.k * layers.count * of_weights,
        writes=layers.m * layers.n * layers.count * of_outputs,
        utilisation=layers.macs / (cycles * rows * columns),
    )
