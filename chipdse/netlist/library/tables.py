"""Look-up tables at K operating points, padded so that any mix of them is one array operation.

Bilinear interpolation in (slew, load); beyond the characterised grid the outermost cells are
extended linearly, as OpenSTA does. A table without an axis does not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int32s, Int64s
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.sorting import distinct


@dataclass(frozen=True, kw_only=True, eq=False)
class TableSet:
    """Some tables of a library.

    Every axis has at least two points: an axis the table does not depend on is (0, 1) with
    equal values. Shorter axes are padded with infinity.

    Parameters
    ----------
    values : [K, tables, rows, columns]
    row_axes, column_axes : [K, axes, points]
    row_axis, column_axis : [tables] into those
    """

    values: Floats
    row_axes: Floats
    column_axes: Floats
    row_axis: Int64s
    column_axis: Int64s

    @classmethod
    def of(cls, library: OperatingLibrary, tables: Int64s) -> TableSet:
        """The tables with these numbers, in this order."""
        source = library.library.tables
        rows = source.rows[tables].astype(np.int64)
        columns = source.columns[tables].astype(np.int64)
        height, width = _padded(rows), _padded(columns)
        # Position of every padded entry in the library's flat values; short axes repeat their end.
        row = np.minimum(np.arange(height)[None, :, None], rows[:, None, None] - 1)
        column = np.minimum(np.arange(width)[None, None, :], columns[:, None, None] - 1)
        place = source.start[tables][:, None, None] + row * columns[:, None, None] + column
        values = library.interpolate(source.values[:, place])
        row_axes, row_axis = _axes(library, source.row_axis[tables], height)
        column_axes, column_axis = _axes(library, source.column_axis[tables], width)
        return cls(
            values=values,
            row_axes=row_axes,
            column_axes=column_axes,
            row_axis=row_axis,
            column_axis=column_axis,
        )

    def lookup(self, table: Int64s, row_value: Floats, column_value: Floats) -> Floats:
        """Values [K, n] of tables [n] at row values [K, n] (or [n]) and column values likewise."""
        count = self.values.shape[0]
        shape = (count, len(table))
        i, u = locate(self.row_axes, self.row_axis[table], np.broadcast_to(row_value, shape))
        j, v = locate(
            self.column_axes, self.column_axis[table], np.broadcast_to(column_value, shape)
        )
        _, tables, height, width = self.values.shape
        base = (np.arange(count)[:, None] * tables + table[None, :]) * (height * width)
        return bilinear(self.values.reshape(-1), base + i * width + j, width, u, v)


def _padded(sizes: Int64s) -> int:
    return max(2, int(sizes.max(initial=0)))


def _axes(library: OperatingLibrary, axes: Int32s, width: int) -> tuple[Floats, Int64s]:
    """Padded axes that occur, and which of them each table has."""
    source = library.library.tables
    used, position = distinct(axes)
    result = np.full((library.count, len(used), width), np.inf)
    for place, axis in enumerate(used.tolist()):
        if axis < 0:
            result[:, place, :2] = (0.0, 1.0)
            continue
        points = library.axes[:, source.axis_start[axis] : source.axis_start[axis + 1]]
        if points.shape[1] == 1:
            points = np.concatenate([points, points + 1.0], axis=1)
        result[:, place, : points.shape[1]] = points
    return result, position


def locate(axes: Floats, axis: Int64s, value: Floats) -> tuple[Int64s, Floats]:
    """Interval of each value on its axis, and how far into it (below 0, above 1 outside)."""
    points = axes[:, axis]  # [K, n, points]
    inner = points[..., 1:-1]
    index = (value[..., None] > inner).sum(axis=-1)
    low = np.take_along_axis(points, index[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(points, index[..., None] + 1, axis=-1)[..., 0]
    past = np.isinf(high)  # beyond the last point of an axis shorter than the padding
    if past.any():
        index = index - past
        low = np.take_along_axis(points, index[..., None], axis=-1)[..., 0]
        high = np.take_along_axis(points, index[..., None] + 1, axis=-1)[..., 0]
    return index, (value - low) / (high - low)


def bilinear(values: Floats, address: Int64s, width: int, u: Floats, v: Floats) -> Floats:
    """Interpolate from the four entries at `address`; `u` along rows, `v` along columns."""
    low = values.take(address)
    low += v * (values.take(address + 1) - low)
    address = address + width
    high = values.take(address)
    high += v * (values.take(address + 1) - high)
    high -= low
    high *= u
    low += high
    return low
