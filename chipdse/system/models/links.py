"""Links between dies: bandwidth, energy, reach. Functions take numbers or arrays."""

from __future__ import annotations

from functools import cache
from math import ceil, sqrt

import numpy as np

from chipdse import numerics
from chipdse.arrays import Numbers
from chipdse.errors import DesignError

ROUNDING = 1e-12
"""So much may two lengths be off by, of which one fits a whole number of times into the other."""

_FULL = 1 + 1e-9  # traffic over bandwidth of a link that is always busy, with its rounding error


def modules_on_edge(edge_m: Numbers, module_edge_m: Numbers) -> Numbers:
    """Interface modules that fit on a length of die edge (whole modules)."""
    return np.asarray(np.floor(np.divide(edge_m, module_edge_m) * (1 + ROUNDING)))


def area_bandwidth(
    bits_per_s_per_m2: Numbers, pitch_m: Numbers, reference_pitch_m: Numbers
) -> Numbers:
    """Bandwidth per area of a vertical link [bit/s/m²]: as many more bonds as the pitch allows.

    ``b · (p₀/p)²``, at a constant rate per bond.
    """
    return np.asarray(bits_per_s_per_m2 * numerics.square(np.divide(reference_pitch_m, pitch_m)))


def link_power(
    bits_per_s: Numbers,
    capacity_bits_per_s: Numbers,
    energy_per_bit_j: Numbers,
    idle_power_frac: Numbers,
) -> Numbers:
    """Power of a link that is busy part of the time [W] [1]_.

    Parameters
    ----------
    bits_per_s : traffic
    capacity_bits_per_s : provisioned bandwidth
    energy_per_bit_j : energy per bit when busy
    idle_power_frac : power when idle over power when busy

    Notes
    -----
    ``P = B·u·E + P_idle·(1-u)`` with utilisation ``u = traffic/B`` and
    ``P_idle = idle_power_frac·B·E``. Valid for u up to 1.

    Raises
    ------
    DesignError : more traffic than capacity

    References
    ----------
    .. [1] Das Sharma, Hot Interconnects 2025: idle power at most 15 % of busy power.
    """
    traffic, capacity = np.broadcast_arrays(bits_per_s, capacity_bits_per_s)
    over = traffic > capacity * _FULL
    if over.any():
        raise DesignError(
            f"bits_per_s={traffic[over][0]:g} is more than capacity_bits_per_s="
            f"{capacity[over][0]:g}; give a link at least the bandwidth of its traffic"
        )
    # What is left below zero is a rounding error of a link that is always busy.
    idle = np.maximum(capacity - traffic, 0.0) * idle_power_frac
    return np.asarray((traffic + idle) * energy_per_bit_j)


@cache
def grid_shape(dies: int) -> tuple[int, int]:
    """Columns and rows of the squarest grid that holds `dies` dies."""
    columns = ceil(sqrt(dies))
    return columns, ceil(dies / columns)


@cache
def mean_hops(dies: int) -> float:
    """Links a bit crosses on average between dies in a grid, for uniform traffic.

    Source and destination are drawn among all dies; a bit that stays crosses none, a bit to a
    die k columns and m rows away crosses k + m. Two dies: 1/2.
    """
    columns, _ = grid_shape(dies)
    place = np.arange(dies)
    x, y = place % columns, place // columns
    far = np.abs(x[:, None] - x) + np.abs(y[:, None] - y)
    return float(far.mean())


@cache
def mean_levels(dies: int) -> float:
    """Bonds a bit crosses on average in a stack of `dies` dies, for uniform traffic."""
    place = np.arange(dies)
    return float(np.abs(place[:, None] - place).mean())


@cache
def grid_edges(dies: int) -> int:
    """Pairs of neighbouring dies in the grid."""
    columns, _ = grid_shape(dies)
    across = sum(1 for i in range(dies) if (i + 1) % columns and i + 1 < dies)
    along = max(dies - columns, 0)
    return across + along
