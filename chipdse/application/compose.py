"""Chips as combinations of measured parts, memories and counts: metrics per task, as arrays.

Parts are measured once; every combination of their points, counts and memories is one entry of
arrays. The network runs on the part that has a contract, operations run on the parts that they
name, and all parts stay powered for the whole task.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.application.chips import LEVELS, ChipColumns, TaskTotals, run_task
from chipdse.application.dies import DieLinks, DieSetting, LayerLinks, OnePackage, Packaging
from chipdse.application.files.work import Work
from chipdse.application.layers import LayerColumns
from chipdse.application.measured import (
    MeasuredPart,
    PartRun,
    carrier_of,
    part_area_m2,
    run_operations,
)
from chipdse.application.memories import Buffer, Dram
from chipdse.application.parts import Choices, Part, composed, measured_part
from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError

LARGEST = 2_000_000  # chips at once


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipTable:
    """Many chips, one entry each; nan where a layer does not fit.

    point, count : of each part, index of its point and number of copies
    buffer, outer : indices of the memories
    energies_j : by level: as `chips.LEVELS`, and "operations"
    constant_tile_j : of the arrays, if one energy per MAC held for all layers
    leakage_w : of all dies; of guaranteed points that of the chips that leak most
    temperature_c : of this leakage, that of the part that leaks most
    dram_bits : per task
    die_area_m2, die_dynamic_j, die_leakage_w : of parts and memories of one die of each kind, by
        its name, the energy per task; empty: all on one die
    flow_bits : per task, of each flow between dies by its name
    """

    point: dict[str, Int64s]
    count: dict[str, Int64s]
    buffer: Int64s
    outer: Int64s
    latency_s: Floats
    energy_j: Floats
    energies_j: dict[str, Floats]
    constant_tile_j: Floats
    area_m2: Floats
    leakage_w: Floats
    temperature_c: Floats
    dram_bits: Floats
    die_area_m2: dict[str, Floats] = dataclasses.field(default_factory=dict)
    die_dynamic_j: dict[str, Floats] = dataclasses.field(default_factory=dict)
    die_leakage_w: dict[str, Floats] = dataclasses.field(default_factory=dict)
    flow_bits: dict[str, Floats] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.latency_s)


def joined_tables(tables: Sequence[ChipTable]) -> ChipTable:
    """The chips of several tables, one after another."""

    def joined(name: str) -> Any:
        columns = [getattr(table, name) for table in tables]
        if isinstance(columns[0], dict):
            return {
                key: np.concatenate([part_columns[key] for part_columns in columns])
                for key in columns[0]
            }
        return np.concatenate(columns)

    return ChipTable(**{field.name: joined(field.name) for field in dataclasses.fields(ChipTable)})


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipChoices:
    """What each of many chips is made of, one entry each.

    point, count : of each part by its name, index of its point and number of copies
    buffer, outer : indices of the memories
    """

    point: dict[str, Int64s]
    count: dict[str, Int64s]
    buffer: Int64s
    outer: Int64s

    def __len__(self) -> int:
        return len(self.buffer)


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One task of the application, and what is the same on every chip.

    layers : of the network; None: there are operations only
    work : operations of parts and runs of their programs
    overlapped : the network and the operations run at the same time, not one after another
    output_bits : width of results in the memories; None: that of an operand
    link_bits_per_s, link_j_per_bit : of the link between the outer memory and the buffer
    """

    layers: LayerColumns | None
    work: Work = dataclasses.field(default_factory=Work)
    overlapped: bool = False
    output_bits: int | None = None
    link_bits_per_s: float = math.inf
    link_j_per_bit: float = 0.0


def compose(
    parts: Sequence[MeasuredPart],
    buffers: Sequence[Buffer | None],
    outers: Sequence[Dram | None],
    task: Task,
    package: OnePackage | None = None,
) -> ChipTable:
    """Every combination of parts, counts and memories, on one application.

    Parameters
    ----------
    package : of all chips, where they have named dies

    Raises
    ------
    DesignError : no part, or several, can carry the network; too many combinations
    """
    shape = [size for part in parts for size in (len(part.points), len(part.counts))]
    shape += [len(buffers), len(outers)]
    total = math.prod(shape)
    if total > LARGEST:
        raise DesignError(
            f"{total} combinations are more than {LARGEST}; shorten the lists of the chip file"
        )
    indices = np.unravel_index(np.arange(total), shape)
    choices = ChipChoices(
        point={part.name: indices[2 * i] for i, part in enumerate(parts)},
        count={
            part.name: np.array(part.counts)[indices[2 * i + 1]] for i, part in enumerate(parts)
        },
        buffer=indices[-2],
        outer=indices[-1],
    )
    packaging = None if package is None else package.of(total)
    return compose_chosen(parts, buffers, outers, task, choices, packaging)


def compose_chosen(
    parts: Sequence[MeasuredPart],
    buffers: Sequence[Buffer | None],
    outers: Sequence[Dram | None],
    task: Task,
    choices: ChipChoices,
    packaging: Packaging | None = None,
) -> ChipTable:
    """Some combinations of parts, counts and memories, on one application.

    Parameters
    ----------
    packaging : of chips with named dies; None: each chip has one die

    Raises
    ------
    DesignError : no part, or several, can carry the network
    """
    point, count, buffer = choices.point, choices.count, choices.buffer
    total = len(choices)
    held = [b for b in buffers if b is not None]
    buffer_area, buffer_leakage = (
        np.array([getattr(b, name) for b in held] or [0.0])[buffer]
        for name in ("area_m2", "leakage_w")
    )
    runs = [run_operations(part, task.work, point[part.name], count[part.name]) for part in parts]
    links = die_links(packaging, parts, buffers, choices)
    leakage_w = np.sum([run.leakage_w for run in runs], axis=0)
    typical_w = np.sum([run.typical_leakage_w for run in runs], axis=0)
    times = [run.latency_s for run in runs if run.name in task.work]
    energies = {level: np.zeros(total) for level in (*LEVELS, "operations")}
    energies["operations"] = np.sum([run.energy_j for run in runs], axis=0)
    standing_w, totals = typical_w + buffer_leakage, None
    if task.layers is not None:
        chips = _chips(parts, buffers, outers, task, choices)
        if links is not None:
            chips = dataclasses.replace(chips, die_links=LayerLinks.of(links))
        totals = run_task(chips, task.layers)
        times.append(totals.latency_s)
        energies |= {level: totals.energies_j[level] for level in LEVELS}
        standing_w = typical_w + chips.standing_w - chips.array_leakage_w
    elif links is not None:
        standing_w = standing_w + links.idle_w
    if links is not None and links.has_stated:
        seconds, joules = links.stated()
        times.append(seconds)
        energies["link"] = energies["link"] + joules
    latency_s = np.max(times, axis=0) if task.overlapped else np.sum(times, axis=0)
    energies["leakage"] = standing_w * latency_s
    table = ChipTable(
        point=point,
        count=count,
        buffer=buffer,
        outer=choices.outer,
        latency_s=latency_s,
        energy_j=np.sum(list(energies.values()), axis=0),
        energies_j=energies,
        constant_tile_j=np.zeros(total) if totals is None else totals.constant_tile_j,
        area_m2=np.sum([run.area_m2 for run in runs], axis=0) + buffer_area,
        leakage_w=leakage_w + buffer_leakage,
        temperature_c=_temperature_c(runs),
        dram_bits=np.zeros(total) if totals is None else totals.outer_bits,
    )
    if packaging is None or links is None:
        return table
    return _on_dies(table, packaging.setting, links, runs, totals, (buffer_area, buffer_leakage))


def _temperature_c(runs: Sequence[PartRun]) -> Floats:
    """The temperature of the leakage of each chip's part that leaks most."""
    most = np.argmax([run.leakage_w for run in runs], axis=0)
    return np.asarray(np.array([run.temperature_c for run in runs])[most, np.arange(len(most))])


def die_links(
    packaging: Packaging | None,
    parts: Sequence[MeasuredPart],
    buffers: Sequence[Buffer | None],
    choices: ChipChoices,
) -> DieLinks | None:
    """The links between the dies of chips; None where each chip has one die that is not named."""
    if packaging is None:
        return None
    areas = {
        part.name: choices.count[part.name] * part_area_m2(part)[choices.point[part.name]]
        for part in parts
    }
    if name := packaging.setting.buffer:
        held = np.array([0.0 if b is None else b.area_m2 for b in buffers])
        areas[name] = held[choices.buffer]
    return packaging.links(packaging.setting.by_die(areas, len(choices)))


def _on_dies(
    table: ChipTable,
    setting: DieSetting,
    links: DieLinks,
    runs: Sequence[PartRun],
    totals: TaskTotals | None,
    buffer: tuple[Floats, Floats],
) -> ChipTable:
    """A table with what lies on each die, and what crosses links.

    Parameters
    ----------
    buffer : its area and leakage
    """
    areas = {run.name: run.area_m2 for run in runs}
    leakages = {run.name: run.leakage_w for run in runs}
    dynamic = {run.name: run.energy_j for run in runs}
    if setting.carrier is not None:
        dynamic[setting.carrier] = dynamic[setting.carrier] + table.energies_j["tile"]
    if setting.buffer:
        areas[setting.buffer], leakages[setting.buffer] = buffer
        dynamic[setting.buffer] = table.energies_j["sram"]
    crossing = {} if totals is None else {"operands": totals.array_bits, "dram": totals.outer_bits}
    return dataclasses.replace(
        table,
        die_area_m2=setting.by_die(areas, len(table)),
        die_dynamic_j=setting.by_die(dynamic, len(table)),
        die_leakage_w=setting.by_die(leakages, len(table)),
        flow_bits={
            flow.name: crossing.get(flow.kind, np.full(len(table), flow.bits))
            for flow in links.flows
        },
    )


def _chips(
    parts: Sequence[MeasuredPart],
    buffers: Sequence[Buffer | None],
    outers: Sequence[Dram | None],
    task: Task,
    choices: ChipChoices,
) -> ChipColumns:
    """The chips that carry the layers of a task: copies of one part with their memories."""
    carrier = carrier_of(parts)
    return composed(
        _contracted(carrier),
        buffers,
        outers,
        Choices(
            part=choices.point[carrier.name],
            copies=choices.count[carrier.name],
            buffer=choices.buffer,
            outer=choices.outer,
        ),
        link_bits_per_s=task.link_bits_per_s,
        link_j_per_bit=task.link_j_per_bit,
        output_bits=math.nan if task.output_bits is None else task.output_bits,
    )


def _contracted(part: MeasuredPart) -> list[Part]:
    return [
        measured_part(part.name, point.contract, point.metrics, 1)
        for point in part.points
        if point.contract is not None
    ]
