"""Solutions of sparse equations, correct to the last bit and so the same on every processor.

The factors come from SuperLU, whose sums run through BLAS: their last bits depend on the processor.
Their solution is only where refinement starts; so the factors of a matrix near to the given one
serve as well, in more steps. The remainder is computed with twice the digits of
a double, exactly where it matters, and each step wins about thirteen digits. At 26 digits or more
the solution is rounded once; that two processors round apart is as likely as that a number lies
within its 26th digit of the middle between two doubles, some 1 in 10^10.

Numbers are split into parts of so few digits that products of the leading parts, and their sums
over a row of the matrix, need no more than the 53 bits of a double: they are exact in any order
[1]_, and SciPy's product of a sparse matrix computes them.

.. [1] K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, Numerical Algorithms 59(1), 2012,
   doi 10.1007/s11075-011-9478-1.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from chipdse.arrays import Floats

if TYPE_CHECKING:
    import scipy.sparse as sp
    import scipy.sparse.linalg as sla

_ENOUGH = 1e-13  # of a correction against the solution, whose square is the next one's
_MOST_STEPS = 10
_NEAR_STEPS = 30  # together they take less time than factors of a large matrix
_MANTISSA_BITS = 53


class Factors:
    """A symmetric positive definite matrix and its factors, or those of a matrix near to it.

    near : factors of a matrix of the same size; used instead of new ones as long as refinement
        with them converges
    """

    def __init__(self, matrix: sp.csc_matrix[np.float64], near: Factors | None = None) -> None:
        import scipy.sparse as sp  # a third of a second to load

        self._matrix = matrix
        self._is_near = near is not None
        self._approximate: sla.SuperLU = _decomposed(matrix) if near is None else near._approximate
        # The columns of a symmetric matrix are its rows.
        indices, starts, shape = matrix.indices, matrix.indptr, matrix.shape
        lengths = np.diff(starts)
        self._bits = (_MANTISSA_BITS - int(lengths.max()).bit_length()) // 2
        largest = np.maximum.reduceat(np.abs(matrix.data), starts[:-1])
        parts = _parts(matrix.data, np.repeat(largest, lengths), self._bits)
        self._full_matrix = sp.csr_matrix((matrix.data, indices, starts), shape=shape)
        self._first, self._second, self._third = (
            _with_data(self._full_matrix, part) for part in parts
        )

    def solve(self, right: Floats) -> Floats:
        """Solutions for [cells] or [cells, n], correctly rounded.

        A matrix too near to a singular one for refinement to converge keeps its best step.
        """
        flat = np.asarray(right, dtype=np.float64).reshape(len(right), -1)
        if self._is_near:
            solution = self._by_near_factors(flat)
            if solution is not None:
                return np.asarray(solution.reshape(np.shape(right)))
            self._approximate, self._is_near = _decomposed(self._matrix), False
        high, low = self._approximate.solve(flat), np.zeros_like(flat)
        for _ in range(_MOST_STEPS):
            high, low, step = self._refined(flat, high, low)
            # The next step would be smaller by as much again, beyond the digits kept.
            if step <= _ENOUGH * np.abs(high).max(initial=0.0):
                break
        return np.asarray((high + low).reshape(np.shape(right)))

    def _by_near_factors(self, right: Floats) -> Floats | None:
        """The same solutions [cells, n]; None if refinement converges too slowly."""
        high, low = self._approximate.solve(right), np.zeros_like(right)
        before = np.abs(high).max(initial=0.0)
        for _ in range(_NEAR_STEPS):
            high, low, step = self._refined(right, high, low)
            if not step < before:
                return None
            # What is left is less than this step by about as much as the step before was more.
            if step * step <= _ENOUGH * _ENOUGH * np.abs(high).max(initial=0.0) * before:
                return np.asarray(high + low)
            before = step
        return None

    def _refined(self, right: Floats, high: Floats, low: Floats) -> tuple[Floats, Floats, float]:
        """A solution one step of refinement on, and the largest change in it."""
        step = self._approximate.solve(self._remainder(right, high, low))
        high, low = _renormalised(*_sum(high, step), low)
        return high, low, float(np.abs(step).max(initial=0.0))

    def _remainder(self, right: Floats, high: Floats, low: Floats) -> Floats:
        """``right - matrix (high + low)`` with the digits of two doubles, then rounded."""
        first, second, third = _parts(high, np.abs(high).max(axis=0, initial=0.0), self._bits)
        count = right.shape[1]
        leading = self._first @ np.concatenate([first, second, third], axis=1)
        middle = self._second @ np.concatenate([first, second + third], axis=1)
        total, rest = right, -(self._third @ high)
        if low.any():
            rest -= self._full_matrix @ low
        for exact in (leading[:, :count], leading[:, count : 2 * count], middle[:, :count]):
            total, off = _sum(total, -exact)
            rest += off
        return np.asarray(total + (rest - leading[:, 2 * count :] - middle[:, count:]))


def factorise(matrix: sp.csc_matrix[np.float64], near: Factors | None = None) -> Factors:
    """Factors of a symmetric positive definite matrix, or those of a matrix near to it."""
    return Factors(matrix, near)


def _with_data(like: sp.csr_matrix[np.float64], values: Floats) -> sp.csr_matrix[np.float64]:
    """A matrix of the same pattern, which is not checked again."""
    matrix = copy.copy(like)
    matrix.data = values
    return matrix


def _decomposed(matrix: sp.csc_matrix[np.float64]) -> sla.SuperLU:
    import scipy.sparse.linalg as sla  # a third of a second to load

    return sla.splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


def _parts(x: Floats, largest: Floats, bits: int) -> tuple[Floats, Floats, Floats]:
    """Numbers as a sum of three, of which the first two have `bits` bits each.

    largest : magnitude that no number exceeds; its exponent is that of the leading bit
    """
    _, exponent = np.frexp(largest)
    # Added and taken away again, it rounds to whole multiples of its last place.
    rounding = np.ldexp(1.5, exponent + (_MANTISSA_BITS - 1 - bits))
    first = (x + rounding) - rounding
    left = x - first
    rounding = np.ldexp(rounding, -bits)
    second = (left + rounding) - rounding
    return first, second, left - second


def _sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """``a + b`` rounded, and what rounding took away (D. E. Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _renormalised(high: Floats, low: Floats, lower: Floats) -> tuple[Floats, Floats]:
    return _sum(high, low + lower)
