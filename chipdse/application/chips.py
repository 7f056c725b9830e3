"""Chips on layers: latency, energy by level, and which limit binds. START HERE for applications.

layers, arrays -> tiling -> traffic -> time of each level -> latency -> energy of each level

Every function takes many chips at once: results have one row per chip and one column per layer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chipdse.application.arrays import ArrayColumns, Tiling, tile_layers
from chipdse.application.dies import LayerLinks
from chipdse.application.layers import LayerColumns
from chipdse.application.traffic import Traffic, traffic_of
from chipdse.arrays import Floats, Int64s

BOUNDS = ("compute", "sram", "dram", "link")
"""What can limit a layer: the arrays, the on-chip buffer, the outer memory, and the links, to the
outer memory and between dies."""

LEVELS = ("tile", "sram", "dram", "link", "leakage")
"""Where energy goes; leakage includes the clock of idle macros and the idle power of the DRAM."""

_CHUNK = 2**18  # chips times layers at once: arrays that stay in a processor's cache


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipColumns:
    """Many chips, one entry each: copies of one array, a buffer, an outer memory and a link.

    mac_j : dynamic energy of one multiply-accumulate in the array; [chip, layer] if it follows the
        layers' own operands
    constant_mac_j : the same over the workload with which the block was measured
    array_leakage_w : of all copies
    buffer_bits, buffer_bits_per_s : size and bandwidth of the buffer; infinite without one
    buffer_idle_w : clock power of the macros without access
    outer_idle_w : background power of the outer memory; 0 where it is not known
    output_bits : width of results in the memories
    die_links : between dies, of chips that have several; None: there are none
    """

    arrays: ArrayColumns
    clock_hz: Floats
    mac_j: Floats
    constant_mac_j: Floats
    array_leakage_w: Floats
    buffer_bits: Floats
    buffer_bits_per_s: Floats
    buffer_read_j_per_bit: Floats
    buffer_write_j_per_bit: Floats
    buffer_leakage_w: Floats
    buffer_idle_w: Floats
    outer_bits_per_s: Floats
    outer_j_per_bit: Floats
    outer_idle_w: Floats
    link_bits_per_s: Floats
    link_j_per_bit: Floats
    output_bits: Floats
    die_links: LayerLinks | None = None

    def __len__(self) -> int:
        return len(self.clock_hz)

    @property
    def standing_w(self) -> Floats:
        """Power whether anything runs or not: leakage, idle clocks and links, background of the
        DRAM."""
        total: Floats = (
            self.array_leakage_w + self.buffer_leakage_w + self.buffer_idle_w + self.outer_idle_w
        )
        if self.die_links is None:
            return total
        return total + self.die_links.idle_w.reshape(total.shape)

    def take(self, rows: slice) -> ChipColumns:
        """Some of the chips."""
        columns = {name: getattr(self, name)[rows] for name in self._names()}
        links = None if self.die_links is None else self.die_links.take(rows)
        return ChipColumns(arrays=self.arrays.take(rows), die_links=links, **columns)

    def over_layers(self) -> ChipColumns:
        """The same with a last axis of length 1, against which layers broadcast."""
        columns = {name: getattr(self, name)[..., None] for name in self._names()}
        if self.mac_j.ndim == 2:
            columns["mac_j"] = self.mac_j
        return ChipColumns(arrays=self.arrays.over_layers(), die_links=self.die_links, **columns)

    def _names(self) -> list[str]:
        """Of the columns that are arrays."""
        names = [field.name for field in dataclasses.fields(self)]
        return [name for name in names if name not in ("arrays", "die_links")]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerResults:
    """Every layer on every chip: arrays [chips, layers].

    times_s : by `BOUNDS`, each as if it were alone
    energies_j : by `LEVELS`
    constant_tile_j : of the arrays, if one energy per MAC held for all layers
    """

    tiling: Tiling
    traffic: Traffic
    times_s: dict[str, Floats]
    energies_j: dict[str, Floats]
    constant_tile_j: Floats

    @property
    def latency_s(self) -> Floats:
        """Of each layer: everything overlaps, so the longest of its times; nan where none fits."""
        longest: Floats = np.maximum.reduce(list(self.times_s.values()))
        return longest

    @property
    def bound(self) -> Int64s:
        """Index into `BOUNDS` of the longest time; compute first where two are equal."""
        times = np.stack(np.broadcast_arrays(*self.times_s.values()))
        longest: Int64s = np.argmax(times, axis=0)
        return longest

    @property
    def energy_j(self) -> Floats:
        """Of each layer."""
        total: Floats = sum(self.energies_j.values(), np.zeros(()))
        return total


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskTotals:
    """One task, all layers one after another, on each chip; nan where a layer does not fit.

    energies_j : by `LEVELS`
    outer_bits : between the outer memory and the buffer
    array_bits : between the arrays and the buffer
    constant_tile_j : as of `LayerResults`
    """

    latency_s: Floats
    energy_j: Floats
    energies_j: dict[str, Floats]
    outer_bits: Floats
    array_bits: Floats
    constant_tile_j: Floats


def run_layers(chips: ChipColumns, layers: LayerColumns) -> LayerResults:
    """Every layer on every chip.

    Notes
    -----
    Loads, computation and stores of a layer overlap (double buffering), so its latency is the
    largest of the arrays', the buffer's, the outer memory's and the links' time; the first load and
    the last store of a layer are not added. Links are that of the outer memory and those between
    dies, which work at the same time; operands and results cross links where the buffer lies on
    another die than the arrays. Arrays that wait have a gated clock: they only leak.
    """
    c = chips.over_layers()
    tiling = tile_layers(layers, c.arrays)
    traffic = traffic_of(layers, c.arrays, tiling, c.buffer_bits, c.output_bits)
    accesses = traffic.buffer_reads + traffic.buffer_writes
    link_s, link_j = traffic.outer_bits / c.link_bits_per_s, traffic.outer_bits * c.link_j_per_bit
    if c.die_links is not None:
        crossing = traffic.array_bits, traffic.outer_bits
        link_s = np.maximum(link_s, c.die_links.time_s(*crossing))
        link_j = link_j + c.die_links.energy_j(*crossing)
    times = {
        "compute": tiling.latency_cycles / c.clock_hz,
        "sram": accesses / c.buffer_bits_per_s,
        "dram": traffic.outer_bits / c.outer_bits_per_s,
        "link": link_s,
    }
    latency_s = np.maximum.reduce(list(times.values()))
    buffer_j = (
        traffic.buffer_reads * c.buffer_read_j_per_bit
        + traffic.buffer_writes * c.buffer_write_j_per_bit
    )
    energies = {
        "tile": layers.macs * c.mac_j,
        "sram": buffer_j,
        "dram": traffic.outer_bits * c.outer_j_per_bit,
        "link": link_j,
        "leakage": c.standing_w * latency_s,
    }
    return LayerResults(
        tiling=tiling,
        traffic=traffic,
        times_s=times,
        energies_j=energies,
        constant_tile_j=layers.macs * c.constant_mac_j,
    )


def run_task(chips: ChipColumns, layers: LayerColumns) -> TaskTotals:
    """Totals of a task on many chips, computed in chunks."""
    parts = [_totals(run_layers(some, layers)) for some in _chunks(chips, len(layers.m))]
    return TaskTotals(
        latency_s=np.concatenate([part.latency_s for part in parts]),
        energy_j=np.concatenate([part.energy_j for part in parts]),
        energies_j={
            level: np.concatenate([part.energies_j[level] for part in parts]) for level in LEVELS
        },
        outer_bits=np.concatenate([part.outer_bits for part in parts]),
        array_bits=np.concatenate([part.array_bits for part in parts]),
        constant_tile_j=np.concatenate([part.constant_tile_j for part in parts]),
    )


def _chunks(chips: ChipColumns, layer_count: int) -> Iterator[ChipColumns]:
    step = max(_CHUNK // max(layer_count, 1), 1)
    for start in range(0, len(chips), step):
        yield chips.take(slice(start, start + step))


def _totals(results: LayerResults) -> TaskTotals:
    latency_s = results.latency_s
    runs = np.isfinite(latency_s).all(axis=-1)
    energies = {
        level: np.where(runs, np.broadcast_to(j, latency_s.shape).sum(axis=-1), np.nan)
        for level, j in results.energies_j.items()
    }
    return TaskTotals(
        latency_s=latency_s.sum(axis=-1),
        energy_j=np.sum(list(energies.values()), axis=0),
        energies_j=energies,
        outer_bits=results.traffic.outer_bits.sum(axis=-1),
        array_bits=np.broadcast_to(results.traffic.array_bits, latency_s.shape).sum(axis=-1),
        constant_tile_j=np.where(runs, results.constant_tile_j.sum(axis=-1), np.nan),
    )
