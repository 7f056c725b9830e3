"""Exponentials, logarithms, powers and products that are the same on every processor.

For these functions the C library and NumPy select code by the features of the processor, and the
results differ in the last bits; the placer amplifies a difference in the last bit to some percent
of its result. Here the functions consist of additions, subtractions, multiplications and divisions,
which IEEE 754 rounds in one way only, and of integer operations on the bits. BLAS, whose order of
summation depends on the processor, is replaced by sums in a fixed order; they are compiled if many
products are computed and a C compiler is installed. `tests/numerics/test_numerics_portable.py`
lists the remaining uses of such functions in chipdse, with the reasons.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from chipdse.arrays import Floats
from chipdse.errors import ToolError
from chipdse.kernels.build import array_of, compiler, declared, kernels

Number = TypeVar("Number", float, Floats)

LN2_HIGH = float.fromhex("0x1.62e42feep-1")
"""Leading 32 bits of the logarithm of 2; its product with any exponent of a double is exact."""
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
LN2 = LN2_HIGH + LN2_LOW
LOG2_E = float.fromhex("0x1.71547652b82fep+0")
ROUNDING = float.fromhex("0x1.8p+52")
"""Adding and then subtracting this number rounds to an integer, halves to even."""
LEAST, MOST = -746.0, 710.0
"""Below the first number an exponential is 0, above the second it is infinite."""
EXP_SERIES = tuple(1.0 / math.factorial(n) for n in range(13, 1, -1))
"""``e^r = 1 + r + r² (1/2 + r/6 + ...)``: accurate to 0.02 units in the last place
for ``r < ln(2) / 2``."""
_LOG_SERIES = tuple(2.0 / (2 * n + 1) for n in range(12, 0, -1))  # of 2 artanh(s) in s²
_ROOT = math.sqrt(0.5)
_HALF_ROOT = int(np.float64(_ROOT).view(np.int64))
_SPLIT = 134217729.0  # 2^27 + 1: splits a double into two halves of its digits
_TINY, _RAISED = math.ldexp(1.0, -1000), math.ldexp(1.0, 100)
_FEW = 64
_BLOCK = 8192  # numbers per block, so that a block stays in the processor's cache
_CALL_TERMS = 20_000  # terms that NumPy sums in the time of the calls of one product
_COMPILE_TERMS = 100_000_000  # NumPy needs at most 0.25 s for this number of terms


def exp(x: ArrayLike) -> Any:
    """``e^x`` of each number, within 0.6 units in the last place.

    The result is an array, or a float for a number.
    """
    return _each(lambda at: _exp(at, 0.0), x)


def power_of(base: float, exponent: float) -> float:
    """`power` of a single positive base: about ten times as fast, with equal results."""
    high, low = _log_of(base)
    main, rest = _product_of(exponent, high)
    return _exp_of(main, rest + exponent * low)


def log_of(x: float) -> float:
    """`log` of a single positive number: about ten times as fast, with equal results."""
    return _log_of(x)[0]


def expm1(x: ArrayLike) -> Any:
    """``e^x - 1`` within 3 units in the last place, also for x near 0."""

    def near(at: Floats) -> Floats:
        small = np.minimum(np.maximum(at, -0.35), 0.35)
        close = small + small * small * _series(small, EXP_SERIES)
        return np.where(small == at, close, _exp(at, 0.0) - 1.0)

    return _each(near, x)


def log(x: ArrayLike) -> Any:
    """Natural logarithm of each number, within 0.6 units in the last place.

    It is -inf for 0 and nan for negative numbers, without a warning.
    """
    return _each(lambda at: _special(at, _log(at)[0]), x)


def log2(x: ArrayLike) -> Any:
    """Logarithm to base 2 within 2 units in the last place; exact for powers of 2."""

    def base_2(at: Floats) -> Floats:
        mantissa, exponent = _parts(at)
        return _special(at, exponent + _log(mantissa)[0] * LOG2_E)

    return _each(base_2, x)


def exp2(x: ArrayLike) -> Any:
    """``2^x`` within 2 units in the last place; exact for whole numbers."""

    def base_2(at: Floats) -> Floats:
        exponent = np.rint(np.minimum(np.maximum(at, -1080.0), 1030.0))
        return _scaled(_exp((at - exponent) * LN2, 0.0), exponent)

    return _each(base_2, x)


def power(base: ArrayLike, exponent: ArrayLike) -> Any:
    """``base^exponent`` of positive bases, within 0.6 units in the last place for usual exponents.

    The error grows with the size of ``exponent · log(base)``, to 2 units in the last place at 30. A
    base of 0 gives 0, 1 or infinity by the exponent's sign; a negative base gives nan.
    """

    def raised(at: Floats, by: Floats) -> Floats:
        high, low = _log(at)
        main, rest = _product(by, high)
        result = _exp(main, rest + by * low)
        none = np.where(by > 0, 0.0, np.where(by < 0, np.inf, 1.0))
        return np.where(at > 0, result, np.where(at == 0, none, np.nan))

    return _each(raised, base, exponent)


def square(x: Number) -> Number:
    """``x · x``; used instead of ``x**2``, which calls the C library for a single number."""
    return x * x


def matmul(left: ArrayLike, right: ArrayLike) -> Floats:
    """``left @ right`` [..., n, m], [..., k] or a number, summed from the first to the last term.

    The shapes are those of `numpy.matmul`, for `left` of any rank and `right` [k, m] or [k].
    Undefined results are nan or infinity, without a warning.
    """
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if a.shape[-1] != b.shape[0]:
        raise ValueError(f"shapes {a.shape} and {b.shape} do not fit")
    if b.ndim == 1:
        with np.errstate(all="ignore"):
            return np.asarray(_summed(a * b))
    rows, b = a.reshape(-1, a.shape[-1]), np.ascontiguousarray(b)
    multiply = _PRODUCTS.function_for(rows.size * b.shape[1])
    return multiply(rows, b).reshape(*a.shape[:-1], b.shape[1])


def product_with_numpy(left: Floats, right: Floats) -> Floats:
    """``left @ right`` of matrices, summed from the first to the last term."""
    result = np.empty((len(left), right.shape[1]))
    # A block of rows at a time, so that the sums stay in the processor's cache.
    step = max(1, _BLOCK // max(right.shape[1], 1))
    with np.errstate(all="ignore"):
        for begin in range(0, len(left), step):
            part, into = left[begin : begin + step], result[begin : begin + step]
            # NumPy's innermost loop should be the longer one.
            if len(part) > 4 * right.shape[1]:
                into[:] = _outer_sum(right, part.T).T
            else:
                into[:] = _outer_sum(part.T, right)
    return result


@functools.cache
def compiled_product() -> Callable[[Floats, Floats], Floats] | None:
    """`product_with_numpy` in C, equal to the last bit; None without a compiler, or if it fails."""
    if compiler() is None:
        return None
    try:
        library = kernels().library("products.c")
    except ToolError:
        return None
    count, array = ctypes.c_int64, array_of(np.float64)
    function = declared(library, "matrix_product", count, count, count, array, array, array)

    def product(left: Floats, right: Floats) -> Floats:
        result = np.empty((len(left), right.shape[1]))
        function(*left.shape, right.shape[1], np.ascontiguousarray(left), right, result)
        return result

    return product


class _Products:
    """Selects C for products once a process has computed enough to repay the compilation."""

    def __init__(self) -> None:
        self.terms = 0

    def function_for(self, terms: int) -> Callable[[Floats, Floats], Floats]:
        """The function for a product with this number of terms."""
        self.terms += terms + _CALL_TERMS
        if self.terms < _COMPILE_TERMS:
            return product_with_numpy
        return compiled_product() or product_with_numpy


_PRODUCTS = _Products()


def _outer_sum(left: Floats, right: Floats) -> Floats:
    """Sum over k of the outer products [n, m] of ``left[k]`` and ``right[k]``, in order of k."""
    total = np.zeros((left.shape[1], right.shape[1]))
    term = np.empty_like(total)
    for column, row in zip(left, np.ascontiguousarray(right), strict=True):
        np.multiply(column[:, None], row, out=term)
        total += term
    return total


def dot(left: ArrayLike, right: ArrayLike) -> float:
    """Sum of the products of two rows of numbers, in a fixed order."""
    return float(matmul(left, right))


def _summed(terms: Floats) -> Floats:
    """Sum along the last axis, pairwise in NumPy's order, which is equal on all processors."""
    return np.asarray(np.add.reduce(np.ascontiguousarray(terms), axis=-1))


def solve(matrices: Floats, right: Floats) -> Floats:
    """Solutions [..., n] of ``matrix x = right`` by elimination with the largest pivot.

    Parameters
    ----------
    matrices : [..., n, n], each regular
    right : [..., n]
    """
    count = right.shape[-1]
    rows = np.concatenate([matrices, right[..., None]], axis=-1).reshape(-1, count, count + 1)
    systems = np.arange(len(rows))
    for step in range(count):
        pivot = step + np.argmax(np.abs(rows[:, step:, step]), axis=1)
        chosen = rows[systems, pivot]
        rows[systems, pivot] = rows[:, step]
        rows[:, step] = chosen
        factor = rows[:, step + 1 :, step] / chosen[:, None, step]
        rows[:, step + 1 :] -= factor[..., None] * chosen[:, None]
    x = np.empty((len(rows), count))
    for step in range(count - 1, -1, -1):
        x[:, step] = rows[:, step, count]
        for known in range(step + 1, count):
            x[:, step] -= rows[:, step, known] * x[:, known]
        x[:, step] /= rows[:, step, step]
    return x.reshape(right.shape)


def _each(function: Callable[..., Floats], *numbers: ArrayLike) -> Any:
    """Apply a function of equally long rows block by block; returns a float if all are numbers."""
    first = [np.asarray(number, dtype=np.float64) for number in numbers]
    arrays = np.broadcast_arrays(*first) if len(first) > 1 else first
    shape, flat = arrays[0].shape, [array.reshape(-1) for array in arrays]
    with np.errstate(all="ignore"):
        if arrays[0].size > _FEW and all((array == array[0]).all() for array in flat):
            # A column of a batch often holds one number, such as the node of all its dies.
            result = np.full(arrays[0].size, function(*(array[:1] for array in flat))[0])
        elif arrays[0].size <= _BLOCK:
            result = function(*flat)
        else:
            result = np.empty(arrays[0].size)
            for begin in range(0, len(result), _BLOCK):
                part = slice(begin, begin + _BLOCK)
                result[part] = function(*(array[part] for array in flat))
    return result.reshape(shape) if shape else float(result[0])


def _series(x: Floats, factors: tuple[float, ...]) -> Floats:
    """A polynomial by Horner's rule, the factor of the highest power first."""
    result = x * factors[0]
    for factor in factors[1:-1]:
        result += factor
        result *= x
    result += factors[-1]
    return result


def _exp(high: Floats, low: Floats | float) -> Floats:
    """``e^(high + low)`` of numbers and small corrections to them.

    The nearest multiple of the logarithm of 2 is subtracted, and the series is evaluated for the
    remainder. The C code of the placer performs the same operations in this order.
    """
    x = np.minimum(np.maximum(high, LEAST), MOST)
    times = (x * LOG2_E + ROUNDING) - ROUNDING
    left = x - times * LN2_HIGH
    rest = low - times * LN2_LOW
    r = left + rest
    lost = (left - r) + rest
    leading = 1.0 + r
    lost += (1.0 - leading) + r
    lost += r * r * _series(r, EXP_SERIES)
    return _scaled(leading + lost, times)


def _scaled(x: Floats, exponent: Floats) -> Floats:
    """``x · 2^exponent`` of whole exponents, in two steps that neither over- nor underflow."""
    shift = np.where(np.isnan(exponent), 0.0, exponent).astype(np.int64)
    half = shift >> 1
    first, second = (((part + 1023) << 52).view(np.float64) for part in (half, shift - half))
    return np.asarray(x * first * second)


def _parts(x: Floats) -> tuple[Floats, Floats]:
    """Numbers as ``mantissa · 2^exponent`` with the mantissa within a factor √2 of 1."""
    tiny = x < _TINY
    bits = np.where(tiny, x * _RAISED, x).view(np.int64)
    exponent = (bits - _HALF_ROOT) >> 52
    mantissa: Floats = (bits - (exponent << 52)).view(np.float64)
    return mantissa, exponent.astype(np.float64) - np.where(tiny, 100.0, 0.0)


def _log(x: Floats) -> tuple[Floats, Floats]:
    """The natural logarithm of positive numbers as a sum of two numbers, accurate to 2^-58."""
    mantissa, times = _parts(x)
    # log(m) = 2 artanh(s) with s = (m - 1) / (m + 1), which is |s| < 0.172
    over, under = mantissa - 1.0, mantissa + 1.0
    under_rest = mantissa - (under - 1.0)
    s = over / under
    main, rest = _product(s, under)
    s_rest = (((over - main) - rest) - s * under_rest) / under
    square = s * s
    tail = 2.0 * s_rest + s * (square * _series(square, _LOG_SERIES))
    tail += times * LN2_LOW
    times_ln2, twice = times * LN2_HIGH, 2.0 * s
    total = times_ln2 + twice
    # exact: if `whole` is 0, nothing is rounded off, otherwise it is the larger term
    lost = np.where(times == 0, 0.0, (times_ln2 - total) + twice)
    tail += lost
    high = total + tail
    return high, (total - high) + tail


def _exp_of(high: float, low: float) -> float:
    x = min(max(high, LEAST), MOST)
    times = (x * LOG2_E + ROUNDING) - ROUNDING
    left = x - times * LN2_HIGH
    rest = low - times * LN2_LOW
    r = left + rest
    lost = (left - r) + rest
    leading = 1.0 + r
    lost += (1.0 - leading) + r
    series = r * EXP_SERIES[0]
    for factor in EXP_SERIES[1:-1]:
        series = (series + factor) * r
    lost += r * r * (series + EXP_SERIES[-1])
    half = int(times) >> 1
    return (leading + lost) * math.ldexp(1.0, half) * math.ldexp(1.0, int(times) - half)


def _log_of(x: float) -> tuple[float, float]:
    mantissa, times = math.frexp(x)
    if mantissa < _ROOT:
        mantissa, times = mantissa * 2.0, times - 1
    over, under = mantissa - 1.0, mantissa + 1.0
    under_rest = mantissa - (under - 1.0)
    s = over / under
    main, rest = _product_of(s, under)
    s_rest = (((over - main) - rest) - s * under_rest) / under
    square = s * s
    series = square * _LOG_SERIES[0]
    for factor in _LOG_SERIES[1:-1]:
        series = (series + factor) * square
    tail = 2.0 * s_rest + s * (square * (series + _LOG_SERIES[-1]))
    tail += times * LN2_LOW
    times_ln2, twice = times * LN2_HIGH, 2.0 * s
    total = times_ln2 + twice
    tail += (times_ln2 - total) + twice if times else 0.0
    high = total + tail
    return high, (total - high) + tail


def _product_of(a: float, b: float) -> tuple[float, float]:
    product = a * b
    a_high = (a * _SPLIT) - (a * _SPLIT - a)
    b_high = (b * _SPLIT) - (b * _SPLIT - b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _special(x: Floats, result: Floats) -> Floats:
    """The logarithms, replaced for 0 and infinity, and nan for numbers without a logarithm."""
    usual = np.where(np.isinf(x), np.inf, result)
    return np.where(x > 0, usual, np.where(x == 0, -np.inf, np.nan))


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """``a · b`` rounded, and the rounding error (T. J. Dekker, 1971)."""
    product = a * b
    a_high = (a * _SPLIT) - (a * _SPLIT - a)
    b_high = (b * _SPLIT) - (b * _SPLIT - b)
    a_low, b_low = a - a_high, b - b_high
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, np.where(np.isfinite(rest), rest, 0.0)
