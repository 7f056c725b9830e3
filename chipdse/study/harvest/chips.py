"""Chips composed of parts that were measured: every combination with a new part point, as arrays.

An evaluation measures one hardware point of each part at all its operating points. What is known of
the other parts is taken from the study: counts, memories and packages, and the known points of all
parts, are combined here, and the best chips among the new ones enter the study.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from chipdse.application.choices import buffers_of, outers_of, task_of
from chipdse.application.compose import ChipChoices, MeasuredPart, PartPoint, compose_chosen
from chipdse.application.parts import contract_of
from chipdse.application.task_metrics import task_metrics
from chipdse.arrays import Int64s
from chipdse.errors import DesignError
from chipdse.hardware.memories import family_for
from chipdse.metrics import timing_violation
from chipdse.stages.library import shared_node_nm
from chipdse.study.harvest.cheap import CheapPoints
from chipdse.study.harvest.harvest import attributes_of, constraints_of, values_of
from chipdse.study.question.chip import ChipQuestion, PartQuestion
from chipdse.study.question.derived import derived_columns
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import knee_of
from chipdse.study.results.objectives import objective_columns, violations
from chipdse.study.storage.attributes import FAILURE, HARVESTED_FROM, ORIGIN, PART_POINTS, PROPOSED
from chipdse.study.storage.finish import Finish
from chipdse.system.arrays.columns import PackageColumns
from chipdse.technology.constants import Sources

COMPOSE_LIMIT = 50_000
"""If an evaluation gives more new combinations, this number of them is drawn."""

Known = dict[str, dict[int, list[dict[str, float]]]]
"""Metrics by operating point, of each known hardware point by its number, of each part."""


def known_points(chip: ChipQuestion, trials: Iterable[FrozenTrial]) -> Known:
    """What trials measured of the parts."""
    known: Known = {part.name: {} for part in chip.parts}
    for trial in trials:
        for name, points in trial.user_attrs.get(PART_POINTS, {}).items():
            known[name] |= {int(number): metrics for number, metrics in points.items()}
    return known


@dataclass(frozen=True, kw_only=True, eq=False)
class _Setting:
    """What is the same for every chip of a sweep."""

    buffers: tuple[Any, ...]
    outers: tuple[Any, ...]
    packages: PackageColumns
    node_nm: float
    sources: Sources


def composed_finishes(
    sweep: Sweep,
    expensive: Point,
    measured: Mapping[str, list[dict[str, float]]],
    known: Known,
    number: int,
) -> tuple[Finish, list[Finish]]:
    """The result of the proposing trial, and the trials composed with it.

    The proposing trial gets the knee of the chips of its own hardware points. The others are the
    best of all chips that became possible by its new part points.

    Parameters
    ----------
    expensive : hardware parameters of all parts
    measured : their metrics
    known : what the study knew before
    number : of the trial that proposed them
    """
    chip = sweep.chip
    assert chip is not None
    numbers = chip.part_numbers(expensive)
    new = {
        name: {numbers[name]: points}
        for name, points in measured.items()
        if numbers[name] not in known[name]
    }
    everything = {name: known[name] | new.get(name, {}) for name in known}
    chosen, sampled = _new_numbers(sweep, everything, numbers, new)
    attributes: dict[str, Any] = {
        ORIGIN: PROPOSED,
        PART_POINTS: new,
        "cheap_points": len(chosen),
        "cheap_points_sampled": sampled,
    }
    points = composed_chips(sweep, everything, chosen)
    cheap = sweep.space.part(cheap=True)
    proposed_hardware = chip.joint_number([*numbers.values()])
    is_proposed = np.asarray(chosen // cheap.size == proposed_hardware)
    runs = np.isfinite(points.objectives).all(axis=1)
    if not runs.any():
        return _failed(chip, attributes), []
    best = points.take(np.flatnonzero(runs)).local_front()
    if not (is_proposed & runs).any():
        return _failed(chip, attributes), _harvested(sweep, best, number, None)
    front = points.take(np.flatnonzero(is_proposed & runs)).local_front()
    row = knee_of(front.objectives)
    knee_number = int(front.numbers[row])
    proposed = Finish(
        params=cheap.point_at(knee_number % cheap.size),
        values=values_of(sweep, front, row),
        attributes={**attributes_of(front, row), **attributes},
        constraints=constraints_of(front, row),
    )
    return proposed, _harvested(sweep, best, number, knee_number)


def _failed(chip: ChipQuestion, attributes: Mapping[str, Any]) -> Finish:
    """A proposing trial whose part points make no chip that runs."""
    reason = f"InfeasibleError: {_why_nothing_runs(chip)}"
    return Finish(attributes={**attributes, FAILURE: reason})


def _harvested(
    sweep: Sweep, best: CheapPoints, number: int, knee_number: int | None
) -> list[Finish]:
    """The best of the new chips as trials, without the chip that the proposing trial has.

    Parameters
    ----------
    number : of the proposing trial
    knee_number : of the chip that it has; None if it failed
    """
    return [
        Finish(
            params=sweep.space.point_at(int(chip_number)),
            values=values_of(sweep, best, row),
            attributes={**attributes_of(best, row), HARVESTED_FROM: number},
            constraints=constraints_of(best, row),
        )
        for row, chip_number in enumerate(best.numbers)
        if int(chip_number) != knee_number
    ]


def _why_nothing_runs(chip: ChipQuestion) -> str:
    network = chip.application.network
    if network is None:
        return "no chip of these part points has finite objectives"
    return (
        f"network {network.name!r} fits on no chip of these part points: some layer needs a larger "
        "buffer or a smaller array; 'chipdse map' names the layer"
    )


def _new_numbers(
    sweep: Sweep, everything: Known, numbers: Mapping[str, int], new: Known
) -> tuple[Int64s, bool]:
    """Numbers of the chips that are new, within the rules, and whether they are a sample.

    Chips of the trial's own hardware points are among them.
    """
    chip, cheap = sweep.chip, sweep.space.part(cheap=True)
    assert chip is not None
    old = {
        name: sorted(set(points) - set(new.get(name, {}))) for name, points in everything.items()
    }
    fresh = {name: sorted(new.get(name, {})) for name in everything}
    names = list(everything)
    joints = [np.array([chip.joint_number([numbers[name] for name in names])])]
    for first, name in enumerate(names):  # the first part whose point is new is this one
        lists = [
            *(old[other] for other in names[:first]),
            fresh[name],
            *(sorted(everything[other]) for other in names[first + 1 :]),
        ]
        grid = np.meshgrid(*(np.array(items, np.int64) for items in lists), indexing="ij")
        joints.append(np.ravel(chip.joint_number(grid)))
    joint = np.unique(np.concatenate(joints))
    total = len(joint) * cheap.size
    random = np.random.default_rng(sweep.seed)
    cheap_numbers = (
        np.arange(cheap.size) if cheap.size <= COMPOSE_LIMIT else _drawn(random, cheap.size)
    )
    chosen = joints[0] * cheap.size + cheap_numbers
    sampled = total > COMPOSE_LIMIT
    drawn = _drawn(random, total) if sampled else np.arange(total)
    others = joint[drawn // cheap.size] * cheap.size + drawn % cheap.size
    return sweep.space.allowed_among(np.union1d(chosen, others)), sampled


def _drawn(random: np.random.Generator, size: int) -> Int64s:
    return np.asarray(np.unique(random.integers(0, size, COMPOSE_LIMIT)))


def composed_chips(sweep: Sweep, everything: Known, numbers: Int64s) -> CheapPoints:
    """Chips, evaluated.

    Parameters
    ----------
    everything : the known points of all parts
    numbers : of the chips in the sweep's space; their part points are known
    """
    chip, setting = sweep.chip, _setting(sweep)
    assert chip is not None
    places = dict(zip((axis.name for axis in sweep.space.axes), sweep.space.places(numbers),
                      strict=True))  # fmt: skip
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
    table = compose_chosen(
        parts, setting.buffers, setting.outers, task_of(chip.application, memories), choices
    )
    metrics = task_metrics(
        table,
        setting.packages,
        _number_of([places[axis.name] for axis in chip.package.axes],
                   [len(axis.values) for axis in chip.package.axes], zero),
        node_nm=setting.node_nm,
        temperature_c=parts[0].points[0].metrics["library_temperature_c"],
        sources=setting.sources,
    )  # fmt: skip
    swept = {
        axis.name: np.array(axis.values, np.float64)[places[axis.name]]
        for axis in sweep.space.axes
        if axis.is_numeric
    }
    values = {**swept, **metrics.flat()}
    derived = derived_columns(sweep.derived, values)
    values |= derived
    constraints = {"timing": timing, **metrics.constraints, **violations(sweep, values)}
    return CheapPoints(
        numbers=numbers,
        metrics=metrics,
        constraints={n: np.where(np.isnan(c), 1.0, c) for n, c in constraints.items()},
        estimated=metrics.estimated,
        objectives=objective_columns(sweep, values),
        derived=derived,
    )


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


_SETTINGS: dict[str, _Setting] = {}


def _setting(sweep: Sweep) -> _Setting:
    """What is the same for every chip of a sweep, kept from one evaluation to the next."""
    key = f"{sweep.path} {sweep.text}"
    if key not in _SETTINGS:
        _SETTINGS.clear()
        _SETTINGS[key] = _setting_of(sweep)
    return _SETTINGS[key]


def _setting_of(sweep: Sweep) -> _Setting:
    chip = sweep.chip
    assert chip is not None
    sources = Sources.of(sweep.constants)
    library = chip.parts[0].library
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
    return _Setting(
        buffers=buffers_of(chip.memories, family, library, sources),
        outers=outers_of(chip.memories, sources),
        packages=PackageColumns.of(packages),
        node_nm=shared_node_nm(
            {part.name: part.template.record("library", {}) for part in chip.parts},
            None if stated_nm is None else float(stated_nm),
        ),
        sources=sources,
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
