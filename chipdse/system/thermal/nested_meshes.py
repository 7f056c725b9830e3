"""Two nested meshes of a stack, for extrapolation to a mesh of infinitely small cells.

The coarse mesh has half as many cells as the fine one along every axis, and each of its lines is
a line of the fine one too. Cells are small at the heat sources and grow away from them, sideways
and through the thickness.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chipdse.arrays import Floats
from chipdse.system.thermal.assembly import Network, assemble_on, fold_on
from chipdse.system.thermal.mesh import Fold, same_lines
from chipdse.system.thermal.stack import Layer, Rectangle, Stack

CELLS = 8
"""Cells of the fine mesh across all heat sources, at least."""
GROWTH = 0.75
"""Growth of the fine mesh's cells per distance from the sources."""
_PER_SOURCE = 4
"""Cells of the fine mesh across one heat source, at least."""
_SPREADS_W_PER_MK = 20.0
"""Layers that conduct less pass heat straight through, for which one slice is exact."""
_THIN = 4.0
"""A layer this many times thinner than the cells of its sources are wide needs one slice."""
_SAMPLES = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Meshes:
    """A stack cut into slices, and grid lines, of the coarse and of the fine mesh."""

    stacks: tuple[Stack, Stack]
    x: tuple[Floats, Floats]
    y: tuple[Floats, Floats]
    fold: Fold

    def networks(self, ratio: float = 1.0) -> tuple[Network, Network]:
        """The heat equations on both meshes; `ratio` as in `assemble_on`."""
        coarse, fine = (
            assemble_on(stack, x, y, self.fold, ratio, derivative=derivative)
            for stack, x, y, derivative in zip(
                self.stacks, self.x, self.y, (False, True), strict=True
            )
        )
        return coarse, fine


def meshes_of(
    stack: Stack,
    fold: Fold,
    cells: int = CELLS,
    per_source: float | None = None,
    growth: float | None = None,
) -> Meshes:
    """Two nested meshes of a stack.

    Parameters
    ----------
    fold : mirrors that change neither stack nor powers, as far as the meshes have them
    cells : of the fine mesh across all sources; also scales how fine it is everywhere else
    per_source : cells of the coarse mesh across each source, at least; None: as `cells` says
    growth : of the coarse mesh's cells per distance from the sources; None: as `cells` says
    """
    sources = [s for layer in stack.layers for s in layer.sources]
    box = max(
        max(s.right_m for s in sources) - min(s.left_m for s in sources),
        max(s.top_m for s in sources) - min(s.bottom_m for s in sources),
    )
    coarsest = 2 * box / cells
    if per_source is None:
        per_source = _PER_SOURCE / 2 * cells / CELLS
    if growth is None:
        growth = 2 * GROWTH * CELLS / cells
    rectangles = [r for la in stack.layers for r in (la.outline, *la.sources)]
    rectangles += [r for la in stack.layers for r, _ in la.regions]

    def lines(axis: str) -> tuple[Floats, Floats]:
        spans = sorted({_span(s, axis) for s in sources})
        sizes = tuple((a, b, min((b - a) / per_source, coarsest)) for a, b in spans)
        edges = tuple(sorted({e for r in rectangles for e in _span(r, axis)}))
        return _lines(edges, sizes, growth)

    x, y = lines("x"), lines("y")
    smallest = min(min(s.width_m, s.height_m) for s in sources) / per_source
    coarse, fine = _sliced(stack, min(smallest, coarsest), growth)
    return Meshes(
        stacks=(coarse, fine), x=x, y=y, fold=fold_on(x[0], y[0], fold, len(stack.sources))
    )


def _span(rectangle: Rectangle, axis: str) -> tuple[float, float]:
    if axis == "x":
        return rectangle.left_m, rectangle.right_m
    return rectangle.bottom_m, rectangle.top_m


@lru_cache(maxsize=4)  # most packages are the same along both axes
def _lines(
    edges: tuple[float, ...], sizes: tuple[tuple[float, float, float], ...], growth: float
) -> tuple[Floats, Floats]:
    """Grid lines through all edges, coarse and fine.

    Parameters
    ----------
    edges : ascending
    sizes : (low, high, size); inside [low, high] cells of the coarse mesh are at most this large
    growth : by how much they may grow per distance from there
    """
    span = edges[-1] - edges[0]
    points = [p for i, p in enumerate(edges) if i == 0 or p - edges[i - 1] > 1e-9 * span]
    low, high, size = (np.array(column)[:, None] for column in zip(*sizes, strict=True))

    def largest(at: Floats) -> Floats:
        away = np.maximum(np.maximum(low - at, at - high), 0.0)
        return np.asarray((size + growth * away).min(axis=0))

    coarse, fine = [points[0]], [points[0]]
    for a, b in zip(points, points[1:], strict=False):
        few, many = _divided(a, b, largest(_middles(a, b)))
        coarse.extend(few[1:])
        fine.extend(many[1:])
    return _centred(np.array(coarse)), _centred(np.array(fine))


def _middles(a: float, b: float) -> Floats:
    return np.asarray(a + (b - a) * (np.arange(_SAMPLES) + 0.5) / _SAMPLES)


def _divided(a: float, b: float, largest: Floats) -> tuple[Floats, Floats]:
    """The ends of the coarse and fine cells of an interval, no cell larger than allowed.

    largest : size that a coarse cell may have at each of the interval's samples
    """
    if largest.min() * (1 + 1e-9) >= b - a:
        fine = np.array([a, (a + b) / 2, b])
        return fine[::2], fine
    ends = np.linspace(a, b, _SAMPLES + 1)
    passed = np.concatenate([[0.0], np.cumsum((b - a) / _SAMPLES / largest)])
    count = max(math.ceil(passed[-1] * (1 - 1e-9)), 1)
    fine = np.interp(np.arange(2 * count + 1) * (passed[-1] / (2 * count)), passed, ends)
    fine[0], fine[-1] = a, b
    return fine[::2], fine


def _centred(lines: Floats) -> Floats:
    """Lines that a mirror leaves alone but for rounding, without that rounding."""
    return (lines - lines[::-1]) / 2 if same_lines(lines, -lines[::-1]) else lines


def _sliced(stack: Stack, size: float, growth: float) -> tuple[Stack, Stack]:
    """The stack with slices through the layers that spread heat, coarse and fine."""
    tops = np.cumsum([layer.thickness_m for layer in stack.layers])
    heated = [
        (top - layer.thickness_m, top)
        for layer, top in zip(stack.layers, tops, strict=True)
        if layer.sources
    ]
    coarse, fine = [], []
    for layer, top in zip(stack.layers, tops, strict=True):
        few, many = _cuts(layer, float(top), heated, size, growth)
        coarse.append(dataclasses.replace(layer, slices=1, cuts=few))
        fine.append(dataclasses.replace(layer, slices=1, cuts=many))
    return (
        dataclasses.replace(stack, layers=tuple(coarse)),
        dataclasses.replace(stack, layers=tuple(fine)),
    )


def _cuts(
    layer: Layer, top: float, heated: list[tuple[float, float]], size: float, growth: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    materials = (layer.material, *(m for _, m in layer.regions))
    spreads = max(min(m.xyz) for m in materials) >= _SPREADS_W_PER_MK
    if not spreads or layer.thickness_m * _THIN < size:
        return (), ()
    bottom = top - layer.thickness_m
    middles = _middles(bottom, top)
    away = np.min([np.maximum(np.maximum(a - middles, middles - b), 0) for a, b in heated], axis=0)
    few, many = ((z - bottom) / (top - bottom) for z in _divided(bottom, top, size + growth * away))
    return tuple(map(float, few[1:-1])), tuple(map(float, many[1:-1]))
