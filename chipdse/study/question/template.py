"""A design with holes: what a sweep fixes, the axes that fill the rest, and the points allowed."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse.design import Design, LibraryChoice, OperatingPoint, PhysicalOptions, make_record
from chipdse.errors import DesignError
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.workload_files import located
from chipdse.records import written_defaults
from chipdse.study.question.rules import Rule
from chipdse.study.question.space import ENUMERATE_LIMIT, Axis, Condition, Space, Value, read_axis
from chipdse.study.question.toml_values import refuse_unknown
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Constant

GROUPS = ("hardware", "workload", "library", "synthesis", "operating", "package", "physical")


@dataclass(frozen=True, kw_only=True)
class Template:
    """A design with holes: what is fixed, and the axes that fill the rest.

    fixed : values by group and name
    liberty : Liberty files of every point, where the library is not named
    where : the sweep file, for messages
    folder : where relative names of files in the sweep file start
    constants : figures of the user, the same in every point
    """

    block: Block
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Mapping[str, Value]]
    liberty: tuple[Path, ...]
    where: str
    folder: Path
    constants: tuple[Constant, ...] = ()

    def record(self, group: str, point: Mapping[str, Value]) -> Any:
        """The record of one group at a point; DesignError where the record refuses it."""
        values = dict(self.fixed[group])
        values |= {axis.name: point[axis.name] for axis in self.axes if axis.group == group}
        if group == "library":
            if self.liberty:
                return LibraryChoice(files=self.liberty)
            return LibraryChoice(name=str(values["library"]))
        if group == "physical" and values.get("calibration"):
            values["calibration"] = str(self.calibration_file(values["calibration"]))
        kind = kind_of(group, self.block)
        if group == "workload":
            values = located(kind, values, self.folder)
        return make_record(kind, values, f"{self.where}: [{group}]")

    def calibration_file(self, name: Value) -> Path:
        """The file of a calibration of layout that the sweep file names."""
        return self.folder / str(name)

    def design(self, point: Mapping[str, Value]) -> Design:
        """The design that a point stands for."""
        hardware, *records = (self.record(group, point) for group in GROUPS)
        workload, library, synthesis, operating, package, physical = records
        return Design(
            block=self.block,
            parameters=hardware,
            workload=workload,
            library=library,
            synthesis=synthesis,
            operating=operating,
            package=package,
            physical=physical,
            constants=self.constants,
        )


def read_axes(
    tables: Mapping[str, Mapping[str, Any]], block: Block, where: str
) -> tuple[list[Axis], dict[str, dict[str, Value]]]:
    """The axes of some groups of a sweep file, and the values that are fixed.

    Parameters
    ----------
    tables : by group; "library" has its names already
    where : their place in the file, for messages

    Raises
    ------
    DesignError : a name is unknown, or a value is no value, list or range
    """
    axes: list[Axis] = []
    fixed: dict[str, dict[str, Value]] = {group: {} for group in tables}
    for group, table in tables.items():
        if group != "library":
            fields = [field.name for field in dataclasses.fields(kind_of(group, block))]
            refuse_unknown(table, fields, f"{where}: [{group}]")
        for name, given in table.items():
            axis_or_value = read_axis(group, name, given, f"{where}: {group}.{name}")
            if isinstance(axis_or_value, Axis) and len(axis_or_value.values) > 1:
                axes.append(axis_or_value)
            else:
                fixed[group][name] = (
                    axis_or_value.values[0] if isinstance(axis_or_value, Axis) else axis_or_value
                )
    return axes, fixed


def kind_of(group: str, block: Block) -> type:
    kinds: dict[str, type] = {
        "hardware": block.parameters,
        "workload": block.workload,
        "library": LibraryChoice,
        "synthesis": SynthesisOptions,
        "operating": OperatingPoint,
        "package": PackageParameters,
        "physical": PhysicalOptions,
    }
    return kinds[group]


def constants_of(template: Template, *, swept: bool = True) -> dict[str, Value]:
    """Numbers and texts that are the same in every point: fixed values and the records' defaults.

    Parameters
    ----------
    swept : keep the defaults of parameters that are swept
    """
    values: dict[str, Value] = {}
    for group in reversed(GROUPS):
        if group != "library":
            values |= written_defaults(kind_of(group, template.block))
        values |= template.fixed[group]
    axes = set() if swept else {axis.name for axis in template.axes}
    return {name: value for name, value in values.items() if name not in axes}


def space_of(template: Template, rules: list[Rule]) -> Space:
    """The points that meet every rule and that every record accepts.

    Raises
    ------
    DesignError : there is no such point, or a value that every record of its group refuses
    """
    constants = constants_of(template)
    conditions = [*record_conditions(template, GROUPS).values()]
    conditions += [meets(rule, constants) for rule in rules]
    space = Space(axes=template.axes, conditions=tuple(conditions))
    if space.size <= ENUMERATE_LIMIT and next(space.points(), None) is None:
        raise DesignError(f"{template.where}: no point meets every rule; loosen the rules")
    return space


def record_conditions(template: Template, groups: Sequence[str]) -> dict[str, Condition]:
    """For each group, the condition that its record accepts the point.

    Raises
    ------
    DesignError : a value that every record of its group refuses
    """
    conditions = {}
    for group in groups:
        axes = [axis for axis in template.axes if axis.group == group]
        names = tuple(axis.name for axis in axes)
        accepted = _Accepted(names=names, values=frozenset(_accepted(template, group, axes)))
        conditions[group] = Condition(names=frozenset(names), holds=accepted)
    return conditions


def meets(rule: Rule, constants: Mapping[str, Value]) -> Condition:
    """The condition that a rule holds.

    Parameters
    ----------
    constants : what is not swept
    """
    return Condition(names=rule.names, holds=_Meets(rule=rule, constants=constants))


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    """A group's record accepts its values."""

    names: tuple[str, ...]
    values: frozenset[tuple[Value, ...]]

    def __call__(self, point: Mapping[str, Value]) -> bool:
        return tuple(point[name] for name in self.names) in self.values


@dataclass(frozen=True, kw_only=True)
class _Meets:
    """A rule holds, given what is not swept."""

    rule: Rule
    constants: Mapping[str, Value]

    def __call__(self, point: Mapping[str, Value]) -> bool:
        return self.rule.holds({**self.constants, **point})


def _accepted(template: Template, group: str, axes: list[Axis]) -> set[tuple[Value, ...]]:
    """The combinations of a group's values that its record accepts."""
    count = math.prod(len(axis.values) for axis in axes)
    if count > ENUMERATE_LIMIT:
        raise DesignError(
            f"{template.where}: [{group}] has {count} combinations, more than {ENUMERATE_LIMIT}; "
            "take larger steps"
        )
    valid = set()
    refused: dict[tuple[str, Value], set[str]] = {}
    for values in itertools.product(*(axis.values for axis in axes)):
        point = dict(zip((axis.name for axis in axes), values, strict=True))
        try:
            template.record(group, point)
            valid.add(values)
        except DesignError as error:
            for item in point.items():
                refused.setdefault(item, set()).add(str(error))
            if not axes:
                raise
    never = [
        refused[axis.name, value]
        for position, axis in enumerate(axes)
        for value in axis.values
        if all(combination[position] != value for combination in valid)
    ]
    if never:
        # A wrong value is refused for one reason, independent of the other values.
        fewest = sorted(never, key=len)[0]
        raise DesignError(min(fewest))
    return valid
