"""The compiled inner loops of the placer; the same sums in the same order as NumPy's."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from chipdse.errors import ToolError
from chipdse.netlist.kernel import compiler, kernel
from chipdse.netlist.placer_arrays import Charges

# Fused multiply-adds round differently from NumPy's separate ones: they are switched off.
SOURCE = r"""
#pragma STDC FP_CONTRACT OFF
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize ("fp-contract=off")
#endif
#include <stdint.h>
#include <math.h>

static inline double least(double a, double b) { return a < b ? a : b; }
static inline double most(double a, double b) { return a > b ? a : b; }

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
"""


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
