"""Drop of the supply voltage over a core, first order: a resistive grid, fed from all four sides.

Straps are a sheet whose resistance differs between x and y; in each rail the current of the cells
flows to the nearer strap. There is no capacitance and no inductance: the current of a cycle is
constant over the cycle.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as linalg

from chipdse.arrays import Floats
from chipdse.technology.power_grid import PowerGrid


def supply_drop_v(current_a: Floats, width_m: float, height_m: float, grid: PowerGrid) -> Floats:
    """Drop [bins, bins] of one supply below its voltage at the border of the core.

    Parameters
    ----------
    current_a : [bins, bins] of the cells in each bin, x first
    width_m, height_m : of the core, along x and y

    Notes
    -----
    ``-d/dx(1/Rx dV/dx) - d/dy(1/Ry dV/dy) = J`` with V = 0 at the border, by finite volumes. In a
    rail of length L that carries ``J·h`` per length the drop in the middle is ``J·h·r·L²/8``, J
    averaged over the length; it is added in each bin.
    """
    columns, rows = current_a.shape
    dx, dy = width_m / columns, height_m / rows
    across = _second_difference(columns) * (dy / dx / grid.across_ohm)
    along = _second_difference(rows) * (dx / dy / grid.along_ohm)
    matrix = sp.kron(across, sp.identity(rows)) + sp.kron(sp.identity(columns), along)
    straps = linalg.spsolve(sp.csc_array(matrix), current_a.reshape(-1)).reshape(columns, rows)
    along_rail = _mean_across(current_a, max(1, round(grid.rail_length_m / dx)))
    per_length = along_rail / (dx * dy) * grid.rail_pitch_m
    rails = per_length * grid.rail_ohm_per_m * (grid.rail_length_m * grid.rail_length_m / 8)
    drop: Floats = np.asarray(straps) + rails
    return drop


def _second_difference(count: int) -> sp.csc_array:
    """Minus the second difference of bins; the border lies half a bin from the first and last."""
    main = np.full(count, 2.0)
    main[0] += 1.0
    main[-1] += 1.0
    at, below = np.arange(count), np.arange(count - 1)
    rows, columns = np.concatenate([at, below, below + 1]), np.concatenate([at, below + 1, below])
    values = np.concatenate([main, np.full(2 * count - 2, -1.0)])
    return sp.csc_array((values, (rows, columns)), shape=(count, count))


def _mean_across(values: Floats, count: int) -> Floats:
    """Mean of `count` bins in x around each bin, of fewer at the border."""
    columns = len(values)
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    first = np.maximum(np.arange(columns) - count // 2, 0)
    last = np.minimum(np.arange(columns) + (count - count // 2), columns)
    mean: Floats = (total[last] - total[first]) / (last - first)[:, None]
    return mean
