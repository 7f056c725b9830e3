"""Recurring cost by CATCH's recursion; arrays of systems."""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats
from chipdse.system.arrays.columns import Dies
from chipdse.system.arrays.dies import by_node
from chipdse.system.arrays.fabrication import Fabrication
from chipdse.system.models import cost
from chipdse.technology.constants import Sources


def catch_recurring(
    dies: Dies, fabrication: Fabrication, substrate: Floats, carried: Bools, sources: Sources
) -> cost.RecurringCost:
    """Cost of one good system [1]_, split as `chipdse.system.models.cost.RecurringCost`.

    Dies are placed on a silicon interposer and this on a substrate, or all of them on the
    substrate. CATCH has no price of bumps, and its price of organic substrates is a placeholder:
    substrates keep Chiplet Actuary's price.

    Parameters
    ----------
    substrate : cost of the organic substrate [USD]
    carried : systems on a silicon interposer

    References
    ----------
    .. [1] Graening et al., CATCH; see `chipdse.system.models.cost.recursive_cost`.
    """
    sources.cite("graening2025catch")
    wafer_m2 = np.pi * numerics.square(sources("cost.wafer_diameter")) / 4
    price = catch_wafer_usd(dies, sources)
    bought = ~np.isnan(dies.price_usd)
    raw_die = np.where(bought, dies.price_usd, price / fabrication.dies_on_wafer)
    raw = (dies.count * raw_die).sum(axis=1)
    defect = (dies.count * raw_die * (1 / fabrication.passed - 1)).sum(axis=1)
    wafer_usd = sources("cost.catch_interposer_price") * wafer_m2
    interposer = np.where(carried, wafer_usd / fabrication.interposers_on_wafer, 0.0)
    on_silicon = _assembly("silicon", dies.total, dies.silicon_m2, sources)
    on_organic = _assembly("organic", dies.total, dies.silicon_m2, sources)
    last = _assembly("organic", np.ones_like(dies.total), fabrication.interposer_m2, sources)
    good = fabrication.placement_yield * fabrication.quality
    inner = cost.recursive_cost(
        interposer, fabrication.interposer_yield, raw + defect, on_silicon, 0.0, good
    )
    stacked_up = cost.recursive_cost(substrate, 1.0, inner, last, 0.0, fabrication.last_yield)
    flat = cost.recursive_cost(substrate, 1.0, raw + defect, on_organic, 0.0, good)
    total = np.where(carried, stacked_up, flat)
    passes = np.where(carried, good * fabrication.last_yield, good)
    wasted = (raw + defect) * (1 / passes - 1)
    carrier = substrate + np.where(carried, interposer + on_silicon + last, on_organic)
    return cost.RecurringCost(
        raw_chips=raw,
        defect_chips=defect,
        raw_package=carrier,
        defect_package=total - raw - defect - wasted - carrier,
        wasted_dies=wasted,
    )


def _assembly(kind: str, placed: Floats, area_m2: Floats, sources: Sources) -> Floats:
    """Material and machines of one level of an assembly [USD]."""
    steps = np.ceil(placed / sources(f"cost.catch_bonding_group.{kind}"))
    machines = placed * sources(f"cost.catch_placing_price.{kind}")
    machines = machines + steps * sources(f"cost.catch_bonding_price.{kind}")
    return np.asarray(machines + area_m2 * sources("cost.catch_assembly_material"))


def catch_wafer_usd(dies: Dies, sources: Sources) -> Floats:
    """Price of a wafer for each kind of die by CATCH [systems x kinds, USD]."""
    wafer_m2 = np.pi * numerics.square(sources("cost.wafer_diameter")) / 4
    return np.asarray(by_node(sources, "cost.catch_wafer_price", dies.node_nm) * wafer_m2)
