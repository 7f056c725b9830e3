"""Recurring and design cost; arrays of systems."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Numbers
from chipdse.records import each_field
from chipdse.sorting import distinct
from chipdse.system.arrays.catch import catch_recurring, catch_wafer_usd
from chipdse.system.arrays.columns import Choices, Dies, PackageColumns
from chipdse.system.arrays.dies import ADVANCED, FANOUT, by_node, of_rows
from chipdse.system.arrays.fabrication import Fabrication
from chipdse.system.models import cost, links, yields
from chipdse.system.parameters import STACKS
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True, eq=False)
class CostResult:
    """USD per good system: `recurring` splits it; `nre_total` is the whole design's cost."""

    recurring: cost.RecurringCost
    nre_usd: Floats
    nre_total_usd: Floats
    nre_modules_usd: Floats
    nre_chips_usd: Floats
    nre_package_usd: Floats


def cost_of(
    package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
) -> CostResult:
    """Recurring and non-recurring cost."""
    sources.cite("feng2022actuary")
    arrangement = package.choices["arrangement"]
    stacked, advanced = arrangement.among(*STACKS), arrangement.among(*ADVANCED)
    bridged = arrangement.among("bridge")
    price = by_node(sources, "cost.wafer_price", dies.node_nm)
    bought = ~np.isnan(dies.price_usd)
    raw_die = np.where(bought, dies.price_usd, price / fabrication.dies_on_wafer)
    c4, micro = sources("cost.substrate_bump_price"), sources("cost.interposer_bump_price")
    bump = np.where(advanced | bridged, micro, c4)
    bumps = bump * np.where(stacked, dies.footprint_m2, dies.silicon_m2)
    raw = (dies.count * raw_die).sum(axis=1) + bumps
    bonded = np.where(stacked, (dies.total - 1) * dies.footprint_m2, 0.0)
    bond_price = [_bond_price(name, sources) for name in arrangement.names]
    raw = raw + arrangement.lookup(bond_price) * bonded
    defect = (dies.count * raw_die * (1 / fabrication.passed - 1)).sum(axis=1)
    if fabrication.wafer_to_wafer.any():
        blind = (dies.count * raw_die).sum(axis=1) * (1 / fabrication.together - 1)
        defect = np.where(fabrication.wafer_to_wafer, blind, defect)
    substrate = (
        fabrication.substrate_m2 * sources("cost.substrate_price") * fabrication.layer_factor
    )
    if bridged.any():
        substrate = substrate + np.where(bridged, _bridge_cost(dies, sources), 0.0)
    carrier = np.zeros(package.count)
    for name in set(arrangement.names) & set(ADVANCED):
        at = arrangement.among(name)
        carrier[at] = _carrier_cost(name, fabrication, at, sources)
    carrier = carrier + np.where(advanced, c4 * fabrication.interposer_m2, 0.0)
    last = fabrication.last_yield
    placed = fabrication.placement_yield * fabrication.quality
    flat = cost.package_organic(raw, defect, substrate, 1, placed * np.where(stacked, last, 1.0))
    recurring = _select(
        ~advanced, flat, arrangement, raw, defect, carrier, substrate, fabrication, last
    )
    catch = package.choices["cost_model"].among("catch")
    if catch.any():
        theirs = catch_recurring(dies, fabrication, substrate, advanced, sources)
        recurring = each_field(functools.partial(np.where, catch), theirs, recurring)
    modules, chips, packaging = _nre(package, dies, fabrication, sources)
    whole_nre = modules + chips + packaging
    per_system = ((modules + chips) / package["products_sharing"] + packaging) / package["volume"]
    return CostResult(
        recurring=recurring,
        nre_usd=per_system,
        nre_total_usd=whole_nre,
        nre_modules_usd=modules,
        nre_chips_usd=chips,
        nre_package_usd=packaging,
    )


def _bond_price(arrangement: str, sources: Sources) -> float:
    """Price of bonding a die onto another, per area of the die [USD/m²]; 0 without stacks."""
    if arrangement == "stack_hybrid":
        return sources("cost.hybrid_bond_price")
    if arrangement == "stack_microbump":
        return sources("cost.microbump_bond_price")
    return 0.0


def tested_die_usd(
    package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
) -> Floats:
    """Price of a die of each kind that passes the test, dies that fail included [USD]."""
    catch = package.choices["cost_model"].among("catch")
    price = by_node(sources, "cost.wafer_price", dies.node_nm)
    if catch.any():
        price = np.where(catch[:, None], catch_wafer_usd(dies, sources), price)
    raw = np.where(np.isnan(dies.price_usd), price / fabrication.dies_on_wafer, dies.price_usd)
    return np.asarray(raw / fabrication.passed)


def _select(
    flat_rows: Bools,
    flat: cost.RecurringCost,
    arrangement: Choices,
    raw: Floats,
    defect: Floats,
    carrier: Floats,
    substrate: Floats,
    fabrication: Fabrication,
    last: Floats,
) -> cost.RecurringCost:
    """Each row by its arrangement's model; dies that pass the test but are bad cost a package."""
    if flat_rows.all():
        return flat
    first_rows = arrangement.among("fanout_chip_first")
    chip_last = cost.package_chip_last(
        raw,
        defect,
        carrier,
        substrate,
        fabrication.interposer_yield,
        fabrication.placement_yield * fabrication.quality,
        last,
    )
    chip_first = cost.package_chip_first(
        raw, defect, carrier, substrate, fabrication.interposer_yield * fabrication.quality, last
    )
    chosen = {
        f.name: np.select(
            [flat_rows, first_rows],
            [getattr(flat, f.name), getattr(chip_first, f.name)],
            getattr(chip_last, f.name),
        )
        for f in dataclasses.fields(cost.RecurringCost)
    }
    return cost.RecurringCost(**chosen)


def bridge_count(dies: Dies, sources: Sources) -> Floats:
    totals = dies.total.astype(np.int64)
    counts, place = distinct(totals)
    edges = np.array([links.grid_edges(int(count)) for count in counts])[place]
    side = np.sqrt(dies.silicon_m2 / totals)
    return edges * np.ceil(side / sources("cost.bridge_overlap") * (1 - links.ROUNDING))


def _bridge_cost(dies: Dies, sources: Sources) -> Floats:
    """Silicon bridges: one a stretch of shared edge, at 22 nm (ECO-CHIP), priced as a good die."""
    area = np.array([sources("cost.bridge_area")])
    node = np.array([22.0])
    wafer = (
        sources("cost.wafer_diameter"),
        sources("cost.edge_loss"),
        sources("cost.scribe_lane"),
    )
    good = yields.yield_negative_binomial(
        area, by_node(sources, "cost.defect_density", node), sources("cost.critical_level")
    )
    bridge_usd = (
        by_node(sources, "cost.wafer_price", node) / yields.dies_per_wafer(area, *wafer) / good
    )
    return bridge_count(dies, sources) * np.asarray(bridge_usd)


def _carrier_cost(name: str, fabrication: Fabrication, at: Bools, sources: Sources) -> Floats:
    if name == "glass":
        glass = of_rows(sources("cost.glass_price"), at)
        return np.asarray(glass * fabrication.interposer_m2[at])
    price: Numbers
    if name in FANOUT:
        price = sources("cost.fanout_wafer_price")
    elif name == "active_interposer":
        price = of_rows(sources("cost.wafer_price.n55"), at)
    else:
        price = sources("cost.interposer_wafer_price")
    return np.asarray(price / fabrication.interposers_on_wafer[at])


def _first_of_node(linked: Bools, node_nm: Floats) -> Bools:
    """Of the kinds of die that have an interface, the first of each process [systems x kinds].

    An interface is designed once per process (Chiplet Actuary) and reused by every die made in it.
    """
    alike = linked[:, None, :] & (node_nm[:, None, :] == node_nm[:, :, None])
    earlier = np.tril(np.ones((node_nm.shape[1],) * 2, dtype=np.bool_), -1)
    return np.asarray(linked & ~(alike & earlier).any(axis=2))


def _nre(
    package: PackageColumns, dies: Dies, fabrication: Fabrication, sources: Sources
) -> tuple[Floats, Floats, Floats]:
    arrangement = package.choices["arrangement"]
    base, share = sources("cost.nre_area"), sources("cost.nre_module_frac")
    chip_share = sources("cost.nre_chip_frac")
    design = by_node(sources, "cost.design_nre", dies.node_nm)
    designed = dies.is_designed & (dies.count > 0)
    modules = np.where(designed, cost.nre_module(dies.unique_m2, design, share, base), 0.0).sum(
        axis=1
    )
    linked = (dies.total > 1)[:, None] & designed
    interface = cost.nre_module(sources("cost.nre_interface_area"), design, share, base)
    modules = modules + np.where(_first_of_node(linked, dies.node_nm), interface, 0.0).sum(axis=1)
    chips = cost.nre_chip(dies.area_m2, design, chip_share, share, base)
    tooling = cost.nre_substrate(
        fabrication.substrate_m2,
        fabrication.layer_factor,
        sources("cost.substrate_nre_per_area"),
        sources("cost.substrate_nre_fixed"),
    )
    packaging = np.asarray(tooling)
    for name in set(arrangement.names) & set(ADVANCED):
        at = arrangement.among(name)
        area = fabrication.interposer_m2[at]
        if name in FANOUT:
            extra = cost.nre_fanout(area, sources("cost.fanout_nre"), share, base)
        else:
            interposer = sources("cost.design_nre.n55") * sources("cost.interposer_nre_factor")
            extra = cost.nre_chip(area, interposer, chip_share, share, base)
        packaging[at] += extra
    return modules, np.where(designed, chips, 0.0).sum(axis=1), packaging
