"""HotSpot's own grid model of a package, to lay results beside its: die-sized grids for every
layer, spreader and sink included, and twelve lumped nodes for their rims [1]_.

It differs from `chipdse.system.thermal.solver` on purpose: layers are joined by the full
thickness of the one farther from the sink, and the spreader's and sink's rims are isothermal lumps,
which spread heat too well (1 to 2 K too cold at 100 W on 16 x 16 mm). With several layers given by
a layer file HotSpot's "detailed 3D" mode joins half thicknesses instead, but counts half of the
convection resistance between spreader and sink as well (5 to 8 K too hot at 39 W on 12 x 12 mm).

.. [1] W. Huang et al., HotSpot, IEEE Trans. VLSI 14(5), 2006; github.com/uvahotspot/HotSpot at
   f18831e, temperature.c and temperature_grid.c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.system.thermal.linear_solver import factorise
from chipdse.system.thermal.mesh import overlaps
from chipdse.system.thermal.stack import Layer


@dataclass(frozen=True, kw_only=True)
class HotSpotPackage:
    """Spreader and sink as HotSpot's configuration gives them [m, W/m/K, K/W]."""

    spreader_side_m: float
    spreader_thickness_m: float
    spreader_w_per_mk: float
    sink_side_m: float
    sink_thickness_m: float
    sink_w_per_mk: float
    convection_k_per_w: float


class _Links:
    """Conductances between numbered nodes; None is the air."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.rows: list[Int64s] = []
        self.columns: list[Int64s] = []
        self.values: list[Floats] = []
        self.diagonal = np.zeros(count)

    def join(self, a: Int64s, b: Int64s, resistance: float | Floats) -> None:
        a, b = np.broadcast_arrays(np.atleast_1d(a), np.atleast_1d(b))
        g = np.broadcast_to(1 / np.asarray(resistance, dtype=np.float64), a.shape)
        self.rows += [a, b]
        self.columns += [b, a]
        self.values += [-g, -g]
        np.add.at(self.diagonal, a, g)
        np.add.at(self.diagonal, b, g)

    def cool(self, a: Int64s, resistance: float | Floats) -> None:
        np.add.at(self.diagonal, np.atleast_1d(a), 1 / np.asarray(resistance))

    def matrix(self) -> sp.csc_matrix[np.float64]:
        node = np.arange(self.count)
        rows = np.concatenate([*self.rows, node])
        columns = np.concatenate([*self.columns, node])
        values = np.concatenate([*self.values, self.diagonal])
        return sp.csc_matrix((values, (rows, columns)), shape=(self.count, self.count))


def hotspot_rises(
    layers: tuple[Layer, ...],
    package: HotSpotPackage,
    power_w: dict[str, float],
    grid: int = 64,
    *,
    detailed_3d: bool = False,
) -> dict[str, tuple[float, float]]:
    """Mean and hottest rise of each source over the air, as HotSpot's grid model finds them [K].

    Parameters
    ----------
    layers : from the one farthest from the spreader to the interface, all of the same outline
    grid : grid cells per side
    detailed_3d : HotSpot's mode for layer files, with its doubly counted convection
    """
    outline = layers[0].outline
    width, height = outline.width_m, outline.height_m
    dx, dy = width / grid, height / grid
    thick = [la.thickness_m for la in layers]
    thick += [package.spreader_thickness_m, package.sink_thickness_m]
    k = [la.material.conductivity_w_per_mk for la in layers]
    k += [package.spreader_w_per_mk, package.sink_w_per_mk]
    count = len(thick)
    area = dx * dy
    rx = [dx / (c * dy * t) for c, t in zip(k, thick, strict=True)]
    ry = [dy / (c * dx * t) for c, t in zip(k, thick, strict=True)]
    rz = [t / (c * area) for c, t in zip(k, thick, strict=True)]
    rz[-1] += package.convection_k_per_w * numerics.square(package.sink_side_m) / area
    cell = np.arange(count * grid * grid).reshape(count, grid, grid)
    nodes = _Links(cell.size + 12)
    for n in range(count):
        nodes.join(cell[n][:, 1:].ravel(), cell[n][:, :-1].ravel(), rx[n])
        nodes.join(cell[n][1:].ravel(), cell[n][:-1].ravel(), ry[n])
        if n + 1 < count:
            halves = (rz[n] if n == 0 else rz[n] / 2) + rz[n + 1] / 2
            nodes.join(cell[n].ravel(), cell[n + 1].ravel(), halves if detailed_3d else rz[n])
    nodes.cool(cell[-1].ravel(), rz[-1])
    _rims(nodes, cell, package, width, height, (rx, ry))
    factors = factorise(nodes.matrix())
    load = np.zeros(nodes.count)
    x = np.linspace(outline.left_m, outline.right_m, grid + 1)
    y = np.linspace(outline.bottom_m, outline.top_m, grid + 1)
    shares = {}
    for n, layer in enumerate(layers):
        for s in layer.sources:
            share = np.outer(overlaps(y, s.bottom_m, s.top_m), overlaps(x, s.left_m, s.right_m))
            shares[s.name] = (n, share)
            np.add.at(load, cell[n].ravel(), (power_w[s.name] * share / share.sum()).ravel())
    rise = factors.solve(load)[: cell.size].reshape(cell.shape)
    rises = {}
    for name, (n, share) in shares.items():
        # HotSpot averages over every cell a block touches, without weights.
        touched = rise[n][share > 1e-9 * area]
        rises[name] = (float(touched.mean()), float(touched.max()))
    return rises


def _rims(
    nodes: _Links,
    cell: Int64s,
    package: HotSpotPackage,
    width: float,
    height: float,
    lateral: tuple[list[float], list[float]],
) -> None:
    """The lumped rims: spreader, sink under the spreader, sink beyond it; N, S, E, W each."""
    s, t = package.spreader_side_m, package.spreader_thickness_m
    ks, kk = package.spreader_w_per_mk, package.sink_w_per_mk
    big, tk = package.sink_side_m, package.sink_thickness_m
    first = cell.size
    grid = cell.shape[1]
    rows = (cell[:, 0], cell[:, -1], cell[:, :, -1], cell[:, :, 0])
    for side, edge in enumerate(rows):
        across, along = (width, height) if side < 2 else (height, width)
        half = lateral[1 if side < 2 else 0]
        rim, inner, outer = first + side, first + 4 + side, first + 8 + side
        out = (s - along) / 4
        wide = (s + 3 * across) / 4
        under = (s + across) * (s - along) / 4
        nodes.join(edge[-2], np.array([rim]), half[-2] / 2 + grid * out / (ks * wide * t))
        nodes.join(edge[-1], np.array([inner]), half[-1] / 2 + grid * out / (kk * wide * tk))
        nodes.join(np.array([rim]), np.array([inner]), t / (ks * under))
        film = package.convection_k_per_w * (big * big)
        nodes.cool(np.array([inner]), tk / (kk * under) + film / under)
        beyond = (big * big - s * s) / 4
        passage = out / (kk * (3 * s + across) / 4 * tk)
        passage += (big - s) / 4 / (kk * (big + 3 * s) / 4 * tk)
        nodes.join(np.array([inner]), np.array([outer]), passage)
        nodes.cool(np.array([outer]), tk / (kk * beyond) + film / beyond)
