"""Carbon: embodied, design and operational. Every function takes numbers or arrays; kg CO2e."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Numbers

HOURS_PER_YEAR = 365.25 * 24
SECONDS_PER_YEAR = HOURS_PER_YEAR * 3600
LEAST_ABATEMENT, ABATEMENT_SPAN = 0.95, 0.04
"""The least abatement of gas that ACT tabulates, and how much the largest is above it."""


def wafer_area_carbon(
    grid_kg_per_j: Numbers,
    energy_j_per_m2: Numbers,
    gas_kg_per_m2: Numbers,
    material_kg_per_m2: Numbers,
) -> Numbers:
    """Carbon of manufactured wafer area [kg/m²] [1]_.

    Parameters
    ----------
    grid_kg_per_j : carbon intensity of the electricity where the chip is made
    energy_j_per_m2, gas_kg_per_m2, material_kg_per_m2 : EPA, GPA, MPA of the process

    References
    ----------
    .. [1] Gupta et al., ACT, ISCA 2022: ``CPA = CI·EPA + GPA + MPA``.
    """
    return np.multiply(grid_kg_per_j, energy_j_per_m2) + gas_kg_per_m2 + material_kg_per_m2


def gas_at_abatement(gas_95: Numbers, gas_99: Numbers, abatement: Numbers) -> Numbers:
    """Gas emissions at an abatement between the two tabulated ones, linear (ACT's GPA97)."""
    share = (np.asarray(abatement) - LEAST_ABATEMENT) / ABATEMENT_SPAN
    return gas_95 + (np.asarray(gas_99) - gas_95) * share


def process_carbon(grid_kg_per_j: Numbers, energy_j_per_m2: Numbers, area_m2: Numbers) -> Numbers:
    """Carbon of an electrical process on an area: bonding, substrate, package [kg] [1]_.

    References
    ----------
    .. [1] Zhao et al., 3D-Carbon, parameters/packaging. The original's chip-last fan-out omits
       the grid's intensity from its bonding term; here every term has it.
    """
    return np.multiply(grid_kg_per_j, energy_j_per_m2) * area_m2


def operational_carbon(
    grid_kg_per_j: Numbers, power_w: Numbers, life_years: Numbers, duty: Numbers
) -> Numbers:
    """Carbon of the electricity used over the life [kg] [1]_.

    References
    ----------
    .. [1] Gupta et al., ACT, ISCA 2022: ``C = CI·P·life·duty``.
    """
    return np.multiply(grid_kg_per_j, power_w) * np.multiply(life_years, duty) * SECONDS_PER_YEAR


def design_carbon(
    area_m2: Numbers,
    transistors_per_m2: Numbers,
    transistors_per_gate: float,
    gates_per_s: Numbers,
    core_power_w: float,
    grid_kg_per_j: Numbers,
    iterations: Numbers,
) -> Numbers:
    """Carbon of designing a chip, to be shared by every part made [kg] [1]_.

    Notes
    -----
    ``iterations·CI·P_core·(gates / gates per second)``. The original always takes 90 iterations,
    whatever is asked for.

    References
    ----------
    .. [1] Sudarshan et al., ECO-CHIP, HPCA 2024.
    """
    gates = np.multiply(area_m2, transistors_per_m2) / transistors_per_gate
    return np.multiply(iterations, grid_kg_per_j) * core_power_w * gates / gates_per_s
