"""The compiled inner loops of the placer; the same sums in the same order as NumPy's."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

from chipdse import numerics
from chipdse.errors import ToolError
from chipdse.netlist.kernels.build import compiler, kernel
from chipdse.netlist.layout.placer.arrays import Charges

_STEPS = "\n".join(
    f"    series = (series + {factor.hex()}) * r;" for factor in numerics.EXP_SERIES[1:-1]
)
_EXPONENTIAL = f"""
static inline double exponential(double x)
{{
    x = least(most(x, {numerics.LEAST.hex()}), {numerics.MOST.hex()});
    double shifted = x * {numerics.LOG2_E.hex()} + {numerics.ROUNDING.hex()};
    double times = shifted - {numerics.ROUNDING.hex()};
    double left = x - times * {numerics.LN2_HIGH.hex()};
    double rest = 0.0 - times * {numerics.LN2_LOW.hex()};
    double r = left + rest;
    double lost = (left - r) + rest;
    double one = 1.0 + r;
    lost += (1.0 - one) + r;
    double series = r * {numerics.EXP_SERIES[0].hex()};
{_STEPS}
    series += {numerics.EXP_SERIES[-1].hex()};
    lost += r * r * series;
    int64_t whole, half, low_bits, high_bits;
    double low, high;
    __builtin_memcpy(&whole, &shifted, 8);  /* its last bits are the exponent */
    whole -= {np.float64(numerics.ROUNDING).view(np.int64)}ll;
    half = (int64_t)((uint64_t)(whole + 4096) >> 1) - 2048;
    low_bits = (half + 1023) << 52;
    high_bits = (whole - half + 1023) << 52;
    __builtin_memcpy(&low, &low_bits, 8);
    __builtin_memcpy(&high, &high_bits, 8);
    return (one + lost) * low * high;
}}

void exponentials(int64_t count, double *numbers)
{{
    for (int64_t i = 0; i < count; i++)
        numbers[i] = exponential(numbers[i]);
}}
"""
"""`numerics.exp` in C, operation by operation."""

SOURCE = (
    r"""
#include <stdint.h>
#include <math.h>

static inline double least(double a, double b) { return a < b ? a : b; }
static inline double most(double a, double b) { return a > b ? a : b; }
"""
    + _EXPONENTIAL
    + r"""
void exponents(int64_t nets, const int32_t *start, const int32_t *node, const double *x,
               double gamma, double *up, double *down)
{
    for (int64_t n = 0; n < nets; n++) {
        double high = x[node[start[n]]], low = high;
        for (int32_t p = start[n] + 1; p < start[n + 1]; p++) {
            double at = x[node[p]];
            high = most(high, at);
            low = least(low, at);
        }
        for (int32_t p = start[n]; p < start[n + 1]; p++) {
            double at = x[node[p]];
            up[p] = (at - high) / gamma;
            down[p] = (low - at) / gamma;
        }
    }
}

void wire_gradient(int64_t nets, const int32_t *start, const int32_t *node, const double *x,
                   double gamma, const double *up, const double *down, double *gradient)
{
    for (int64_t n = 0; n < nets; n++) {
        double high = x[node[start[n]]], low = high;
        for (int32_t p = start[n] + 1; p < start[n + 1]; p++) {
            double at = x[node[p]];
            high = most(high, at);
            low = least(low, at);
        }
        double up_sum = 0, down_sum = 0, up_mean = 0, down_mean = 0;
        for (int32_t p = start[n]; p < start[n + 1]; p++) {
            double at = x[node[p]];
            up_sum += up[p];
            up_mean += up[p] * (at - high);
            down_sum += down[p];
            down_mean += down[p] * (at - low);
        }
        up_mean /= up_sum;
        down_mean /= down_sum;
        for (int32_t p = start[n]; p < start[n + 1]; p++) {
            double at = x[node[p]];
            double pull = (up[p] * (1.0 + ((at - high) - up_mean) / gamma)) / up_sum;
            pull -= (down[p] * (1.0 - ((at - low) - down_mean) / gamma)) / down_sum;
            gradient[node[p]] += pull;
        }
    }
}

static inline int64_t weights(double place, int64_t bins, double *weight, double *slope)
{
    double middle = least(most(floor(place), 0.0), (double)bins - 1.0);
    double t = least(most(place - (middle + 0.5), -0.5), 0.5);
    double low = 0.5 - t, high = 0.5 + t;
    weight[0] = 0.5 * (low * low);
    weight[1] = 0.75 - t * t;
    weight[2] = 0.5 * (high * high);
    slope[0] = -low;
    slope[1] = -2.0 * t;
    slope[2] = high;
    return (int64_t)middle;
}

void spread(int64_t charges, const int32_t *node, const double *dx, const double *dy,
            const double *area, const double *x, const double *y, int64_t width, int64_t height,
            double *grid)
{
    double wx[3], wy[3], unused[3];
    for (int64_t c = 0; c < charges; c++) {
        int64_t i = weights(x[node[c]] + dx[c], width, wx, unused);
        int64_t j = weights(y[node[c]] + dy[c], height, wy, unused);
        for (int a = 0; a < 3; a++) {
            double share = area[c] * wx[a];
            double *into = grid + (i + a) * (height + 2) + j;
            for (int b = 0; b < 3; b++)
                into[b] += share * wy[b];
        }
    }
}

void field(int64_t charges, const int32_t *node, const double *dx, const double *dy,
           const double *area, const double *x, const double *y, int64_t width, int64_t height,
           const double *potential, double *gx, double *gy)
{
    double wx[3], wy[3], sx[3], sy[3], across[3], along[3];
    for (int64_t c = 0; c < charges; c++) {
        int64_t i = weights(x[node[c]] + dx[c], width, wx, sx);
        int64_t j = weights(y[node[c]] + dy[c], height, wy, sy);
        for (int a = 0; a < 3; a++) {
            const double *from = potential + (i + a) * (height + 2) + j;
            across[a] = from[0] * wy[0] + from[1] * wy[1] + from[2] * wy[2];
            along[a] = from[0] * sy[0] + from[1] * sy[1] + from[2] * sy[2];
        }
        gx[node[c]] += area[c] * (sx[0] * across[0] + sx[1] * across[1] + sx[2] * across[2]);
        gy[node[c]] += area[c] * (wx[0] * along[0] + wx[1] * along[1] + wx[2] * along[2]);
    }
}

typedef double four __attribute__((vector_size(32), aligned(8), may_alias));

/* out[r] = sum over t of table[r][t] * in[t], each a row of `width` numbers, from the first t on */
static void rows(int64_t count, int64_t terms, int64_t width, const double *table,
                 const double *in, double *out)
{
    for (int64_t r = 0; r < count; r += 2) {
        /* two results at a time; the last of an odd count is computed twice */
        int64_t next = r + 1 < count ? r + 1 : r;
        const double *one = table + r * terms, *two = table + next * terms;
        int64_t w = 0;
        for (; w + 8 <= width; w += 8) {
            four a = {0}, b = {0}, c = {0}, d = {0};
            for (int64_t t = 0; t < terms; t++) {
                const four *from = (const four *)(in + t * width + w);
                a += one[t] * from[0];
                b += one[t] * from[1];
                c += two[t] * from[0];
                d += two[t] * from[1];
            }
            four *to = (four *)(out + r * width + w), *below = (four *)(out + next * width + w);
            to[0] = a;
            to[1] = b;
            below[0] = c;
            below[1] = d;
        }
        for (; w < width; w++) {
            double first = 0, second = 0;
            for (int64_t t = 0; t < terms; t++) {
                first += one[t] * in[t * width + w];
                second += two[t] * in[t * width + w];
            }
            out[r * width + w] = first;
            out[next * width + w] = second;
        }
    }
}

/* scratch holds as many numbers as grid */
void cosine_forward(int64_t count, int64_t width, const double *even, const double *odd,
                    const double *grid, double *scratch, double *out)
{
    int64_t half = count / 2, upper = count - half;
    double *sum = scratch, *difference = scratch + upper * width;
    for (int64_t j = 0; j < half; j++)
        for (int64_t w = 0; w < width; w++) {
            double a = grid[j * width + w], b = grid[(count - 1 - j) * width + w];
            sum[j * width + w] = a + b;
            difference[j * width + w] = a - b;
        }
    if (upper > half)
        for (int64_t w = 0; w < width; w++)
            sum[half * width + w] = grid[half * width + w];
    rows(upper, upper, width, even, sum, out);
    rows(half, half, width, odd, difference, out + upper * width);
}

void cosine_back(int64_t count, int64_t width, const double *even, const double *odd,
                 const double *spectrum, double *scratch, double *out)
{
    int64_t half = count / 2, upper = count - half;
    double *sum = scratch, *difference = scratch + upper * width;
    rows(upper, upper, width, even, spectrum, sum);
    rows(half, half, width, odd, spectrum + upper * width, difference);
    for (int64_t j = 0; j < half; j++)
        for (int64_t w = 0; w < width; w++) {
            double a = sum[j * width + w], b = difference[j * width + w];
            out[j * width + w] = a + b;
            out[(count - 1 - j) * width + w] = a - b;
        }
    if (upper > half)
        for (int64_t w = 0; w < width; w++)
            out[half * width + w] = sum[half * width + w];
}
"""
)


class PlacerKernel:
    """The compiled functions with arrays as arguments."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def exponents(self, start: Any, node: Any, x: Any, gamma: float, powers: Any) -> None:
        """Exponents of the weighted average into `powers` [2, pins]."""
        nets = ctypes.c_int64(len(start) - 1)
        self._library.exponents(
            nets,
            _at(start),
            _at(node),
            _at(x),
            ctypes.c_double(gamma),
            _at(powers[0]),
            _at(powers[1]),
        )

    def exponentials(self, numbers: Any) -> None:
        """`numerics.exp` of numbers, in their place."""
        self._library.exponentials(ctypes.c_int64(numbers.size), _at(numbers))

    def cosine(self, forward: bool, even: Any, odd: Any, rows: Any) -> Any:
        """The cosine transform along the first axis, or its transpose; see `placer_cosine`."""
        out, scratch = np.empty_like(rows), np.empty_like(rows)
        transform = self._library.cosine_forward if forward else self._library.cosine_back
        count, width = (ctypes.c_int64(size) for size in rows.shape)
        transform(count, width, _at(even), _at(odd), _at(rows), _at(scratch), _at(out))
        return out

    def wire_gradient(
        self, start: Any, node: Any, x: Any, gamma: float, powers: Any, gradient: Any
    ) -> None:
        """Add each net's pull to `gradient` [nodes]."""
        self._library.wire_gradient(
            ctypes.c_int64(len(start) - 1), _at(start), _at(node), _at(x), ctypes.c_double(gamma),
            _at(powers[0]), _at(powers[1]), _at(gradient),
        )  # fmt: skip

    def spread(self, charges: Charges, x: Any, y: Any, padded: Any) -> None:
        """Add every charge to a grid with one bin more on each side."""
        self._library.spread(*_charges(charges, x, y, padded), _at(padded))

    def field(self, charges: Charges, x: Any, y: Any, padded: Any, gx: Any, gy: Any) -> None:
        """Add the force on every charge to its node."""
        self._library.field(*_charges(charges, x, y, padded), _at(padded), _at(gx), _at(gy))


def _charges(charges: Charges, x: Any, y: Any, padded: Any) -> tuple[Any, ...]:
    width, height = padded.shape
    return (
        ctypes.c_int64(len(charges.node)), _at(charges.node), _at(charges.offset_x),
        _at(charges.offset_y), _at(charges.area), _at(x), _at(y),
        ctypes.c_int64(width - 2), ctypes.c_int64(height - 2),
    )  # fmt: skip


def _at(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@functools.cache
def placer_kernel() -> PlacerKernel | None:
    """The compiled functions; None where there is no C compiler, or it fails."""
    if compiler() is None:
        return None
    try:
        return PlacerKernel(kernel().library("placer", SOURCE))
    except ToolError:
        return None
