"""Cost of dies, packages and design. Every function takes numbers or arrays; money in USD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Numbers


@dataclass(frozen=True, kw_only=True)
class RecurringCost:
    """What one good system costs to make, split as Chiplet Actuary does [USD].

    raw_chips : dies as if all were good, with their bumps
    defect_chips : dies thrown away after wafer test
    raw_package : interposer and substrate as if all were good
    defect_package : packages thrown away with failed assemblies
    wasted_dies : known good dies lost in failed assemblies
    """

    raw_chips: Numbers
    defect_chips: Numbers
    raw_package: Numbers
    defect_package: Numbers
    wasted_dies: Numbers

    @property
    def total(self) -> Numbers:
        """Recurring cost of one good system [USD]."""
        chips = self.raw_chips + self.defect_chips
        return chips + self.raw_package + self.defect_package + self.wasted_dies


def substrate_layer_factor(substrate_area_m2: Numbers, dies: Numbers) -> Numbers:
    """Relative price of an organic substrate's layers [-] [1]_.

    1 under a single die; under several 1.5 up to 17 x 17 mm, 1.75 up to 30 x 30 mm, else 2.

    References
    ----------
    .. [1] Feng and Ma, Chiplet Actuary, DAC 2022.
    """
    area = np.asarray(substrate_area_m2)
    large, middling = numerics.square(30e-3), numerics.square(17e-3)
    several = np.where(area > large, 2.0, np.where(area > middling, 1.75, 1.5))
    return np.where(np.asarray(dies) == 1, 1.0, several)


def package_organic(
    chips_raw: Numbers,
    chips_defect: Numbers,
    substrate_raw: Numbers,
    dies: Numbers,
    bonding_yield: Numbers,
) -> RecurringCost:
    """Dies side by side on an organic substrate, or a single die [1]_.

    Parameters
    ----------
    chips_raw : raw dies with bumps [USD]
    chips_defect : dies that failed the wafer test, per system [USD]
    substrate_raw : substrate [USD]
    dies : dies in the package
    bonding_yield : yield of placing one die [-]

    Notes
    -----
    A system is lost unless all `dies` placements succeed: both the substrate and the known good
    dies are paid ``1/y**n`` times.

    References
    ----------
    .. [1] Feng and Ma, Chiplet Actuary, DAC 2022.
    """
    loss = numerics.power(bonding_yield, -np.asarray(dies, dtype=np.float64)) - 1
    return RecurringCost(
        raw_chips=chips_raw,
        defect_chips=chips_defect,
        raw_package=substrate_raw,
        defect_package=substrate_raw * loss,
        wasted_dies=(chips_raw + chips_defect) * loss,
    )


def package_chip_last(
    chips_raw: Numbers,
    chips_defect: Numbers,
    interposer_raw: Numbers,
    substrate_raw: Numbers,
    interposer_yield: Numbers,
    placement_yield: Numbers,
    substrate_yield: Numbers,
) -> RecurringCost:
    """Dies placed on a tested interposer or fan-out layer, then on a substrate [1]_.

    Parameters
    ----------
    interposer_yield : y1, fabrication of the interposer [-]
    placement_yield : y2, placing all dies on it [-]
    substrate_yield : y3, placing it on the substrate [-]

    Notes
    -----
    A bad interposer costs itself only; a failed placement costs the dies as well.

    References
    ----------
    .. [1] Feng and Ma, Chiplet Actuary, DAC 2022.
    """
    assembled = np.asarray(placement_yield) * substrate_yield
    return RecurringCost(
        raw_chips=chips_raw,
        defect_chips=chips_defect,
        raw_package=interposer_raw + substrate_raw,
        defect_package=interposer_raw * (1 / (interposer_yield * assembled) - 1)
        + substrate_raw * (1 / np.asarray(substrate_yield) - 1),
        wasted_dies=(chips_raw + chips_defect) * (1 / assembled - 1),
    )


def package_chip_first(
    chips_raw: Numbers,
    chips_defect: Numbers,
    interposer_raw: Numbers,
    substrate_raw: Numbers,
    interposer_yield: Numbers,
    substrate_yield: Numbers,
) -> RecurringCost:
    """Dies moulded first, the fan-out layer built on them, then placed on a substrate [1]_.

    Notes
    -----
    There is no placement on the layer, but a defect in it costs the known good dies.

    References
    ----------
    .. [1] Feng and Ma, Chiplet Actuary, DAC 2022.
    """
    built = np.asarray(interposer_yield) * substrate_yield
    return RecurringCost(
        raw_chips=chips_raw,
        defect_chips=chips_defect,
        raw_package=interposer_raw + substrate_raw,
        defect_package=interposer_raw * (1 / built - 1)
        + substrate_raw * (1 / np.asarray(substrate_yield) - 1),
        wasted_dies=(chips_raw + chips_defect) * (1 / built - 1),
    )


def recursive_cost(
    carrier: Numbers,
    carrier_pass: Numbers,
    children: Numbers,
    assembly: Numbers,
    test: Numbers,
    assembly_pass: Numbers,
) -> Numbers:
    """Cost of an assembly from the cost of what it carries [USD] [1]_.

    Parameters
    ----------
    carrier, carrier_pass : untested cost of the carrier, fraction that passes its test
    children : summed cost of the tested parts placed on it
    assembly, test : cost of placing and of testing
    assembly_pass : fraction of assemblies that pass

    References
    ----------
    .. [1] Graening et al., CATCH: ``(own/t_own + Σ children + assembly + test) / t_assembly``.
    """
    placed = np.asarray(carrier) / carrier_pass + children + assembly + test
    return np.asarray(placed / assembly_pass)


def nre_module(area_m2: Numbers, design_nre: Numbers, share: float, per_area_m2: float) -> Numbers:
    """Design cost of new module area: ``share · N/A₀ · A`` (Chiplet Actuary) [USD]."""
    return share * np.asarray(design_nre) / per_area_m2 * area_m2


def nre_chip(
    area_m2: Numbers,
    design_nre: Numbers,
    chip_share: float,
    module_share: float,
    per_area_m2: float,
) -> Numbers:
    """Back end, masks and tape-out of one chip (Chiplet Actuary) [USD].

    ``chip_share · N/A₀ · A + (1 - chip_share - module_share) · N``.
    """
    fixed = 1 - chip_share - module_share
    return np.asarray(design_nre) * (chip_share / per_area_m2 * np.asarray(area_m2) + fixed)


def nre_substrate(
    area_m2: Numbers, layer_factor: Numbers, per_area: float, fixed: float
) -> Numbers:
    """Design and tooling of an organic substrate (Chiplet Actuary) [USD]."""
    return np.asarray(area_m2) * per_area * layer_factor + fixed


def nre_fanout(
    area_m2: Numbers, nre: float, share: float, per_area_m2: float, *, as_published: bool = False
) -> Numbers:
    """Design and tooling of a fan-out layer [USD] [1]_.

    Parameters
    ----------
    nre : N of the fan-out process
    share : share of N that grows with the area, the rest is fixed
    as_published : repeat the original's slip, which divides the fixed part by A₀ in mm² as well

    References
    ----------
    .. [1] Feng and Ma, Chiplet Actuary, DAC 2022.
    """
    fixed = (1 - share) * nre
    if as_published:
        fixed /= per_area_m2 * 1e6
    return np.asarray(share * nre / per_area_m2 * np.asarray(area_m2) + fixed)
