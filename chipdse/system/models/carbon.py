"""Carbon: embodied, design and operational. Every function takes numbers or arrays; kg CO2e."""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Numbers

HOURS_PER_YEAR = 365.25 * 24
SECONDS_PER_YEAR = HOURS_PER_YEAR * 3600


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
    share = (np.asarray(abatement) - 0.95) / 0.04
    return gas_95 + (np.asarray(gas_99) - gas_95) * share


def gas_act_97(gas_95: Numbers, gas_99: Numbers) -> Numbers:
    """ACT's 97 % abatement: the mean of 95 % and 99 % (Gupta et al., ISCA 2022)."""
    return (np.asarray(gas_95) + gas_99) / 2


def die_carbon_act(area_m2: Numbers, cpa_kg_per_m2: Numbers, die_yield: Numbers) -> Numbers:
    """Carbon of a good die [kg] [1]_: the area's carbon over the yield.

    Leaves out what is lost at the wafer's edge; see `die_carbon_wafer`.

    References
    ----------
    .. [1] Gupta et al., ACT, ISCA 2022: ``C = A·CPA/Y``.
    """
    return np.multiply(area_m2, cpa_kg_per_m2) / die_yield


def die_carbon_wafer(
    cpa_kg_per_m2: Numbers, wafer_diameter_m: float, dies_on_wafer: Numbers, die_yield: Numbers
) -> Numbers:
    """Carbon of a good die as its share of the wafer, edge included [kg] [1]_.

    References
    ----------
    .. [1] Zhao et al., 3D-Carbon: ``C = CPA·A_wafer/DPW/Y``.
    """
    wafer_m2 = np.pi * numerics.square(wafer_diameter_m) / 4
    return np.asarray(cpa_kg_per_m2) * wafer_m2 / dies_on_wafer / die_yield


def energy_with_layers(
    energy_j_per_m2: Numbers, layer_energy_j_per_m2: Numbers, extra_layers: Numbers
) -> Numbers:
    """Fab energy of a process with more or fewer metal layers than the table's [J/m²] [1]_.

    References
    ----------
    .. [1] Zhao et al., 3D-Carbon: ``EPA' = EPA + Δlayers·EPA_layer``; gas scales by EPA'/EPA.
    """
    return np.asarray(energy_j_per_m2) + np.multiply(layer_energy_j_per_m2, extra_layers)


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
