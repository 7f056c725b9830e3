"""Trials as tables, with the feasible points and the points on the front."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chipdse import metrics
from chipdse.blocks.own import is_checked
from chipdse.blocks.work import work_unit
from chipdse.errors import MachineError
from chipdse.metrics import METRICS, Basis
from chipdse.study.question.chip import ChipQuestion
from chipdse.study.question.derived import evidence_in
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import is_on_front
from chipdse.study.results.ties import tied
from chipdse.study.storage.attributes import HARVESTED, HARVESTED_FROM, PROPOSED, SPREAD
from chipdse.study.storage.counted import Trial, is_harvested
from chipdse.study.storage.table_reads import StoredTrial, counted_trials
from chipdse.units import unit_in

if TYPE_CHECKING:
    from chipdse.study.storage.folder import StudyFolder

TIES_LIMIT = 1_000_000
"""Number of pairs of points that are compared, by three tests each, in about one second."""


def rows_of(sweep: Sweep, trials: Sequence[Trial], *, every_metric: bool = True) -> pd.DataFrame:
    """One row per finished trial (see `points_table`).

    Parameters
    ----------
    every_metric : False leaves out all metrics but the objectives
    """
    axes = sweep.space.axes
    names = [axis.name for axis in axes]
    goals = {objective.metric for objective in sweep.objectives}
    columns = [name for name in sweep.metrics if name not in names]
    columns += [metric.name for metric in sweep.derived]
    if not every_metric:
        columns = [name for name in columns if name in goals]
    nearest = {axis.name: functools.lru_cache(maxsize=None)(axis.nearest) for axis in axes}
    rows, ends = [], []
    for trial in trials:
        params, attributes = trial.params, trial.user_attrs
        missed = [name for name, amount in trial.constraints.items() if amount > 0]
        done = trial.state.name == "COMPLETE"
        rows.append(
            (
                trial.number,
                ("infeasible" if missed else "feasible") if done else "failed",
                HARVESTED if is_harvested(trial) else PROPOSED,
                # A failed expensive point has no cheap parameters.
                *[nearest[name](params[name]) if name in params else None for name in names],
            )
        )
        ends.append(
            (
                attributes.get("system_evidence", ""),
                "; ".join(missed),
                attributes.get("failure", ""),
            )
        )
    table = pd.concat(
        [
            pd.DataFrame(rows, columns=["trial", "state", "origin", *names]),
            _metrics_of(trials, columns),
            pd.DataFrame(ends, columns=["system_evidence", "violations", "failure"]),
        ],
        axis=1,
    )
    table.insert(2, "on_front", front_mask(sweep, table))
    if sweep.replicates > 1:
        _add_spread(sweep, table, trials)
    return table


def _metrics_of(trials: Sequence[Trial], columns: Sequence[str]) -> pd.DataFrame:
    """Metrics of trials; not a number where a trial has none.

    Numbers become one array; of other values pandas finds the type of each column.
    """
    nothing = dict.fromkeys(columns, math.nan)
    values = [trial.user_attrs.get("metrics", nothing) for trial in trials]
    if len(columns) > 1 and values:
        try:
            rows = list(map(operator.itemgetter(*columns), values))
        except KeyError:  # a metric that only some trials have
            rows = [tuple(row.get(name, math.nan) for name in columns) for row in values]
        if all(set(map(type, row)) == {float} for row in rows):
            return pd.DataFrame(np.array(rows, dtype=np.float64), columns=list(columns))
    return pd.DataFrame(
        [[row.get(name, math.nan) for name in columns] for row in values], columns=list(columns)
    )


def _add_spread(sweep: Sweep, table: pd.DataFrame, trials: Sequence[Trial]) -> None:
    """Columns of replicates: the standard deviation of each objective, and ties with the front."""
    names = _spread_names(sweep)
    nothing = [math.nan] * len(names)
    spread = np.array([trial.user_attrs.get(SPREAD, nothing) for trial in trials], dtype=np.float64)
    table[names] = spread.reshape(-1, len(names))
    table["tied_with"] = _ties(sweep, table, _evaluations(trials))


def _spread_names(sweep: Sweep) -> list[str]:
    return [f"{objective.metric}_std" for objective in sweep.objectives]


def _evaluations(trials: Sequence[Trial]) -> dict[int, int]:
    """The number of the evaluation that gave each trial."""
    return {trial.number: trial.user_attrs.get(HARVESTED_FROM, trial.number) for trial in trials}


def _ties(sweep: Sweep, table: pd.DataFrame, evaluations: Mapping[int, int]) -> list[str]:
    """For each row the trials of the front tied with it; off the front only in small tables."""
    texts = np.full(len(table), "", dtype=object)
    front = table["on_front"].to_numpy()
    rows = np.flatnonzero(table["state"] == "feasible")
    if len(rows) * front.sum() > TIES_LIMIT:
        rows = np.flatnonzero(front)
    if len(rows):
        numbers = table["trial"].to_numpy()
        group = np.array([evaluations[number] for number in numbers[rows].tolist()])
        goals = [objective.metric for objective in sweep.objectives]
        mean, spread = (
            table[names].to_numpy(dtype=np.float64)[rows] for names in (goals, _spread_names(sweep))
        )
        tied_points = tied(mean, spread, front[rows], group, sweep.replicates)
        texts[rows] = [" ".join(str(numbers[rows[tie]]) for tie in ties) for ties in tied_points]
    return texts.tolist()


def basis_of(sweep: Sweep, table: pd.DataFrame) -> Basis:
    """The weakest evidence of the inputs of any point of a table."""
    if sweep.chip is not None:
        return _basis_of_chip(sweep.chip)
    largest = {name: float(table[name].max()) for name in METRICS if name in table.columns}
    return metrics.basis_of(largest, checked=is_checked(sweep.template.block))


def _basis_of_chip(chip: ChipQuestion) -> Basis:
    """The weakest evidence of the inputs of any part of a chip, and of its memories."""
    designs = [
        design for part in chip.parts for design in part.designs(next(part.hardware.points()))
    ]
    layouts = [design.physical for design in designs]
    laid = any(
        layout.wires != "none" or layout.clock_tree or layout.added_cells for layout in layouts
    )
    return Basis(
        cells="modelled" if chip.memories.buffer_bytes else "measured",
        activity="measured" if all(map(is_checked, chip.blocks)) else "estimated",
        layout="modelled" if laid else "measured",
    )


def described_columns(sweep: Sweep, table: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Role, unit, meaning and evidence of each column of a table of points, by name.

    The role is "minimize" or "maximize" (an objective), "parameter", "metric" or "state".
    """
    systems = "estimated" if (table["system_evidence"] == "estimated").any() else "modelled"
    basis, work = basis_of(sweep, table), work_unit(sweep.template.block)
    swept = {axis.name for axis in sweep.space.axes}
    goals = {o.metric: "minimize" if o.minimize else "maximize" for o in sweep.objectives}
    derived = {metric.name: {"unit": metric.unit, "doc": metric.doc} for metric in sweep.derived}
    described = {}
    for name in map(str, table.columns):
        metric: Mapping[str, Any] = sweep.metrics.get(name) or derived.get(name) or {}
        role = "parameter" if name in swept else "metric" if metric else "state"
        described[name] = {
            "role": goals.get(name, role),
            "unit": unit_in(metric.get("unit", ""), work),
            "meaning": metric.get("doc", ""),
            "evidence": evidence_of_column(sweep, name, systems, basis)
            if metric or role == "parameter"
            else "",
        }
    return described


def evidence_of_column(sweep: Sweep, name: str, systems: str, basis: Basis) -> str:
    """Kind of evidence of a metric, a derived metric or a swept parameter of a sweep."""
    if any(axis.name == name for axis in sweep.space.axes):
        return "chosen"  # also where a metric repeats it, as `vdd_v`
    return evidence_in(sweep.derived, name, systems, basis, sweep.metrics)


def front_mask(sweep: Sweep, table: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows no other feasible row dominates."""
    mask = np.zeros(len(table), dtype=bool)
    feasible = np.flatnonzero(table["state"] == "feasible")
    if len(feasible):
        signs = [objective.sign for objective in sweep.objectives]
        names = [objective.metric for objective in sweep.objectives]
        values = table.iloc[feasible][names].to_numpy(dtype=float) * signs
        mask[feasible] = is_on_front(values)
    return mask


def points_table(folder: StudyFolder, *, every_metric: bool = True) -> pd.DataFrame:
    """Every finished point as a row.

    Parameters
    ----------
    every_metric : False leaves out all metrics but the objectives, and saves most of the time

    Returns
    -------
    columns: trial; state ("feasible", "infeasible", "failed"); on_front; origin ("proposed",
    "harvested"); the swept parameters;
    every metric, its unit in its name; system_evidence ("modelled", or "estimated" outside
    the published tables); violations and failure, as text

    Raises
    ------
    MachineError : the storage does not answer, or is damaged
    """
    if folder.database is not None:
        goals = [objective.metric for objective in folder.sweep.objectives]
        read = counted_trials(
            folder.database, folder.name, has_metrics=lambda trial: every_metric or not trial.values
        )
        if read is not None:
            for trial in () if every_metric else read[0]:
                if trial.values:
                    trial.user_attrs["metrics"] = dict(zip(goals, trial.values, strict=True))
            return _checked_rows(folder, read[0], every_metric=every_metric)
    return _checked_rows(folder, _finished(folder), every_metric=every_metric)


def front_among(folder: StudyFolder, table: pd.DataFrame) -> pd.DataFrame:
    """Some rows of `points_table`, with the front of these rows in `on_front` and `tied_with`.

    Raises
    ------
    MachineError : as `points_table`
    """
    table = table.reset_index(drop=True)
    table = table.assign(on_front=front_mask(folder.sweep, table))
    if "tied_with" not in table.columns:
        return table
    evaluations = _evaluations(_counted(folder))
    return table.assign(tied_with=_ties(folder.sweep, table, evaluations))


def _counted(folder: StudyFolder) -> Sequence[Trial]:
    """The finished trials of a study; their metrics are read only where Optuna reads them."""
    if folder.database is not None:
        read = counted_trials(folder.database, folder.name, has_metrics=lambda trial: False)
        if read is not None:
            return read[0]
    return _finished(folder)


def row_of(folder: StudyFolder, number: int) -> dict[str, Any] | None:
    """The row of one finished trial in `points_table`, without `on_front`; None if it has none.

    Raises
    ------
    MachineError : as `points_table`
    """
    trial = finished_trial(folder, number)
    if trial is None:
        return None
    table = _checked_rows(folder, [trial]).drop(columns="on_front")
    return {str(name): value for name, value in table.to_dict("records")[0].items()}


def finished_trial(folder: StudyFolder, number: int) -> Trial | None:
    """A finished trial by its number; None if the study has none of that number.

    Raises
    ------
    MachineError : as `points_table`
    """
    if folder.database is not None:
        read = counted_trials(
            folder.database,
            folder.name,
            lambda trials: [trial for trial in trials if trial.number == number],
        )
        if read is not None:
            return next(iter(read[0]), None)
    return next((trial for trial in _finished(folder) if trial.number == number), None)


def front_table(folder: StudyFolder) -> tuple[pd.DataFrame, int]:
    """The rows of `points_table` that are on the front, and the number of all points.

    The metrics of other points are not read, unless ties with them are computed.

    Raises
    ------
    MachineError : as `points_table`
    """
    if folder.database is not None and folder.sweep.replicates == 1:
        read = counted_trials(
            folder.database, folder.name, lambda trials: _front_of(folder.sweep, trials)
        )
        if read is not None:
            return _checked_rows(folder, read[0]), read[1]
    table = points_table(folder)
    return table[table["on_front"]].reset_index(drop=True), len(table)


def _front_of(sweep: Sweep, trials: Sequence[StoredTrial]) -> list[StoredTrial]:
    """The trials that no other feasible trial dominates."""
    feasible = [
        trial
        for trial in trials
        if trial.state.name == "COMPLETE"
        and not any(amount > 0 for amount in trial.constraints.values())
    ]
    signs = [objective.sign for objective in sweep.objectives]
    values = np.array([trial.values for trial in feasible], dtype=np.float64)
    mask = is_on_front(values.reshape(-1, len(signs)) * signs)
    return [trial for trial, on_front in zip(feasible, mask, strict=True) if on_front]


def _finished(folder: StudyFolder) -> Sequence[Trial]:
    """The trials of a study that count, read by Optuna."""
    from optuna.exceptions import StorageInternalError

    from chipdse.study.storage.storage import DAMAGED, reason_of
    from chipdse.study.storage.trials import finished

    try:
        return finished(folder.study)
    except (StorageInternalError, *DAMAGED) as error:
        raise MachineError(
            f"the trials of {folder.path} cannot be read ({reason_of(error)}); put a copy of "
            f"{folder.storage.url} back"
        ) from error


def _checked_rows(
    folder: StudyFolder, trials: Sequence[Trial], *, every_metric: bool = True
) -> pd.DataFrame:
    """`rows_of` trials that must have all parameters."""
    names = {axis.name for axis in folder.sweep.space.axes}
    for trial in trials:
        lost = names - trial.params.keys()
        if lost and trial.state.name == "COMPLETE":
            raise MachineError(
                f"the trials of {folder.path} cannot be read (trial {trial.number} is complete "
                f"and has lost its {', '.join(sorted(lost))}); put a copy of "
                f"{folder.storage.url} back"
            )
    return rows_of(folder.sweep, trials, every_metric=every_metric)
