"""The hottest point of a stack whose every cell conducts as its own temperature says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.system.thermal.assembly import Network, assemble_on
from chipdse.system.thermal.linear_solver import Factors, factorise
from chipdse.system.thermal.mesh import unfolded
from chipdse.system.thermal.nested_meshes import CELLS, GROWTH, Meshes, meshes_of
from chipdse.system.thermal.refined import ZERO_C_IN_K, reference_ratio
from chipdse.system.thermal.stack import Stack

_TOLERANCE_K, _STEPS = 1e-3, 50


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


def hottest_points(
    stack: Stack, powers_w: Floats, ambient_c: float, cells: int = CELLS
) -> list[HottestPoint]:
    """The hottest point of a stack for each of several maps of power.

    The resistivity of each cell of the coarse mesh follows from its temperature until none changes
    by more than 1 mK; the cells of the fine mesh take those resistivities. That costs a
    factorisation per step, so it serves single systems; `RefinedOperator` serves many. The fine
    mesh is factorised for the first map only: the conductivities of the others differ a little,
    and refinement with those factors reaches the same solution to the last bit.

    Parameters
    ----------
    powers_w : power of each source [maps, sources]
    ambient_c : temperature of the air, for the conductivities
    cells : cells of the fine mesh across all sources
    """
    meshes = meshes_of(
        stack, unfolded(len(stack.sources)), cells, per_source=1.0, growth=2 * GROWTH
    )
    ambient_k = ambient_c + ZERO_C_IN_K
    start = assemble_on(
        meshes.stacks[0], meshes.x[0], meshes.y[0], meshes.fold, reference_ratio(stack.softening)
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
    network, rise, ratio = (
        start,
        _rises(start, factors, power_w),
        np.array(reference_ratio(softening)),
    )
    if softening is None:
        return network, rise, ratio
    for _ in range(_STEPS):
        ratio = np.where(network.cell >= 0, softening.ratio(ambient_k + rise[network.cell]), 1.0)
        network = assemble_on(start.stack, start.x, start.y, start.fold, ratio, like=start)
        factors = factorise(network.conductance, near=factors)
        before, rise = rise, _rises(network, factors, power_w)
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
