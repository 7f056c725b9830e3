"""Traffic between a buffer and the memory behind it, for the best loop order that fits.

A layer runs in one of three loop orders. The operand that is named stays in the buffer, block by
block, while the others pass:

- inputs: blocks of rows of A stay, all of B passes once per block
- weights: blocks of columns of B stay, all of A passes once per block
- outputs: the sums of one tile stay in the array, A and B pass tile by tile

Blocks are double-buffered: while one is used, the next is loaded, so everything that changes
during a layer needs its space twice. A block holds at least one tile of each copy of the array. A
tile that crosses the border of two blocks belongs to the first: its other rows are in the buffer
already, so blocks add no tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.application.arrays import ArrayColumns, Tiling
from chipdse.application.layers import LayerColumns
from chipdse.arrays import Bools, Floats, Int64s

ORDERS = ("inputs", "weights", "outputs")


@dataclass(frozen=True, kw_only=True, eq=False)
class Traffic:
    """Bits that cross each level for a layer.

    order : index into `ORDERS` of the loop order with the least traffic of the outer memory
    fits : whether any loop order fits into the buffer; traffic is nan where none does
    outer_reads, outer_writes : outer memory to buffer, and back
    buffer_reads, buffer_writes : all accesses of the buffer, by arrays and by the outer memory
    """

    order: Int64s
    fits: Bools
    outer_reads: Floats
    outer_writes: Floats
    buffer_reads: Floats
    buffer_writes: Floats

    @property
    def outer_bits(self) -> Floats:
        """Bits between the outer memory and the buffer."""
        total: Floats = self.outer_reads + self.outer_writes
        return total

    @property
    def array_bits(self) -> Floats:
        """Operands and results between the buffer and the arrays.

        Results are written once by the arrays and read once by the outer memory, so that there are
        as many as reads of the buffer.
        """
        return self.buffer_reads


def traffic_of(
    layers: LayerColumns,
    arrays: ArrayColumns,
    tiling: Tiling,
    buffer_bits: Floats,
    output_bits: Floats,
) -> Traffic:
    """The traffic of each layer with the loop order that moves least.

    Parameters
    ----------
    buffer_bits : size of the buffer; infinite: everything passes once
    output_bits : width of a result in the memories

    Notes
    -----
    A convolution's inputs count as its feature map, of which neighbouring blocks of rows read the
    shared rows again; only in order "outputs" the rows of A are read as a GEMM has them. Each group
    of a convolution, and each product of a layer, is a layer by itself. A larger buffer allows
    every order and block of a smaller one, so it never moves more.
    """
    word = arrays.operand_bits
    # Results of a tile of each copy leave while those of the next are written.
    results = 2 * np.minimum(arrays.rows * arrays.columns * arrays.copies, layers.m * layers.n)
    room = buffer_bits - results * output_bits
    inputs = _inputs_stay(layers, arrays, room / word)
    weights = _weights_stay(layers, arrays, room / word)
    streams = _outputs_stay(layers, arrays, tiling, room / word)
    words = np.stack(np.broadcast_arrays(inputs, weights, streams))
    order = np.argmin(words, axis=0)
    fits = np.isfinite(words).any(axis=0)
    least = np.where(fits, np.min(words, axis=0), np.nan)
    outputs = tiling.writes * output_bits
    outer_reads = least * word * layers.count
    array_reads = (tiling.input_reads + tiling.weight_reads) * word
    return Traffic(
        order=order,
        fits=fits,
        outer_reads=outer_reads,
        outer_writes=np.broadcast_to(outputs, outer_reads.shape),
        buffer_reads=array_reads + outputs,
        buffer_writes=outer_reads + outputs,
    )


def _inputs_stay(layers: LayerColumns, arrays: ArrayColumns, room: Floats) -> Floats:
    """Words of A and B that are read per product; infinite where a block does not fit."""
    passing = layers.k * _twice_unless_all(arrays.columns * arrays.copies, layers.n)
    left = room - passing
    fits = _block_words(layers, layers.positions) <= left
    units = np.floor((left / 2 - layers.first_words) / layers.next_words) + 1
    units = np.clip(units, 0, layers.positions)
    tile_rows = np.minimum(arrays.rows * arrays.copies, layers.m)
    blocks = _blocks(fits, layers.positions, units, tile_rows / layers.rows_per_position)
    shared = np.maximum(layers.first_words - layers.next_words, 0.0)
    with np.errstate(invalid="ignore"):  # infinite blocks times no shared rows
        again = np.where(shared > 0, (blocks - 1) * shared, 0.0)
    return layers.input_words + again + blocks * layers.n * layers.k


def _weights_stay(layers: LayerColumns, arrays: ArrayColumns, room: Floats) -> Floats:
    # Rows of A for one tile of each copy: a convolution's tile may begin within a row of outputs.
    tile_rows = np.minimum(arrays.rows * arrays.copies, layers.m)
    within = np.where(layers.rows_per_position > 1, 1.0, 0.0)
    units = np.ceil((tile_rows - 1) / layers.rows_per_position) + within
    units = np.where(layers.rows_per_position > 1, units, tile_rows)
    units = np.clip(units, 1.0, layers.positions)
    passing = _twice_unless_all(_block_words(layers, units), layers.input_words)
    left = room - passing
    fits = layers.n * layers.k <= left
    columns = np.clip(np.floor(left / 2 / layers.k), 0, layers.n)
    tile_columns = np.minimum(arrays.columns * arrays.copies, layers.n)
    blocks = _blocks(fits, layers.n, columns, tile_columns)
    return blocks * layers.input_words + layers.n * layers.k


def _outputs_stay(
    layers: LayerColumns, arrays: ArrayColumns, tiling: Tiling, room: Floats
) -> Floats:
    steps = (
        np.minimum(arrays.rows, layers.m) + np.minimum(arrays.columns, layers.n)
    ) * arrays.copies
    per_product = layers.m * layers.k * tiling.column_tiles + layers.n * layers.k * tiling.row_tiles
    return np.where(2 * steps <= room, per_product, np.inf)


def _block_words(layers: LayerColumns, units: Floats) -> Floats:
    """Words of A for some units next to each other."""
    words: Floats = np.minimum(
        layers.first_words + (units - 1) * layers.next_words, layers.input_words
    )
    return words


def _blocks(fits: Bools, size: Floats, part: Floats, tile: Floats) -> Floats:
    """Blocks of a resident operand: 1 if it fits whole, infinite if not even a tile fits."""
    with np.errstate(divide="ignore"):
        blocks = np.where(part >= tile, np.ceil(size / part), np.inf)
    return np.where(fits, 1.0, blocks)


def _twice_unless_all(part: Floats, everything: Floats) -> Floats:
    """Twice a part, for double buffering, but no more than everything."""
    return np.minimum(2 * part, everything)
