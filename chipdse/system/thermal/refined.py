"""Temperatures within a stated distance of the converged solution: two nested meshes, extrapolated.

The coarse mesh has half as many cells as the fine one along every axis, and each of its lines is
a line of the fine one too. Cells are small at the heat sources and grow away from them, sideways
and through the thickness. The error of finite volumes falls with the square of the cell size, so
a third of the difference between the two meshes is added to the fine one [1]_. What is left is
smaller than that correction, which is therefore the stated discretisation error.

.. [1] L. F. Richardson, Phil. Trans. R. Soc. A 210, 1911, doi 10.1098/rsta.1911.0009.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.system.thermal.linear_solver import Factors, factorise
from chipdse.system.thermal.mesh import Fold, same_lines, unfolded
from chipdse.system.thermal.solver import Network, Operator, assemble_on, fold_on, operator_from
from chipdse.system.thermal.stack import Layer, Rectangle, Softening, Stack

CELLS = 8
"""Cells of the fine mesh across all heat sources, at least."""
REFERENCE_K = 350.0
"""Temperature around which the effect of a conductivity that falls with temperature is linear."""

_PER_SOURCE = 4
"""Cells of the fine mesh across one heat source, at least."""
_GROWTH = 0.75
"""Growth of the fine mesh's cells per distance from the sources."""
_SPREADS_W_PER_MK = 20.0
"""Layers that conduct less pass heat straight through, for which one slice is exact."""
_THIN = 4.0
"""A layer this many times thinner than the cells of its sources are wide needs one slice."""
_SAMPLES = 256
_TOLERANCE_K, _STEPS = 1e-3, 50
ZERO_C_IN_K = 273.15


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
    stack: Stack, fold: Fold, cells: int = CELLS, per_source: float = 0.0, growth: float = 0.0
) -> Meshes:
    """Two nested meshes of a stack.

    Parameters
    ----------
    fold : mirrors that change neither stack nor powers, as far as the meshes have them
    cells : of the fine mesh across all sources; also scales how fine it is everywhere else
    per_source : cells of the coarse mesh across each source, at least; 0: as `cells` says
    growth : of the coarse mesh's cells per distance from the sources; 0: as `cells` says
    """
    sources = [s for layer in stack.layers for s in layer.sources]
    box = max(
        max(s.right_m for s in sources) - min(s.left_m for s in sources),
        max(s.top_m for s in sources) - min(s.bottom_m for s in sources),
    )
    coarsest = 2 * box / cells
    per_source = per_source or _PER_SOURCE / 2 * cells / CELLS
    growth = growth or 2 * _GROWTH * CELLS / cells
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


@dataclass(frozen=True, kw_only=True, eq=False)
class RefinedOperator:
    """Extrapolated temperature rises per watt of one geometry, with their discretisation error.

    coarse, fine : the operators of the two meshes
    average : sources x sources, mean rise of each source's area [K/W], extrapolated
    change, peak_change : by how much `average` and the hottest cells' rises grow per unit of
        relative thermal resistivity over that at `REFERENCE_K` [K/W]
    softening : curve of that resistivity; None where no material of the stack softens
    """

    coarse: Operator
    fine: Operator
    average: Floats
    change: Floats
    peak_change: Floats
    softening: Softening | None

    @property
    def network(self) -> Network:
        """The heat equations of the fine mesh."""
        return self.fine.network

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of power vectors."""
        return self.fine.sources

    def excess(self, temperature_k: Floats) -> Floats:
        """Relative thermal resistivity at temperatures, less that at `REFERENCE_K`."""
        if self.softening is None:
            return np.zeros_like(temperature_k)
        return self.softening.ratio(temperature_k) - _reference(self.softening)

    def excess_slope(self, temperature_k: Floats) -> Floats:
        """Change of `excess` per kelvin."""
        if self.softening is None:
            return np.zeros_like(temperature_k)
        return self.softening.slope(temperature_k)

    def peak_rise(self, power_w: Floats, excess: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Hottest point of each source over the air, and its discretisation error [K].

        Parameters
        ----------
        power_w : powers [..., sources]
        excess : of each source, from its temperature
        """
        fine, coarse = self.fine.peak_rise(power_w), self.coarse.peak_rise(power_w)
        correction = (fine - coarse) / 3
        softer = excess * numerics.matmul(power_w, self.peak_change.T)
        return fine + correction + softer, np.abs(correction)


def _reference(softening: Softening | None) -> float:
    return 1.0 if softening is None else float(softening.ratio(np.array(REFERENCE_K)))


def refined(stack: Stack, fold: Fold, cells: int = CELLS) -> RefinedOperator:
    """The operator of a stack on two nested meshes.

    Parameters
    ----------
    fold : mirrors that change neither stack nor powers
    cells : cells of the fine mesh across all sources, at least
    """
    softening = stack.softening
    networks = meshes_of(stack, fold, cells).networks(_reference(softening))
    coarse, fine = (_operator(network) for network in networks)
    average = fine.operator.average + (fine.operator.average - coarse.operator.average) / 3
    return RefinedOperator(
        coarse=coarse.operator,
        fine=fine.operator,
        average=average,
        change=fine.change,
        peak_change=fine.peak_change,
        softening=softening,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solved:
    operator: Operator
    change: Floats
    peak_change: Floats


def _operator(network: Network) -> _Solved:
    """An operator, and the derivatives of its rises by the relative thermal resistivity."""
    factors = factorise(network.conductance)
    operator = operator_from(network, factors)
    count = len(operator.sources)
    if network.softer is None:
        nothing = np.zeros((count, count))
        return _Solved(operator=operator, change=nothing, peak_change=nothing)
    # G·T = P, so dT/dr = -G⁻¹·(dG/dr)·T.
    change = factors.solve(-np.asarray(network.softer @ operator.field))
    hottest = _hottest(operator)
    return _Solved(
        operator=operator,
        change=np.asarray(network.spread.T @ change),
        peak_change=np.asarray(change[hottest]),
    )


def _hottest(operator: Operator) -> Int64s:
    """The cell of each source that its own power heats most."""
    cells = operator.network.source_cells
    return np.array(
        [c[np.argmax(operator.field[c, i])] for i, c in enumerate(cells)], dtype=np.int64
    )


@dataclass(frozen=True, kw_only=True)
class HottestPoint:
    """rise_k : of the hottest point of any source over the air; error_k : discretisation error.

    beyond_conductivity_k : how far the hottest cell is outside the range of its conductivity [K];
        negative inside it, or where no conductivity depends on temperature
    heat_out_w : heat that leaves through cooler and board on the fine mesh
    """

    rise_k: float
    error_k: float
    beyond_conductivity_k: float
    heat_out_w: float


def hottest_point(
    stack: Stack, power_w: Floats, ambient_c: float, cells: int = CELLS
) -> HottestPoint:
    """The hottest point of a stack whose every cell conducts as its own temperature says.

    The resistivity of each cell of the coarse mesh follows from its temperature until none changes
    by more than 1 mK; the cells of the fine mesh take those resistivities. That costs a
    factorisation per step, so it serves single systems; `RefinedOperator` serves many.

    Parameters
    ----------
    power_w : power of each source [sources]
    ambient_c : temperature of the air, for the conductivities
    cells : cells of the fine mesh across all sources
    """
    (point,) = hottest_points(stack, power_w[None], ambient_c, cells)
    return point


def hottest_points(
    stack: Stack, powers_w: Floats, ambient_c: float, cells: int = CELLS
) -> list[HottestPoint]:
    """`hottest_point` for each of several maps of power [maps, sources], which share the meshes.

    The fine mesh is factorised for the first map only: the conductivities of the others differ a
    little, and refinement with those factors reaches the same solution to the last bit.
    """
    meshes = meshes_of(
        stack, unfolded(len(stack.sources)), cells, per_source=1.0, growth=2 * _GROWTH
    )
    ambient_k = ambient_c + ZERO_C_IN_K
    start = assemble_on(
        meshes.stacks[0], meshes.x[0], meshes.y[0], meshes.fold, _reference(stack.softening)
    )
    start_factors = factorise(start.conductance)
    fine: Network | None = None
    factors: Factors | None = None
    points = []
    for power_w in powers_w:
        coarse, rise, ratio = _softened(start, start_factors, power_w, ambient_k)
        low = float(rise[np.concatenate(coarse.source_cells)].max())
        if stack.softening is not None:
            ratio = _on_fine(ratio, meshes)
        fine = assemble_on(
            meshes.stacks[1], meshes.x[1], meshes.y[1], meshes.fold, ratio, like=fine
        )
        factors = factorise(fine.conductance, near=factors)
        rise = _rises(fine, factors, power_w)
        high = float(rise[np.concatenate(fine.source_cells)].max())
        beyond = -1.0
        if stack.softening is not None:
            beyond = float(stack.softening.beyond_k(np.array(ambient_k + rise.max())))
        correction = (high - low) / 3
        points.append(
            HottestPoint(
                rise_k=high + correction,
                error_k=abs(correction),
                beyond_conductivity_k=beyond,
                heat_out_w=numerics.dot(fine.cooler + fine.board, rise),
            )
        )
    return points


def _softened(
    start: Network, factors: Factors, power_w: Floats, ambient_k: float
) -> tuple[Network, Floats, Floats]:
    """The coarse mesh at its own temperatures: equations, rise of each cell [K], resistivities.

    start, factors : the equations at `REFERENCE_K`, and their factors
    """
    softening = start.stack.softening
    network, rise, ratio = start, _rises(start, factors, power_w), np.array(_reference(softening))
    if softening is None:
        return network, rise, ratio
    for _ in range(_STEPS):
        ratio = np.where(network.cell >= 0, softening.ratio(ambient_k + rise[network.cell]), 1.0)
        network = assemble_on(start.stack, start.x, start.y, start.fold, ratio, like=start)
        before, rise = rise, _rises(network, factorise(network.conductance), power_w)
        if np.abs(rise - before).max() <= _TOLERANCE_K:
            break
    return network, rise, ratio


def _on_fine(coarse: Floats, meshes: Meshes) -> Floats:
    """Values of the coarse mesh's cells [slice, y, x] for the cells of the fine mesh in them."""
    slices: list[int] = []
    first = 0
    for few, many in zip(*(stack.layers for stack in meshes.stacks), strict=True):
        count, fine = len(few.slice_heights_m), len(many.slice_heights_m)
        slices += [first + n * count // fine for n in range(fine)]
        first += count
    return coarse[slices].repeat(2, axis=1).repeat(2, axis=2)


def _rises(network: Network, factors: Factors, power_w: Floats) -> Floats:
    return np.asarray(factors.solve(np.asarray(network.spread @ power_w)))
