"""What a descent is set up with: its grid of bins, the cells' charges, how smooth its wires are."""

from __future__ import annotations

import math

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.layout.placer.arrays import Charges
from chipdse.netlist.layout.placer.problem import PlacementProblem

_CELLS_A_BIN = 4.0
_MOST_BINS_A_CELL = 4.0  # a nearly empty core has a coarser grid
_SMOOTH_SPARSE, _SMOOTH_FULL = 14.0, 4.0  # gamma in bins at an overflow of 0.55 ...
_SPARSE, _FULL = 0.5, 0.9  # ... where cells take up to half, or nine tenths, of the target density


def smoothing_of(problem: PlacementProblem) -> float:
    """Gamma in bins at an overflow of 0.55, by how full the core is.

    In a sparse core, fine smoothing gives 1 to 11 % less wire length than placements of OpenROAD
    have; in a full core, coarse smoothing gives 12 to 14 % more.
    """
    full = problem.utilisation / problem.target_density
    share = min(1.0, max(0.0, (full - _SPARSE) / (_FULL - _SPARSE)))
    return _SMOOTH_SPARSE + share * (_SMOOTH_FULL - _SMOOTH_SPARSE)


def grid_of(problem: PlacementProblem) -> tuple[int, int]:
    """Bins across and up: about square, each with room for a few cells."""
    mean = float(problem.cell_area_m2.mean())
    side = math.sqrt(_CELLS_A_BIN * mean / problem.target_density)
    core = problem.core_width_m * problem.core_height_m
    side = max(side, math.sqrt(core / (_MOST_BINS_A_CELL * len(problem.cell_area_m2))))
    counts = []
    for extent in (problem.core_width_m, problem.core_height_m):
        counts.append(max(8, round(extent / side)))
    return counts[0], counts[1]


def charges_of(area: Floats, stretch: float, density: float) -> Charges:
    """One charge per node with area; a node larger than a bin is divided into squares.

    Such a node is dense all over, which no spreading can change: it is taken as large as it would
    be at the target density.
    """
    nodes = np.flatnonzero(area > 0)
    parts = np.maximum(np.ceil(np.sqrt(area[nodes] / density)), 1).astype(np.int64)
    squares = parts * parts
    node = np.repeat(nodes, squares)
    per = np.repeat(parts, squares)
    number = np.arange(len(node)) - np.repeat(np.cumsum(squares) - squares, squares)
    side = np.sqrt(area[node] / density)
    # Cells are taken as square in metres; a bin is `stretch` times as high as wide.
    return Charges(
        node=node.astype(np.int32),
        offset_x=((number % per + 0.5) / per - 0.5) * side * math.sqrt(stretch),
        offset_y=((number // per + 0.5) / per - 0.5) * side / math.sqrt(stretch),
        area=area[node] / (per * per),
    )
