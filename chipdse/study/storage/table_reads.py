"""The trials of a study's own SQLite file, read without Optuna, for tables of points.

Optuna and SQLAlchemy take half a second to load, and make objects of what a table does not show.
What is returned equals what Optuna returns (a test compares them). Where a file is not as this
module expects it, `None` is returned: Optuna reads it then, or reports what is wrong with it.
"""

from __future__ import annotations

import enum
import functools
import gc
import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from chipdse.study.storage.attributes import (
    FAILURE,
    FINGERPRINT,
    HARVESTED_FROM,
    OUTDATED,
    RETRY_OF,
    SPREAD,
)
from chipdse.study.storage.counted import counted

SCHEMA = "v3.2.0.a"
"""Version of Optuna's tables that this module reads."""
TABLES = frozenset(
    (
        "alembic_version",
        "studies",
        "study_directions",
        "study_system_attributes",
        "study_user_attributes",
        "trial_heartbeats",
        "trial_intermediate_values",
        "trial_params",
        "trial_system_attributes",
        "trial_user_attributes",
        "trial_values",
        "trials",
        "version_info",
    )
)
METRICS = "metrics"
_ATTRIBUTES = (
    *(FAILURE, FINGERPRINT, HARVESTED_FROM, OUTDATED, RETRY_OF, SPREAD),
    "system_evidence",
)
_CONSTRAINT = "constraints:"
_INFINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf}
_UNEXPECTED = (sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, IndexError)
_TIMEOUT_S = 60.0
"""A sweep that writes holds the file for a moment [s]."""


class TrialState(enum.Enum):
    """Optuna's states by name."""

    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"
    WAITING = "WAITING"


@dataclass(slots=True)
class StoredTrial:
    """A trial as a table of points needs it.

    values : of the objectives, in their own direction
    user_attrs : those that a table of points uses; metrics only of the trials that were chosen
    distributions : Optuna's JSON text of the range of each parameter
    """

    number: int
    state: TrialState
    params: dict[str, Any] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    constraints: dict[str, float] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)


def study_attributes(database: Path, name: str) -> dict[str, Any] | None:
    """The attributes of a study; None if Optuna must read them."""
    try:
        with _reading(database) as connection:
            study_id = _study_id(connection, name)
            rows = connection.execute(
                "SELECT key, value_json FROM study_user_attributes WHERE study_id = ?", (study_id,)
            )
            return {key: json.loads(text) for key, text in rows}
    except _UNEXPECTED:
        return None


def counted_trials(
    database: Path,
    name: str,
    choose: Callable[[list[StoredTrial]], Sequence[StoredTrial]] = lambda trials: trials,
    *,
    has_metrics: Callable[[StoredTrial], bool] = lambda trial: True,
) -> tuple[list[StoredTrial], int] | None:
    """The trials of a study that count (`counted`), by number, and how many they are.

    Parameters
    ----------
    choose : which of these trials are returned; they have no metrics yet
    has_metrics : of which of the chosen trials the metrics are read, most of the time of a table

    Returns
    -------
    The chosen trials, and the number of all; None if Optuna must read them
    """
    try:
        with _reading(database) as connection, no_collection():
            study_id = _study_id(connection, name)
            trials = _trials(connection, study_id)
            all_counted = counted(trials.values(), _version(connection, study_id))
            chosen = list(choose(all_counted))
            read = [trial for trial in chosen if has_metrics(trial)]
            _read_metrics(connection, study_id, trials, read, len(all_counted))
            return chosen, len(all_counted)
    except _UNEXPECTED:
        return None


@contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection in one transaction, so that all tables are of one moment."""
    address = f"{database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_TIMEOUT_S)) as connection:
        connection.execute("BEGIN")
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        schema = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if not {name for (name,) in rows} >= TABLES or schema != [(SCHEMA,)]:
            raise ValueError("other tables")
        yield connection


@contextmanager
def no_collection() -> Iterator[None]:
    """No search for reference cycles, a quarter of the time where all objects stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _study_id(connection: sqlite3.Connection, name: str) -> int:
    ((study_id,),) = connection.execute(
        "SELECT study_id FROM studies WHERE study_name = ?", (name,)
    )
    return int(study_id)


def _version(connection: sqlite3.Connection, study_id: int) -> str | None:
    rows = connection.execute(
        "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND key = ?",
        (study_id, FINGERPRINT),
    ).fetchall()
    return str(json.loads(rows[0][0])["id"]) if rows else None


def _trials(connection: sqlite3.Connection, study_id: int) -> dict[int, StoredTrial]:
    """Trials by id, in the order of their numbers, without metrics."""
    rows = connection.execute(
        "SELECT trial_id, number, state,"
        " ifnull(julianday(datetime_start), datetime_start IS NULL) "
        " AND ifnull(julianday(datetime_complete), datetime_complete IS NULL) "
        "FROM trials WHERE study_id = ? ORDER BY number",
        (study_id,),
    )
    trials, state_of = {}, {state.name: state for state in TrialState}
    for trial_id, number, state, has_dates in rows:
        if not has_dates:
            raise ValueError("a date is none")
        trials[trial_id] = StoredTrial(number, state_of[state])
    parts = _parts_of(connection, study_id)
    _read_params(parts, trials)
    values: dict[int, dict[int, float]] = {}
    for trial_id, at, value, kind in parts("trial_values", "objective, value, value_type"):
        number = float(value) if kind == "FINITE" else _INFINITE[kind]
        values.setdefault(trial_id, {})[at] = number
    for trial_id, value_of in values.items():
        trials[trial_id].values = [value_of[at] for at in sorted(value_of)]
    named = ", ".join(f"'{name}'" for name in _ATTRIBUTES)
    decoded = functools.lru_cache(maxsize=None)(json.loads)
    for trial_id, key, text in parts(
        "trial_user_attributes", "key, value_json", f"key IN ({named})"
    ):
        trials[trial_id].user_attrs[key] = decoded(text)
    for trial_id, key, text in parts(
        "trial_system_attributes", "key, value_json", f"key LIKE '{_CONSTRAINT}%'"
    ):
        trials[trial_id].constraints[key.removeprefix(_CONSTRAINT)] = decoded(text)
    return trials


def _parts_of(connection: sqlite3.Connection, study_id: int) -> Callable[..., Any]:
    """A function that reads columns of a table of parts of trials, the id of the trial first.

    Where the file has one study, all rows are of its trials, which need not be looked up.
    """
    ((is_alone,),) = connection.execute("SELECT count(*) = 1 FROM studies")
    of_study = "trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)"

    def parts(table: str, columns: str, which: str = "1", what: str = "trial_id, ") -> Any:
        asked = f"SELECT {what}{columns} FROM {table} WHERE {which}"
        order = "" if "DISTINCT" in what else " ORDER BY rowid"
        if is_alone:
            return connection.execute(asked + order)
        return connection.execute(f"{asked} AND {of_study}{order}", (study_id,))

    return parts


def _read_params(parts: Callable[..., Any], trials: dict[int, StoredTrial]) -> None:
    """Fill in the parameters of trials, and their ranges.

    Only in a study that was extended has a parameter more than one range, and only there is the
    range of each value read.
    """
    table, columns = "trial_params", "param_name, param_value"
    ranges = parts(table, "param_name, distribution_json", what="DISTINCT ").fetchall()
    only = dict(ranges)
    if len(only) == len(ranges):
        shown = {name: _External(text) for name, text in ranges}
        for trial_id, name, value in parts(table, columns):
            trials[trial_id].params[name] = shown[name][value]
        for trial in trials.values():
            same = len(trial.params) == len(only)
            trial.distributions = only if same else {name: only[name] for name in trial.params}
        return
    external = {text: _External(text) for _, text in ranges}
    for trial_id, name, value, text in parts(table, f"{columns}, distribution_json"):
        trial = trials[trial_id]
        trial.params[name] = external[text][value]
        trial.distributions[name] = external[text].distribution


class _External(dict[float, Any]):
    """What Optuna returns for a parameter, by the number that it stores.

    distribution : Optuna's JSON text of the range
    """

    def __init__(self, distribution: str) -> None:
        kind = json.loads(distribution)
        self.distribution = distribution
        self._choices = kind["attributes"].get("choices")
        self._kind = kind["name"]

    def __missing__(self, value: float) -> Any:
        if self._kind == "CategoricalDistribution":
            external = self._choices[int(value)]
        else:
            external = {"IntDistribution": int, "FloatDistribution": float}[self._kind](value)
        return self.setdefault(value, external)


def _read_metrics(
    connection: sqlite3.Connection,
    study_id: int,
    trials: dict[int, StoredTrial],
    chosen: Sequence[StoredTrial],
    count: int,
) -> None:
    """Fill in the metrics of the chosen ones of `count` trials."""
    numbers = {trial.number for trial in chosen}
    question = "SELECT trial_id, value_json FROM trial_user_attributes WHERE key = ?"
    if len(numbers) < count:
        ids = [trial_id for trial_id, trial in trials.items() if trial.number in numbers]
        rows = [
            row
            for trial_id in ids
            for row in connection.execute(f"{question} AND trial_id = ?", (METRICS, trial_id))
        ]
    else:
        parts = _parts_of(connection, study_id)
        rows = parts("trial_user_attributes", "value_json", f"key = '{METRICS}'")
    for trial_id, text in rows:
        trials[trial_id].user_attrs[METRICS] = _decoded(text)


def _decoded(text: str) -> Any:
    """What `json.loads` returns, in a third of the time where every number is finite."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN and Infinity, which are no JSON, or a damaged text
        return json.loads(text)
