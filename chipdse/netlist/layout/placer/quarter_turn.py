"""Cosines of the multiples of a fraction of a quarter turn, correctly rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from chipdse.arrays import Floats


def cosines(count: int) -> Floats:
    """``cos(π m / (2 count))`` of m from 0 to ``count``, correctly rounded.

    Computed by ``cos((m + 1) a) = 2 cos(a) cos(m a) - cos((m - 1) a)`` in integers of 60 digits.
    """
    scale = 10**60
    angle = _pi(scale) // (2 * count)
    first, term, n = scale, scale, 0
    while abs(term) > 1:
        term = -term * angle * angle // (scale * scale * (2 * n + 1) * (2 * n + 2))
        first += term
        n += 1
    before, now = scale, first
    result = [1.0]
    for _ in range(count - 1):
        result.append(float(Fraction(now, scale)))
        before, now = now, 2 * first * now // scale - before
    return np.array([*result, 0.0])


def _pi(scale: int) -> int:
    """π times a whole number, after Machin: ``16 arctan(1/5) - 4 arctan(1/239)``."""

    def inverse_tangent(denominator: int) -> int:
        power_of, total, n = scale * 2**64 // denominator, 0, 0
        while power_of:
            total += (1 - n % 2 * 2) * (power_of // (2 * n + 1))
            power_of //= denominator * denominator
            n += 1
        return total

    return (16 * inverse_tangent(5) - 4 * inverse_tangent(239)) // 2**64
