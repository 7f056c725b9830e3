"""Traffic between dies against what their links carry; arrays of systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats
from chipdse.errors import DesignError
from chipdse.sorting import distinct
from chipdse.system.arrays.columns import Choices, Dies, PackageColumns
from chipdse.system.arrays.dies import BOND, link_column
from chipdse.system.arrays.flows import Flows, crossing_bits, memory_bits
from chipdse.system.models import links
from chipdse.system.parameters import STACKS
from chipdse.technology.constants import Sources
from chipdse.technology.own_figures import CUSTOM

_TABLE_PITCH_M = 45e-6  # bump pitch at which the tables give bandwidth per area
_SLOW_RATE_PER_S = 16e9  # energy per bit is tabulated up to this transfer rate and above it


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
    remote_bits_per_s: Floats,
    package: PackageColumns,
    dies: Dies,
    sources: Sources,
    flows: Flows | None = None,
) -> LinkResult:
    """Traffic against bandwidth, power, and the limits of pitch, reach and rate.

    Parameters
    ----------
    remote_bits_per_s : data that leaves its tile at full throughput, wherever it goes
    flows : data between known dies, in place of `remote_bits_per_s`; None: there are none known
    """
    arrangement, link = package.choices["arrangement"], package.choices["link"]
    stacked = arrangement.among(*STACKS)
    memory = np.where(dies.memory, dies.count, 0).sum(axis=1)
    several = dies.total > 1
    check_links(package, dies, sources)
    _check_memory(package, sources)
    pitch = _bond_pitch(arrangement, sources)
    capacity = capacity_of(package, dies, sources)
    if flows is None:
        remote = remote_bits_per_s * (1 - package["local_traffic_frac"])
        crossing = np.where(several, remote * _crossings(stacked, memory, dies.total - memory), 0.0)
        load = _drawn_load(crossing, memory, stacked, dies)
    else:
        remote = memory_bits(flows, dies.memory)
        crossing, load = crossing_bits(flows, dies.count, stacked)
    utilisation = np.minimum(_room(capacity, load, dies), 1.0)
    traffic = crossing * utilisation
    # Modules along an edge are there whether used or not; vertical bonds are made as needed.
    edge_links = (capacity * dies.count).sum(axis=1) / 2
    all_links = np.where(several, np.where(stacked, traffic, edge_links), 0.0)
    rate, energy = package["link_transfers_per_s"], energy_per_bit(package, sources)
    power = links.link_power(traffic, all_links, energy, sources("links.idle_power_frac"))
    rate_min = link_column(sources, "rate_min", link, 0.0)
    rate_max = link_column(sources, "rate_max", link, np.inf)
    pitch_max = link_column(sources, "pitch_max", link, np.inf)
    gap, reach = _gap(arrangement, sources), link_column(sources, "reach", link, np.inf)
    device = _by_memory(package, dies, "device_energy", 0.0, sources)
    unlimited = np.full(package.count, -1.0)
    return LinkResult(
        utilisation_limit=utilisation,
        traffic_bits_per_s=traffic,
        power_w=np.where(several, power, 0.0),
        capacity_bits_per_s=all_links,
        pitch_excess_m=np.where(several, pitch - pitch_max, unlimited),
        reach_excess_m=np.where(several & ~stacked, gap - reach, unlimited),
        rate_excess_per_s=np.where(several, np.maximum(rate - rate_max, rate_min - rate), -1.0),
        length_m=np.where(several, gap, 0.0),
        memory_device_w=np.where(memory > 0, remote * utilisation * device, 0.0),
    )


def check_links(package: PackageColumns, dies: Dies, sources: Sources) -> None:
    """Raise DesignError where a system has custom links without figures of the user."""
    custom = package.choices["link"].among("custom") & (dies.total > 1)
    if custom.any() and not sources.has("links.energy_to_16.custom"):
        raise DesignError(
            "package link='custom' comes without figures; give them in the [link] table of a "
            "system file ('chipdse package') or in [constants], or use one of the published links"
        )


def _crossings(stacked: Bools, memory: Floats, chiplets: Floats) -> Floats:
    """Links that a bit crosses: to the memory dies, or to a die drawn among all.

    memory, chiplets : dies of each kind per system
    """
    counts, place = distinct(chiplets.astype(np.int64))
    hops = np.array([links.mean_hops(int(count)) for count in counts])[place]
    levels = np.array([links.mean_levels(int(count)) for count in counts])[place]
    to_memory = np.where(stacked, (chiplets + memory) / 2, 1.0)
    return np.where(memory > 0, to_memory, np.where(stacked, levels, hops))


def _bond_pitch(arrangement: Choices, sources: Sources) -> Floats:
    """The finest pitch of the bonds between dies [m]."""
    return arrangement.lookup([sources(f"cost.bump_pitch.{BOND[n]}") for n in arrangement.names])


def capacity_of(package: PackageColumns, dies: Dies, sources: Sources) -> Floats:
    """Bandwidth of one die of each kind, both directions together [systems x kinds, bit/s]."""
    link, arrangement = package.choices["link"], package.choices["arrangement"]
    stacked = arrangement.among(*STACKS)
    pitch_m = _bond_pitch(arrangement, sources)
    rate_max = link_column(sources, "rate_max", link, np.inf)
    # Tables give the bandwidth at the highest rate.
    share = np.where(np.isfinite(rate_max), package["link_transfers_per_s"] / rate_max, 1.0)
    edge = _by_edge(package, dies, share, sources)
    vertical = _by_area(package, dies, share, pitch_m, sources)
    capacity = np.where(stacked[:, None], vertical, edge)
    memory_limit = _by_memory(package, dies, "stack_bandwidth", np.inf, sources)
    return np.where(dies.memory, np.minimum(capacity, memory_limit[:, None]), capacity)


def _by_edge(package: PackageColumns, dies: Dies, share: Floats, sources: Sources) -> Floats:
    """Bandwidth through a die's edge [bit/s]: of its link modules, or by the edge's length."""
    link = package.choices["link"]
    module_rate = link_column(sources, "module_bandwidth", link, 0.0)
    edge_m = 4 * np.sqrt(dies.logic_m2) * package["link_edge_frac"][:, None]
    by_length = edge_m * (link_column(sources, "edge_bandwidth", link, 0.0) * share)[:, None]
    by_module = dies.modules * (module_rate * share)[:, None]
    return np.where((module_rate > 0)[:, None], by_module, by_length)


def _by_area(
    package: PackageColumns, dies: Dies, share: Floats, pitch_m: Floats, sources: Sources
) -> Floats:
    """Bandwidth through a die's face to the next die of a stack [bit/s]."""
    link = package.choices["link"]
    pitch_min = link_column(sources, "pitch_min", link, 0.0)
    # `pitch_m` is the finest that the bonds allow: a link of a coarser standard has its own pitch,
    # and a link that needs a finer pitch misses the limit `pitch_excess_m`.
    link_pitch_m = np.maximum(pitch_m, pitch_min)
    density = links.area_bandwidth(
        link_column(sources, "area_bandwidth", link, 0.0) * share,
        link_pitch_m,
        np.where(link.among("ucie_3d"), pitch_min, _TABLE_PITCH_M),
    )
    return dies.logic_m2 * (package["link_area_frac"] * density)[:, None]


def _drawn_load(crossing_bits_per_s: Floats, memory: Floats, stacked: Bools, dies: Dies) -> Floats:
    """Traffic of one die of each kind [systems x kinds].

    Every crossing ends on two dies, or on one compute die and one memory die.
    """
    among_all = 2 * crossing_bits_per_s / np.maximum(dies.total, 1)
    ends = np.where(dies.memory, memory[:, None], (dies.total - memory)[:, None])
    with_memory = crossing_bits_per_s[:, None] / np.maximum(ends, 1)
    beside_memory = (memory > 0)[:, None] & ~stacked[:, None]
    return np.where(beside_memory, with_memory, among_all[:, None])


def _room(capacity: Floats, load: Floats, dies: Dies) -> Floats:
    """Bandwidth over traffic of the busiest die of each system; infinite without traffic."""
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where((dies.count > 0) & (load > 0), capacity / load, np.inf)
    return np.asarray(room.min(axis=1))


def energy_per_bit(package: PackageColumns, sources: Sources) -> Floats:
    """Energy of a link per bit [J]; tables that stop at 16 GT/s serve faster links too."""
    link, rate = package.choices["link"], package["link_transfers_per_s"]
    slow = link_column(sources, "energy_to_16", link, np.nan)
    fast = link_column(sources, "energy_above_16", link, np.nan)
    energy = np.where(rate > _SLOW_RATE_PER_S, fast, slow)
    return np.where(np.isnan(energy), slow, energy)


def _gap(arrangement: Choices, sources: Sources) -> Floats:
    """Distance between neighbouring dies [m]; dies of a stack touch."""
    return arrangement.lookup(
        [
            0.0 if name in STACKS else sources(f"cost.die_separation.{_gap_row(name)}")
            for name in arrangement.names
        ]
    )


def _by_memory(
    package: PackageColumns, dies: Dies, table: str, missing: float, sources: Sources
) -> Floats:
    """A figure of each system's memory technology; `missing` where none is published.

    It is also `missing` for systems without memory dies, whose technology is not read.
    """
    technology = package.choices["memory_technology"]
    used = np.where(dies.memory, dies.count, 0).sum(axis=1) > 0
    return technology.lookup(
        [
            _optional(sources, f"memory.{table}.{name}", missing)
            if (used & technology.among(name)).any()
            else missing
            for name in technology.names
        ]
    )


def _check_memory(package: PackageColumns, sources: Sources) -> None:
    """Raise DesignError where memory dies are of a technology without figures of the user."""
    custom = package.choices["memory_technology"].among(CUSTOM) & (package["memory_dies"] > 0)
    if custom.any() and not sources.has(f"memory.device_energy.{CUSTOM}"):
        raise DesignError(
            "package memory_technology='custom' comes without figures; give memory.device_energy."
            "custom, and memory.stack_bandwidth.custom if it is limited, in [constants]"
        )


def _optional(sources: Sources, key: str, missing: float) -> float:
    return sources(key) if sources.has(key) else missing


def _gap_row(arrangement: str) -> str:
    return "organic" if arrangement == "bridge" else BOND[arrangement]
