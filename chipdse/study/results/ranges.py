"""The front of a study under ranges: intervals, probabilities, order of points, what decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.metrics import timing_violation
from chipdse.records import BlockMetrics
from chipdse.stages.build import build_hardware
from chipdse.stages.layout import measured_errors
from chipdse.stages.measure import measure
from chipdse.store.store import Store
from chipdse.study.question.derived import derived_columns
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import is_on_front
from chipdse.study.results.objectives import objective_columns, violations
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.parameters import PackageParameters
from chipdse.system.ranges.draws import Systems
from chipdse.system.ranges.factored import Block, blocks_of, values_of
from chipdse.system.ranges.inputs import DRAWS, PARAMETERS, SEED, Input, inputs_of, sample
from chipdse.system.ranges.point import RANGED_METRICS, PointRanges, by_input
from chipdse.system.ranges.statistics import distinguishable, interval, variance_shares

POWER = "block_power_w"
"""The metric whose measured error is that of the block's power."""
_OF_POWER = (POWER, "block_energy_per_op_j")
"""Metrics of the block that follow the error of its power."""
_METRICS = RANGED_METRICS
_LARGEST = 40_000_000
"""Values that are held at once, 8 bytes each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranges:
    """Points under draws of what is uncertain, the same draws for every point.

    trials : numbers of the points
    inputs, shares : what was drawn [draws x inputs]
    low, high : 90 % interval of metrics, by name [points]
    objectives : in their own direction [draws x points x objectives]
    probability : share of the draws in which a point is on the front [points]
    decisive : share of the variance of each objective, and of the membership of the front, that
        each input explains alone; the mean over the points of the front
    """

    trials: Int64s
    names: tuple[str, ...]
    inputs: tuple[Input, ...]
    shares: Floats
    low: Mapping[str, Floats]
    high: Mapping[str, Floats]
    objectives: Floats
    probability: Floats
    nominal: Bools
    decisive: Mapping[str, Mapping[str, float]]

    @property
    def draws(self) -> int:
        return len(self.shares)

    def alike(self) -> list[tuple[int, int]]:
        """Pairs of trials of the front that no objective distinguishes."""
        rows = np.flatnonzero(self.nominal)
        apart = np.zeros((len(rows), len(rows)), dtype=np.bool_)
        for column in range(len(self.names)):
            apart |= distinguishable(self.objectives[:, rows, column])
        first, second = np.nonzero(np.triu(~apart, 1))
        pairs = zip(rows[first], rows[second], strict=True)
        return [(int(self.trials[a]), int(self.trials[b])) for a, b in pairs]


PROBABILITY = "front_probability"
"""Name of the column with the share of draws in which a point is on the front."""


def with_ranges(points: pd.DataFrame, ranges: Ranges) -> pd.DataFrame:
    """Points of a study with the probability of the front and the ends of every interval.

    Columns `NAME_low` and `NAME_high` stand after the metric that they belong to, if a draw changes
    it in any point; points without draws have none.
    """
    place = {int(trial): row for row, trial in enumerate(ranges.trials)}
    rows = points["trial"].map(place)

    def column(values: Floats) -> Floats:
        has_draws = rows.notna().to_numpy()
        out = np.full(len(points), np.nan)
        out[has_draws] = values[rows[has_draws].astype(np.int64)]
        return out

    columns: dict[str, Any] = {}
    for name in map(str, points.columns):
        columns[name] = points[name]
        if name == "on_front":
            columns[PROBABILITY] = column(ranges.probability)
        low, high = ranges.low.get(name), ranges.high.get(name)
        if low is not None and high is not None and (low < high).any():
            columns |= {f"{name}_low": column(low), f"{name}_high": column(high)}
    return pd.DataFrame(columns, index=points.index)


FRONT = "front"
"""Name of the membership of the front among what inputs decide."""


def ranges_of(
    sweep: Sweep, table: pd.DataFrame, store: Store, draws: int = DRAWS, seed: int = SEED
) -> Ranges:
    """The feasible points of a study's table under ranges.

    Points that the search left out, since others dominate them, are not there to join the front.
    Of chips of several parts, `chipdse.study.harvest.ranges.chip_ranges` gives the same.

    Raises
    ------
    DesignError : too many points, or no feasible point
    """
    feasible, points = feasible_points(sweep, table, draws)
    designs = [sweep.template.design(point) for point in points]
    fixed = stated_parameters(sweep)
    groups = systems_of(designs, store, fixed)
    inputs = _joined(groups)
    shares = sample(inputs, draws, seed)
    return _ranges(sweep, feasible, groups, inputs, shares)


def feasible_points(
    sweep: Sweep, table: pd.DataFrame, draws: int
) -> tuple[pd.DataFrame, list[Point]]:
    """The feasible rows of a study's table, and the point of each.

    Raises
    ------
    DesignError : there is none, or too many for this number of draws
    """
    feasible = table[table["state"] == "feasible"].reset_index(drop=True)
    if feasible.empty:
        raise DesignError(f"{sweep.path}: no point is feasible; ranges need at least one")
    if len(feasible) * draws * len(sweep.objectives) > _LARGEST:
        raise DesignError(
            f"{sweep.path}: {len(feasible)} points in {draws} draws are too many; use fewer draws"
        )
    points = [
        {axis.name: axis.nearest(row[axis.name]) for axis in sweep.space.axes}
        for row in feasible[[axis.name for axis in sweep.space.axes]].to_dict("records")
    ]
    return feasible, points


def stated_parameters(sweep: Sweep) -> set[str]:
    """Parameters of the package that the sweep varies itself, so that no draw does."""
    axes = {axis.name for axis in sweep.space.axes}
    return {drawn_input.parameter for drawn_input in PARAMETERS if drawn_input.parameter in axes}


def power_bounds(design: Design) -> tuple[float, float]:
    """Bounds of the relative error of a block's power; 0 and 0 where it is not known."""
    error = measured_errors(design).get(POWER)
    return (0.0, 0.0) if error is None else (error.least_frac, error.most_frac)


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Systems that share the temperatures of their leakage; `rows` are their places."""

    rows: Int64s
    systems: Systems


def systems_of(designs: Sequence[Design], store: Store, fixed: Collection[str]) -> list[Group]:
    """The measured blocks of designs in their packages; stored stages are reused."""
    blocks: dict[str, tuple[BlockMetrics, tuple[float, float]]] = {}
    measured = []
    for design in designs:
        process = PackageParameters(node_nm=design.package.node_nm)
        bare = dataclasses.replace(design, package=process, constants=())
        key = repr(bare)
        if key not in blocks:
            _, hardware = build_hardware(bare, store)
            blocks[key] = measure(bare, hardware, store)[1], power_bounds(bare)
        measured.append(blocks[key])
    kinds: dict[Any, list[int]] = {}
    for row, (block, _) in enumerate(measured):
        kinds.setdefault((block.leakage_temperatures_c, block.typical is None), []).append(row)
    return [
        Group(
            rows=np.array(rows),
            systems=Systems(
                blocks=BlockPoints.of([measured[row][0] for row in rows]),
                packages=PackageColumns.of([designs[row].package for row in rows]),
                error_low=np.array([measured[row][1][0] for row in rows]),
                error_high=np.array([measured[row][1][1] for row in rows]),
                given={c.key: c for c in designs[rows[0]].constants},
                fixed=fixed,
            ),
        )
        for rows in kinds.values()
    ]


def _joined(groups: Sequence[Group]) -> tuple[Input, ...]:
    """The inputs of all groups, each once."""
    constants = {
        c.key: c
        for g in groups
        for drawn_input in g.systems.inputs()
        for c in drawn_input.constants
    }
    return inputs_of(
        constants.values(),
        fixed=groups[0].systems.fixed,
        block=any(group.systems.errors_known for group in groups),
    )


def _ranges(
    sweep: Sweep,
    table: pd.DataFrame,
    groups: Sequence[Group],
    inputs: tuple[Input, ...],
    shares: Floats,
) -> Ranges:
    draws, count = len(shares), len(table)
    columns = np.empty((draws, count, len(sweep.objectives)))
    allowed = np.empty((draws, count), dtype=np.bool_)
    low = {name: np.empty(count) for name in _METRICS}
    high = {name: np.empty(count) for name in _METRICS}
    for group in groups:
        for block in blocks_of(group.systems, inputs, shares, _METRICS):
            rows, systems = group.rows[block.systems], group.systems.take(block.systems)
            values = _values(sweep, table.iloc[rows], block, systems, inputs, shares)
            columns[:, rows] = np.moveaxis(objective_columns(sweep, values), 1, 2)
            allowed[:, rows] = _allowed(sweep, values, block)
            for name in _METRICS:
                low[name][rows], high[name][rows] = interval(getattr(block.metrics, name))
    return front_of_draws(sweep, table, inputs, shares, columns, allowed, (low, high))


def front_of_draws(
    sweep: Sweep,
    table: pd.DataFrame,
    inputs: tuple[Input, ...],
    shares: Floats,
    columns: Floats,
    allowed: Bools,
    ends: tuple[dict[str, Floats], dict[str, Floats]],
) -> Ranges:
    """Points whose objectives are known under every draw, with the front of each draw.

    Parameters
    ----------
    table : of the points
    columns : objectives [draws x points x objectives], all to be made small
    allowed : where no limit is violated [draws x points]
    ends : of the interval of each metric by its name [points]
    """
    low, high = ends
    draws, count = allowed.shape
    allowed &= np.isfinite(columns).all(axis=2)
    member = np.zeros((draws, count), dtype=np.bool_)
    for draw in range(draws):
        rows = np.flatnonzero(allowed[draw])
        member[draw, rows[is_on_front(columns[draw, rows])]] = True
    signs = np.array([o.sign for o in sweep.objectives])
    objectives = columns * signs
    names = tuple(o.metric for o in sweep.objectives)
    for place, name in enumerate(names):
        low[name], high[name] = interval(objectives[:, :, place])
    nominal = table["on_front"].to_numpy(dtype=np.bool_)
    return Ranges(
        trials=table["trial"].to_numpy(dtype=np.int64),
        names=names,
        inputs=inputs,
        shares=shares,
        low=low,
        high=high,
        objectives=objectives,
        probability=member.mean(axis=0),
        nominal=nominal,
        decisive=_decisive(names, inputs, shares, objectives[:, nominal], member),
    )


def _values(
    sweep: Sweep,
    table: pd.DataFrame,
    block: Block,
    systems: Systems,
    inputs: Sequence[Input],
    shares: Floats,
) -> dict[str, Floats]:
    """All numbers of the points of a block by name [draws x points], derived metrics among them."""
    shape = len(shares), len(table)
    values: dict[str, Floats] = {
        name: table[name].to_numpy(dtype=np.float64)
        for name in map(str, table.select_dtypes("number").columns)
    }
    factors = systems.power_factors(inputs, shares)
    values |= {name: getattr(block.metrics, name) for name in _METRICS}
    values |= {name: values[name] * factors for name in _OF_POWER}
    values = {name: np.broadcast_to(column, shape) for name, column in values.items()}
    return values | derived_columns(sweep.derived, values)


def _allowed(sweep: Sweep, values: Mapping[str, Floats], block: Block) -> Bools:
    """Where no limit of the sweep, of the system or of the timing is violated."""
    late = timing_violation(values["timing_slack_s"], values["critical_path_s"])
    allowed = np.asarray((late <= 0) & block.feasible)
    for amount in violations(sweep, values).values():
        allowed &= amount <= 0
    return allowed


def _decisive(
    names: Sequence[str],
    inputs: Sequence[Input],
    shares: Floats,
    objectives: Floats,
    member: Bools,
) -> dict[str, dict[str, float]]:
    decisive: dict[str, dict[str, float]] = {}
    for place, name in enumerate(names):
        each = [variance_shares(shares, column) for column in objectives[:, :, place].T]
        decisive[name] = by_input(inputs, np.mean(each, axis=0))
    doubtful = np.flatnonzero((member.mean(axis=0) > 0) & (member.mean(axis=0) < 1))
    if len(doubtful):
        each = [variance_shares(shares, member[:, row].astype(np.float64)) for row in doubtful]
        weights = member[:, doubtful].astype(np.float64).var(axis=0)
        decisive[FRONT] = by_input(inputs, np.average(each, axis=0, weights=weights))
    return decisive


def point_ranges(design: Design, store: Store, draws: int = DRAWS, seed: int = SEED) -> PointRanges:
    """The system metrics of one design under ranges; stored stages are reused."""
    systems = systems_of([design], store, ())[0].systems
    inputs = systems.inputs()
    shares = sample(inputs, draws, seed)
    metrics, _ = values_of(systems, inputs, shares, _METRICS)
    return PointRanges.of(inputs, shares, {name: column[:, 0] for name, column in metrics.items()})
