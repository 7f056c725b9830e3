"""The fingerprint in a study's storage, and which of its points another one makes outdated."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from chipdse.errors import DesignError, MachineError
from chipdse.store.folder import hash_of
from chipdse.store.place import Read
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.storage.attributes import FAILURE, FINGERPRINT, OUTDATED
from chipdse.study.storage.fingerprint import (
    Fingerprint,
    comparable,
    differences,
    listed,
    parts_now,
    parts_read,
)
from chipdse.study.storage.folder import kept_in
from chipdse.study.storage.optuna_private import (
    STUDY_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    study_id_of,
)
from chipdse.study.storage.storage import Storage, alone


def settle(
    study: optuna.Study, storage: Storage, sweep: Sweep, where: str, *, re_evaluate: bool
) -> Fingerprint:
    """The fingerprint under which a study goes on, kept in it from now on.

    Parameters
    ----------
    where : the study, for messages
    re_evaluate : where another version made its points, put these back among what is to be
        evaluated, all at once

    Raises
    ------
    DesignError : another version made its points
    """
    with alone(storage, study.study_name):
        fingerprint = kept_in(study.user_attrs)
        parts = parts_now(sweep, fingerprint.parts if fingerprint else {})
        now = Fingerprint(identity=hash_of(parts)[:12], parts=parts)
        if fingerprint is not None and fingerprint.parts == parts:
            return fingerprint
        if fingerprint is not None and not differences(*comparable(fingerprint.parts, parts)):
            # The sweep names further programs, libraries or calibrations: the points stay.
            now = dataclasses.replace(fingerprint, parts={**fingerprint.parts, **parts})
            _write(storage.optuna, study_id_of(study), now, outdate=False)
            return now
        if not re_evaluate:
            _check_same_version(study, storage, fingerprint, parts, where)
        _write(storage.optuna, study_id_of(study), now, outdate=True)
    return now


def check_version(study: optuna.Study, storage: Storage, sweep: Sweep, where: str) -> None:
    """Raise DesignError if another version made the points of a study; writes nothing."""
    fingerprint = kept_in(study.user_attrs)
    parts = parts_now(sweep, fingerprint.parts if fingerprint else {})
    _check_same_version(study, storage, fingerprint, parts, where)


def _check_same_version(
    study: optuna.Study,
    storage: Storage,
    fingerprint: Fingerprint | None,
    parts: Mapping[str, str],
    where: str,
) -> None:
    names = differences(*comparable(fingerprint.parts, parts)) if fingerprint else []
    if (fingerprint is not None and not names) or not _points_in(
        storage.optuna, study_id_of(study)
    ):
        return
    if fingerprint is None:
        reason = f"{where} was made by a chipdse that kept no versions of what made it"
    else:
        reason = f"{where} was made with another version of: {listed(names)}"
    raise DesignError(
        f"{reason}; name a new folder with --study, or evaluate its points again with --re-evaluate"
    )


def add_reads(study: optuna.Study, storage: Storage, sweep: Sweep, reads: Iterable[Read]) -> None:
    """Keep what a point was seen to read.

    Raises
    ------
    MachineError : another point of the study read something else there
    """
    new = parts_read(sweep.blocks, reads)
    with alone(storage, study.study_name):
        fingerprint = kept_in(study.user_attrs)
        if fingerprint is None or new.items() <= fingerprint.parts.items():
            return
        common = {name: digest for name, digest in new.items() if name in fingerprint.parts}
        if names := differences({name: fingerprint.parts[name] for name in common}, common):
            raise MachineError(
                f"{listed(names)} differs from what other points of the study read; what is "
                "finished is safe: make it the same everywhere, then run the same command again"
            )
        merged = Fingerprint(identity=fingerprint.identity, parts={**fingerprint.parts, **new})
        _write(storage.optuna, study_id_of(study), merged, outdate=False)


def check_current(connection: sqlalchemy.Connection, study_id: int, identity: str) -> None:
    """Raise MachineError if a study goes on under another fingerprint than a driver's."""
    attributes = STUDY_ATTRIBUTES
    this = (attributes.c.study_id == study_id) & (attributes.c.key == FINGERPRINT)
    text = connection.execute(sqlalchemy.select(attributes.c.value_json).where(this)).scalar()
    if text is not None and json.loads(text)["id"] != identity:
        raise MachineError(
            "another driver evaluates this study again with other versions (--re-evaluate); this "
            "one has stopped, and nothing of it is mixed with that"
        )


def _points_in(storage: RDBStorage, study_id: int) -> int:
    """Trials that are points of a study; asked for without filling Optuna's cache of trials."""
    with storage.engine.connect() as connection:
        return len(_points(connection, study_id))


def _points(connection: sqlalchemy.Connection, study_id: int) -> list[int]:
    trials, attributes = TRIALS, USER_ATTRIBUTES

    def having(key: str) -> Any:
        return sqlalchemy.select(attributes.c.trial_id).where(attributes.c.key == key)

    in_study = (trials.c.study_id == study_id) & trials.c.trial_id.not_in(having(OUTDATED))
    complete = trials.c.state == TrialState.COMPLETE
    failed = (trials.c.state == TrialState.FAIL) & trials.c.trial_id.in_(having(FAILURE))
    chosen = sqlalchemy.select(trials.c.trial_id).where(in_study & (complete | failed))
    return list(connection.execute(chosen).scalars())


def _write(storage: RDBStorage, study_id: int, fingerprint: Fingerprint, *, outdate: bool) -> None:
    """Keep a fingerprint in one transaction, with all that is finished put back if `outdate`."""
    attributes = STUDY_ATTRIBUTES
    value = json.dumps({"id": fingerprint.identity, "parts": dict(fingerprint.parts)})
    with storage.engine.begin() as connection:
        this = (attributes.c.study_id == study_id) & (attributes.c.key == FINGERPRINT)
        connection.execute(sqlalchemy.delete(attributes).where(this))
        row = {"study_id": study_id, "key": FINGERPRINT, "value_json": value}
        connection.execute(sqlalchemy.insert(attributes), [row])
        if outdate:
            put_back(connection, study_id, fingerprint.identity)


def put_back(connection: sqlalchemy.Connection, study_id: int, identity: str) -> None:
    """Put all finished points of a study back among what is to be evaluated.

    Parameters
    ----------
    identity : the fingerprint under which they are evaluated again
    """
    numbers = _points(connection, study_id)
    for at in range(0, len(numbers), 500):
        some = numbers[at : at + 500]
        failed = sqlalchemy.update(TRIALS).where(TRIALS.c.trial_id.in_(some))
        connection.execute(failed.values(state=TrialState.FAIL))
        marks = [
            {"trial_id": trial_id, "key": OUTDATED, "value_json": json.dumps(identity)}
            for trial_id in some
        ]
        connection.execute(sqlalchemy.insert(USER_ATTRIBUTES), marks)
