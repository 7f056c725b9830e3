"""Small floating-point formats: what a word means, and the nearest word to a number.

References
----------
OCP 8-bit Floating Point Specification (OFP8), revision 1.0, Open Compute Project, 2023.
bfloat16: the upper half of IEEE 754 binary32.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class FloatFormat:
    """A sign, an exponent and a fraction, in this order from the top.

    infinities : the largest exponent is infinity and NaN; else it is numbers but for one NaN,
        all of whose bits are 1
    """

    exponent_bits: int
    fraction_bits: int
    infinities: bool

    @property
    def bits(self) -> int:
        """The width of a word."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """What a stored exponent is too large by."""
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def significand_bits(self) -> int:
        """Of the fraction with the bit that is not stored."""
        return self.fraction_bits + 1


FORMATS = {
    "fp8_e4m3": FloatFormat(exponent_bits=4, fraction_bits=3, infinities=False),
    "fp8_e5m2": FloatFormat(exponent_bits=5, fraction_bits=2, infinities=True),
    "bf16": FloatFormat(exponent_bits=8, fraction_bits=7, infinities=True),
}
NAN = 0x7FC00000  # the one of binary32 that results have


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Words taken apart: value = ±significand * 2 ** (exponent - bias - fraction_bits).

    exponent : as stored, but 1 for subnormal numbers and zero
    """

    negative: np.ndarray
    exponent: np.ndarray
    significand: np.ndarray
    is_nan: np.ndarray
    is_infinite: np.ndarray


def take_apart(form: FloatFormat, words: np.ndarray) -> Parts:
    """What words (int64) are made of."""
    fraction = words & (2**form.fraction_bits - 1)
    stored = words >> form.fraction_bits & (2**form.exponent_bits - 1)
    top = stored == 2**form.exponent_bits - 1
    if form.infinities:
        is_nan, is_infinite = top & (fraction != 0), top & (fraction == 0)
    else:
        is_nan, is_infinite = top & (fraction == 2**form.fraction_bits - 1), np.zeros_like(top)
    return Parts(
        negative=words >> (form.bits - 1) == 1,
        exponent=np.maximum(stored, 1),
        significand=fraction + np.where(stored > 0, 2**form.fraction_bits, 0),
        is_nan=is_nan,
        is_infinite=is_infinite,
    )


def to_float(form: FloatFormat, words: np.ndarray) -> np.ndarray:
    """The numbers that words stand for, float64, exact."""
    parts = take_apart(form, words)
    size = np.ldexp(
        parts.significand.astype(float), parts.exponent - form.bias - form.fraction_bits
    )
    size[parts.is_infinite], size[parts.is_nan] = np.inf, np.nan
    return np.where(parts.negative, -size, size)


@functools.cache
def _finite(form: FloatFormat) -> np.ndarray:
    """All finite numbers from 0 up; the index of each is its word."""
    numbers = to_float(form, np.arange(2 ** (form.bits - 1)))
    return numbers[np.isfinite(numbers)]


def from_float(form: FloatFormat, numbers: np.ndarray) -> np.ndarray:
    """The nearest finite words, int64; of two as near the even one; the largest saturates."""
    known = _finite(form)
    size = np.abs(numbers)
    upper = np.searchsorted(known, size).clip(1, len(known) - 1)
    below, above = size - known[upper - 1], known[upper] - size
    words = upper - ((below < above) | ((below == above) & (upper % 2 == 1)))
    return words | np.where(np.signbit(numbers), 2 ** (form.bits - 1), 0)
