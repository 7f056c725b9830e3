"""Traffic between dies against what their links carry; arrays of systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.system.arrays.columns import Dies, PackageColumns
from chipdse.system.arrays.dies import BOND, link_column
from chipdse.system.models import links
from chipdse.system.parameters import STACKS
from chipdse.technology.constants import Sources


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

    utilisation_limit: Floats
    traffic_bits_per_s: Floats
    power_w: Floats
    capacity_bits_per_s: Floats
    pitch_excess_m: Floats
    reach_excess_m: Floats
    rate_excess_per_s: Floats
    length_m: Floats
    memory_device_w: Floats


def links_of(
    remote_bits_per_s: Floats, package: PackageColumns, dies: Dies, sources: Sources
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
    own = link.among("custom") & several
    if own.any() and not sources.has("links.energy_to_16.custom"):
        raise DesignError(
            "package link='custom' comes without figures; give them in the [link] table of a "
            "system file ('chipdse package'), or use one of the published links"
        )
    slow = link_column(sources, "energy_to_16", link, np.nan)
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
