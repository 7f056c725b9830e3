"""Temperature over time: steps of power into a meshed stack."""

from __future__ import annotations

from math import sqrt

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.system.thermal.assembly import Network
from chipdse.system.thermal.linear_solver import factorise

_GAMMA = 2 - sqrt(2)


def step_response(
    network: Network, power_w: Floats, step_s: float, start_rise_k: Floats | None = None
) -> Floats:
    """Mean rise of every source after each time step [steps, sources] [K] [1]_.

    Parameters
    ----------
    power_w : power of each source during each step [steps, sources]
    step_s : length of a step
    start_rise_k : rise of every cell at the start; zero, i.e. at air temperature, if not given

    Notes
    -----
    ``C·dT/dt + G·T = P`` by TR-BDF2: second order, no ringing after a power step however long
    the time step, one factorisation for all steps.

    References
    ----------
    .. [1] R. E. Bank et al., Transient simulation of silicon devices and circuits, IEEE Trans.
       Electron Devices 32(10), 1985.
    """
    import scipy.sparse as sp  # a third of a second to load

    capacity, conductance = network.capacity, network.conductance
    if not step_s > 0:
        raise DesignError(f"step_s={step_s!r} must be > 0 s")
    if not np.isfinite(capacity).all():
        raise DesignError(
            "a material of the stack has no published heat capacity; transients"
            " need one for every layer"
        )
    # Both stages share the matrix C + γ/2·dt·G when γ = 2 - √2.
    weight = _GAMMA / 2 * step_s
    factors = factorise((sp.diags(capacity) + weight * conductance).tocsc())
    rise = np.zeros(len(capacity)) if start_rise_k is None else np.array(start_rise_k)
    mean, heating = network.spread, network.heat
    rises = []
    for power in power_w:
        heat = numerics.matmul(heating, power)
        half = factors.solve(capacity * rise + weight * (2 * heat - conductance @ rise))
        a = 1 / (_GAMMA * (2 - _GAMMA))
        b = numerics.square(1 - _GAMMA) / (_GAMMA * (2 - _GAMMA))
        rise = factors.solve(capacity * (a * half - b * rise) + weight * heat)
        rises.append(mean.T @ rise)
    return np.array(rises)
