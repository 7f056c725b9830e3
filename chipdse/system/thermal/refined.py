"""Temperatures within a stated distance of the converged solution: two nested meshes, extrapolated.

The error of finite volumes falls with the square of the cell size, so a third of the difference
between the two meshes (`chipdse.system.thermal.nested_meshes`) is added to the fine one [1]_. What
is left is smaller than that correction, which is therefore the stated discretisation error.

.. [1] L. F. Richardson, Phil. Trans. R. Soc. A 210, 1911, doi 10.1098/rsta.1911.0009.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.system.thermal.assembly import Network
from chipdse.system.thermal.linear_solver import factorise
from chipdse.system.thermal.mesh import Fold
from chipdse.system.thermal.nested_meshes import CELLS, meshes_of
from chipdse.system.thermal.solver import Operator, Peaks, operator_from
from chipdse.system.thermal.stack import Softening, Stack

REFERENCE_K = 350.0
"""Temperature around which the effect of a conductivity that falls with temperature is linear."""
ZERO_C_IN_K = 273.15


@dataclass(frozen=True, kw_only=True, eq=False)
class ReducedOperator:
    """Extrapolated temperature rises per watt of one geometry, with their discretisation error.

    It has kilobytes where a `RefinedOperator` has its meshes and matrices too.

    fold : the mirrors, and the sources that are solved
    coarse_peaks, fine_peaks : the cells under the sources, on the two meshes
    average : sources x sources, mean rise of each source's area [K/W], extrapolated
    change, peak_change : by how much `average` and the hottest cells' rises grow per unit of
        relative thermal resistivity over that at `REFERENCE_K` [K/W]
    softening : curve of that resistivity; None where no material of the stack softens
    """

    fold: Fold
    coarse_peaks: Peaks
    fine_peaks: Peaks
    average: Floats
    change: Floats
    peak_change: Floats
    softening: Softening | None

    def excess(self, temperature_k: Floats) -> Floats:
        """Relative thermal resistivity at temperatures, less that at `REFERENCE_K`."""
        if self.softening is None:
            return np.zeros_like(temperature_k)
        return self.softening.ratio(temperature_k) - reference_ratio(self.softening)

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
        fine, coarse = self.fine_peaks.rise(power_w), self.coarse_peaks.rise(power_w)
        correction = (fine - coarse) / 3
        softer = excess * numerics.matmul(power_w, self.peak_change.T)
        return fine + correction + softer, np.abs(correction)


@dataclass(frozen=True, kw_only=True, eq=False)
class RefinedOperator(ReducedOperator):
    """The same with the operators of the two meshes.

    coarse, fine : of the two meshes
    """

    coarse: Operator
    fine: Operator

    @property
    def network(self) -> Network:
        """The heat equations of the fine mesh."""
        return self.fine.network

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of power vectors."""
        return self.fine.sources

    def reduced(self) -> ReducedOperator:
        """The operator without its meshes."""
        names = (field.name for field in dataclasses.fields(ReducedOperator))
        return ReducedOperator(**{name: getattr(self, name) for name in names})


def reference_ratio(softening: Softening | None) -> float:
    """Relative thermal resistivity at `REFERENCE_K` of the materials that soften."""
    return 1.0 if softening is None else float(softening.ratio(np.array(REFERENCE_K)))


def refined(stack: Stack, fold: Fold, cells: int = CELLS) -> RefinedOperator:
    """The operator of a stack on two nested meshes.

    Parameters
    ----------
    fold : mirrors that change neither stack nor powers
    cells : cells of the fine mesh across all sources, at least
    """
    softening = stack.softening
    networks = meshes_of(stack, fold, cells).networks(reference_ratio(softening))
    coarse, fine = (_operator(network) for network in networks)
    average = fine.operator.average + (fine.operator.average - coarse.operator.average) / 3
    return RefinedOperator(
        coarse=coarse.operator,
        fine=fine.operator,
        fold=fine.operator.network.fold,
        coarse_peaks=coarse.operator.peaks,
        fine_peaks=fine.operator.peaks,
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
