"""Temperature of a stack of layers: finite volumes on a rectilinear grid, steady state [1]_.

Layers are listed from the coolest side of the package to the side of the board or the other way
round, as they lie on each other; each has an outline, and inside it regions of other material.
Cells outside a layer's outline do not exist. Heat leaves through the top of the last layer and,
where a secondary path is given, through the bottom of the first; sides are adiabatic.

.. [1] The cell conductances are those of HotSpot (Huang et al., IEEE Trans. VLSI 14(5), 2006),
   except that two layers are joined by the series of their half thicknesses, and that spreader
   and sink are meshed beyond the die instead of lumped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, log

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from chipdse.errors import DesignError
from chipdse.system.yields import Array

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Material:
    """conductivities [W/m/K] along x, y and through the layer; heat capacity [J/m³/K]."""

    name: str
    conductivity_w_per_mk: float
    vertical_w_per_mk: float = 0.0
    heat_capacity_j_per_m3k: float = 1.6e6
    lateral_y_w_per_mk: float = 0.0

    @property
    def xyz(self) -> tuple[float, float, float]:
        """Conductivity along x, y, z; those not given equal the one along x."""
        k = self.conductivity_w_per_mk
        return k, self.lateral_y_w_per_mk or k, self.vertical_w_per_mk or k


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """An area of the package, from the package's centre [m]."""

    name: str
    left_m: float
    bottom_m: float
    width_m: float
    height_m: float

    @property
    def right_m(self) -> float:
        return self.left_m + self.width_m

    @property
    def top_m(self) -> float:
        return self.bottom_m + self.height_m


def centred(name: str, width_m: float, height_m: float) -> Rectangle:
    """A rectangle around the package's centre."""
    return Rectangle(
        name=name, left_m=-width_m / 2, bottom_m=-height_m / 2, width_m=width_m, height_m=height_m
    )


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a stack.

    outline : where the layer exists
    material : what fills it where no region says otherwise
    regions : (rectangle, material) pairs; later ones cover earlier ones
    sources : rectangles that dissipate power, by name, in this layer
    slices : cells through the thickness
    """

    name: str
    thickness_m: float
    outline: Rectangle
    material: Material
    regions: tuple[tuple[Rectangle, Material], ...] = ()
    sources: tuple[Rectangle, ...] = ()
    slices: int = 1


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Layers from the board's side to the cooler's side, and what cools them.

    cooler_resistance_k_per_w : from the top of the last layer to the air, for its whole area
    board_resistance_k_per_w : from the bottom of the first layer; infinite means none
    cooler_capacity_j_per_k : heat capacity at the cooler, for transients
    """

    layers: tuple[Layer, ...]
    cooler_resistance_k_per_w: float
    board_resistance_k_per_w: float = float("inf")
    cooler_capacity_j_per_k: float = 0.0

    def __post_init__(self) -> None:
        if not self.layers or not self.cooler_resistance_k_per_w > 0:
            raise DesignError("a thermal stack needs layers and a cooler resistance > 0 K/W")
        for layer in self.layers:
            if not layer.thickness_m > 0 or layer.slices < 1:
                raise DesignError(
                    f"layer {layer.name!r} is {layer.thickness_m!r} m thick in {layer.slices}"
                    " slices; use a thickness > 0 and at least one slice"
                )
            for material in (layer.material, *(m for _, m in layer.regions)):
                if min(material.xyz) <= 0:
                    raise DesignError(
                        f"material {material.name!r} of layer {layer.name!r} conducts"
                        f" {min(material.xyz)!r} W/mK; use a conductivity > 0"
                    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all heat sources, layer by layer."""
        return tuple(s.name for layer in self.layers for s in layer.sources)


def mesh_lines(
    edges: list[float], fine: list[tuple[float, float]], cell: float, growth: float
) -> Array:
    """Grid lines through all `edges`: cells of about `cell` inside the `fine` intervals, and
    growing by `growth` away from them."""
    points = sorted(set(edges))
    span = points[-1] - points[0]
    points = [p for i, p in enumerate(points) if i == 0 or p - points[i - 1] > 1e-9 * span]
    low, high = min(a for a, _ in fine), max(b for _, b in fine)
    lines = [points[0]]
    for a, b in zip(points, points[1:], strict=False):
        length = b - a
        distance = max(low - b, a - high, 0.0)
        if b > low and a < high or growth <= 1:
            fractions = np.linspace(0, 1, max(ceil(length / cell * (1 - 1e-9)), 1) + 1)[1:]
        else:
            # Cells grow with the distance from the fine region: h(x) = cell + (growth - 1)·x.
            slope = growth - 1
            first, last = cell + slope * distance, cell + slope * (distance + length)
            count = max(ceil(log(last / first) / log(1 + slope)), 1)
            steps = (last / first) ** (np.arange(count + 1) / count)
            fractions = (steps - 1) / (steps[-1] - 1)
            if b <= low:
                fractions = (1 - fractions)[::-1]
            fractions = fractions[1:]
        lines.extend(a + length * f for f in fractions)
    return np.array(lines)


def overlaps(lines: Array, low: float, high: float) -> Array:
    """Length of each cell between `lines` inside [low, high]."""
    inside = np.minimum(lines[1:], high) - np.maximum(lines[:-1], low)
    return np.asarray(np.maximum(inside, 0.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The assembled heat equations ``C·dT/dt + G·T = P`` for temperature rises over the air.

    conductance : G [W/K], symmetric positive definite
    capacity : C [J/K] per cell
    spread : cells x sources, the share of each source's power in each cell
    cooler, board : conductance of each cell to the air above, below [W/K]
    cell : index of each cell [layer slice, y, x], -1 where there is none
    slice_layer : layer of each slice
    """

    stack: Stack
    x: Array
    y: Array
    cell: Ints
    slice_layer: Ints
    conductance: sp.csc_matrix[np.float64]
    capacity: Array
    spread: sp.csc_matrix[np.float64]
    cooler: Array
    board: Array
    source_cells: tuple[Ints, ...] = field(default=())


def assemble(stack: Stack, cells: int = 32, growth: float = 1.5) -> Network:
    """Mesh a stack and set up its heat equations.

    Parameters
    ----------
    cells : grid cells across the larger side of the box around all heat sources
    growth : how much larger than its neighbour a cell outside that box may be; 1 for a uniform grid
    """
    sources = [s for layer in stack.layers for s in layer.sources]
    if not sources:
        raise DesignError("a thermal stack needs at least one heat source")
    box = (
        (min(s.left_m for s in sources), max(s.right_m for s in sources)),
        (min(s.bottom_m for s in sources), max(s.top_m for s in sources)),
    )
    size = max(b - a for a, b in box) / cells
    rectangles = [r for la in stack.layers for r in (la.outline, *la.sources)]
    rectangles += [r for la in stack.layers for r, _ in la.regions]
    x = mesh_lines([e for r in rectangles for e in (r.left_m, r.right_m)], [box[0]], size, growth)
    y = mesh_lines([e for r in rectangles for e in (r.bottom_m, r.top_m)], [box[1]], size, growth)
    return _assemble_on(stack, x, y)


def _inside(lines: Array, low: float, high: float) -> npt.NDArray[np.bool_]:
    middle = (lines[1:] + lines[:-1]) / 2
    return (middle > low) & (middle < high)


def _assemble_on(stack: Stack, x: Array, y: Array) -> Network:
    dx, dy = np.diff(x), np.diff(y)
    slices = [
        (i, la.thickness_m / la.slices)
        for i, la in enumerate(stack.layers)
        for _ in range(la.slices)
    ]
    shape = (len(slices), len(dy), len(dx))
    k = np.zeros((3, *shape))
    heat = np.zeros(shape)
    for z, (i, _) in enumerate(slices):
        layer = stack.layers[i]
        for box, material in ((layer.outline, layer.material), *layer.regions):
            at = np.ix_(_inside(y, box.bottom_m, box.top_m), _inside(x, box.left_m, box.right_m))
            for axis in range(3):
                k[axis, z][at] = material.xyz[axis]
            heat[z][at] = material.heat_capacity_j_per_m3k
    exists = k[0] > 0
    cell = np.full(shape, -1, dtype=np.int64)
    cell[exists] = np.arange(int(exists.sum()))
    dz = np.array([t for _, t in slices])[:, None, None]
    area = (dy[:, None] * dx)[None]
    with np.errstate(divide="ignore", invalid="ignore"):
        half_x = np.where(exists, dx / (2 * k[0] * dy[:, None] * dz), np.inf)
        half_y = np.where(exists, dy[:, None] / (2 * k[1] * dx * dz), np.inf)
        half_z = np.where(exists, dz / (2 * k[2] * area), np.inf)
    rows: list[Ints] = []
    columns: list[Ints] = []
    values: list[Array] = []
    for half, axis in ((half_x, 2), (half_y, 1), (half_z, 0)):
        first = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        second = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        g = 1 / (half[first] + half[second])
        joined = g > 0
        rows.append(cell[first][joined])
        columns.append(cell[second][joined])
        values.append(g[joined])
    count = int(exists.sum())
    first_cell, second_cell = np.concatenate(rows), np.concatenate(columns)
    joint = np.concatenate(values)
    cooler, board = np.zeros(count), np.zeros(count)
    for vector, z, resistance in (
        (cooler, -1, stack.cooler_resistance_k_per_w),
        (board, 0, stack.board_resistance_k_per_w),
    ):
        if np.isfinite(resistance):
            here = exists[z]
            film = resistance * area[0][here].sum() / area[0][here]
            np.add.at(vector, cell[z][here], 1 / (film + half_z[z][here]))
    ends = np.concatenate([first_cell, second_cell])
    diagonal = cooler + board
    np.add.at(diagonal, ends, np.concatenate([joint, joint]))
    own = np.arange(count)
    conductance = sp.csc_matrix(
        (
            np.concatenate([-joint, -joint, diagonal]),
            (
                np.concatenate([first_cell, second_cell, own]),
                np.concatenate([second_cell, first_cell, own]),
            ),
        ),
        shape=(count, count),
    )
    volume = np.broadcast_to(area * dz, shape)
    capacity = (heat * volume)[exists]
    if stack.cooler_capacity_j_per_k:
        capacity = capacity + stack.cooler_capacity_j_per_k * cooler / cooler.sum()
    spread, source_cells = _spread(stack, x, y, cell, slices, count)
    return Network(
        stack=stack,
        x=x,
        y=y,
        cell=cell,
        slice_layer=np.array([i for i, _ in slices], dtype=np.int64),
        conductance=conductance,
        capacity=capacity,
        spread=spread,
        cooler=cooler,
        board=board,
        source_cells=source_cells,
    )


def _spread(
    stack: Stack, x: Array, y: Array, cell: Ints, slices: list[tuple[int, float]], count: int
) -> tuple[sp.csc_matrix[np.float64], tuple[Ints, ...]]:
    columns: list[Array] = []
    cells: list[Ints] = []
    for i, layer in enumerate(stack.layers):
        zs = [z for z, (owner, _) in enumerate(slices) if owner == i]
        for source in layer.sources:
            share = np.outer(
                overlaps(y, source.bottom_m, source.top_m),
                overlaps(x, source.left_m, source.right_m),
            )
            column = np.zeros(count)
            total = share.sum() * len(zs)
            for z in zs:
                at = (share > 0) & (cell[z] >= 0)
                column[cell[z][at]] += share[at] / total
            if not np.isclose(column.sum(), 1.0, rtol=1e-9):
                raise DesignError(
                    f"heat source {source.name!r} reaches outside the outline of layer"
                    f" {layer.name!r}; move it or enlarge the layer"
                )
            columns.append(column)
            cells.append(np.flatnonzero(column))
    return sp.csc_matrix(np.array(columns).T), tuple(cells)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """Temperature rises per watt of one geometry: a power map then costs a small product.

    sources : names, in the order of power vectors
    average : sources x sources, mean rise of each source's area [K/W]
    field : cells x sources, rise of every cell [K/W]
    peak_rows : rows of `field` that lie under a source, `peak_start` marks each source's first
    """

    network: Network
    sources: tuple[str, ...]
    average: Array
    field: Array
    peak_field: Array
    peak_start: Ints

    def rise(self, power_w: Array) -> Array:
        """Mean rise of each source over the air [K], for powers [..., sources] [W]."""
        return np.asarray(power_w @ self.average.T)

    def peak_rise(self, power_w: Array) -> Array:
        """Hottest cell of each source over the air [K], for powers [..., sources] [W]."""
        cells = np.asarray(power_w @ self.peak_field.T)
        return np.asarray(np.maximum.reduceat(cells, self.peak_start, axis=-1))

    def cell_rise(self, power_w: Array) -> Array:
        """Rise of every cell over the air [K], for one power map [sources]."""
        return np.asarray(self.field @ power_w)

    def heat_out(self, power_w: Array) -> tuple[float, float]:
        """Heat through cooler and board [W]; their sum is the power put in."""
        rise = self.cell_rise(power_w)
        return float(self.network.cooler @ rise), float(self.network.board @ rise)


def factorise(matrix: sp.csc_matrix[np.float64]) -> sla.SuperLU:
    """Factors of a symmetric positive definite matrix."""
    return sla.splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


def solve(network: Network) -> Operator:
    """Reduced operator of a meshed stack: one factorisation, one solution a source."""
    factors = factorise(network.conductance)
    spread = network.spread.toarray()
    rise = factors.solve(spread)
    # One step of refinement keeps the energy balance at machine accuracy on large grids.
    rise = rise + factors.solve(spread - network.conductance @ rise)
    rows = np.concatenate(network.source_cells)
    lengths = [len(c) for c in network.source_cells]
    return Operator(
        network=network,
        sources=network.stack.sources,
        average=np.asarray(network.spread.T @ rise),
        field=rise,
        peak_field=np.ascontiguousarray(rise[rows]),
        peak_start=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
    )
