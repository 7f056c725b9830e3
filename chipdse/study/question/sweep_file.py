"""Sweep files: reads and checks the question of a sweep before anything runs."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse.design import CORNER_PARAMETERS, find_block, suggest
from chipdse.errors import DesignError
from chipdse.metrics import METRICS
from chipdse.reading import parse_toml
from chipdse.study.question.derived import Derived, read_derived
from chipdse.study.question.durations import parse_duration
from chipdse.study.question.goals import Limit, Objective, read_limits, read_objectives
from chipdse.study.question.rules import Rule, parse_rule
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.shipped import sweep_text
from chipdse.study.question.space import ENUMERATE_LIMIT, Axis, Space, Value, read_axis
from chipdse.study.question.template import GROUPS, Template, constants_of, kind_of, space_of
from chipdse.study.question.toml_values import refuse_unknown, table_of, whole_number

_KEYS = {"question", "block", "rules", "derived", "objectives", "limits", "search", *GROUPS}
SEEDS = 2**31
"""Seeds are below this number: samplers add to a seed, and the sum must fit into 32 bits."""
_SEARCH = ("trials", "seed", "sampler", "harvest", "replicates", "time", "patience")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep file, read and checked.

    derived : metrics that the file defines by expressions
    trials : number of points to propose; with `harvest`, of expensive points
    harvest : evaluate all supplies, clocks and packages of each expensive point
    replicates : number of evaluations of each point, each under another seed
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
    patience: int = 0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def harvests(self) -> bool:
        """Whether the study gets the local front of each expensive
        point (`chipdse.study.harvest.harvest`)."""
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
    # Here, because the modules behind it load half a second and a study is read without them.
    from chipdse.stages.measure import check_library

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
    if "block" not in data:
        raise DesignError(f'{path}: block is missing; write e.g. block = "mac_array"')
    try:
        block = find_block(_text(data, "block"), folder or path.parent)
    except DesignError as error:
        raise DesignError(f"{path}: {error}") from error
    template = _template(data, block, liberty or _files(data, folder or path.parent, path), path)
    search = table_of(data, "search", path)
    refuse_unknown(search, _SEARCH, f"{path}: [search]")
    harvest = search.get("harvest", True)
    if not isinstance(harvest, bool):
        raise DesignError(f"{path}: search.harvest = {harvest!r}; write true or false")
    sampler = search.get("sampler", "auto")
    if sampler not in SAMPLERS:
        raise DesignError(f"{path}: search.sampler = {sampler!r}; use one of {', '.join(SAMPLERS)}")
    swept = [axis.name for axis in template.axes if axis.is_numeric]
    derived = read_derived(data, swept, constants_of(template, swept=False), path)
    known = {*METRICS, *swept, *(metric.name for metric in derived)}
    return Sweep(
        path=path,
        text=text,
        question=str(data.get("question", "")),
        template=template,
        space=space_of(template, _rules(data, template)),
        objectives=read_objectives(data, known, path),
        limits=read_limits(data, known, path),
        trials=whole_number(search, "trials", 50, 1, f"{path}"),
        seed=whole_number(search, "seed", 1, 0, f"{path}", SEEDS),
        sampler=sampler,
        derived=derived,
        harvest=harvest,
        replicates=_replicates(search, template, path),
        time_s=_duration(search, path),
        patience=whole_number(search, "patience", 0, 0, f"{path}"),
    )


def _duration(search: Mapping[str, Any], path: Path) -> float:
    if "time" not in search:
        return math.inf
    return parse_duration(str(search["time"]), f"{path}: search.time =")


def _replicates(search: Mapping[str, Any], template: Template, path: Path) -> int:
    count = whole_number(search, "replicates", 1, 1, f"{path}")
    if count > 1 and any(axis.name == "seed" for axis in template.axes):
        raise DesignError(
            f"{path}: search.replicates = {count} sets the seeds, but a seed is swept; "
            "fix it or leave replicates out"
        )
    return count


def _template(
    data: Mapping[str, Any], block: Block, liberty: tuple[Path, ...], path: Path
) -> Template:
    axes: list[Axis] = []
    fixed: dict[str, dict[str, Value]] = {group: {} for group in GROUPS}
    files = liberty
    for group in GROUPS:
        table = table_of(data, group, path)
        if group == "library":
            refuse_unknown(table, ("name", "files"), f"{path}: [library]")
            table = {} if files else {"library": table["name"]} if "name" in table else table
        else:
            fields = [field.name for field in dataclasses.fields(kind_of(group, block))]
            refuse_unknown(table, fields, f"{path}: [{group}]")
        for name, given in table.items():
            axis_or_value = read_axis(group, name, given, f"{path}: {group}.{name}")
            if isinstance(axis_or_value, Axis) and len(axis_or_value.values) > 1:
                axes.append(axis_or_value)
            else:
                fixed[group][name] = (
                    axis_or_value.values[0] if isinstance(axis_or_value, Axis) else axis_or_value
                )
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
    return Template(block=block, axes=tuple(axes), fixed=fixed, liberty=files, where=str(path))


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


def _rules(data: Mapping[str, Any], template: Template) -> list[Rule]:
    given = data.get("rules", [])
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise DesignError(f"{template.where}: rules = {given!r} must be a list of texts")
    rules = []
    known = {axis.name for axis in template.axes} | set(constants_of(template))
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


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise DesignError(f"{key} = {value!r} must be text")
    return value
