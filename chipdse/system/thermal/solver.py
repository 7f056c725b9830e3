"""Steady temperatures of an assembled stack: rises per watt of each heat source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.system.thermal.assembly import Network
from chipdse.system.thermal.linear_solver import Factors, factorise


@dataclass(frozen=True, kw_only=True, eq=False)
class Peaks:
    """Rises of the cells that lie under sources: `field` and `start` as of `Operator.peak_field`
    and `Operator.peak_start`."""

    field: Floats
    start: Int64s

    def rise(self, power_w: Floats) -> Floats:
        """Hottest cell of each source over the air [K], for powers [..., sources] [W]."""
        cells = numerics.matmul(power_w, self.field.T)
        return np.asarray(np.maximum.reduceat(cells, self.start, axis=-1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """Temperature rises per watt of one geometry: a power map then costs a small product.

    sources : names, in the order of power vectors; in a folded network each stands for others of
        the same power, and rises are its own
    average : sources x sources, mean rise of each source's area [K/W]
    field : cells x sources, rise of every cell [K/W]
    peak_field : rows of `field` that lie under a source; `peak_start` marks each source's first
    """

    network: Network
    sources: tuple[str, ...]
    average: Floats
    field: Floats
    peak_field: Floats
    peak_start: Int64s

    def rise(self, power_w: Floats) -> Floats:
        """Mean rise of each source over the air [K], for powers [..., sources] [W]."""
        return numerics.matmul(power_w, self.average.T)

    def peak_rise(self, power_w: Floats) -> Floats:
        """Hottest cell of each source over the air [K], for powers [..., sources] [W]."""
        return self.peaks.rise(power_w)

    @property
    def peaks(self) -> Peaks:
        """The cells under the sources."""
        return Peaks(field=self.peak_field, start=self.peak_start)

    def cell_rise(self, power_w: Floats) -> Floats:
        """Rise of every cell over the air [K], for one power map [sources]."""
        return numerics.matmul(self.field, power_w)

    def heat_out(self, power_w: Floats) -> tuple[float, float]:
        """Heat through cooler and board [W]; their sum is the power put in."""
        rise = self.cell_rise(power_w)
        return numerics.dot(self.network.cooler, rise), numerics.dot(self.network.board, rise)


def solve(network: Network) -> Operator:
    """Reduced operator of a meshed stack: one factorisation, one solution a source."""
    return operator_from(network, factorise(network.conductance))


def operator_from(network: Network, factors: Factors) -> Operator:
    """Reduced operator of a meshed stack whose matrix is factorised."""
    heat = network.heat
    rise = factors.solve(heat)
    rows = np.concatenate(network.source_cells)
    lengths = [len(c) for c in network.source_cells]
    return Operator(
        network=network,
        sources=tuple(network.stack.sources[i] for i in network.fold.sources),
        average=np.asarray(network.spread.T @ rise),
        field=rise,
        peak_field=np.ascontiguousarray(rise[rows]),
        peak_start=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
    )
