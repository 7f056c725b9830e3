"""Ranges of any study: of one block, or of chips of several parts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from chipdse.application.compose import joined_tables
from chipdse.application.parts import layer_energies
from chipdse.application.task_metrics import TASK_METRICS
from chipdse.arrays import Int64s
from chipdse.store.store import Store
from chipdse.study.harvest.cheap import CheapPoints
from chipdse.study.harvest.chips import known_points
from chipdse.study.harvest.composed import (
    Chips,
    Known,
    chips_of,
    evaluated_chips,
    setting_of,
)
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.ranges import (
    Ranges,
    feasible_points,
    front_of_draws,
    power_bounds,
    ranges_of,
    stated_parameters,
)
from chipdse.study.storage.folder import StudyFolder
from chipdse.study.storage.trials import finished
from chipdse.system.ranges.draws import drawn_packages, rows_at_once, with_value
from chipdse.system.ranges.inputs import (
    ALTERNATIVES,
    DRAWS,
    SEED,
    Draws,
    Input,
    draws_of,
    inputs_of,
    sample,
)
from chipdse.system.ranges.statistics import interval
from chipdse.technology.constants import Constant, Sources

_HELD = 1_000_000
"""Chips times draws whose metrics are held at once."""
_ROWS = 5_000
"""Chips times draws that are evaluated at once."""
_OF_POWER = ("block_power_w", "block_leakage_power_w", "nominal_leakage_power_w")
"""Metrics of a part that follow the error of its power, as the energies of layers do."""

Bounds = dict[str, list[tuple[float, float]]]
"""Bounds of the relative error of the power, at each operating point of each part."""


def study_ranges(
    folder: StudyFolder, table: pd.DataFrame, store: Store, draws: int = DRAWS, seed: int = SEED
) -> Ranges:
    """The feasible points of a study under ranges.

    Raises
    ------
    DesignError : too many points, or no feasible point
    """
    sweep = folder.sweep
    if sweep.chip is None:
        return ranges_of(sweep, table, store, draws, seed)
    return chip_ranges(sweep, table, known_points(sweep.chip, finished(folder.study)), draws, seed)


def chip_ranges(
    sweep: Sweep, table: pd.DataFrame, known: Known, draws: int = DRAWS, seed: int = SEED
) -> Ranges:
    """The feasible chips of a study's table under ranges: each is composed again for each draw.

    The errors of the powers of all parts have the same share of their bounds in a draw.

    Parameters
    ----------
    known : what the study knows of the parts
    draws, seed : number of draws, and of the random numbers they follow from

    Raises
    ------
    DesignError : too many points, or no feasible point
    """
    feasible, points = feasible_points(sweep, table, draws)
    numbers = np.array([sweep.space.number_of(point) for point in points], dtype=np.int64)
    bounds = _bounds(sweep, known)
    inputs = _inputs(sweep, known, numbers, bounds)
    shares = sample(inputs, draws, seed)
    columns = np.empty((draws, len(numbers), len(sweep.objectives)))
    allowed = np.empty((draws, len(numbers)), dtype=np.bool_)
    low, high = ({name: np.empty(len(numbers)) for name in TASK_METRICS} for _ in range(2))
    keys = [constant.key for drawn_input in inputs for constant in drawn_input.constants]
    for some in _slices(len(numbers), max(1, _HELD // draws)):
        count = len(numbers[some])
        values = {name: np.empty((draws, count)) for name in TASK_METRICS}
        for rows in _slices(draws, min(rows_at_once(keys, count), max(1, _ROWS // count))):
            chips = _under(sweep, known, numbers[some], bounds, draws_of(inputs, shares[rows]))
            shape = len(shares[rows]), count
            columns[rows, some] = chips.objectives.reshape(*shape, -1)
            allowed[rows, some] = (chips.violation <= 0).reshape(shape)
            for name, metric in chips.metrics.flat().items():
                values[name][rows] = metric.reshape(shape)
        for name, metric in values.items():
            low[name][some], high[name][some] = interval(metric)
    return front_of_draws(sweep, feasible, inputs, shares, columns, allowed, (low, high))


def _slices(size: int, most: int) -> list[slice]:
    """Consecutive parts of a list, each of at most this many entries."""
    return [slice(start, min(start + most, size)) for start in range(0, size, most)]


def _bounds(sweep: Sweep, known: Known) -> Bounds:
    bounds: Bounds = {}
    for part in sweep.chip_question.parts:
        hardware = part.hardware.point_at(next(iter(known[part.name])))
        bounds[part.name] = [power_bounds(design) for design in part.designs(hardware)]
    return bounds


def _inputs(sweep: Sweep, known: Known, numbers: Int64s, bounds: Bounds) -> tuple[Input, ...]:
    """What is uncertain of the chips, under every alternative of sources."""
    fixed = stated_parameters(sweep)
    draws = [Draws(count=1)] + [
        Draws(count=1, names={parameter: ((name,), np.zeros(1, dtype=np.int64))})
        for parameter, name in ALTERNATIVES
        if parameter not in fixed
    ]
    used: dict[str, Constant] = {}
    for drawn in draws:
        sources = Sources.of(sweep.constants)
        _under(sweep, known, numbers, bounds, drawn, sources)
        used |= sources.used
    is_known = any(least < most for pairs in bounds.values() for least, most in pairs)
    return inputs_of(used.values(), fixed=fixed, block=is_known)


def _under(
    sweep: Sweep,
    known: Known,
    numbers: Int64s,
    bounds: Bounds,
    draws: Draws,
    sources: Sources | None = None,
) -> CheapPoints:
    """Chips under some draws, the chips of one draw one after another.

    Parameters
    ----------
    sources : records the constants that are used
    """
    composed = []
    for draw in range(draws.count):
        constants = {
            key: with_value(constant, float(values[draw]))
            for key, (constant, values) in draws.constants.items()
        }
        share = None if draws.block_share is None else float(draws.block_share[draw])
        setting = setting_of(sweep, constants.values())
        composed.append(chips_of(sweep, _scaled(known, bounds, share), numbers, setting))
        if sources is not None:
            sources.used |= setting.sources.used
    rows = draws.repeated(len(numbers))
    package = np.tile(composed[0].package, draws.count)
    chips = Chips(
        numbers=np.tile(numbers, draws.count),
        table=joined_tables([part.table for part in composed]),
        package=np.arange(len(package)),
        timing=np.tile(composed[0].timing, draws.count),
    )
    given = {
        key: with_value(constant, float(values[0]) if draws.count == 1 else values)
        for key, (constant, values) in rows.constants.items()
    }
    evaluated = Sources.of((*sweep.constants, *given.values()))
    packages = drawn_packages(setting.packages.take(package), rows)
    points = evaluated_chips(sweep, chips, packages, setting, evaluated)
    if sources is not None:
        sources.used |= evaluated.used
    return points


def _scaled(known: Known, bounds: Bounds, share: float | None) -> Known:
    """The known points with the powers that they have under one draw."""
    if share is None:
        return known
    factors = {
        name: [1 / (1 + least + share * (most - least)) for least, most in pairs]
        for name, pairs in bounds.items()
    }
    return {
        name: {
            number: [
                metrics | {name: metrics[name] * factor for name in _powers(metrics)}
                for metrics, factor in zip(listed, factors[name], strict=True)
            ]
            for number, listed in points.items()
        }
        for name, points in known.items()
    }


def _powers(metrics: Mapping[str, float]) -> list[str]:
    return [*(name for name in _OF_POWER if name in metrics), *layer_energies(metrics)]
