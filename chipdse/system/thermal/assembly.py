"""The heat equations of a stack of layers: finite volumes on a rectilinear grid [1]_.

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
from typing import TYPE_CHECKING

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.errors import DesignError
from chipdse.system.thermal.mesh import (
    Fold,
    across_diagonal,
    folded,
    halved,
    mesh_lines,
    multiplicity,
    overlaps,
    same_lines,
    unfolded,
)
from chipdse.system.thermal.pattern import Pattern
from chipdse.system.thermal.stack import Stack

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The assembled heat equations ``C·dT/dt + G·T = P`` for temperature rises over the air.

    conductance : G [W/K], symmetric positive definite
    capacity : C [J/K] per cell
    spread : cells x sources, the share of each source's power in each cell
    cooler, board : conductance of each cell to the air above, below [W/K]
    cell : index of each cell [layer slice, y, x], -1 where there is none
    slice_layer : layer of each slice
    softer : dG/dr [W/K], of the relative resistivity r of the materials that soften with
        temperature (`Softening`); None where none does or it was not asked for
    fold : its mirrors; a cell then stands for all that they make of it, with its and their
        conductances and capacities summed, and so does a source
    """

    stack: Stack
    x: Floats
    y: Floats
    cell: Int64s
    slice_layer: Int64s
    conductance: sp.csc_matrix[np.float64]
    capacity: Floats
    spread: sp.csc_matrix[np.float64]
    cooler: Floats
    board: Floats
    fold: Fold
    softer: sp.csc_matrix[np.float64] | None = None
    source_cells: tuple[Int64s, ...] = field(default=())

    @property
    def heat(self) -> Floats:
        """Cells x sources, heat in each cell where each source dissipates 1 W."""
        return np.asarray(self.spread.toarray() * np.array(self.fold.copies))


def assemble(
    stack: Stack, cells: int = 32, growth: float = 1.5, fold: Fold | None = None
) -> Network:
    """Mesh a stack and set up its heat equations.

    Parameters
    ----------
    cells : grid cells across the larger side of the box around all heat sources
    growth : how much larger than its neighbour a cell outside that box may be; 1 for a uniform grid
    fold : mirrors that change neither stack nor powers; only the cells that they leave are solved
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
    chosen = fold_on(x, y, fold or unfolded(len(sources)), len(sources))
    return assemble_on(stack, x, y, chosen)


def fold_on(x: Floats, y: Floats, fold: Fold, sources: int) -> Fold:
    """The fold, if the grid lines have its mirrors; else none."""
    mirrored = all(
        same_lines(lines, -lines[::-1]) for lines, at in ((x, fold.x), (y, fold.y)) if at
    )
    if not mirrored or fold.diagonal and not same_lines(x, y):
        return unfolded(sources)
    return fold


def assemble_on(
    stack: Stack,
    x: Floats,
    y: Floats,
    fold: Fold,
    ratio: float | Floats = 1.0,
    *,
    derivative: bool = False,
    like: Network | None = None,
) -> Network:
    """Set up the heat equations of a stack on given grid lines.

    Parameters
    ----------
    ratio : relative thermal resistivity of the materials that soften with temperature, one for
        all cells or [slice, y, x]; see `Softening`
    derivative : whether the matrix `Network.softer` is wanted
    like : the network of the same arguments but for `ratio` and `derivative`, if there is one:
        where its sources heat which cells is not found again
    """
    half_lines = halved(x, fold.x), halved(y, fold.y)
    slices = [
        (i, height) for i, layer in enumerate(stack.layers) for height in layer.slice_heights_m
    ]
    k, heat, soft = _materials(stack, [i for i, _ in slices], *half_lines)
    if soft.any():
        k = np.where(soft, k / ratio, k)
    exists = k[0] > 0
    cell = _numbered(exists, fold)
    cells = _Cells(
        cell=cell,
        exists=exists,
        dx=np.diff(half_lines[0]),
        dy=np.diff(half_lines[1]),
        dz=np.array([height for _, height in slices])[:, None, None],
        of_x=multiplicity(x, fold.x),
        of_y=multiplicity(y, fold.y),
        # The part of each resistance that is proportional to the ratio, if a derivative is wanted.
        soft=soft if derivative and bool(soft.any()) else None,
        ratio=ratio,
    )
    half = cells.half_resistances(k)
    ends, joint, changes = cells.joints(half, fold)
    cooler, cooler_change = cells.to_air(half[2], -1, stack.cooler_resistance_k_per_w)
    board, board_change = cells.to_air(half[2], 0, stack.board_resistance_k_per_w)
    if like is None:
        spread, source_cells = _spread(stack, (x, y), fold, cell, slices)
    else:
        spread, source_cells = like.spread, like.source_cells
    softer, pattern = None, Pattern.of(ends, cells.count)
    if cells.soft is not None:
        softer = pattern.matrix(changes, cooler_change + board_change)
    return Network(
        stack=stack,
        x=half_lines[0],
        y=half_lines[1],
        cell=cell,
        slice_layer=np.array([i for i, _ in slices], dtype=np.int64),
        conductance=pattern.matrix(joint, cooler + board),
        capacity=_capacity(stack, cells, heat, cooler),
        spread=spread,
        cooler=cooler,
        board=board,
        fold=fold,
        source_cells=source_cells,
        softer=softer,
    )


def _numbered(exists: Bools, fold: Fold) -> Int64s:
    """The number of each cell; -1 without material, and one number for mirror images."""
    cell = np.full(exists.shape, -1, dtype=np.int64)
    cell[exists] = np.arange(int(exists.sum()))
    return across_diagonal(cell) if fold.diagonal else cell


def _capacity(
    stack: Stack, cells: _Cells, heat_j_per_m3k: Floats, cooler_w_per_k: Floats
) -> Floats:
    """Heat capacity of each cell [J/K]; that of the cooler belongs to the cells that it touches."""
    capacity = np.zeros(cells.count)
    heat = heat_j_per_m3k * cells.volume
    np.add.at(capacity, cells.cell[cells.exists], heat[cells.exists])
    if stack.cooler_capacity_j_per_k:
        capacity = capacity + stack.cooler_capacity_j_per_k * cooler_w_per_k / cooler_w_per_k.sum()
    return capacity


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cells:
    """The cells of a mesh [slice, y, x] on the part of the stack that its mirrors leave.

    cell : number of each cell; cells that mirror each other share one, -1 is no material
    of_x, of_y : how many columns and rows of the whole stack each stands for
    soft : cells whose resistance grows with the ratio; None where no derivative is wanted
    """

    cell: Int64s
    exists: Bools
    dx: Floats
    dy: Floats
    dz: Floats
    of_x: Floats
    of_y: Floats
    soft: Bools | None
    ratio: float | Floats

    @property
    def count(self) -> int:
        """Different cells."""
        return int(self.cell.max()) + 1

    @property
    def area(self) -> Floats:
        """Seen from above [1, y, x] [m²]."""
        return (self.dy[:, None] * self.dx)[None]

    @property
    def times(self) -> Floats:
        """How many cells of the whole stack each stands for [1, y, x]."""
        return (self.of_y[:, None] * self.of_x)[None]

    @property
    def volume(self) -> Floats:
        """Of each cell with all that mirror it [slice, y, x] [m³]."""
        return np.broadcast_to(self.area * self.dz * self.times, self.exists.shape)

    def half_resistances(self, k: Floats) -> tuple[Floats, Floats, Floats]:
        """From a cell's centre to its faces along x, y and z [K/W]; infinite without material.

        k : conductivity [axis, slice, y, x]
        """
        dx, dy, dz = self.dx, self.dy, self.dz
        with np.errstate(divide="ignore", invalid="ignore"):
            return (
                np.where(self.exists, dx / (2 * k[0] * dy[:, None] * dz), np.inf),
                np.where(self.exists, dy[:, None] / (2 * k[1] * dx * dz), np.inf),
                np.where(self.exists, dz / (2 * k[2] * self.area), np.inf),
            )

    def joints(
        self, half: tuple[Floats, Floats, Floats], fold: Fold
    ) -> tuple[tuple[Int64s, Int64s], Floats, Floats]:
        """Pairs of neighbours, their conductance [W/K], and its change with the ratio."""
        rows: list[Int64s] = []
        columns: list[Int64s] = []
        values: list[Floats] = []
        changes: list[Floats] = [np.zeros(0)]
        copies_x = (1.0 + fold.x) * self.of_y[None, :, None]
        copies_y = (1.0 + fold.y) * self.of_x[None, None]
        for axis, copies in ((2, copies_x), (1, copies_y), (0, self.times)):
            resistance = half[2 - axis]
            first = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
            second = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
            both = resistance[first] + resistance[second]
            g = copies / both
            joined = g > 0
            if self.soft is not None:
                # Half a resistance is proportional to the ratio.
                slack = np.where(self.soft, resistance / self.ratio, 0.0)
                changes.append((-g / both * (slack[first] + slack[second]))[joined])
            rows.append(self.cell[first][joined])
            columns.append(self.cell[second][joined])
            values.append(g[joined])
        ends = np.concatenate(rows), np.concatenate(columns)
        return ends, np.concatenate(values), np.concatenate(changes)

    def to_air(self, half_z: Floats, z: int, resistance: float) -> tuple[Floats, Floats]:
        """Conductance of each cell of a face to the air [W/K], and its change with the ratio.

        z : slice whose outer face it is
        resistance : of the film on the whole face [K/W]; infinite where nothing cools it
        """
        conductance, change = np.zeros(self.count), np.zeros(self.count)
        if np.isfinite(resistance):
            exists, area, times = self.exists[z], self.area[0], self.times[0]
            film = resistance * (area * times)[exists].sum() / area[exists]
            path = film + half_z[z][exists]
            np.add.at(conductance, self.cell[z][exists], times[exists] / path)
            if self.soft is not None:
                slack = np.where(self.soft, half_z / self.ratio, 0.0)[z][exists]
                np.add.at(change, self.cell[z][exists], -times[exists] / (path * path) * slack)
        return conductance, change


def _materials(
    stack: Stack, owners: list[int], x: Floats, y: Floats
) -> tuple[Floats, Floats, Bools]:
    """Conductivity [axis, slice, y, x], 0 outside every outline, heat capacity, and where the
    conductivity depends on temperature."""
    k = np.zeros((3, len(owners), len(y) - 1, len(x) - 1))
    heat = np.zeros(k.shape[1:])
    soft = np.zeros(k.shape[1:], dtype=np.bool_)
    x, y = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
    for z, i in enumerate(owners):
        if z and owners[z - 1] == i:
            k[:, z], heat[z], soft[z] = k[:, z - 1], heat[z - 1], soft[z - 1]
            continue
        layer = stack.layers[i]
        for box, material in ((layer.outline, layer.material), *layer.regions):
            at = (_inside(y, box.bottom_m, box.top_m), _inside(x, box.left_m, box.right_m))
            for axis, conductivity in enumerate(material.xyz):
                k[axis, z][at] = conductivity
            heat[z][at] = material.heat_capacity_j_per_m3k
            soft[z][at] = material.softening is not None
    return k, heat, soft


def _inside(middles: Floats, low: float, high: float) -> slice:
    """The cells whose middles lie in an interval."""
    first, last = np.searchsorted(middles, (low, high))
    return slice(int(first), int(last))


def _spread(
    stack: Stack,
    lines: tuple[Floats, Floats],
    fold: Fold,
    cell: Int64s,
    slices: list[tuple[int, float]],
) -> tuple[sp.csc_matrix[np.float64], tuple[Int64s, ...]]:
    import scipy.sparse as sp  # a third of a second to load

    columns: list[Floats] = []
    cells: list[Int64s] = []
    sources = [(i, source) for i, layer in enumerate(stack.layers) for source in layer.sources]
    for i, source in (sources[at] for at in fold.sources):
        share = np.outer(
            folded(overlaps(lines[1], source.bottom_m, source.top_m), fold.y),
            folded(overlaps(lines[0], source.left_m, source.right_m), fold.x),
        )
        column = np.zeros(int(cell.max()) + 1)
        total = share.sum() * stack.layers[i].thickness_m
        for z in (z for z, (owner, _) in enumerate(slices) if owner == i):
            at = (share > 0) & (cell[z] >= 0)
            np.add.at(column, cell[z][at], share[at] * slices[z][1] / total)
        if not abs(column.sum() - 1.0) < 1e-8:
            raise DesignError(
                f"heat source {source.name!r} reaches outside the outline of layer"
                f" {stack.layers[i].name!r}; move it or enlarge the layer"
            )
        columns.append(column)
        cells.append(np.flatnonzero(column))
    lengths = [len(of_source) for of_source in cells]
    values = [column[at] for column, at in zip(columns, cells, strict=True)]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    shape = (int(cell.max()) + 1, len(columns))
    spread = sp.csc_matrix((np.concatenate(values), np.concatenate(cells), starts), shape=shape)
    return spread, tuple(cells)
