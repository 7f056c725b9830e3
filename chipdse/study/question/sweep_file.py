"""Sweep files: reads and checks the question of a sweep before anything runs."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse.application.task_metrics import TASK_METRICS
from chipdse.design import CORNER_PARAMETERS, find_block, make_record, suggest
from chipdse.errors import DesignError
from chipdse.metrics import METRICS
from chipdse.reading import parse_toml
from chipdse.study.question.chip import (
    CHIP_TABLES,
    ChipQuestion,
    chip_constants,
    chip_space,
    read_chip_question,
)
from chipdse.study.question.derived import Derived, read_derived
from chipdse.study.question.goals import Limit, Objective, read_limits, read_objectives
from chipdse.study.question.rules import Rule, parse_rule
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.search_table import replicates_of, search_fields, search_table
from chipdse.study.question.shipped import sweep_text
from chipdse.study.question.space import ENUMERATE_LIMIT, Axis, Space, Value
from chipdse.study.question.template import GROUPS, Template, constants_of, read_axes, space_of
from chipdse.study.question.toml_values import refuse_unknown, table_of
from chipdse.technology.constants import Constant
from chipdse.technology.own_figures import read_own_table
from chipdse.trace_metrics import (
    MAX_T,
    TRACE_METRICS,
    Traced,
    TraceOptions,
    refuse_unread,
    traced_of,
)

_KEYS = {"question", "block", "rules", "derived", "objectives", "limits", "search", *GROUPS}
_KEYS |= {"constants", "traces", *CHIP_TABLES}


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep file, read and checked.

    derived : metrics that the file defines by expressions
    trials : number of points to propose; with `harvest`, of expensive points
    harvest : evaluate all supplies, clocks and packages of each expensive point
    replicates : number of evaluations of each point, each under another seed
    template : of the block; of a chip, of its first part
    chip : the parts of a chip, their memories and application; None: the sweep is of one block
    traced : metrics of power over time that the file names; None: no point computes any
    start_from : folder of an earlier study whose best points a new study evaluates first
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
    derived: tuple[Derived, ...] = ()
    harvest: bool = True
    replicates: int = 1
    time_s: float = math.inf
    patience: int | None = None
    chip: ChipQuestion | None = None
    traced: Traced | None = None
    start_from: str | None = None

    @property
    def chip_question(self) -> ChipQuestion:
        """The parts, memories and application; only for sweeps of chips."""
        assert self.chip is not None
        return self.chip

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The block, or those of the parts of a chip."""
        return (self.template.block,) if self.chip is None else self.chip.blocks

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Figures of the user; the package models use them instead of those of the tables."""
        return (self.template if self.chip is None else self.chip.package).constants

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Metrics of its points by name, as `chipdse.metrics.METRICS`."""
        if self.chip is not None:
            return TASK_METRICS
        names = () if self.traced is None else self.traced.names
        return METRICS | {name: TRACE_METRICS[name] for name in names}

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def harvests(self) -> bool:
        """Whether the study records the local front of each expensive
        point (`chipdse.study.harvest.harvest`)."""
        if self.chip is not None:
            return True
        return self.harvest and any(axis.is_cheap for axis in self.space.axes)

    @functools.cached_property
    def proposed_space(self) -> Space:
        """The points that samplers propose; expensive points only, if the study harvests."""
        return self.space.part(cheap=False) if self.harvests else self.space

    def with_search(self, *, trials: int | None, sampler: str | None) -> Sweep:
        """The same sweep with another budget or sampler; None: as in the file."""
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
    DesignError : a value is outside; the message names the file and the library's range
    """
    # Imported here: these modules take half a second to load, and reading a study needs none.
    from chipdse.stages.measure import check_library

    if sweep.chip is not None:
        for part in sweep.chip.parts:
            try:
                for design in part.designs(next(part.hardware.points())):
                    check_library(design)
            except DesignError as error:
                raise DesignError(f"{part.template.where}: {error}") from error
        return
    deciding = ("library", "node_nm", *CORNER_PARAMETERS)
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
    DesignError : the file is wrong; the message has the key, the wrong value and valid values
    """
    text = sweep_text(path)
    try:
        data = parse_toml(text)
    except ValueError as error:
        raise DesignError(f"{path}: not TOML: {error}") from error
    refuse_unknown(data, _KEYS, f"{path}")
    if "parts" in data:
        return _read_chip_sweep(data, path, text, liberty, folder or path.parent)
    for key in ("memories", "application"):
        if key in data:
            raise DesignError(f"{path}: [{key}] is for chips; write the block into [parts.NAME]")
    if "block" not in data:
        raise DesignError(f'{path}: block is missing; write e.g. block = "mac_array"')
    try:
        block = find_block(_text(data, "block"), folder or path.parent)
    except DesignError as error:
        raise DesignError(f"{path}: {error}") from error
    liberty = liberty or _files(data, folder or path.parent, path)
    template = _template(data, block, liberty, path, folder or path.parent)
    template = dataclasses.replace(template, constants=_own_constants(data, path))
    swept = [axis.name for axis in template.axes if axis.is_numeric]
    metrics = METRICS | TRACE_METRICS
    derived = read_derived(data, metrics, swept, constants_of(template, swept=False), path)
    known = {*metrics, *swept, *(metric.name for metric in derived)}
    search = search_table(data, path)
    objectives, limits = read_objectives(data, known, path), read_limits(data, known, path)
    return Sweep(
        path=path,
        text=text,
        question=str(data.get("question", "")),
        template=template,
        space=space_of(template, _rules(data, template.axes, constants_of(template), path)),
        objectives=objectives,
        limits=limits,
        derived=derived,
        traced=_traced(data, block, objectives, limits, derived, path),
        replicates=replicates_of(search, template, path),
        **search_fields(search, path),
    )


def _traced(
    data: Mapping[str, Any],
    block: Block,
    objectives: Sequence[Objective],
    limits: Sequence[Limit],
    derived: Sequence[Derived],
    path: Path,
) -> Traced | None:
    """The metrics of power over time that a file names, with the options that it sets for them.

    Raises
    ------
    DesignError : an option is wrong or affects none of them, or the block states no operation
    """
    table = table_of(data, "traces", path)
    options = make_record(TraceOptions, table, f"{path}: [traces]")
    named = [objective.metric for objective in objectives] + [limit.metric for limit in limits]
    named += [name for metric in derived for name in metric.expression.names]
    traced = traced_of(named, options)
    refuse_unread(table, traced, f"{path}")
    if traced is not None and MAX_T in traced.names and block.operation is None:
        raise DesignError(
            f"{path}: {MAX_T} needs a block that states an operation on secret data, and "
            f"{block.name!r} states none; leave {MAX_T} out"
        )
    return traced


def _read_chip_sweep(
    data: Mapping[str, Any], path: Path, text: str, liberty: tuple[Path, ...], folder: Path
) -> Sweep:
    """A sweep of a chip of several parts."""
    if liberty:
        raise DesignError(
            f"{path}: --liberty is for sweeps of one block; name a library in each [parts.NAME]"
        )
    if "traces" in data:
        raise DesignError(f"{path}: [traces] is for sweeps of one block; leave it out")
    chip = read_chip_question(data, path, folder)
    package = dataclasses.replace(chip.package, constants=_own_constants(data, path))
    chip = dataclasses.replace(chip, package=package)
    search = search_table(data, path)
    for key, only in (("harvest", True), ("replicates", 1), ("start_from", None)):
        if search.get(key, only) != only:
            raise DesignError(
                f"{path}: search.{key} = {search[key]!r} is for sweeps of one block; leave it out"
            )
    swept = [axis.name for axis in chip.axes if axis.is_numeric]
    constants = chip_constants(chip)
    still = {name: value for name, value in constants.items() if name not in swept}
    derived = read_derived(data, TASK_METRICS, swept, still, path)
    known = {*TASK_METRICS, *swept, *(metric.name for metric in derived)}
    return Sweep(
        path=path,
        text=text,
        question=str(data.get("question", "")),
        template=chip.parts[0].template,
        space=chip_space(chip, _rules(data, chip.axes, constants, path), path),
        objectives=read_objectives(data, known, path),
        limits=read_limits(data, known, path),
        derived=derived,
        chip=chip,
        **search_fields(search, path),
    )


def _template(
    data: Mapping[str, Any], block: Block, liberty: tuple[Path, ...], path: Path, folder: Path
) -> Template:
    files = liberty
    tables = {group: table_of(data, group, path) for group in GROUPS}
    refuse_unknown(tables["library"], ("name", "files"), f"{path}: [library]")
    if files:
        tables["library"] = {}
    elif "name" in tables["library"]:
        tables["library"] = {"library": tables["library"]["name"]}
    axes, fixed = read_axes(tables, block, f"{path}")
    if not files and not fixed["library"] and all(axis.group != "library" for axis in axes):
        raise DesignError(f'{path}: [library] is missing; write name = "..." or files = [...]')
    for first, second in itertools.combinations(axes, 2):
        if first.name == second.name:
            raise DesignError(
                f"{path}: {first.group}.{first.name} and {second.group}.{first.name} are both "
                "swept; fix one of them"
            )
    if not axes:
        raise DesignError(
            f"{path}: nothing is swept; give a parameter a list or a range, "
            "or evaluate the one point: chipdse eval"
        )
    return Template(
        block=block,
        axes=tuple(axes),
        fixed=fixed,
        liberty=files,
        where=str(path),
        folder=folder.absolute(),
    )


def _files(data: Mapping[str, Any], folder: Path, path: Path) -> tuple[Path, ...]:
    """Liberty files of the library, relative to a folder."""
    table = table_of(data, "library", path)
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


def _own_constants(data: Mapping[str, Any], path: Path) -> tuple[Constant, ...]:
    """The figures of the user in a sweep file; DesignError where one is wrong."""
    return read_own_table(data.get("constants", {}), f"{path}: ")


def _rules(
    data: Mapping[str, Any], axes: Sequence[Axis], constants: Mapping[str, Value], path: Path
) -> list[Rule]:
    given = data.get("rules", [])
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise DesignError(f"{path}: rules = {given!r} must be a list of texts")
    rules = []
    known = {axis.name for axis in axes} | set(constants)
    for text in given:
        try:
            rule = parse_rule(text)
        except DesignError as error:
            raise DesignError(f"{path}: {error}") from error
        for name in sorted(rule.names - known):
            raise DesignError(
                f"{path}: rule {text!r}: {name!r} is not a parameter; {suggest(name, known)}"
            )
        rules.append(rule)
    return rules


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise DesignError(f"{key} = {value!r} must be text")
    return value
