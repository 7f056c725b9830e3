"""The compiled inner loops of the placer; the same sums in the same order as NumPy's."""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from chipdse.arrays import Floats, Int32s
from chipdse.errors import ToolError
from chipdse.kernels.build import array_of, compiler, declared, kernels
from chipdse.netlist.layout.placer.arrays import Charges

_COUNT, _NUMBER = ctypes.c_int64, ctypes.c_double
_FLOATS, _NODES = array_of(np.float64), array_of(np.int32)
_NETS = (_COUNT, _NODES, _NODES, _FLOATS, _NUMBER)  # nets, start, node, x, gamma
_CHARGES = (_COUNT, _NODES, *[_FLOATS] * 5, _COUNT, _COUNT)
_TRANSFORM = (_COUNT, _COUNT, *[_FLOATS] * 5)


class PlacerKernel:
    """The compiled functions with arrays as arguments."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._exponentials = declared(library, "exponentials", _COUNT, _FLOATS)
        self._spans = declared(library, "spans", *_NETS[:4], _FLOATS)
        self._cosine_forward = declared(library, "cosine_forward", *_TRANSFORM)
        self._cosine_back = declared(library, "cosine_back", *_TRANSFORM)
        self._wire_gradient = declared(library, "wire_gradient", *_NETS, *[_FLOATS] * 2)
        self._spread = declared(library, "spread", *_CHARGES, _FLOATS)
        self._field = declared(library, "field", *_CHARGES, *[_FLOATS] * 3)

    def exponentials(self, numbers: Floats) -> None:
        """`numerics.exp` of numbers, in their place."""
        self._exponentials(numbers.size, numbers)

    def spans(self, start: Int32s, node: Int32s, x: Floats) -> Floats:
        """Extent of each net along one axis [nets]."""
        span = np.empty(len(start) - 1)
        self._spans(len(span), start, node, x, span)
        return span

    def cosine(self, forward: bool, even: Floats, odd: Floats, rows: Floats) -> Floats:
        """The cosine transform along the first axis, or its transpose; see `cosine.py`."""
        out, scratch = np.empty_like(rows), np.empty_like(rows)
        transform = self._cosine_forward if forward else self._cosine_back
        transform(*rows.shape, even, odd, rows, scratch, out)
        return out

    def wire_gradient(
        self,
        start: Int32s,
        node: Int32s,
        x: Floats,
        gamma: float,
        powers: Floats,
        gradient: Floats,
    ) -> None:
        """Add each net's pull to `gradient` [nodes]; `powers` [2, pins] is scratch."""
        self._wire_gradient(len(start) - 1, start, node, x, gamma, powers, gradient)

    def spread(self, charges: Charges, x: Floats, y: Floats, padded: Floats) -> None:
        """Add every charge to a grid with one bin more on each side."""
        self._spread(*_charges(charges, x, y, padded), padded)

    def field(
        self,
        charges: Charges,
        x: Floats,
        y: Floats,
        padded: Floats,
        gx: Floats,
        gy: Floats,
    ) -> None:
        """Add the force on every charge to its node."""
        self._field(*_charges(charges, x, y, padded), padded, gx, gy)


def _charges(
    charges: Charges, x: Floats, y: Floats, padded: Floats
) -> tuple[int | Int32s | Floats, ...]:
    width, height = padded.shape
    offsets = charges.offset_x, charges.offset_y
    nodes = charges.node
    return len(nodes), nodes, *offsets, charges.area, x, y, width - 2, height - 2


@functools.cache
def placer_kernel() -> PlacerKernel | None:
    """The compiled functions; None where there is no C compiler, or it fails."""
    if compiler() is None:
        return None
    try:
        return PlacerKernel(kernels().library("placer.c"))
    except ToolError:
        return None
