"""Solutions of sparse equations, correct to the last bit and so the same on every processor.

The factors come from SuperLU, whose sums run through BLAS: their last bits depend on the processor.
Their solution is only where refinement starts. The remainder is computed with twice the digits of
a double, exactly where it matters, and each step wins about ten digits. At 30 digits the solution
is rounded once; that two processors round apart is as likely as that a number lies within its
30th digit of the middle between two doubles, some 1 in 10^13.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from chipdse.system.yields import Array

_ENOUGH = 1e-13  # of a correction against the solution, whose square is the next one's
_MOST_STEPS = 10
_SPLIT = 134217729.0  # 2^27 + 1


class Factors:
    """A symmetric positive definite matrix and its factors."""

    def __init__(self, matrix: sp.csc_matrix[np.float64]) -> None:
        self._approximate = sla.splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        rows = sp.csr_matrix(matrix)
        length = np.diff(rows.indptr)
        place = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], length)
        own = np.repeat(np.arange(len(length)), length)
        # The n-th entries of all rows in order, those missing as 0 at the row's own place.
        self._columns = np.tile(np.arange(len(length)), (int(length.max()), 1))
        self._values = np.zeros(self._columns.shape)
        self._columns[place, own] = rows.indices
        self._values[place, own] = rows.data
        self._halves = _halves(self._values)

    def solve(self, right: Array) -> Array:
        """Solutions for [cells] or [cells, n], correctly rounded.

        A matrix too near to a singular one for refinement to converge keeps its best step.
        """
        flat = np.asarray(right, dtype=np.float64).reshape(len(right), -1)
        high, low = self._approximate.solve(flat), np.zeros_like(flat)
        for _ in range(_MOST_STEPS):
            step = self._approximate.solve(self._remainder(flat, high, low))
            high, low = _renormalised(*_sum(high, step), low)
            # The next step would be smaller by as much again, beyond the digits kept.
            if np.abs(step).max(initial=0.0) <= _ENOUGH * np.abs(high).max(initial=0.0):
                step = self._approximate.solve(self._remainder(flat, high, low))
                high, low = _renormalised(*_sum(high, step), low)
                break
        return np.asarray((high + low).reshape(np.shape(right)))

    def _remainder(self, right: Array, high: Array, low: Array) -> Array:
        """``right - matrix (high + low)`` with the digits of two doubles, then rounded."""
        total, rest = right.copy(), np.zeros_like(right)
        top, bottom = _halves(high)
        for columns, values, upper, lower in zip(
            self._columns,
            self._values[..., None],
            *(h[..., None] for h in self._halves),
            strict=True,
        ):
            at, at_top, at_bottom = high[columns], top[columns], bottom[columns]
            product = values * at
            lost = ((upper * at_top - product) + upper * at_bottom + lower * at_top) + (
                lower * at_bottom
            )
            total, off = _sum(total, -product)
            rest += off - lost - values * low[columns]
        return total + rest


def factorise(matrix: sp.csc_matrix[np.float64]) -> Factors:
    """Factors of a symmetric positive definite matrix."""
    return Factors(matrix)


def _halves(x: Array) -> tuple[Array, Array]:
    """Numbers as a sum of two with half the digits each (T. J. Dekker, 1971)."""
    high = x * _SPLIT - (x * _SPLIT - x)
    return high, x - high


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """``a + b`` rounded, and what rounding took away (D. E. Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _renormalised(high: Array, low: Array, lower: Array) -> tuple[Array, Array]:
    return _sum(high, low + lower)
