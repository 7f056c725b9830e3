"""Sweeps of a chip: parts with their own parameters, memories and an application.

The space of a chip has the hardware axes of every part, which are expensive, then all cheap axes:
operating points and counts of the parts, memories and packages. An axis is named after its part or
memory: ``array_rows``, ``array_count``, ``buffer_bytes``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse.application.files.chip_file import (
    Application,
    Memories,
    package_settings,
    read_application,
    read_memories,
)
from chipdse.application.files.dies import Layout, read_layout
from chipdse.application.parts import check_carriers
from chipdse.design import Design, find_block
from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.records import written_defaults
from chipdse.study.question.rules import Rule
from chipdse.study.question.space import (
    ENUMERATE_LIMIT,
    Axis,
    Condition,
    Point,
    Space,
    Value,
    read_axis,
)
from chipdse.study.question.template import (
    Template,
    kind_of,
    meets,
    read_axes,
    record_conditions,
)
from chipdse.study.question.toml_values import refuse_unknown
from chipdse.system.parameters import PackageParameters

CHIP_TABLES = ("parts", "memories", "dies", "application", "package")
_GROUPS = ("hardware", "workload", "synthesis", "physical", "operating")
_LARGEST = 2**62  # numbers of chips are 64-bit integers


@dataclass(frozen=True, kw_only=True)
class PartQuestion:
    """A part of a chip.

    template : its designs; axes without the name of the part
    hardware, operating : its points of either kind, which the records accept
    counts : copies that a chip may have
    """

    name: str
    template: Template
    hardware: Space
    operating: Space
    counts: tuple[int, ...]

    @property
    def library(self) -> str:
        return str(self.template.fixed["library"]["library"])

    @property
    def carries(self) -> bool:
        """Whether a network can run on the part."""
        return self.template.block.contract is not None

    def designs(self, hardware: Mapping[str, Value]) -> list[Design]:
        """The designs of one hardware point, one per operating point, in their order."""
        return [self.template.design({**hardware, **at}) for at in self.operating.points()]

    def hardware_of(self, point: Mapping[str, Value]) -> Point:
        """The part's own hardware parameters of a point of the whole chip."""
        return {axis.name: point[f"{self.name}_{axis.name}"] for axis in self.hardware.axes}


@dataclass(frozen=True, kw_only=True)
class ChipQuestion:
    """What a sweep of a chip combines.

    package : a template of which the package alone is used
    axes : of the whole chip, expensive ones first
    layout : the dies and what lies on each; None: all on one
    """

    parts: tuple[PartQuestion, ...]
    memories: Memories
    application: Application
    package: Template
    axes: tuple[Axis, ...]
    layout: Layout | None = None

    @property
    def carrier(self) -> str | None:
        """The part on which the network runs; None without a network."""
        able = (part.name for part in self.parts if part.carries)
        return next(able, None) if self.application.network is not None else None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of all parts, each once."""
        blocks = {part.template.block.name: part.template.block for part in self.parts}
        return tuple(blocks.values())

    def joint_number(self, places: Sequence[Any]) -> Any:
        """The number of a hardware point of the chip, from those of its parts; also of arrays."""
        number = 0
        for part, place in zip(self.parts, places, strict=True):
            number = number * part.hardware.size + place
        return number

    def part_numbers(self, point: Mapping[str, Value]) -> dict[str, int]:
        """The number of each part's hardware point."""
        return {part.name: part.hardware.number_of(part.hardware_of(point)) for part in self.parts}

    @property
    def evaluations(self) -> int:
        """Evaluations after which every hardware point of every part is known: one for a point of
        each part together, then one for each further point."""
        counts = [_count(part.hardware) for part in self.parts]
        return sum(counts) - (len(counts) - 1)


def _count(space: Space) -> int:
    return space.size if space.every is None else len(space.every)


def read_chip_question(data: Mapping[str, Any], path: Path, folder: Path) -> ChipQuestion:
    """The parts, memories and application of a sweep file.

    Parameters
    ----------
    folder : where relative names of networks and blocks start

    Raises
    ------
    DesignError : the file is wrong; the message has the key, the wrong value and valid values
    """
    for key in ("block", "hardware", "workload", "library", "synthesis", "operating", "physical"):
        if key in data:
            raise DesignError(f"{path}: {key!r} belongs to a part here; write it into [parts.NAME]")
    tables = data["parts"]
    if not isinstance(tables, dict) or not tables:
        raise DesignError(f"{path}: [parts.NAME] is missing; write e.g. [parts.array]")
    parts = tuple(_part(name, table, path, folder) for name, table in tables.items())
    try:
        memories = read_memories(data)
        layout = read_layout(data, {part.name: part.counts for part in parts}, memories.names)
        application = read_application(data, [part.name for part in parts], folder)
        package = package_settings(data, layout)
    except DesignError as error:
        message = str(error)
        raise DesignError(message if message.startswith(str(path)) else f"{path}: {message}") from (
            None
        )
    if application.network is not None:
        check_carriers({part.name: part.template.block for part in parts}, str(path))
    if not application.layers and not application.work:
        assert application.network is not None
        raise DesignError(
            f"{path}: network {application.network.name!r} has no layer that can be mapped"
        )
    template = _package_template(package, parts[0].template, path)
    question = ChipQuestion(
        parts=parts,
        memories=memories,
        application=application,
        package=template,
        axes=_axes(parts, memories, template),
        layout=layout,
    )
    _check_axes(question.axes, path)
    return question


def _part(name: str, table: Any, path: Path, folder: Path) -> PartQuestion:
    where = f"{path}: [parts.{name}]"
    if not isinstance(table, dict):
        raise DesignError(f"{where} must be a table, not {table!r}")
    refuse_unknown(table, ("block", "count", "library", "die", *_GROUPS), where)
    if not isinstance(table.get("block"), str):
        raise DesignError(f'{where}: block is missing; write e.g. block = "mac_array"')
    library = table.get("library", DEFAULT)
    if not isinstance(library, str):
        raise DesignError(f"{where}: library = {library!r} must be the name of a cell library")
    try:
        block = find_block(table["block"], folder)
    except DesignError as error:
        raise DesignError(f"{where}: {error}") from error
    groups = {group: _table_in(table, group, where) for group in _GROUPS}
    axes, fixed = read_axes(groups, block, where)
    for axis in axes:
        if axis.group not in ("hardware", "operating"):
            raise DesignError(
                f"{where}: {axis.group}.{axis.name} is the same in every point of a part; "
                "write one value"
            )
    template = Template(
        block=block,
        axes=tuple(axes),
        fixed={**fixed, "library": {"library": library}, "package": {}},
        liberty=(),
        where=where,
        folder=folder.absolute(),
    )
    conditions = record_conditions(template, _GROUPS)
    hardware, operating = (
        Space(
            axes=tuple(axis for axis in axes if axis.group == group),
            conditions=(conditions[group],),
        )
        for group in ("hardware", "operating")
    )
    return PartQuestion(
        name=name,
        template=template,
        hardware=hardware,
        operating=operating,
        counts=_counts(table.get("count", 1), where),
    )


def _table_in(table: Mapping[str, Any], group: str, where: str) -> Mapping[str, Any]:
    given = table.get(group, {})
    if not isinstance(given, dict):
        raise DesignError(f"{where}: {group} = {given!r} must be a table")
    return given


def _counts(given: Any, where: str) -> tuple[int, ...]:
    read = read_axis("count", "count", given, f"{where}: count")
    values = read.values if isinstance(read, Axis) else (read,)
    for value in values:
        if type(value) is not int or not 1 <= value < 2**20:
            raise DesignError(f"{where}: count = {value!r} is not a whole number from 1 to 1048575")
    return tuple(int(value) for value in values)


def _package_template(package: Mapping[str, Any], part: Template, path: Path) -> Template:
    axes, fixed = read_axes({"package": package}, part.block, f"{path}")
    return dataclasses.replace(
        part, axes=tuple(axes), fixed={**part.fixed, **fixed}, where=f"{path}"
    )


def _axes(parts: Sequence[PartQuestion], memories: Memories, package: Template) -> tuple[Axis, ...]:
    axes = [_named(part.name, axis) for part in parts for axis in part.hardware.axes]
    axes += [_named(part.name, axis) for part in parts for axis in part.operating.axes]
    axes += [
        Axis(group="count", name=f"{part.name}_count", values=part.counts)
        for part in parts
        if len(part.counts) > 1
    ]
    buffer, outer = memories.names
    if len(memories.buffer_bytes) > 1:
        axes.append(Axis(group="memory", name=f"{buffer}_bytes", values=memories.buffer_bytes))
    if memories.dram is not None:
        for name, values in (("kind", memories.dram.kinds), ("units", memories.dram.units)):
            if len(values) > 1:
                axes.append(Axis(group="memory", name=f"{outer}_{name}", values=tuple(values)))
    return (*axes, *package.axes)


def _named(part: str, axis: Axis) -> Axis:
    return dataclasses.replace(axis, name=f"{part}_{axis.name}")


def _check_axes(axes: Sequence[Axis], path: Path) -> None:
    if not axes:
        raise DesignError(
            f"{path}: nothing is swept; give a parameter, a count or a memory a list, or evaluate "
            "the one chip: chipdse chip"
        )
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise DesignError(f"{path}: two axes are named {name!r}; rename a part or a memory")
    for axis in axes:
        if len(set(axis.values)) < len(axis.values):
            raise DesignError(f"{path}: {axis.name} repeats a value; list each once")
    if (size := math.prod(len(axis.values) for axis in axes)) > _LARGEST:
        raise DesignError(f"{path}: {size} combinations are too many; shorten the lists")


def chip_space(question: ChipQuestion, rules: Sequence[Rule], path: Path) -> Space:
    """The chips that meet every rule and of which every record accepts its values.

    Raises
    ------
    DesignError : there is none, or a value that every record of its group refuses
    """
    conditions = []
    for part in question.parts:
        for space in (part.hardware, part.operating):
            for condition in space.conditions:
                conditions.append(
                    Condition(
                        names=frozenset(f"{part.name}_{name}" for name in condition.names),
                        holds=_OfPart(part=part.name, holds=condition),
                    )
                )
    conditions.append(record_conditions(question.package, ("package",))["package"])
    constants = chip_constants(question)
    conditions += [meets(rule, constants) for rule in rules]
    space = Space(axes=question.axes, conditions=tuple(conditions))
    if space.size <= ENUMERATE_LIMIT and next(space.points(), None) is None:
        raise DesignError(f"{path}: no chip meets every rule; loosen the rules")
    return space


@dataclass(frozen=True, kw_only=True)
class _OfPart:
    """A condition on a part's own parameters, asked of a point of the whole chip."""

    part: str
    holds: Condition

    def __call__(self, point: Mapping[str, Value]) -> bool:
        return self.holds.holds({n: point[f"{self.part}_{n}"] for n in self.holds.names})


def chip_constants(question: ChipQuestion) -> dict[str, Value]:
    """What is the same in every chip, by the names that an axis of it would have."""
    values: dict[str, Value] = {}
    for part in question.parts:
        for group in ("hardware", "operating"):
            of_part = written_defaults(kind_of(group, part.template.block))
            of_part |= part.template.fixed.get(group, {})
            values |= {f"{part.name}_{name}": value for name, value in of_part.items()}
        values[f"{part.name}_count"] = part.counts[0]
    values |= written_defaults(PackageParameters)
    values |= question.package.fixed["package"]
    if question.memories.buffer_bytes:
        values[f"{question.memories.names[0]}_bytes"] = question.memories.buffer_bytes[0]
    return values
