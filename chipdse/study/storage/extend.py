"""Continue a study under a sweep file that allows more values than before.

Optuna keeps the distribution of a parameter with every trial and refuses another one, so the
stored trials get the distributions of the new sweep. Their points and results stay as they are.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import TrialState
from sqlalchemy import Connection

from chipdse.errors import DesignError
from chipdse.study.question.space import Axis, Value, read_axis
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.storage.folder import kept_in
from chipdse.study.storage.kept_fingerprint import put_back
from chipdse.study.storage.optuna_private import (
    PARAMETERS,
    STUDY_ATTRIBUTES,
    TRIALS,
    study_id_of,
)
from chipdse.study.storage.storage import Storage

_SPACE = ("hardware", "workload", "library", "synthesis", "operating", "package", "physical")
"""Tables of a sweep file whose parameters may be swept."""
_ABSENT = object()


@dataclass(frozen=True, kw_only=True)
class Extension:
    """A parameter with more values than before.

    axis : as it is now
    fixed : its only value so far; None if it was swept already
    """

    axis: Axis
    fixed: Value | None = None


def extensions(sweep: Sweep, stored_text: str, where: str) -> list[Extension]:
    """The parameters that have more values than in the stored sweep file.

    Parameters
    ----------
    where : the study, for messages

    Raises
    ------
    DesignError : the sweeps differ in more than added values, the budget and the sampler
    """
    ours, stored = _content(sweep.text), _content(stored_text)
    extensions: list[Extension] = []
    axes = {(axis.group, axis.name): axis for axis in sweep.space.axes}
    for key in sorted(ours.keys() | stored.keys()):
        before, now = stored.get(key), ours.get(key)
        if before == now:
            continue
        if key not in _SPACE or not isinstance(before, dict) or not isinstance(now, dict):
            raise _refusal(sweep, where, key, "")
        for name in sorted(before.keys() | now.keys()):
            old, new = before.get(name, _ABSENT), now.get(name, _ABSENT)
            if old == new and type(old) is type(new):
                continue
            axis = axes.get((key, "library" if key == "library" else name))  # written as its name
            extension = _extension(axis, old, where)
            if extension is None:
                raise _refusal(sweep, where, key, f" ({name}: {_shown(old)}, now {_shown(new)})")
            extensions.append(extension)
    return extensions


def _content(text: str) -> dict[str, Any]:
    """A sweep file without what may change: the question's wording, the budget and the sampler."""
    data = tomllib.loads(text)
    search = data.pop("search", {})
    data["search.harvest"] = search.get("harvest", True)
    data["search.replicates"] = search.get("replicates", 1)
    data.pop("question", None)
    return data


def _extension(axis: Axis | None, old: Any, where: str) -> Extension | None:
    """The extension from a stored entry to an axis; None if a value is lost or was not stated."""
    if axis is None or old is _ABSENT:
        return None
    before = read_axis(axis.group, axis.name, old, where)
    values = before.values if isinstance(before, Axis) else (before,)
    if any(_place(axis, value) is None for value in values):
        return None
    return Extension(axis=axis, fixed=None if isinstance(before, Axis) else before)


def _place(axis: Axis, value: Value) -> int | None:
    """Where an axis has a value; true is not 1."""
    for place, known in enumerate(axis.values):
        if known == value and isinstance(known, bool) == isinstance(value, bool):
            return place
    return None


def _shown(value: Any) -> str:
    return "not stated" if value is _ABSENT else str(value)


def _refusal(sweep: Sweep, where: str, key: str, detail: str) -> DesignError:
    is_plural = key.endswith("s") and "." not in key  # constants, limits, objectives
    verb = "differ" if is_plural else "differs"
    return DesignError(
        f"{where} is a study of another sweep: its {key} {verb} from {sweep.path}{detail}; "
        "values may be added to a parameter that the file states, not removed; else name a new "
        "folder with --study (stored stages are reused)"
    )


def extend(
    study: optuna.Study, storage: Storage, sweep: Sweep, additions: Sequence[Extension]
) -> None:
    """Give the stored trials the new distributions, in one transaction with the new sweep file.

    If supplies, clocks or packages were added to a sweep that harvests, all its designs are queued
    to be evaluated again with them; their stage results come from the store.

    Raises
    ------
    DesignError : other drivers are evaluating points of this study
    """
    study_id = study_id_of(study)
    running = _running(storage, study_id) if storage.shared else 0
    if running:
        raise DesignError(
            f"{running} points of {study.study_name!r} are being evaluated under the sweep "
            "file without the added values; wait for these sweeps to end"
        )
    distributions = sweep.space.distributions()
    again = sweep.harvests and any(extension.axis.is_cheap for extension in additions)
    version = kept_in(study.user_attrs)
    with storage.optuna.engine.begin() as connection:
        for extension in additions:
            new = distributions[extension.axis.name]
            if extension.fixed is None:
                _convert(connection, study_id, extension.axis.name, new)
            else:
                _insert(connection, study_id, extension, new)
        attributes = STUDY_ATTRIBUTES
        this = (attributes.c.study_id == study_id) & (attributes.c.key == "sweep")
        text = {"value_json": json.dumps(sweep.text)}
        connection.execute(sqlalchemy.update(attributes).where(this).values(**text))
        if again and version is not None:
            put_back(connection, study_id, version.identity)


def _running(storage: Storage, study_id: int) -> int:
    """Number of running trials, counted without filling Optuna's cache of trials."""
    running = (TRIALS.c.study_id == study_id) & (TRIALS.c.state == TrialState.RUNNING)
    count = sqlalchemy.select(sqlalchemy.func.count()).select_from(TRIALS).where(running)
    with storage.optuna.engine.connect() as connection:
        return int(connection.execute(count).scalar_one())


def _in_study(study_id: int) -> Any:
    return sqlalchemy.select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)


def _convert(connection: Connection, study_id: int, name: str, new: BaseDistribution) -> None:
    """Write a parameter of all trials under another distribution."""
    params = PARAMETERS
    wanted = (params.c.param_name == name) & params.c.trial_id.in_(_in_study(study_id))
    columns = (params.c.param_id, params.c.param_value, params.c.distribution_json)
    rows: list[Mapping[str, Any]] = [
        {
            "id": identity,
            "value": new.to_internal_repr(json_to_distribution(text).to_external_repr(value)),
        }
        for identity, value, text in connection.execute(sqlalchemy.select(*columns).where(wanted))
    ]
    if rows:
        update = sqlalchemy.update(params).where(params.c.param_id == sqlalchemy.bindparam("id"))
        values = {
            "param_value": sqlalchemy.bindparam("value"),
            "distribution_json": distribution_to_json(new),
        }
        connection.execute(update.values(**values), rows)


def _insert(
    connection: Connection, study_id: int, extension: Extension, new: BaseDistribution
) -> None:
    """Write the value that a parameter had so far into all trials that have parameters."""
    params = PARAMETERS
    begun = sqlalchemy.select(params.c.trial_id).where(params.c.trial_id.in_(_in_study(study_id)))
    rows = [
        {
            "trial_id": trial_id,
            "param_name": extension.axis.name,
            "param_value": new.to_internal_repr(extension.fixed),
            "distribution_json": distribution_to_json(new),
        }
        for trial_id in connection.execute(begun.distinct()).scalars()
    ]
    if rows:
        connection.execute(sqlalchemy.insert(params), rows)
