"""Carbon of a die as ACT and 3D-Carbon compute it, restated to compare results with theirs.

What chipdse itself computes is in `chipdse.system.models.carbon`.
"""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Numbers


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
