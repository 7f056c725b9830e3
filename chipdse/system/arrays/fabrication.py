"""Yields, dies per wafer, interposers and substrates; arrays of systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Numbers
from chipdse.system.arrays.columns import Choices, Dies, PackageColumns
from chipdse.system.arrays.dies import ADVANCED, FANOUT, SILICON, by_node, link_column, of_rows
from chipdse.system.models import cost, yields
from chipdse.system.parameters import STACKS
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True, eq=False)
class Fabrication:
    """Yield and wafer use of the dies and of the interposer of each system.

    passed, quality, together : NaN where no die passes or none is good
    together : all dies of a system good at once, as bonding whole wafers needs it
    last_yield : of placing what carries the dies on the organic substrate
    """

    die_yield: Floats
    passed: Floats
    quality: Floats
    together: Floats
    dies_on_wafer: Floats
    interposer_m2: Floats
    interposers_on_wafer: Floats
    interposer_yield: Floats
    placement_yield: Floats
    last_yield: Floats
    substrate_m2: Floats
    layer_factor: Floats
    wafer_to_wafer: Bools


def yield_by_law(law: Choices, area: Floats, defects: Floats, clustering: float) -> Floats:
    """Share of good dies [systems x kinds] by the law that each system has chosen."""
    values = {name: yields.YIELD_LAWS[name](area, defects, clustering) for name in law.names}
    out = np.asarray(values[law.names[0]])
    for name in law.names[1:]:
        out = np.where(law.among(name)[:, None], values[name], out)
    return out


def catch_die_yield(package: PackageColumns, dies: Dies, sources: Sources) -> Floats:
    """Yield of dies by the defects and critical areas of CATCH [systems x kinds]."""
    critical = by_node(sources, "cost.catch_critical_area_frac", dies.node_nm)
    defects = sources("cost.catch_defect_density") * critical
    law = package.choices["yield_law"]
    return yield_by_law(law, dies.area_m2, defects, sources("cost.catch_clustering"))


def catch_interposer_yield(area_m2: Floats, sources: Sources) -> Floats:
    """Yield of silicon interposers by CATCH."""
    defects = sources("cost.catch_interposer_defect_density")
    critical = defects * sources("cost.catch_interposer_critical_area_frac")
    clustering = sources("cost.catch_clustering")
    return np.asarray(yields.yield_negative_binomial(area_m2, critical, clustering))


def catch_placement_yield(package: PackageColumns, dies: Dies, sources: Sources) -> Floats:
    """Yield of placing all dies by CATCH: of every alignment, and of every bond of a link.

    Bonds of supplies and of other signals are not known and not counted.
    """
    wires = link_column(sources, "module_wires", package.choices["link"], 0.0)
    bonds = (dies.count * dies.modules).sum(axis=1) * wires
    aligned, bonded = sources("cost.catch_alignment_yield"), sources("cost.catch_bond_yield")
    return np.asarray(yields.assembly_yield(dies.total, bonds, dies.silicon_m2, aligned, bonded))


def fabrication_of(package: PackageColumns, dies: Dies, sources: Sources) -> Fabrication:
    """Yields, dies per wafer and package areas."""
    arrangement = package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    wafer = (
        sources("cost.wafer_diameter"),
        sources("cost.edge_loss"),
        sources("cost.scribe_lane"),
    )
    die_yield = _die_yield(package, dies, sources)
    passed = np.asarray(yields.tested_good(die_yield, package["test_coverage"][:, None]))
    passed = np.where(passed > 0, passed, np.nan)
    good = yields.outgoing_quality(die_yield, passed)
    quality = np.prod(numerics.power(good, dies.count), axis=1)
    together = np.prod(numerics.power(die_yield, dies.count), axis=1)
    advanced = arrangement.among(*ADVANCED)
    factor = arrangement.lookup(
        [
            sources("cost.fanout_area_factor")
            if n in FANOUT
            else sources("cost.interposer_area_factor")
            if n in (*SILICON, "glass")
            else 0.0
            for n in arrangement.names
        ]
    )
    interposer = factor * dies.silicon_m2
    safe = np.where(advanced, interposer, 1e-4)
    assembly = _assembly_yields(package, dies, safe, sources)
    wafer_wise = stacked & package.choices["stack_bonding"].among("wafer")
    footprint = np.where(stacked, dies.footprint_m2, dies.silicon_m2)
    carried = np.where(advanced, interposer, footprint)
    substrate = sources("cost.substrate_area_factor") * carried
    side_by_side = np.where(advanced | stacked, 1.0, dies.total)
    return Fabrication(
        die_yield=die_yield,
        passed=passed,
        quality=np.where(wafer_wise, 1.0, np.where(quality > 0, quality, np.nan)),
        together=np.where(together > 0, together, np.nan),
        dies_on_wafer=np.asarray(yields.dies_per_wafer(dies.area_m2, *wafer)),
        interposer_m2=interposer,
        interposers_on_wafer=np.asarray(yields.dies_per_wafer(safe, *wafer)),
        interposer_yield=assembly.interposer,
        placement_yield=assembly.placement,
        last_yield=assembly.last,
        substrate_m2=substrate,
        layer_factor=np.asarray(cost.substrate_layer_factor(substrate, side_by_side)),
        wafer_to_wafer=wafer_wise,
    )


def _die_yield(package: PackageColumns, dies: Dies, sources: Sources) -> Floats:
    """Yield of the dies [systems x kinds]; a third-party die comes tested, at its price."""
    law = package.choices["yield_law"]
    defects = by_node(sources, "cost.defect_density", dies.node_nm)
    die_yield = yield_by_law(law, dies.area_m2, defects, sources("cost.critical_level"))
    catch = package.choices["cost_model"].among("catch")
    if catch.any():
        die_yield = np.where(catch[:, None], catch_die_yield(package, dies, sources), die_yield)
    sources.cite(*(yields.YIELD_LAWS[name].publication for name in law.names))
    return np.where(np.isnan(dies.price_usd), die_yield, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _AssemblyYields:
    """Yields of each assembly: of interposers, of placing all dies, and of the last step."""

    interposer: Floats
    placement: Floats
    last: Floats


def _assembly_yields(
    package: PackageColumns, dies: Dies, carrier_m2: Floats, sources: Sources
) -> _AssemblyYields:
    """Yields of assembly, by the cost model of each system.

    carrier_m2 : area of the interposer or fan-out layer; any area where there is none
    """
    arrangement = package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    interposer = np.ones(package.count)
    for name in set(arrangement.names) & set(ADVANCED):
        at = arrangement.among(name)
        interposer[at] = _carrier_yield(name, carrier_m2[at], at, sources)
    placing = arrangement.lookup([_placement_yield(n, sources) for n in arrangement.names])
    steps = np.where(stacked, dies.total - 1, dies.total)
    if stacked.any():
        placing = np.where(stacked, _stack_yield(package, sources), placing)
    placement = numerics.power(placing, steps)
    last = np.full(package.count, sources("cost.substrate_bonding_yield"))
    catch = package.choices["cost_model"].among("catch")
    if catch.any():
        has_interposer = catch & arrangement.among(*ADVANCED)
        by_catch = catch_interposer_yield(carrier_m2, sources)
        interposer = np.where(has_interposer, by_catch, interposer)
        placement = np.where(catch, catch_placement_yield(package, dies, sources), placement)
        last = np.where(catch, sources("cost.catch_alignment_yield"), last)
    return _AssemblyYields(interposer=interposer, placement=placement, last=last)


def _carrier_yield(name: str, area: Floats, at: Bools, sources: Sources) -> Floats:
    defects: Numbers
    if name in FANOUT:
        defects, level = sources("cost.fanout_defect_density"), "cost.fanout_critical_level"
    elif name == "glass":
        defects = sources("cost.glass_defect_density") * sources("cost.glass_critical_area_frac")
        level = "cost.glass_clustering"
    elif name == "active_interposer":
        defects = of_rows(sources("cost.defect_density.n55"), at)
        level = "cost.critical_level"
    else:
        defects, level = sources("cost.interposer_defect_density"), "cost.interposer_critical_level"
    return np.asarray(yields.yield_negative_binomial(area, defects, sources(level)))


def _placement_yield(name: str, sources: Sources) -> float:
    """Yield of placing one die; chip-first fan-out places none."""
    keys = {
        "fanout_chip_last": "cost.fanout_bonding_yield",
        "silicon_interposer": "cost.interposer_bonding_yield",
        "active_interposer": "cost.interposer_bonding_yield",
        "glass": "cost.glass_bonding_yield",
        "bridge": "cost.bridge_bonding_yield",
        "monolithic": "cost.substrate_bonding_yield",
        "organic": "cost.substrate_bonding_yield",
    }
    return sources(keys[name]) if name in keys else 1.0


def _stack_yield(package: PackageColumns, sources: Sources) -> Floats:
    arrangement, way = package.choices["arrangement"], package.choices["stack_bonding"]
    out = np.ones(package.count)
    for name, bond in (("stack_microbump", "microbump"), ("stack_hybrid", "hybrid")):
        for how in ("die", "wafer"):
            at = arrangement.among(name) & way.among(how)
            if at.any():
                out[at] = sources(f"cost.stack_bonding_yield.{bond}_{how}")
    return out
