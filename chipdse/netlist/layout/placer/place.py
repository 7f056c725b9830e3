"""Global placement: where the cells of a netlist lie, as far as wire length needs to know.

Of the electrostatic family [1]_: quadratic wire length to start, then Nesterov's method on smooth
wire length plus a density penalty that grows until the cells no longer overlap in the grid.
A large design may start from a placement of clusters of its cells instead.
Totals of wire length resemble those of a full placer; a single net is indicative only.

References
----------
.. [1] J. Lu et al., ePlace: electrostatics-based placement using fast Fourier transform and
   Nesterov's method, ACM TODAES 20(2), article 17, 2015
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError, InfeasibleError
from chipdse.netlist.layout.placer.arrays import wired_pins
from chipdse.netlist.layout.placer.clusters import PlacedClusters, clusters_of
from chipdse.netlist.layout.placer.compiled import PlacerKernel, placer_kernel
from chipdse.netlist.layout.placer.gradient import Density, WireLength
from chipdse.netlist.layout.placer.grid import charges_of, grid_of, smoothing_of
from chipdse.netlist.layout.placer.problem import PlacementProblem
from chipdse.netlist.layout.placer.start import (
    Outline,
    move_ports,
    ports_in_order,
    quadratic_placement,
)

OVERFLOW = 0.10
"""Area that finds no room in its bin, as a share of the cells' area, at which placement ends."""
MOST_STEPS = 2000
FEW_CELLS = 20
"""So few cells are larger than any grid; they are placed without a promise about overflow."""
LEAST_CLUSTERED_CELLS = 2_000
"""A smaller design does not start from clusters: the descent of its cells takes a second or two."""
_FILLER_BINS = 1.0  # area of a filler, in full bins
_FIRST_WEIGHT = 1e-2  # of density against wire length, as the ratio of their gradients
_NEXT_WEIGHT = 0.3  # the same for cells whose clusters are placed; measured in hierarchy.md
_LEAST_SCALE = 1.0
_PORTS_MOVE_AT = (0.9, 0.7, 0.5, 0.3, 0.2, 0.15, 0.12)  # overflows; ports are assigned anew
_STARTS = 3  # of a small design, whose length varies by 2 % with its start; the middle one is kept
_SMALL_CELLS = 1000
_STEPS_A_CELL = 1.5  # at most in all starts, which bounds what they take
_STALLED_STEPS = 600  # then density only gains weight, and cells are shaken ...
_SHAKE_STEPS = 100  # ... repeated after this number of steps
_MOST_SHORTER = 10  # times that one step is shortened
_STEP_AGREES = 0.95  # of a step length with the one that its own gradients give


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """Where every node lies.

    Parameters
    ----------
    x_m, y_m : [nodes] centres, cells first, then ports
    wire_length_m : half the perimeter of every net's bounding box, summed
    net_number, net_span_m : nets of two pins or more, and half the perimeter of the bounding box
        of each one, the mean over the starts of a small design
    overflow : area that finds no room in its bin, as a share of the cells' area
    """

    problem: PlacementProblem
    x_m: Floats
    y_m: Floats
    wire_length_m: float
    net_number: Int64s
    net_span_m: Floats
    overflow: float
    steps: int
    seed: int


def place(
    problem: PlacementProblem,
    *,
    seed: int = 0,
    compiled: bool | None = None,
    clustered: bool = False,
) -> Placement:
    """Place cells and ports.

    Parameters
    ----------
    seed : of the random start; the same seed gives the same placement
    compiled : use compiled inner loops; None: where there is a compiler. No result changes.
    clustered : place clusters first, if there are `LEAST_CLUSTERED_CELLS`; then the cells start
        from the places of their clusters and need fewer steps

    Raises
    ------
    InfeasibleError : the overflow does not come down (an unreasonable core or density)
    """
    kernel = placer_kernel() if compiled in (None, True) else None
    cells = len(problem.cell_area_m2)
    if not cells:
        raise DesignError("there is no cell to place")
    is_clustered = clustered and cells >= LEAST_CLUSTERED_CELLS
    runs = [(_from_clusters if is_clustered else _Run)(problem, (seed, 0), kernel)]
    runs[0].descend()
    quick = runs[0].steps * _STARTS <= _STEPS_A_CELL * cells and problem.port_count <= cells // 4
    if cells <= _SMALL_CELLS and quick:
        runs += [_Run(problem, (seed, start), kernel) for start in range(1, _STARTS)]
    for run in runs[1:]:
        run.descend()
    spread = [run for run in runs if run.overflow < OVERFLOW or cells <= FEW_CELLS]
    if not spread:
        raise InfeasibleError(
            f"placement did not spread the cells: overflow {runs[0].overflow:.2f} after "
            f"{runs[0].steps} steps; give the core more room: a lower utilisation"
        )
    spread.sort(key=lambda run: run.wire_length_m)
    spans_m = [run.net_span_m for run in spread]
    return spread[len(spread) // 2].placement(seed, np.mean(spans_m, axis=0))


def _from_clusters(
    problem: PlacementProblem, seed: tuple[int, int], kernel: PlacerKernel | None
) -> _Run:
    """A run whose cells lie where their clusters were placed."""
    clusters = clusters_of(problem)
    coarse = _Run(clusters.problem, seed, kernel)
    coarse.descend()
    size_m = np.sqrt(coarse.area) * coarse.bin_width_m, np.sqrt(coarse.area) * coarse.bin_height_m
    placed = PlacedClusters(
        cluster_of=clusters.cluster_of,
        ports=slice(coarse.cells, coarse.nodes),
        x_m=coarse.x * coarse.bin_width_m,
        y_m=coarse.y * coarse.bin_height_m,
        width_m=size_m[0],
        height_m=size_m[1],
    )
    return _Run(problem, seed, kernel, start=placed)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reference:
    """A placement and the preconditioned gradient of the cost there."""

    x: Floats
    y: Floats
    gradient_x: Floats
    gradient_y: Floats

    def step_to(self, reference: _Reference) -> float:
        """Distance of two placements over that of their gradients: the inverse steepness."""
        moved = _distance(reference.x, reference.y, self.x, self.y)
        turned = _distance(
            reference.gradient_x, reference.gradient_y, self.gradient_x, self.gradient_y
        )
        return moved / max(turned, 1e-30)


class _Run:
    """One descent. Positions in bins; nodes are cells, ports, then fillers."""

    def __init__(
        self,
        problem: PlacementProblem,
        seed: tuple[int, int],
        kernel: PlacerKernel | None,
        start: PlacedClusters | None = None,
    ) -> None:
        self.problem = problem
        self.net_number, self.pins = wired_pins(problem.pin_net, problem.pin_node)
        self.cells, self.nodes = len(problem.cell_area_m2), problem.nodes
        width, height = grid_of(problem)
        self.bin_width_m = problem.core_width_m / width
        self.bin_height_m = problem.core_height_m / height
        self.outline = Outline(
            width=width, height=height, margin=problem.port_margin_m / self.bin_width_m
        )
        self.stretch = self.bin_height_m / self.bin_width_m
        bin_m2 = self.bin_width_m * self.bin_height_m
        self.random = np.random.default_rng(seed)
        area = problem.cell_area_m2 / bin_m2
        room = width * height * problem.target_density - float(area.sum())
        self.fillers = round(room / _FILLER_BINS / problem.target_density) if room > 0.0 else 0
        filler_area = room / self.fillers if self.fillers else 0.0
        self.area = np.concatenate(
            [area, np.zeros(problem.port_count), np.full(self.fillers, filler_area)]
        )
        self.wires = WireLength(self.pins, len(self.area), kernel)
        self.shape = (width, height)
        self.density = self._density(self.area, kernel)
        cells = self.area.copy()
        cells[self.nodes :] = 0.0
        self.of_cells = self._density(cells, kernel)
        self.pin_count = np.bincount(self.pins.node, minlength=len(self.area)).astype(np.float64)
        self.moves = np.ones(len(self.area), dtype=bool)
        self.moves[self.cells : self.nodes] = False
        # Whole cells lie inside. On the border itself no force would ever drive them off it.
        half = np.sqrt(cells) / 2
        self.low_x = np.minimum(half * math.sqrt(self.stretch), width / 2)
        self.low_y = np.minimum(half / math.sqrt(self.stretch), height / 2)
        self.is_near = start is not None  # to its end already
        if start is None:
            self.x, self.y = self._start()
        else:
            x_m, y_m = start.cells(self.random, self.fillers)
            self.x, self.y = x_m / self.bin_width_m, y_m / self.bin_height_m
        self.smooth = smoothing_of(problem)
        self.overflow, self.steps = 1.0, 0
        self.weight = 0.0

    def _density(self, area: Floats, kernel: PlacerKernel | None) -> Density:
        """The density of nodes with these areas [bins], at the density that is aimed at."""
        charges = charges_of(area, self.stretch, self.problem.target_density)
        return Density(charges, len(area), self.shape, self.stretch, kernel)

    def _start(self) -> tuple[Floats, Floats]:
        random = self.random
        width, height = self.shape
        x = width / 2 + random.uniform(-0.5, 0.5, self.nodes)
        y = height / 2 + random.uniform(-0.5, 0.5, self.nodes)
        ports = random.permutation(np.arange(self.cells, self.nodes))
        x[ports], y[ports] = ports_in_order(len(ports), self.outline)
        x, y = quadratic_placement(self.pins, self.cells, x, y, self.outline)
        # Cells at the same position would always have the same forces; half a bin separates them.
        x[: self.cells] += random.uniform(-0.5, 0.5, self.cells)
        y[: self.cells] += random.uniform(-0.5, 0.5, self.cells)
        return (
            np.concatenate([x, random.uniform(0, width, self.fillers)]),
            np.concatenate([y, random.uniform(0, height, self.fillers)]),
        )

    def _gradient(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Preconditioned gradient at a place; ports do not move."""
        wire_x = self.wires.gradient(x, self.gamma)
        wire_y = self.wires.gradient(y, self.gamma / self.stretch) * self.stretch
        grid = self.density.spread(x, y)
        force_x, force_y = self.density.gradient(x, y, self.density.potential(grid))
        if self.weight == 0.0:
            pull = np.abs(wire_x).sum() + np.abs(wire_y).sum()
            push = np.abs(force_x[: self.nodes]).sum() + np.abs(force_y[: self.nodes]).sum()
            # Without wires nothing pulls, and any weight will do.
            first = _NEXT_WEIGHT if self.is_near else _FIRST_WEIGHT
            self.weight = first * float(pull / push) if push > 0 and pull > 0 else 1.0
        scale = 1.0 / np.maximum(self.pin_count + self.weight * self.area, _LEAST_SCALE)
        scale[~self.moves] = 0.0
        return (
            (wire_x + self.weight * force_x) * scale,
            (wire_y + self.weight * force_y) * scale,
        )

    def _inside(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        fixed = slice(self.cells, self.nodes)
        at_x = np.clip(x, self.low_x, self.shape[0] - self.low_x)
        at_y = np.clip(y, self.low_y, self.shape[1] - self.low_y)
        at_x[fixed], at_y[fixed] = x[fixed], y[fixed]
        return at_x, at_y

    def _look(self, x: Floats, y: Floats) -> float:
        """Update overflow and smoothing; half-perimeter length in bin widths."""
        grid = self.of_cells.spread(x, y)
        full = self.problem.target_density
        total = float(self.area[: self.cells].sum())
        self.overflow = float(np.maximum(grid - full, 0.0).sum()) / total
        self.gamma = self.smooth * numerics.power_of(10.0, (20 * self.overflow - 11) / 9)
        span = self.wires.spans(x).sum() + self.wires.spans(y).sum() * self.stretch
        return float(span)

    def descend(self) -> None:
        """Nesterov's method with steps from the gradient's measured steepness, as in [1]_.

        In the paper's symbols, for step k: the placement u, the reference placement v at which the
        gradient ∇f of the preconditioned cost is taken, the step length α, and the sequence a that
        sets the momentum::

            u[k+1] = v[k] - α[k] ∇f(v[k])
            a[k+1] = (1 + √(4 a[k]² + 1)) / 2
            v[k+1] = u[k+1] + (a[k] - 1) / a[k+1] · (u[k+1] - u[k])
            α[k]   = |v[k+1] - v[k]| / |∇f(v[k+1]) - ∇f(v[k])|,  shortened until it agrees
        """
        u = (self.x, self.y)
        length = self._look(*u)
        v = self._reference(*u)
        alpha, a = self._first_step(v), 1.0
        cell_m2 = float(self.area[: self.cells].mean())
        usual = max(length, 1.3 * numerics.power_of(self.cells, 1.13) * math.sqrt(cell_m2))
        # Ports that follow the clusters need not follow the cells through what is behind them.
        waiting = [at for at in _PORTS_MOVE_AT if not self.is_near or at < self.overflow]
        most = MOST_STEPS if self.cells > FEW_CELLS else 400
        for self.steps in range(1, most + 1):
            a_next = (1.0 + math.sqrt(4.0 * a * a + 1.0)) / 2.0
            u, v, alpha = self._step(u, v, alpha, (a - 1.0) / a_next)
            a = a_next
            before, length = length, self._look(*u)
            if self.overflow < OVERFLOW:
                break
            self._weigh((length - before) / (0.005 * max(length, usual)))
            while waiting and self.overflow < waiting[0]:
                waiting.pop(0)
                self._assign_ports(u, v)
            if self.steps >= _STALLED_STEPS and self.steps % _SHAKE_STEPS == 0:
                # Cells that their nets drew onto one spot have stayed together since.
                u = self._inside(*(self._shaken(at) for at in u))
                v, a = self._reference(*u), 1.0
        self.x, self.y = u

    def _reference(self, x: Floats, y: Floats) -> _Reference:
        """A reference placement with the gradient there."""
        gradient_x, gradient_y = self._gradient(x, y)
        return _Reference(x=x, y=y, gradient_x=gradient_x, gradient_y=gradient_y)

    def _first_step(self, v: _Reference) -> float:
        """The first α: the fastest node moves a tenth of a bin, to measure the steepness with."""
        squared = v.gradient_x * v.gradient_x + v.gradient_y * v.gradient_y
        reach = 0.1 / max(math.sqrt(float(squared.max())), 1e-30)
        moved = self._inside(v.x - reach * v.gradient_x, v.y - reach * v.gradient_y)
        return v.step_to(self._reference(*moved))

    def _step(
        self, u: tuple[Floats, Floats], v: _Reference, alpha: float, ahead: float
    ) -> tuple[tuple[Floats, Floats], _Reference, float]:
        """The next u, v and α; α is shortened while the gradient turns out steeper.

        ahead : (a[k] - 1) / a[k+1]
        """
        for _ in range(_MOST_SHORTER):
            x, y = self._inside(v.x - alpha * v.gradient_x, v.y - alpha * v.gradient_y)
            following = self._reference(
                *self._inside(x + ahead * (x - u[0]), y + ahead * (y - u[1]))
            )
            measured = v.step_to(following)
            if measured > _STEP_AGREES * alpha:
                break
            alpha = measured
        return (x, y), following, measured

    def _weigh(self, change: float) -> None:
        """Give density more weight, the more the less wire it cost last time.

        change : growth of the wire length in the last step, 1 where it is as large as is usual
        """
        slowest = 0.95 if self.steps < _STALLED_STEPS else 1.0
        self.weight *= min(1.1, max(slowest, numerics.power_of(1.1, 1.0 - change)))

    def _assign_ports(self, u: tuple[Floats, Floats], v: _Reference) -> None:
        """Assign the ports anew to slots on the border, in both placements (in place)."""
        move_ports(self.pins, self.cells, u[0][: self.nodes], u[1][: self.nodes], self.outline)
        ports = slice(self.cells, self.nodes)
        v.x[ports], v.y[ports] = u[0][ports], u[1][ports]

    def _shaken(self, at: Floats) -> Floats:
        moved = at.copy()
        moved[: self.cells] += self.random.uniform(-0.5, 0.5, self.cells)
        return moved

    @property
    def wire_length_m(self) -> float:
        """Half the perimeter of every net's bounding box, summed."""
        across = float(self.wires.spans(self.x).sum() * self.bin_width_m)
        return across + float(self.wires.spans(self.y).sum() * self.bin_height_m)

    @property
    def net_span_m(self) -> Floats:
        """Half the perimeter of each net's bounding box."""
        across = self.wires.spans(self.x) * self.bin_width_m
        return np.asarray(across + self.wires.spans(self.y) * self.bin_height_m)

    def placement(self, seed: int, net_span_m: Floats) -> Placement:
        """This descent's positions, with the spans of nets [m], in metres."""
        return Placement(
            problem=self.problem,
            x_m=self.x[: self.nodes] * self.bin_width_m,
            y_m=self.y[: self.nodes] * self.bin_height_m,
            wire_length_m=self.wire_length_m,
            net_number=self.net_number,
            net_span_m=net_span_m,
            overflow=self.overflow,
            steps=self.steps,
            seed=seed,
        )


def _distance(ax: Floats, ay: Floats, bx: Floats, by: Floats) -> float:
    dx, dy = ax - bx, ay - by
    return math.sqrt(float(np.sum(dx * dx)) + float(np.sum(dy * dy)))
