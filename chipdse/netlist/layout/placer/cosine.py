"""Cosine transforms of the placer's grids, the same on every processor.

A fast transform takes its angles from the C library, whose last bits differ between processors.
The grids are small: sums over a table of cosines take about as long, in compiled code.
"""

from __future__ import annotations

import functools

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.layout.placer.compiled import PlacerKernel
from chipdse.netlist.layout.placer.quarter_turn import cosines


class Cosine:
    """The transform ``X[k] = sum(x[j] cos(π k (2 j + 1) / (2 n)))`` along the first axis [n, m].

    Even k come first in the result, then odd ones: of a sequence folded in its middle, even k see
    the sum of both halves and odd k the difference, which halves the work.
    """

    def __init__(self, count: int, kernel: PlacerKernel | None) -> None:
        self.count, self.kernel = count, kernel
        self.half = count // 2
        self.upper = count - self.half
        self.order = np.concatenate([np.arange(0, count, 2), np.arange(1, count, 2)])
        table = _table(count)
        even, odd = table[0::2, : self.upper], table[1::2, : self.half]
        self.tables = np.ascontiguousarray(even), np.ascontiguousarray(odd)
        self.transposed = np.ascontiguousarray(even.T), np.ascontiguousarray(odd.T)

    def forward(self, rows: Floats) -> Floats:
        """The transform [n, m] in the order of `order`."""
        even, odd = self.tables
        if self.kernel is not None:
            result: Floats = self.kernel.cosine(True, even, odd, np.ascontiguousarray(rows))
            return result
        low, high = rows[: self.half], rows[::-1][: self.half]
        middle = rows[self.half : self.upper]
        return np.concatenate(
            [_rows(even, np.concatenate([low + high, middle])), _rows(odd, low - high)]
        )

    def back(self, spectrum: Floats) -> Floats:
        """The transpose of `forward`: ``x[j] = sum(X[k] cos(π k (2 j + 1) / (2 n)))``."""
        even, odd = self.transposed
        if self.kernel is not None:
            result: Floats = self.kernel.cosine(False, even, odd, np.ascontiguousarray(spectrum))
            return result
        both, apart = _rows(even, spectrum[: self.upper]), _rows(odd, spectrum[self.upper :])
        low = both[: self.half]
        return np.concatenate([low + apart, both[self.half :], (low - apart)[::-1]])


@functools.cache
def _table(count: int) -> Floats:
    """Cosines [k, j]."""
    quarter = cosines(count)  # of multiples of a quarter turn over `count`
    period = np.concatenate([quarter, -quarter[-2::-1]])  # of half a turn
    period = np.concatenate([period, period[-2:0:-1]])
    k, j = np.arange(count)[:, None], np.arange(count)[None, :]
    result: Floats = period[k * (2 * j + 1) % (4 * count)]
    return result


def _rows(table: Floats, rows: Floats) -> Floats:
    """Rows weighed by a table [results, rows] and added up, from the first row on."""
    result = np.zeros((len(table), rows.shape[1]))
    for number, row in enumerate(rows):
        result += table[:, number, None] * row
    return result
