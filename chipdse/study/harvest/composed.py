"""Chips of measured parts, evaluated on their application in their packages, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.application.choices import buffers_of, library_at_buffer, outers_of, task_of
from chipdse.application.compose import ChipChoices, ChipTable, compose_chosen
from chipdse.application.dies import DieSetting, Packaging
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.measured import MeasuredPart, PartPoint
from chipdse.application.memories import Buffer, Dram
from chipdse.application.parts import contract_of
from chipdse.application.task_metrics import task_metrics
from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.hardware.memories import family_for
from chipdse.kept import Kept
from chipdse.metrics import timing_violation
from chipdse.stages.dies import die_setting
from chipdse.stages.library import shared_node_nm
from chipdse.study.harvest.cheap import CheapPoints
from chipdse.study.question.chip import PartQuestion
from chipdse.study.question.derived import derived_columns
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.objectives import objective_columns, violations
from chipdse.system.arrays.columns import PackageColumns
from chipdse.technology.constants import Constant, Sources

Known = dict[str, dict[int, list[dict[str, float]]]]
"""Metrics by operating point, of each known hardware point by its number, of each part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What is the same for every chip of a sweep.

    buffers, outers, packages : that a chip may have
    sources : the constants, and which were used
    dies : of chips with named dies
    """

    buffers: tuple[Buffer | None, ...]
    outers: tuple[Dram | None, ...]
    packages: PackageColumns
    node_nm: float
    sources: Sources
    dies: DieSetting | None = None


def composed_chips(sweep: Sweep, everything: Known, numbers: Int64s) -> CheapPoints:
    """Chips, evaluated.

    Parameters
    ----------
    everything : the known points of all parts
    numbers : of the chips in the sweep's space; their part points are known
    """
    setting = _setting(sweep)
    chips = chips_of(sweep, everything, numbers, setting)
    return evaluated_chips(sweep, chips, setting.packages, setting, setting.sources)


@dataclass(frozen=True, kw_only=True, eq=False)
class Chips:
    """Chips on their application, without their packages; one entry each.

    numbers : in the sweep's space
    table : what a task takes
    package : index among the packages of the sweep
    timing : by how much the clock of a part is too fast
    """

    numbers: Int64s
    table: ChipTable
    package: Int64s
    timing: Floats


def chips_of(sweep: Sweep, everything: Known, numbers: Int64s, setting: Setting) -> Chips:
    """Chips, composed of known points of all parts."""
    chip = sweep.chip_question
    places = _places(sweep, numbers)
    parts, point, timing = [], {}, np.zeros(len(numbers))
    for part in chip.parts:
        measured, at, slack = _part_points(part, everything[part.name], places)
        parts.append(measured)
        point[part.name] = at
        timing = np.maximum(timing, slack[at])
    memories = chip.memories
    buffer, outer = memories.names
    zero = np.zeros(len(numbers), np.int64)
    units = 1 if memories.dram is None else len(memories.dram.units)
    choices = ChipChoices(
        point=point,
        count={
            part.name: np.array(part.counts)[places.get(f"{part.name}_count", zero)]
            for part in chip.parts
        },
        buffer=places.get(f"{buffer}_bytes", zero),
        outer=places.get(f"{outer}_kind", zero) * units + places.get(f"{outer}_units", zero),
    )
    axes = chip.package.axes
    package = _number_of([places[axis.name] for axis in axes], [len(a.values) for a in axes], zero)
    packaging = None
    if setting.dies is not None:
        packaging = Packaging(
            setting=setting.dies, packages=setting.packages.take(package), sources=setting.sources
        )
    return Chips(
        numbers=numbers,
        table=compose_chosen(
            parts,
            setting.buffers,
            setting.outers,
            task_of(chip.application, memories),
            choices,
            packaging,
        ),
        package=package,
        timing=timing,
    )


def one_chip(sweep: Sweep, everything: Known, point: Point) -> OneChip:
    """One chip of a sweep, to look into it.

    Parameters
    ----------
    everything : the known points of all parts, that of the chip among them
    point : values of all axes
    """
    chip, setting = sweep.chip_question, setting_of(sweep)
    numbers = np.array([sweep.space.number_of(point)])
    places = _places(sweep, numbers)
    table = chips_of(sweep, everything, numbers, setting).table
    parts = tuple(_part_points(part, everything[part.name], places)[0] for part in chip.parts)
    package = {axis.name: point[axis.name] for axis in chip.package.axes}
    return OneChip(
        parts=parts,
        point={name: int(at[0]) for name, at in table.point.items()},
        count={name: int(count[0]) for name, count in table.count.items()},
        buffer=setting.buffers[int(table.buffer[0])],
        outer=setting.outers[int(table.outer[0])],
        application=chip.application,
        memories=chip.memories,
        package=chip.package.record("package", package),
        node_nm=setting.node_nm,
        sources=setting.sources,
        dies=setting.dies,
    )


def evaluated_chips(
    sweep: Sweep, chips: Chips, packages: PackageColumns, setting: Setting, sources: Sources
) -> CheapPoints:
    """Composed chips in their packages.

    Parameters
    ----------
    packages : that `Chips.package` numbers
    sources : in place of those of the setting
    """
    metrics = task_metrics(
        chips.table,
        packages,
        chips.package,
        node_nm=setting.node_nm,
        sources=sources,
        dies=setting.dies,
    )
    places = _places(sweep, chips.numbers)
    swept = {
        axis.name: np.array(axis.values, np.float64)[places[axis.name]]
        for axis in sweep.space.axes
        if axis.is_numeric
    }
    values = {**swept, **metrics.flat()}
    derived = derived_columns(sweep.derived, values)
    values |= derived
    constraints = {"timing": chips.timing, **metrics.constraints, **violations(sweep, values)}
    return CheapPoints(
        numbers=chips.numbers,
        metrics=metrics,
        constraints={n: np.where(np.isnan(c), 1.0, c) for n, c in constraints.items()},
        estimated=metrics.estimated,
        objectives=objective_columns(sweep, values),
        derived=derived,
    )


def _places(sweep: Sweep, numbers: Int64s) -> dict[str, Int64s]:
    """The place of each chip's value in the list of each axis, by the axis's name."""
    names = (axis.name for axis in sweep.space.axes)
    return dict(zip(names, sweep.space.places(numbers), strict=True))


def _part_points(
    part: PartQuestion, points: Mapping[int, list[dict[str, float]]], places: Mapping[str, Int64s]
) -> tuple[MeasuredPart, Int64s, np.ndarray[Any, np.dtype[np.float64]]]:
    """The known points of a part, which of them each chip has, and by how much each point's clock
    is too fast."""
    zero = np.zeros(len(next(iter(places.values()))), np.int64)

    def number_in(axes: Sequence[Any]) -> Int64s:
        columns = [places[f"{part.name}_{axis.name}"] for axis in axes]
        return _number_of(columns, [len(axis.values) for axis in axes], zero)

    operating = list(part.operating.points())
    index = {part.operating.number_of(at): place for place, at in enumerate(operating)}
    place_of = np.zeros(part.operating.size, np.int64)
    place_of[[*index]] = [*index.values()]
    known = sorted(points)
    at = np.searchsorted(known, number_in(part.hardware.axes)) * len(operating)
    at = at + place_of[number_in(part.operating.axes)]
    block = part.template.block
    listed = []
    for number in known:
        hardware = part.hardware.point_at(number)
        contract = None
        if block.contract is not None:
            contract = contract_of(block, part.template.record("hardware", hardware))
        for setting, metrics in zip(operating, points[number], strict=True):
            settings = {**hardware, **setting}
            listed.append(PartPoint(settings=settings, metrics=metrics, contract=contract))
    measured = MeasuredPart(name=part.name, counts=part.counts, points=tuple(listed))
    slack = timing_violation(measured.metric("timing_slack_s"), measured.metric("critical_path_s"))
    return measured, at, slack


def _number_of(columns: Sequence[Int64s], sizes: Sequence[int], zero: Int64s) -> Int64s:
    """Numbers from places in several lists, the last fastest."""
    number = zero
    for column, size in zip(columns, sizes, strict=True):
        number = number * size + column
    return number


_SETTINGS: Kept[str, Setting] = Kept(1)


def _setting(sweep: Sweep) -> Setting:
    """What is the same for every chip of a sweep, kept from one evaluation to the next."""
    return _SETTINGS.value(f"{sweep.path} {sweep.text}", lambda: setting_of(sweep))


def setting_of(sweep: Sweep, drawn: Iterable[Constant] = ()) -> Setting:
    """What is the same for every chip of a sweep.

    Parameters
    ----------
    drawn : constants that take the place of the stated ones

    Raises
    ------
    DesignError : a memory, library or node that cannot be
    """
    chip = sweep.chip_question
    sources = Sources.of((*sweep.constants, *drawn))
    names = {part.name: part.library for part in chip.parts}
    library = library_at_buffer(chip.layout, chip.memories, names)
    family = family_for(library, "auto") if chip.memories.buffer_bytes else None
    axes = chip.package.axes
    size = math.prod(len(axis.values) for axis in axes)
    places = np.unravel_index(np.arange(size), [len(a.values) for a in axes]) if axes else ()
    packages = [
        chip.package.record(
            "package", {a.name: a.values[int(p[i])] for a, p in zip(axes, places, strict=True)}
        )
        for i in range(size)
    ]
    stated_nm = chip.package.fixed["package"].get("node_nm")
    libraries = {part.name: part.template.record("library", {}) for part in chip.parts}
    dies = None
    if chip.layout is not None:
        dies = die_setting(chip.layout, chip.carrier, chip.memories.names, libraries)
        node_nm = dies.node_nm[0]
    else:
        node_nm = shared_node_nm(libraries, None if stated_nm is None else float(stated_nm))
    return Setting(
        buffers=buffers_of(chip.memories, family, library, sources),
        outers=outers_of(chip.memories, sources),
        packages=PackageColumns.of(packages),
        node_nm=node_nm,
        sources=sources,
        dies=dies,
    )


def check_chip(sweep: Sweep) -> None:
    """Refuse a chip whose memories, libraries or node cannot be, before anything runs.

    Raises
    ------
    DesignError : names the file
    """
    try:
        _setting(sweep)
    except DesignError as error:
        raise DesignError(f"{sweep.path}: {error}") from error
