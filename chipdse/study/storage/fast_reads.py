"""Optuna's database storage, read with plain queries: thousands of trials in a second.

Optuna makes an object of every parameter, value and attribute it reads: half a minute for 20,000
trials. What is returned here is equal to what it returns (a test compares them).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Container, Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from chipdse.study.storage.optuna_private import (
    INTERMEDIATE_VALUES,
    PARAMETERS,
    SYSTEM_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    VALUES,
    DatabaseStorage,
    stored_intermediate_value,
    stored_value,
)
from chipdse.study.storage.table_reads import no_collection

LISTED = 500
"""Largest number of trials that a query selects by their ids."""


class SqlStorage(DatabaseStorage):
    """A storage whose trials are read at once."""

    def read_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        wanted: set[int],
        after: int,
    ) -> list[FrozenTrial]:
        """As `DatabaseStorage.read_trials`.

        Rows of a trial are read after its state: they are at least as new.
        """
        wanted = {trial_id for trial_id in wanted if trial_id <= after}
        trials = TRIALS
        which = trials.c.study_id == study_id
        if wanted and len(wanted) <= LISTED:
            which &= (trials.c.trial_id > after) | trials.c.trial_id.in_(wanted)
        elif after > -1:
            first = min(wanted, default=after + 1)
            which &= trials.c.trial_id >= first
        columns = (
            trials.c.trial_id,
            trials.c.number,
            trials.c.state,
            trials.c.datetime_start,
            trials.c.datetime_complete,
        )
        with self.session_of(study_id) as session:
            rows = session.execute(sqlalchemy.select(*columns).where(which)).all()
            parts_of_trial = {
                row.trial_id: _Parts(row)
                for row in sorted(rows)
                if (row.trial_id > after or row.trial_id in wanted)
                and (states is None or row.state in states)
            }
            with no_collection():
                if parts_of_trial:
                    _read_parts(
                        session, parts_of_trial, sqlalchemy.select(trials.c.trial_id).where(which)
                    )
                return [parts.trial() for parts in parts_of_trial.values()]


class _Parts:
    """What the tables hold of one trial."""

    __slots__ = ("distributions", "intermediate", "params", "row", "system", "user", "values")

    def __init__(self, row: Any) -> None:
        self.row = row
        self.params: dict[str, Any] = {}
        self.distributions: dict[str, BaseDistribution] = {}
        self.values: dict[int, float] = {}
        self.user: dict[str, Any] = {}
        self.system: dict[str, Any] = {}
        self.intermediate: dict[int, float] = {}

    def trial(self) -> FrozenTrial:
        row = self.row
        return FrozenTrial(
            number=row.number,
            state=row.state,
            value=None,
            values=[self.values[at] for at in sorted(self.values)] or None,
            datetime_start=row.datetime_start,
            datetime_complete=row.datetime_complete,
            params=self.params,
            distributions=self.distributions,
            user_attrs=self.user,
            system_attrs=self.system,
            intermediate_values=self.intermediate,
            trial_id=row.trial_id,
        )


class _Decoded(dict[str, Any]):
    """Values by their JSON text. Most attributes are numbers and words that many trials share."""

    def __missing__(self, text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, dict | list):  # which a reader may change
            self[text] = value
        return value


def _read_parts(session: Any, parts_of_trial: dict[int, _Parts], ids: Any) -> None:
    """Fill in parameters, values and attributes of some trials."""

    def rows(table: Any, *names: str) -> Iterable[Any]:
        columns = [table.c.trial_id, *(table.c[name] for name in names)]
        asked = sqlalchemy.select(*columns).where(table.c.trial_id.in_(ids))
        order = next(iter(table.primary_key.columns))  # Optuna's: parameters in order of asking
        return itertools.chain.from_iterable(
            session.execute(asked.order_by(order)).partitions(10_000)
        )

    # Rows of trials that began since, or that were not asked for, are left out.
    decoded = lru_cache(maxsize=None)(json_to_distribution)
    value_of, parts = _Decoded(), parts_of_trial.get
    param_columns = ("param_name", "param_value", "distribution_json")
    for trial_id, name, value, text in rows(PARAMETERS, *param_columns):
        if (trial := parts(trial_id)) is not None:
            trial.distributions[name] = decoded(text)
            trial.params[name] = decoded(text).to_external_repr(value)
    value_columns = ("objective", "value", "value_type")
    for trial_id, at, value, kind in rows(VALUES, *value_columns):
        if (trial := parts(trial_id)) is not None:
            trial.values[at] = stored_value(value, kind)
    for trial_id, key, text in rows(USER_ATTRIBUTES, "key", "value_json"):
        if (trial := parts(trial_id)) is not None:
            trial.user[key] = value_of[text]
    for trial_id, key, text in rows(SYSTEM_ATTRIBUTES, "key", "value_json"):
        if (trial := parts(trial_id)) is not None:
            trial.system[key] = value_of[text]
    step_columns = ("step", "intermediate_value", "intermediate_value_type")
    for trial_id, step, value, kind in rows(INTERMEDIATE_VALUES, *step_columns):
        if (trial := parts(trial_id)) is not None:
            trial.intermediate[step] = stored_intermediate_value(value, kind)
