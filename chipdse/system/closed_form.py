"""Dies, links, cost and carbon of many systems at once: array arithmetic over the models."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chipdse.system import carbon, cost, links, yields
from chipdse.system.batch import BlockPoints, Choices, Dies, PackageColumns
from chipdse.system.parameters import STACKS
from chipdse.system.yields import Array
from chipdse.technology.constants import Sources, load_constants

Flags = npt.NDArray[np.bool_]

# Which table row gives the bond pitch and the die gap of an arrangement.
BOND = {
    "monolithic": "organic",
    "organic": "organic",
    "fanout_chip_last": "fanout",
    "fanout_chip_first": "fanout",
    "silicon_interposer": "silicon",
    "active_interposer": "silicon",
    "bridge": "silicon",
    "glass": "glass",
    "stack_microbump": "silicon",
    "stack_hybrid": "hybrid",
}
ADVANCED = (
    "fanout_chip_last",
    "fanout_chip_first",
    "silicon_interposer",
    "active_interposer",
    "glass",
)
_FANOUT = ("fanout_chip_last", "fanout_chip_first")
_SILICON = ("silicon_interposer", "active_interposer")


def by_node(sources: Sources, entry: str, node_nm: Array) -> Array:
    """A table kept by node at any node: log-log between entries, held at the coarsest one.

    Between entries and beyond the coarsest the value is an estimate (see `node_is_tabulated`):
    older processes have fewer steps, so the held value is an upper bound.
    """
    nodes, values = sources.nodes(entry)
    if any(v <= 0 for v in values):
        return np.interp(np.log(node_nm), np.log(nodes), values)
    return np.exp(np.interp(np.log(node_nm), np.log(nodes), np.log(values)))


def link_column(sources: Sources, entry: str, link: Choices, missing: float) -> Array:
    """A link table's value for each row; `missing` where the standard has no such figure."""
    keys = [f"links.{entry}.{name}" for name in link.names]
    return link.lookup([sources(k) if sources.has(k) else missing for k in keys])


def interface_area(
    logic_m2: Array, several: Flags, package: PackageColumns, sources: Sources
) -> tuple[Array, Array]:
    """Area that links add to each die [systems x kinds], and interface modules on its edge.

    Side by side: as many modules as the given share of the edge holds, or the given share of the
    area; a standard without published modules takes the share Chiplet Actuary gives any
    interface. In a stack: through-silicon vias (ECO-CHIP).
    """
    arrangement, link = package.choices["arrangement"], package.choices["link"]
    stacked = arrangement.among(*STACKS)
    module_edge = link_column(sources, "module_edge", link, np.inf)
    module_area = link_column(sources, "module_area", link, 0.0)
    edge = 4 * np.sqrt(logic_m2) * package["link_edge_frac"][:, None]
    flat = (several & ~stacked)[:, None]
    modules = np.where(flat, links.modules_on_edge(edge, module_edge[:, None]), 0.0)
    unknown = np.where(np.isinf(module_edge), sources("cost.interface_area_frac"), 0.0)
    share = package["interface_area_frac"]
    share = np.where(share > 0, share, unknown)[:, None]
    area = np.where(share > 0, share * logic_m2, modules * module_area[:, None])
    count = np.floor(np.sqrt(logic_m2) / sources("cost.tsv_pitch")) ** 2
    vias = count * sources("cost.tsv_size") ** 2
    return np.where(flat, area, np.where(stacked[:, None], vias, 0.0)), modules


def dies_of(blocks: BlockPoints, package: PackageColumns, sources: Sources) -> Dies:
    """Areas and counts of the dies of each system."""
    chiplets, memory = package["chiplets"], package["memory_dies"]
    several = chiplets + memory > 1
    tiles = np.ceil(package["tiles"] / chiplets)
    tile_area = tiles * blocks.area_m2
    overhead = tile_area * package["die_overhead_frac"]
    logic = np.stack([tile_area + overhead, package["memory_area_m2"]], axis=1)
    node = np.where(package["node_nm"] > 0, package["node_nm"], blocks.node_nm)
    extra, modules = interface_area(logic, several, package, sources)
    extra[:, 1] = 0.0  # a third-party die's area includes its interface
    own = np.zeros(logic.shape, dtype=np.bool_)
    own[:, 0] = True
    unknown = np.full(logic.shape, np.nan)
    share = package["tiles"] / chiplets
    return Dies(
        names=("die", "memory"),
        area_m2=logic + extra,
        logic_m2=logic,
        unique_m2=np.stack([blocks.area_m2 + overhead, np.zeros(package.count)], axis=1),
        count=np.stack([chiplets, memory], axis=1),
        node_nm=np.stack([node, package["memory_node_nm"]], axis=1),
        own=own,
        memory=~own,
        modules=modules,
        dynamic_w=np.stack([share * blocks.dynamic_power_w, package["memory_power_w"]], axis=1),
        static_w=np.stack([share * blocks.leakage_power_w, np.zeros(package.count)], axis=1),
        price_usd=unknown,
        carbon_kg=unknown,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class LinkResult:
    """Links of each system.

    utilisation_limit : share of the compute throughput the links can carry, at most 1
    traffic_bits_per_s : bits over links at that throughput, every hop counted
    power_w : of all links
    capacity_bits_per_s : of all links of the system
    pitch_excess_m, reach_excess_m, rate_excess_per_s : beyond the limits where positive
    length_m : between neighbouring dies
    memory_device_w : of all memory dies, for the bits they exchange
    """

    utilisation_limit: Array
    traffic_bits_per_s: Array
    power_w: Array
    capacity_bits_per_s: Array
    pitch_excess_m: Array
    reach_excess_m: Array
    rate_excess_per_s: Array
    length_m: Array
    memory_device_w: Array


def links_of(
    remote_bits_per_s: Array, package: PackageColumns, dies: Dies, sources: Sources
) -> LinkResult:
    """Traffic against bandwidth, power, and the limits of pitch, reach and rate.

    remote_bits_per_s : data that leaves its tile at full throughput, wherever it goes
    """
    arrangement, link = package.choices["arrangement"], package.choices["link"]
    stacked = arrangement.among(*STACKS)
    memory = np.where(dies.memory, dies.count, 0).sum(axis=1)
    total = dies.total
    chiplets = total - memory
    several = total > 1
    rate = package["link_transfers_per_s"]
    rate_max = link_column(sources, "rate_max", link, np.inf)
    rate_min = link_column(sources, "rate_min", link, 0.0)
    # Crossings a bit makes: to the memory, else to a die drawn among all.
    counts = np.unique(chiplets.astype(np.int64), return_inverse=True)
    hops = np.array([links.mean_hops(int(n)) for n in counts[0]])[counts[1]]
    levels = np.array([links.mean_levels(int(n)) for n in counts[0]])[counts[1]]
    to_memory = np.where(stacked, (chiplets + memory) / 2, 1.0)
    crossings = np.where(memory > 0, to_memory, np.where(stacked, levels, hops))
    remote = remote_bits_per_s * (1 - package["local_traffic_frac"])
    wanted = np.where(several, remote * crossings, 0.0)
    # Bandwidth of one die, both directions.
    module_rate = link_column(sources, "module_bandwidth", link, 0.0)
    share = np.where(np.isfinite(rate_max), rate / rate_max, 1.0)
    edge = 4 * np.sqrt(dies.logic_m2) * package["link_edge_frac"][:, None]
    by_edge = edge * (link_column(sources, "edge_bandwidth", link, 0.0) * share)[:, None]
    by_module = dies.modules * (module_rate * share)[:, None]
    flat = np.where((module_rate > 0)[:, None], by_module, by_edge)
    pitch = arrangement.lookup([sources(f"cost.bump_pitch.{BOND[n]}") for n in arrangement.names])
    pitch_min = link_column(sources, "pitch_min", link, 0.0)
    pitch_max = link_column(sources, "pitch_max", link, np.inf)
    used_pitch = np.maximum(pitch, pitch_min)
    reference = np.where(link.among("ucie_3d"), pitch_min, 45e-6)
    density = links.area_bandwidth(
        link_column(sources, "area_bandwidth", link, 0.0) * share, used_pitch, reference
    )
    vertical = dies.logic_m2 * (package["link_area_frac"] * density)[:, None]
    capacity = np.where(stacked[:, None], vertical, flat)
    present = dies.count > 0
    technology = package.choices["memory_technology"]
    bandwidth = technology.lookup(
        [_optional(sources, f"memory.stack_bandwidth.{n}", np.inf) for n in technology.names]
    )
    capacity = np.where(dies.memory, np.minimum(capacity, bandwidth[:, None]), capacity)
    # Load of one die's links: every crossing ends on two dies, or on one compute and one memory.
    peers = 2 * wanted / np.maximum(total, 1)
    ends = np.where(dies.memory, memory[:, None], chiplets[:, None])
    pair = wanted[:, None] / np.maximum(ends, 1)
    load = np.where((memory > 0)[:, None] & ~stacked[:, None], pair, peers[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(present & (load > 0), capacity / load, np.inf).min(axis=1)
    utilisation = np.minimum(room, 1.0)
    traffic = wanted * utilisation
    # Modules along an edge are there whether used or not; vertical bonds are made as needed.
    edge_links = (capacity * dies.count).sum(axis=1) / 2
    all_links = np.where(several, np.where(stacked, traffic, edge_links), 0.0)
    slow = link.lookup([sources(f"links.energy_to_16.{n}") for n in link.names])
    fast = np.where(rate > 16e9, link_column(sources, "energy_above_16", link, np.nan), slow)
    energy = np.where(np.isnan(fast), slow, fast)
    idle = sources("links.idle_power_frac")
    gap = arrangement.lookup(
        [
            0.0 if n in STACKS else sources(f"cost.die_separation.{_gap_row(n)}")
            for n in arrangement.names
        ]
    )
    reach = link_column(sources, "reach", link, np.inf)
    none = np.zeros(package.count)
    device = technology.lookup(
        [_optional(sources, f"memory.device_energy.{n}", 0.0) for n in technology.names]
    )
    return LinkResult(
        utilisation_limit=utilisation,
        traffic_bits_per_s=traffic,
        power_w=np.where(several, links.link_power(traffic, all_links, energy, idle), 0.0),
        capacity_bits_per_s=all_links,
        pitch_excess_m=np.where(several, pitch - pitch_max, none - 1),
        reach_excess_m=np.where(several & ~stacked, gap - reach, none - 1),
        rate_excess_per_s=np.where(several, np.maximum(rate - rate_max, rate_min - rate), -1.0),
        length_m=np.where(several, gap, 0.0),
        memory_device_w=np.where(memory > 0, remote * utilisation * device, 0.0),
    )


def _optional(sources: Sources, key: str, missing: float) -> float:
    return sources(key) if sources.has(key) else missing


def _gap_row(arrangement: str) -> str:
    return "organic" if arrangement == "bridge" else BOND[arrangement]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fabrication:
    """Yield and wafer use of the dies and of the interposer of each system."""

    die_yield: Array
    passed: Array
    quality: Array
    dies_on_wafer: Array
    interposer_m2: Array
    interposers_on_wafer: Array
    interposer_yield: Array
    placement_yield: Array
    substrate_m2: Array
    layer_factor: Array
    wafer_to_wafer: Flags


def _law(law: Choices, area: Array, defects: Array, clustering: float) -> Array:
    values = {
        "negative_binomial": yields.yield_negative_binomial(area, defects, clustering),
        "poisson": yields.yield_poisson(area, defects),
        "murphy": yields.yield_murphy(area, defects),
    }
    out = np.asarray(values[law.names[0]])
    for name in law.names[1:]:
        out = np.where(law.among(name)[:, None], values[name], out)
    return out


def fabrication_of(package: PackageColumns, dies: Dies, sources: Sources) -> Fabrication:
    """Yields, dies a wafer and package areas."""
    arrangement = package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    wafer = (
        sources("cost.wafer_diameter"), sources("cost.edge_loss"), sources("cost.scribe_lane"),
    )  # fmt: skip
    defects = by_node(sources, "cost.defect_density", dies.node_nm)
    die_yield = _law(
        package.choices["yield_law"], dies.area_m2, defects, sources("cost.critical_level")
    )
    coverage = package["test_coverage"][:, None]
    # A bought die comes tested, at its price.
    die_yield = np.where(np.isnan(dies.price_usd), die_yield, 1.0)
    passed = np.asarray(yields.tested_good(die_yield, coverage))
    quality = np.prod((die_yield / passed) ** dies.count, axis=1)
    total, silicon = dies.total, dies.silicon_m2
    names = arrangement.names
    advanced = arrangement.among(*ADVANCED)
    factor = arrangement.lookup(
        [
            sources("cost.fanout_area_factor") if n in _FANOUT
            else sources("cost.interposer_area_factor") if n in (*_SILICON, "glass") else 0.0
            for n in names
        ]
    )  # fmt: skip
    interposer = factor * silicon
    safe = np.where(advanced, interposer, 1e-4)
    base_yield = np.ones(package.count)
    for name in set(names) & set(ADVANCED):
        at = arrangement.among(name)
        base_yield[at] = _carrier_yield(name, safe[at], sources)
    placing = arrangement.lookup([_placement_yield(n, sources) for n in names])
    steps = np.where(stacked, total - 1, total)
    wafer_wise = stacked & package.choices["stack_bonding"].among("wafer")
    if stacked.any():
        placing = np.where(stacked, _stack_yield(package, sources), placing)
    footprint = np.where(stacked, dies.footprint_m2, silicon)
    carried = np.where(advanced, interposer, footprint)
    substrate = sources("cost.substrate_area_factor") * carried
    side_by_side = np.where(advanced | stacked, 1.0, total)
    return Fabrication(
        die_yield=die_yield,
        passed=passed,
        quality=np.where(wafer_wise, 1.0, quality),
        dies_on_wafer=np.asarray(yields.dies_per_wafer(dies.area_m2, *wafer)),
        interposer_m2=interposer,
        interposers_on_wafer=np.asarray(yields.dies_per_wafer(safe, *wafer)),
        interposer_yield=base_yield,
        placement_yield=placing**steps,
        substrate_m2=substrate,
        layer_factor=np.asarray(cost.substrate_layer_factor(substrate, side_by_side)),
        wafer_to_wafer=wafer_wise,
    )


def _carrier_yield(name: str, area: Array, sources: Sources) -> Array:
    if name in _FANOUT:
        defects, level = sources("cost.fanout_defect_density"), "cost.fanout_critical_level"
    elif name == "glass":
        defects = sources("cost.glass_defect_density") * sources("cost.glass_critical_area_frac")
        level = "cost.glass_clustering"
    elif name == "active_interposer":
        defects, level = sources("cost.defect_density.n55"), "cost.critical_level"
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


def _stack_yield(package: PackageColumns, sources: Sources) -> Array:
    arrangement, way = package.choices["arrangement"], package.choices["stack_bonding"]
    out = np.ones(package.count)
    for name, bond in (("stack_microbump", "microbump"), ("stack_hybrid", "hybrid")):
        for how in ("die", "wafer"):
            at = arrangement.among(name) & way.among(how)
            if at.any():
                out[at] = sources(f"cost.stack_bonding_yield.{bond}_{how}")
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class CostResult:
    """USD a good system: `recurring` splits it; `nre_total` is the whole design's cost."""

    recurring: cost.RecurringCost
    nre_usd: Array
    nre_total_usd: Array
    nre_modules_usd: Array
    nre_chips_usd: Array
    nre_package_usd: Array


def cost_of(package: PackageColumns, dies: Dies, made: Fabrication, sources: Sources) -> CostResult:
    """Recurring and non-recurring cost."""
    arrangement = package.choices["arrangement"]
    stacked, advanced = arrangement.among(*STACKS), arrangement.among(*ADVANCED)
    bridged = arrangement.among("bridge")
    price = by_node(sources, "cost.wafer_price", dies.node_nm)
    bought = ~np.isnan(dies.price_usd)
    raw_die = np.where(bought, dies.price_usd, price / made.dies_on_wafer)
    c4, micro = sources("cost.substrate_bump_price"), sources("cost.interposer_bump_price")
    bump = np.where(advanced | bridged, micro, c4)
    bumps = bump * np.where(stacked, dies.footprint_m2, dies.silicon_m2)
    raw = (dies.count * raw_die).sum(axis=1) + bumps
    bonded = np.where(stacked, (dies.total - 1) * dies.footprint_m2, 0.0)
    bond_price = arrangement.lookup(
        [
            sources("cost.hybrid_bond_price") if n == "stack_hybrid"
            else sources("cost.microbump_bond_price") if n == "stack_microbump" else 0.0
            for n in arrangement.names
        ]
    )  # fmt: skip
    raw = raw + bond_price * bonded
    defect = (dies.count * raw_die * (1 / made.passed - 1)).sum(axis=1)
    if made.wafer_to_wafer.any():
        together = np.prod(made.die_yield**dies.count, axis=1)
        blind = (dies.count * raw_die).sum(axis=1) * (1 / together - 1)
        defect = np.where(made.wafer_to_wafer, blind, defect)
    substrate = made.substrate_m2 * sources("cost.substrate_price") * made.layer_factor
    if bridged.any():
        substrate = substrate + np.where(bridged, _bridge_cost(dies, sources), 0.0)
    carrier = np.zeros(package.count)
    for name in set(arrangement.names) & set(ADVANCED):
        at = arrangement.among(name)
        carrier[at] = _carrier_cost(name, made, at, sources)
    carrier = carrier + np.where(advanced, c4 * made.interposer_m2, 0.0)
    last = sources("cost.substrate_bonding_yield")
    placed = made.placement_yield * made.quality
    flat = cost.package_organic(raw, defect, substrate, 1, placed * np.where(stacked, last, 1.0))
    recurring = _select(~advanced, flat, arrangement, raw, defect, carrier, substrate, made, last)
    modules, chips, packaging = _nre(package, dies, made, sources)
    whole_nre = modules + chips + packaging
    per_system = ((modules + chips) / package["products_sharing"] + packaging) / package["volume"]
    return CostResult(
        recurring=recurring, nre_usd=per_system, nre_total_usd=whole_nre,
        nre_modules_usd=modules, nre_chips_usd=chips, nre_package_usd=packaging,
    )  # fmt: skip


def _select(
    flat_rows: Flags,
    flat: cost.RecurringCost,
    arrangement: Choices,
    raw: Array,
    defect: Array,
    carrier: Array,
    substrate: Array,
    made: Fabrication,
    last: float,
) -> cost.RecurringCost:
    """Each row by its arrangement's model; dies that pass the test but are bad cost a package."""
    if flat_rows.all():
        return flat
    first_rows = arrangement.among("fanout_chip_first")
    chip_last = cost.package_chip_last(
        raw, defect, carrier, substrate, made.interposer_yield,
        made.placement_yield * made.quality, last,
    )  # fmt: skip
    chip_first = cost.package_chip_first(
        raw, defect, carrier, substrate, made.interposer_yield * made.quality, last
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


def _bridge_count(dies: Dies, sources: Sources) -> Array:
    totals = dies.total.astype(np.int64)
    distinct, back = np.unique(totals, return_inverse=True)
    edges = np.array([links.grid_edges(int(n)) for n in distinct])[back]
    side = np.sqrt(dies.silicon_m2 / totals)
    return edges * np.ceil(side / sources("cost.bridge_overlap"))


def _bridge_cost(dies: Dies, sources: Sources) -> Array:
    """Silicon bridges: one a stretch of shared edge, at 22 nm (ECO-CHIP), priced as a good die."""
    area = np.array([sources("cost.bridge_area")])
    node = np.array([22.0])
    wafer = (
        sources("cost.wafer_diameter"), sources("cost.edge_loss"), sources("cost.scribe_lane"),
    )  # fmt: skip
    good = yields.yield_negative_binomial(
        area, by_node(sources, "cost.defect_density", node), sources("cost.critical_level")
    )
    each = by_node(sources, "cost.wafer_price", node) / yields.dies_per_wafer(area, *wafer) / good
    return _bridge_count(dies, sources) * np.asarray(each)


def _carrier_cost(name: str, made: Fabrication, at: Flags, sources: Sources) -> Array:
    if name == "glass":
        return np.asarray(sources("cost.glass_price") * made.interposer_m2[at])
    if name in _FANOUT:
        price = sources("cost.fanout_wafer_price")
    elif name == "active_interposer":
        price = sources("cost.wafer_price.n55")
    else:
        price = sources("cost.interposer_wafer_price")
    return np.asarray(price / made.interposers_on_wafer[at])


def _nre(
    package: PackageColumns, dies: Dies, made: Fabrication, sources: Sources
) -> tuple[Array, Array, Array]:
    arrangement = package.choices["arrangement"]
    base, share = sources("cost.nre_area"), sources("cost.nre_module_frac")
    chip_share = sources("cost.nre_chip_frac")
    design = by_node(sources, "cost.design_nre", dies.node_nm)
    own = dies.own & (dies.count > 0)
    modules = np.where(own, cost.nre_module(dies.unique_m2, design, share, base), 0.0).sum(axis=1)
    linked = (dies.total > 1)[:, None] & own
    interface = cost.nre_module(sources("cost.nre_interface_area"), design, share, base)
    modules = modules + np.where(linked, interface, 0.0).sum(axis=1)
    chips = cost.nre_chip(dies.area_m2, design, chip_share, share, base)
    tooling = cost.nre_substrate(
        made.substrate_m2, made.layer_factor, sources("cost.substrate_nre_per_area"),
        sources("cost.substrate_nre_fixed"),
    )  # fmt: skip
    packaging = np.asarray(tooling)
    for name in set(arrangement.names) & set(ADVANCED):
        at = arrangement.among(name)
        area = made.interposer_m2[at]
        if name in _FANOUT:
            extra = cost.nre_fanout(area, sources("cost.fanout_nre"), share, base)
        else:
            interposer = sources("cost.design_nre.n55") * sources("cost.interposer_nre_factor")
            extra = cost.nre_chip(area, interposer, chip_share, share, base)
        packaging[at] += extra
    return modules, np.where(own, chips, 0.0).sum(axis=1), packaging


@dataclass(frozen=True, kw_only=True, eq=False)
class CarbonResult:
    """kg CO2e a good system over its life. `low` and `high` carry the sources' ranges."""

    dies_kg: Array
    edge_kg: Array
    yield_kg: Array
    interposer_kg: Array
    bonding_kg: Array
    package_kg: Array
    design_kg: Array
    embodied_low_kg: Array
    embodied_high_kg: Array

    @property
    def embodied_kg(self) -> Array:
        """Everything before use."""
        return (
            self.dies_kg
            + self.edge_kg
            + self.yield_kg
            + self.interposer_kg
            + (self.bonding_kg + self.package_kg + self.design_kg)
        )


def grid_values(choice: Choices, sources: Sources) -> tuple[Array, Array, Array]:
    """Intensity of each row's grid, and the range its source gives [kg/J]."""
    found = []
    for name in choice.names:
        entry = "intensity" if f"grids.intensity.{name}" in load_constants() else "intensity_canada"
        found.append(sources.constant(f"grids.{entry}.{name}"))
    return (
        choice.lookup([c.value for c in found]),
        choice.lookup([c.low for c in found]),
        choice.lookup([c.high for c in found]),
    )


def carbon_of(
    package: PackageColumns, dies: Dies, made: Fabrication, sources: Sources
) -> CarbonResult:
    """Embodied carbon: ACT's wafers, 3D-Carbon's edge waste, bonding and package, ECO-CHIP's
    design."""
    arrangement = package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    grid, grid_low, grid_high = grid_values(package.choices["grid_fab"], sources)
    energy = by_node(sources, "carbon.fab_energy", dies.node_nm)
    gas_95 = by_node(sources, "carbon.fab_gas_95", dies.node_nm)
    gas_99 = by_node(sources, "carbon.fab_gas_99", dies.node_nm)
    material = by_node(sources, "carbon.fab_material", dies.node_nm)
    gas = np.asarray(carbon.gas_at_abatement(gas_95, gas_99, package["gas_abatement"][:, None]))
    diameter = sources("cost.wafer_diameter")
    wafer_m2 = np.pi * diameter**2 / 4
    assembled = made.placement_yield * made.quality
    first = arrangement.among("fanout_chip_first")
    kept = np.where(first, made.interposer_yield, 1.0) * assembled
    kept = kept * sources("cost.substrate_bonding_yield") ** np.where(
        arrangement.among(*ADVANCED) | stacked, 1.0, 0.0
    )
    tried = made.passed
    if made.wafer_to_wafer.any():
        together = np.prod(made.die_yield**dies.count, axis=1)[:, None]
        tried = np.where(made.wafer_to_wafer[:, None], together, tried)

    def silicon(intensity: Array, gases: Array) -> tuple[Array, Array, Array]:
        cpa = np.asarray(carbon.wafer_area_carbon(intensity[:, None], energy, gases, material))
        given = ~np.isnan(dies.carbon_kg)
        each = np.where(given, dies.carbon_kg, cpa * dies.area_m2)
        net = (dies.count * each).sum(axis=1)
        whole = dies.count * np.where(given, each, cpa * wafer_m2 / made.dies_on_wafer)
        edge = whole.sum(axis=1) - net
        return net, edge, (whole / np.where(given, 1.0, tried)).sum(axis=1) / kept - net - edge

    net, edge, lost = silicon(grid, gas)

    def rest(intensity: Array) -> tuple[Array, Array, Array]:
        return _package_carbon(package, dies, made, intensity, kept, sources)

    interposer, bonding, body = rest(grid)
    design = _design_carbon(package, dies, sources)
    low = np.sum(silicon(grid_low, gas_99), axis=0) + np.sum(rest(grid_low), axis=0)
    high = np.sum(silicon(grid_high, gas_95), axis=0) + np.sum(rest(grid_high), axis=0)
    return CarbonResult(
        dies_kg=net, edge_kg=edge, yield_kg=lost, interposer_kg=interposer, bonding_kg=bonding,
        package_kg=body, design_kg=design, embodied_low_kg=low + design,
        embodied_high_kg=high + design,
    )  # fmt: skip


def _package_carbon(
    package: PackageColumns,
    dies: Dies,
    made: Fabrication,
    grid: Array,
    kept: Array,
    sources: Sources,
) -> tuple[Array, Array, Array]:
    """Interposer, bonding and package body, after 3D-Carbon."""
    arrangement = package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    carrier = np.zeros(package.count)
    fanout = arrangement.among(*_FANOUT)
    silicon = arrangement.among(*_SILICON, "bridge")
    if fanout.any():
        area = sources("carbon.rdl_area_factor") * dies.silicon_m2
        rdl = carbon.process_carbon(grid, sources("carbon.rdl_energy"), area)
        carrier = np.where(fanout, rdl, carrier)
    if silicon.any():
        cpa = np.asarray(
            carbon.wafer_area_carbon(
                grid, sources("carbon.interposer_energy"), sources("carbon.interposer_gas"),
                sources("carbon.interposer_material"),
            )
        )  # fmt: skip
        area = made.interposer_m2
        if arrangement.among("bridge").any():
            bridges = _bridge_count(dies, sources) * sources("cost.bridge_area")
            area = np.where(arrangement.among("bridge"), bridges, area)
        carrier = np.where(silicon, cpa * area, carrier)
        active = arrangement.among("active_interposer")
        if active.any():
            full = carbon.wafer_area_carbon(
                grid, sources("carbon.fab_energy.n28"), sources("carbon.fab_gas_95.n28"),
                sources("carbon.fab_material.n28"),
            )  # fmt: skip
            carrier = np.where(active, np.asarray(full) * area, carrier)
    carrier = carrier / made.interposer_yield / kept
    joined = np.where(stacked, (dies.total - 1) * dies.footprint_m2, 0.0)
    joined = joined + np.where(fanout | silicon | arrangement.among("glass"), dies.silicon_m2, 0.0)
    way = np.where(
        arrangement.among("stack_hybrid"),
        sources("carbon.bonding_energy.hybrid"),
        sources("carbon.bonding_energy.thermocompression"),
    )
    vias = np.where(stacked, sources("carbon.bonding_energy.tsv") * joined, 0.0)
    bonding = np.asarray(carbon.process_carbon(grid, way, joined)) + grid * vias
    footprint = np.where(stacked, dies.footprint_m2, dies.silicon_m2)
    outline = np.maximum(sources("carbon.package_area_factor") * footprint, made.interposer_m2)
    body = carbon.process_carbon(grid, sources("carbon.package_energy.flip_chip"), outline)
    return carrier, bonding / kept, np.asarray(body) / kept


def _design_carbon(package: PackageColumns, dies: Dies, sources: Sources) -> Array:
    grid, _, _ = grid_values(package.choices["grid_design"], sources)
    density = by_node(sources, "carbon.eco_transistors", dies.node_nm)
    pace = by_node(sources, "carbon.eco_gates_per_hour", dies.node_nm)
    each = carbon.design_carbon(
        dies.unique_m2, density, sources("carbon.eco_transistors_per_gate"), pace,
        sources("carbon.eco_core_power"), grid[:, None], package["design_iterations"][:, None],
    )  # fmt: skip
    total = np.where(dies.own & (dies.count > 0), each, 0.0).sum(axis=1)
    return np.asarray(total / package["volume"] / package["products_sharing"])


def node_is_tabulated(node_nm: Array) -> Flags:
    """Whether cost and carbon of a node come from a table entry, not from an estimate."""
    tables = load_constants()
    known = {
        k.rpartition(".n")[2]
        for k in tables
        if k.startswith("carbon.fab_energy.n")
        and f"cost.wafer_price.n{k.rpartition('.n')[2]}" in tables
    }
    return np.isin(node_nm, [float(n) for n in known])
