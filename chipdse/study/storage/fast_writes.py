"""Propose a trial, or finish one and add those harvested with it, each in one transaction.

Optuna's own `Study.add_trial` is a transaction for each trial, its `Study.ask` one for each
parameter, and its `Trial.set_...` one for each value: seconds for what one expensive point brings.
Here one transaction writes the rows that these calls would write (tests compare them). Any other
storage than a database gets Optuna's calls.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState, create_trial
from sqlalchemy import Connection

from chipdse.study.storage.finish import FinishedTrial
from chipdse.study.storage.optuna_private import (
    PARAMETERS,
    STUDIES,
    SYSTEM_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    VALUES,
    database_of,
    storage_of,
    study_id_of,
    suggest,
    value_as_stored,
)

CONSTRAINTS = "constraints"
"""Optuna keeps a constraint as a system attribute with this prefix."""


def ask(study: optuna.Study, distributions: Mapping[str, BaseDistribution]) -> Trial:
    """`Study.ask`, which has the parameters of the trial written together.

    Parameters
    ----------
    distributions : of every parameter
    """
    storage, database = storage_of(study), database_of(study)
    if database is None:
        return study.ask(dict(distributions))
    trial = study.ask()
    gathering = _Gathering(storage)
    trial.storage = gathering  # type: ignore[assignment]
    try:
        for name, distribution in distributions.items():
            suggest(trial, name, distribution)
    finally:
        trial.storage = storage
    if gathering.rows:
        with database.engine.begin() as connection:
            connection.execute(sqlalchemy.insert(PARAMETERS), gathering.rows)
    return trial


class _Gathering:
    """A storage that keeps the parameters of a trial to be written later.

    rows : of the table of parameters
    """

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self.rows: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def set_trial_param(
        self, trial_id: int, name: str, inside: float, distribution: BaseDistribution
    ) -> None:
        text = distribution_to_json(distribution)
        row = {"param_name": name, "param_value": inside, "distribution_json": text}
        self.rows.append({"trial_id": trial_id, **row})


def complete(
    study: optuna.Study,
    trial_id: int,
    proposed: FinishedTrial,
    harvested: Sequence[FinishedTrial],
    distributions: Mapping[str, BaseDistribution],
    check: Callable[[Connection, int], None] = lambda connection, study_id: None,
) -> None:
    """Finish a running trial and add complete ones.

    Parameters
    ----------
    distributions : of every parameter
    check : raises if nothing may be written to the study of that id; called in the transaction

    Raises
    ------
    UpdateFinishedTrialError : the trial is finished already; nothing was written
    """
    storage, database = storage_of(study), database_of(study)
    if database is not None:
        study_id = study_id_of(study)
        with database.engine.begin() as connection:
            _lock(connection, study_id)
            check(connection, study_id)
            _write(connection, study_id, trial_id, proposed, harvested, distributions)
        return
    for finish in harvested:
        study.add_trial(
            create_trial(
                state=_state_of(finish),
                params=dict(finish.params),
                distributions={name: distributions[name] for name in finish.params},
                values=list(finish.values or ()),
                user_attrs=dict(finish.attributes),
                constraints=dict(finish.constraints),
            )
        )
    for name, value in proposed.params.items():
        inside = distributions[name].to_internal_repr(value)
        storage.set_trial_param(trial_id, name, inside, distributions[name])
    for name, value in proposed.attributes.items():
        storage.set_trial_user_attr(trial_id, name, value)
    for name, value in proposed.constraints.items():
        storage.set_trial_system_attr(trial_id, f"{CONSTRAINTS}:{name}", value)
    storage.set_trial_state_values(trial_id, _state_of(proposed), proposed.values)


def _state_of(finish: FinishedTrial) -> TrialState:
    return TrialState.FAIL if finish.values is None else TrialState.COMPLETE


def _write(
    connection: Connection,
    study_id: int,
    trial_id: int,
    proposed: FinishedTrial,
    harvested: Sequence[FinishedTrial],
    distributions: Mapping[str, BaseDistribution],
) -> None:
    this = TRIALS.c.trial_id == trial_id
    state = connection.execute(sqlalchemy.select(TRIALS.c.state).where(this)).scalar_one()
    if state.is_finished():
        raise UpdateFinishedTrialError(f"trial {trial_id} is finished already")
    now = datetime.datetime.now()  # as Optuna does: local, without a zone
    in_study = TRIALS.c.study_id == study_id
    count = sqlalchemy.select(sqlalchemy.func.count()).select_from(TRIALS).where(in_study)
    first = connection.execute(count).scalar_one()
    ids = [trial_id]
    if harvested:
        rows = [
            {
                "number": first + place,
                "study_id": study_id,
                "state": _state_of(finish),
                "datetime_start": now,
                "datetime_complete": now,
            }
            for place, finish in enumerate(harvested)
        ]
        connection.execute(sqlalchemy.insert(TRIALS), rows)
        new = sqlalchemy.select(TRIALS.c.trial_id).where(in_study, TRIALS.c.number >= first)
        ids += connection.execute(new.order_by(TRIALS.c.number)).scalars()
    _write_parts(connection, dict(zip(ids, [proposed, *harvested], strict=True)), distributions)
    done = {"state": _state_of(proposed), "datetime_complete": now}
    connection.execute(sqlalchemy.update(TRIALS).where(this).values(**done))


def _lock(connection: Connection, study_id: int) -> None:
    """Keep other drivers from numbering trials of this study until the transaction ends."""
    this = STUDIES.c.study_id == study_id
    if connection.dialect.name == "sqlite":  # knows no row locks: a write locks the file
        same = {"study_name": STUDIES.c.study_name}
        connection.execute(sqlalchemy.update(STUDIES).where(this).values(**same))
    else:
        connection.execute(sqlalchemy.select(STUDIES.c.study_id).where(this).with_for_update())


def _write_parts(
    connection: Connection,
    finishes: Mapping[int, FinishedTrial],
    distributions: Mapping[str, BaseDistribution],
) -> None:
    """Rows of parameters, values and attributes, by trial id."""
    texts = {
        name: distribution_to_json(distribution) for name, distribution in distributions.items()
    }
    params, values, attributes, constraints = [], [], [], []
    for trial_id, finish in finishes.items():
        for name, value in finish.params.items():
            inside = distributions[name].to_internal_repr(value)
            row = {"param_name": name, "param_value": inside, "distribution_json": texts[name]}
            params.append({"trial_id": trial_id, **row})
        for objective, value in enumerate(finish.values or ()):
            number, kind = value_as_stored(value)
            row = {"objective": objective, "value": number, "value_type": kind}
            values.append({"trial_id": trial_id, **row})
        for name, value in finish.attributes.items():
            attributes.append({"trial_id": trial_id, "key": name, "value_json": json.dumps(value)})
        for name, value in finish.constraints.items():
            key = f"{CONSTRAINTS}:{name}"
            constraints.append({"trial_id": trial_id, "key": key, "value_json": json.dumps(value)})
    tables: dict[Any, list[dict[str, Any]]] = {
        PARAMETERS: params,
        VALUES: values,
        USER_ATTRIBUTES: attributes,
        SYSTEM_ATTRIBUTES: constraints,
    }
    for table, rows in tables.items():
        if rows:
            connection.execute(sqlalchemy.insert(table), rows)
