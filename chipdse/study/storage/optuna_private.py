"""All of Optuna that is used without being part of its documented interface, and what for.

No other module of chipdse names a private part of Optuna (a test holds it). Tested with Optuna 5.0;
a minor release may rename any of it, so `pyproject.toml` admits only the tested one. To admit the
next one, mend this module until `tests/study/storage` and `tests/study/test_study_complete.py`
pass, which compare everything read and written here with Optuna's own calls.

| private to Optuna | why it is used |
|---|---|
| tables of its database (`models`) | one query reads or writes what takes Optuna thousands |
| `RDBStorage._get_trials`, `_create_scoped_session` | its storage then reads trials in this way |
| `Study._storage`, `_CachedStorage._backend` | the database of a study |
| `Study._study_id`, `Trial._trial_id` | keys of the rows in the database |
| `Trial._suggest` | one parameter of a trial by its distribution |
| `_VersionManager._create_alembic_script` | versions of its tables, read once per process |
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from alembic.script import ScriptDirectory
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session, _VersionManager
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.orm import Session

ALL_TABLES = models.BaseModel.metadata.tables
STUDIES = models.StudyModel.__table__
STUDY_ATTRIBUTES = models.StudyUserAttributeModel.__table__
TRIALS = models.TrialModel.__table__
PARAMETERS = models.TrialParamModel.__table__
VALUES = models.TrialValueModel.__table__
INTERMEDIATE_VALUES = models.TrialIntermediateValueModel.__table__
USER_ATTRIBUTES = models.TrialUserAttributeModel.__table__
SYSTEM_ATTRIBUTES = models.TrialSystemAttributeModel.__table__

value_as_stored = models.TrialValueModel.value_to_stored_repr
"""The number and the kind by which `VALUES` holds the value of an objective."""
stored_value = models.TrialValueModel.stored_repr_to_value
"""The value of an objective from its number and kind."""
stored_intermediate_value = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
"""An intermediate value from its number and kind in `INTERMEDIATE_VALUES`."""


_read_versions = _VersionManager._create_alembic_script


@functools.cache
def _versions() -> ScriptDirectory:
    """The versions of Optuna's tables: thirty modules, of which none depends on the database."""
    manager = _VersionManager.__new__(_VersionManager)
    manager.url = "sqlite://"
    return _read_versions(manager)


# Its manager loads them at each opening.
_VersionManager._create_alembic_script = lambda self: _versions()  # type: ignore[method-assign]


class DatabaseStorage(RDBStorage):
    """Optuna's storage in a database, whose trials a subclass reads."""

    def read_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        wanted: set[int],
        after: int,
    ) -> list[FrozenTrial]:
        """Trials of a study by id.

        Parameters
        ----------
        states : of the trials; None is any
        wanted : trials to return although their id is not above `after`
        after : all trials with a greater id are returned
        """
        raise NotImplementedError

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        return self.read_trials(study_id, states, included_trial_ids, trial_id_greater_than)

    @contextmanager
    def session_of(self, study_id: int) -> Iterator[Session]:
        """A session in which a study is known to be in the database.

        Raises
        ------
        KeyError : it is not
        StorageInternalError : the database failed
        """
        with _create_scoped_session(self.scoped_session) as session:
            models.StudyModel.find_or_raise_by_id(study_id, session)
            yield session


def storage_of(study: optuna.Study) -> BaseStorage:
    """The storage of a study, which may keep trials in memory before a database."""
    return study._storage


def database_of(study: optuna.Study) -> RDBStorage | None:
    """The database of a study; None if it is kept elsewhere."""
    storage = study._storage
    database: Any = getattr(storage, "_backend", storage)
    return database if isinstance(database, RDBStorage) else None


def study_id_of(study: optuna.Study) -> int:
    """The key of a study in its database."""
    return study._study_id


def trial_id_of(trial: Trial | FrozenTrial) -> int:
    """The key of a trial in its database."""
    return trial._trial_id


def suggest(trial: Trial, name: str, distribution: BaseDistribution) -> None:
    """Give a running trial a parameter, as `Study.ask` does for each of its distributions."""
    trial._suggest(name, distribution)
