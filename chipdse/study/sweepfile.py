"""Sweep files: a question about a block, as data. Every mistake is refused before anything runs."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.design import (
    Design,
    LibraryChoice,
    OperatingPoint,
    PhysicalOptions,
    find_block,
    make_record,
    suggest,
)
from chipdse.errors import DesignError
from chipdse.hardware.synthesise import SynthesisOptions
from chipdse.measure import check_library
from chipdse.metrics import METRICS
from chipdse.study.budget import parse_duration
from chipdse.study.rules import Rule, parse_rule
from chipdse.study.samplers import SAMPLERS
from chipdse.study.space import ENUMERATE_LIMIT, Axis, Condition, Space, Value, read_axis
from chipdse.system.parameters import PackageParameters
from hdl.block import Block

GROUPS = ("hardware", "workload", "library", "synthesis", "operating", "package", "physical")
_KEYS = {"question", "block", "rules", "objectives", "limits", "search", *GROUPS}


_SEARCH = ("trials", "seed", "sampler", "harvest", "replicates", "time", "patience")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A metric or swept number, and whether it is to be small or large."""

    metric: str
    minimize: bool


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Bounds on a metric or swept number; a point outside is infeasible, not failed."""

    metric: str
    minimum: float = -math.inf
    maximum: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Template:
    """A design with holes: what is fixed, and the axes that fill the rest.

    fixed : values by group and name
    liberty : Liberty files of every point, where the library is not named
    where : the sweep file, for messages
    """

    block: Block
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Mapping[str, Value]]
    liberty: tuple[Path, ...]
    where: str

    def record(self, group: str, point: Mapping[str, Value]) -> Any:
        """The record of one group at a point; DesignError where the record refuses it."""
        values = dict(self.fixed[group])
        values |= {axis.name: point[axis.name] for axis in self.axes if axis.group == group}
        if group == "library":
            if self.liberty:
                return LibraryChoice(files=self.liberty)
            return LibraryChoice(name=str(values["library"]))
        return make_record(_kind(group, self.block), values, f"{self.where}: [{group}]")

    def design(self, point: Mapping[str, Value]) -> Design:
        """The design that a point stands for."""
        hardware, *others = (self.record(group, point) for group in GROUPS)
        workload, library, synthesis, operating, package, physical = others
        return Design(
            block=self.block,
            parameters=hardware,
            workload=workload,
            library=library,
            synthesis=synthesis,
            operating=operating,
            package=package,
            physical=physical,
        )


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep file, read and checked.

    trials : points to propose; where these are harvested, expensive points
    harvest : evaluate all supplies, clocks and packages of each expensive point
    replicates : so often is each point evaluated, under other seeds
    """

    path: Path
    text: str
    question: str
    template: Template
    space: Space
    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...]
    trials: int
    seed: int
    sampler: str
    harvest: bool = True
    replicates: int = 1
    time_s: float = math.inf
    patience: int = 0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def harvests(self) -> bool:
        """Whether each expensive point brings its local front (`chipdse.study.harvest`)."""
        return self.harvest and any(axis.is_cheap for axis in self.space.axes)

    @functools.cached_property
    def proposed_space(self) -> Space:
        """What samplers propose: expensive points only, where the cheap part is harvested."""
        return self.space.part(cheap=False) if self.harvests else self.space

    def with_search(self, *, trials: int | None, sampler: str | None) -> Sweep:
        """The same sweep with another budget or sampler; None keeps the file's."""
        if trials is not None and trials < 1:
            raise DesignError(f"trials={trials} must be at least 1")
        if sampler is not None and sampler not in SAMPLERS:
            raise DesignError(f"sampler {sampler!r} is unknown; use one of {', '.join(SAMPLERS)}")
        return dataclasses.replace(
            self, trials=trials or self.trials, sampler=sampler or self.sampler
        )


def check_libraries(sweep: Sweep) -> None:
    """Refuse supplies, temperatures and nodes that a library does not cover.

    Raises
    ------
    DesignError : naming the file and the library's range
    """
    deciding = ("library", "vdd_v", "temperature_c", "node_nm")
    seen = set()
    for point in sweep.space.points() if sweep.space.size <= ENUMERATE_LIMIT else ():
        key = tuple(point[name] for name in deciding if name in point)
        if key not in seen:
            seen.add(key)
            try:
                check_library(sweep.template.design(point))
            except DesignError as error:
                raise DesignError(f"{sweep.path}: {error}") from error


def read_sweep(path: Path, liberty: tuple[Path, ...] = (), *, folder: Path | None = None) -> Sweep:
    """Read and check a sweep file.

    Parameters
    ----------
    liberty : Liberty files to use instead of the file's library
    folder : where its relative paths start; None is the file's own folder

    Raises
    ------
    DesignError : file, key, the offending value, and what would be right
    """
    try:
        text = path.read_text()
        data = tomllib.loads(text)
    except OSError as error:
        hint = "; 'chipdse sweep --list' names those that come with the package"
        shown = f"{error.strerror}{hint if isinstance(error, FileNotFoundError) else ''}"
        raise DesignError(f"sweep file {str(path)!r}: {shown}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DesignError(f"{path}: not TOML: {error}") from error
    _known(data, _KEYS, f"{path}")
    if "block" not in data:
        raise DesignError(f'{path}: block is missing; write e.g. block = "mac_array"')
    try:
        block = find_block(_text(data, "block"), folder or path.parent)
    except DesignError as error:
        raise DesignError(f"{path}: {error}") from error
    template = _template(data, block, liberty or _files(data, folder or path.parent, path), path)
    search = _table(data, "search", path)
    _known(search, _SEARCH, f"{path}: [search]")
    harvest = search.get("harvest", True)
    if not isinstance(harvest, bool):
        raise DesignError(f"{path}: search.harvest = {harvest!r}; write true or false")
    sampler = search.get("sampler", "auto")
    if sampler not in SAMPLERS:
        raise DesignError(f"{path}: search.sampler = {sampler!r}; use one of {', '.join(SAMPLERS)}")
    known = {*METRICS, *(axis.name for axis in template.axes if axis.is_numeric)}
    return Sweep(
        path=path,
        text=text,
        question=str(data.get("question", "")),
        template=template,
        space=_space(template, _rules(data, template)),
        objectives=_objectives(data, known, path),
        limits=_limits(data, known, path),
        trials=_whole(search, "trials", 50, 1, f"{path}"),
        seed=_whole(search, "seed", 1, 0, f"{path}"),
        sampler=sampler,
        harvest=harvest,
        replicates=_replicates(search, template, path),
        time_s=_duration(search, path),
        patience=_whole(search, "patience", 0, 0, f"{path}"),
    )


def _duration(search: Mapping[str, Any], path: Path) -> float:
    if "time" not in search:
        return math.inf
    return parse_duration(str(search["time"]), f"{path}: search.time =")


def _replicates(search: Mapping[str, Any], template: Template, path: Path) -> int:
    count = _whole(search, "replicates", 1, 1, f"{path}")
    if count > 1 and any(axis.name == "seed" for axis in template.axes):
        raise DesignError(
            f"{path}: search.replicates = {count} sets the seeds, but a seed is swept; "
            "fix it or leave replicates out"
        )
    return count


def _kind(group: str, block: Block) -> type:
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


def _template(
    data: Mapping[str, Any], block: Block, liberty: tuple[Path, ...], path: Path
) -> Template:
    axes: list[Axis] = []
    fixed: dict[str, dict[str, Value]] = {group: {} for group in GROUPS}
    files = liberty
    for group in GROUPS:
        table = _table(data, group, path)
        if group == "library":
            _known(table, ("name", "files"), f"{path}: [library]")
            table = {} if files else {"library": table["name"]} if "name" in table else table
        else:
            fields = [field.name for field in dataclasses.fields(_kind(group, block))]
            _known(table, fields, f"{path}: [{group}]")
        for name, given in table.items():
            found = read_axis(group, name, given, f"{path}: {group}.{name}")
            if isinstance(found, Axis) and len(found.values) > 1:
                axes.append(found)
            else:
                fixed[group][name] = found.values[0] if isinstance(found, Axis) else found
    if not files and not fixed["library"] and all(axis.group != "library" for axis in axes):
        raise DesignError(f'{path}: [library] is missing; write name = "..." or files = [...]')
    for one, other in itertools.combinations(axes, 2):
        if one.name == other.name:
            raise DesignError(
                f"{path}: {one.group}.{one.name} and {other.group}.{one.name} are both swept; "
                "fix one of them"
            )
    if not axes:
        raise DesignError(f"{path}: nothing is swept; give a parameter a list or a range")
    return Template(block=block, axes=tuple(axes), fixed=fixed, liberty=files, where=str(path))


def _files(data: Mapping[str, Any], folder: Path, path: Path) -> tuple[Path, ...]:
    """Liberty files of the library, relative to a folder."""
    table = _table(data, "library", path)
    given = table.get("files", [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise DesignError(f"{path}: library.files = {given!r} must be a list of file names")
    if given and "name" in table:
        raise DesignError(f"{path}: [library] has both name and files; leave one out")
    files = tuple(folder / name for name in given)
    for file in files:
        if not file.is_file():
            raise DesignError(f"{path}: library.files: {str(file)!r} does not exist")
    return files


def _rules(data: Mapping[str, Any], template: Template) -> list[Rule]:
    given = data.get("rules", [])
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise DesignError(f"{template.where}: rules = {given!r} must be a list of texts")
    rules = []
    known = {axis.name for axis in template.axes} | set(_constants(template))
    for text in given:
        try:
            rule = parse_rule(text)
        except DesignError as error:
            raise DesignError(f"{template.where}: {error}") from error
        for name in sorted(rule.names - known):
            raise DesignError(
                f"{template.where}: rule {text!r}: {name!r} is not a parameter; "
                f"{suggest(name, known)}"
            )
        rules.append(rule)
    return rules


def _constants(template: Template) -> dict[str, Value]:
    """What rules may speak of besides the axes: fixed values and the records' defaults."""
    values: dict[str, Value] = {}
    for group in reversed(GROUPS):
        if group != "library":
            for field in dataclasses.fields(_kind(group, template.block)):
                if isinstance(field.default, int | float | str):
                    values[field.name] = field.default
        values |= template.fixed[group]
    return values


def _space(template: Template, rules: list[Rule]) -> Space:
    """The points that meet every rule and that every record accepts.

    Raises
    ------
    DesignError : there is no such point, or a value that every record of its group refuses
    """
    constants = _constants(template)
    conditions = []
    for group in GROUPS:
        axes = [axis for axis in template.axes if axis.group == group]
        names = tuple(axis.name for axis in axes)
        accepted = _Accepted(names=names, values=frozenset(_accepted(template, group, axes)))
        conditions.append(Condition(names=frozenset(names), holds=accepted))
    for rule in rules:
        meets = _Meets(rule=rule, constants=constants)
        conditions.append(Condition(names=rule.names, holds=meets))
    space = Space(axes=template.axes, conditions=tuple(conditions))
    if space.size <= ENUMERATE_LIMIT and next(space.points(), None) is None:
        raise DesignError(f"{template.where}: no point meets every rule; loosen the rules")
    return space


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
        if all(one[position] != value for one in valid)
    ]
    if never:
        # A value that is wrong in itself is refused for one reason, whatever stands beside it.
        fewest = sorted(never, key=len)[0]
        raise DesignError(min(fewest))
    return valid


def _objectives(
    data: Mapping[str, Any], known: Collection[str], path: Path
) -> tuple[Objective, ...]:
    given = data.get("objectives")
    if not isinstance(given, dict) or len(given) < 2:
        raise DesignError(
            f'{path}: [objectives] needs two metrics or more, each "minimize" or "maximize"'
        )
    for metric, direction in given.items():
        _known((metric,), known, f"{path}: [objectives]")
        if direction not in ("minimize", "maximize"):
            raise DesignError(
                f'{path}: objectives.{metric} = {direction!r}; write "minimize" or "maximize"'
            )
    return tuple(
        Objective(metric=metric, minimize=direction == "minimize")
        for metric, direction in given.items()
    )


def _limits(data: Mapping[str, Any], known: Collection[str], path: Path) -> tuple[Limit, ...]:
    limits = []
    for metric, given in _table(data, "limits", path).items():
        where = f"{path}: limits.{metric}"
        _known((metric,), known, f"{path}: [limits]")
        if not isinstance(given, dict) or not given:
            raise DesignError(f"{where} = {given!r}; write e.g. {{ max = 100 }}")
        _known(given, ("min", "max"), where)
        for key, bound in given.items():
            if type(bound) not in (int, float) or not math.isfinite(bound):
                raise DesignError(f"{where}.{key} = {bound!r} must be a number")
        low, high = given.get("min", -math.inf), given.get("max", math.inf)
        if low > high:
            raise DesignError(f"{where}: min = {low} is above max = {high}; swap them")
        limits.append(Limit(metric=metric, minimum=float(low), maximum=float(high)))
    return tuple(limits)


def _known(given: Iterable[str], known: Collection[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise DesignError(f"{where}: {key!r} is not known here; {suggest(key, known)}")


def _table(data: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise DesignError(f"{path}: {key} = {table!r} must be a table; write [{key}]")
    return table


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise DesignError(f"{key} = {value!r} must be text")
    return value


def _whole(table: Mapping[str, Any], key: str, default: int, minimum: int, where: str) -> int:
    value = table.get(key, default)
    if type(value) is not int or value < minimum:
        raise DesignError(f"{where}: search.{key} = {value!r}; write a whole number >= {minimum}")
    return value
