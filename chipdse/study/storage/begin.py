"""Start a study in a folder, or open one that was begun, with Optuna."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.exc import SQLAlchemyError

from chipdse.errors import DesignError
from chipdse.store.files import write_whole
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.storage.extend import extend, extensions
from chipdse.study.storage.fingerprint import Fingerprint
from chipdse.study.storage.folder import (
    OWN_DATABASE,
    Opened,
    StudyFolder,
    check_database,
    read_description,
)
from chipdse.study.storage.kept_fingerprint import check_version, settle
from chipdse.study.storage.layout import DATABASE, DESCRIPTION, SWEEP
from chipdse.study.storage.storage import DAMAGED, Storage, alone, open_storage, reason_of


def start_study(
    sweep: Sweep,
    path: Path,
    storage: str | None,
    description: Mapping[str, Any],
    *,
    re_evaluate: bool = False,
    first: Sequence[Point] = (),
) -> StudyFolder:
    """Open the study of a sweep in `path`; creates it if there is none.

    If the sweep has more values than the study had so far, the study continues with them.

    Parameters
    ----------
    storage : Optuna storage URL; None is a SQLite file in the folder
    description : JSON values to keep: library and versions
    re_evaluate : evaluate again all points that another version computed
    first : points of `sweep.proposed_space` that a new study evaluates first

    Raises
    ------
    DesignError : the folder holds a study of another sweep, its study is not in the storage, or
        another version of block, library, chipdse or tools made its points
    """
    name, is_begun = path.absolute().name, (path / SWEEP).exists()
    if is_begun:
        extensions(sweep, (path / SWEEP).read_text(), str(path))
        stored = read_description(path)
        name = stored["study"]
        description = {**description, "storage": storage or stored["storage"]}
        check_database(path, description["storage"])
    elif path.exists() and any(not _is_begun(file) for file in path.iterdir()):
        raise DesignError(f"{path} holds other files; name an empty or new folder with --study")
    else:
        description = {**description, "storage": storage or OWN_DATABASE}
    description = {**description, "study": name, "folder": str(sweep.path.parent.absolute())}
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        opened = open_storage(str(description["storage"]), path, is_begun=is_begun)
        study = _open(name, opened, sweep, is_begun=is_begun, first=first)
        _extend(study, opened, sweep, path, re_evaluate=re_evaluate)
        version = _settled(study, opened, sweep, path, re_evaluate=re_evaluate)
    except DesignError:
        if is_new:
            shutil.rmtree(path)
        raise
    description["storage"] = opened.url
    description["fingerprint"] = version.identity
    write_whole(path / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    write_whole(path / SWEEP, sweep.text)
    both = Opened(study=study, storage=opened)
    return StudyFolder(
        path=path, sweep=sweep, description=description, opens=lambda: both, version=version
    )


def _is_begun(file: Path) -> bool:
    """Whether a file may be the remainder of a sweep that was killed while it created its study."""
    return file.name in (DATABASE, f"{DATABASE}-journal", DESCRIPTION) or file.name.startswith(
        (f".{DESCRIPTION}.", f".{SWEEP}.")
    )


def open_begun(path: Path, sweep: Sweep, description: Mapping[str, Any]) -> Opened:
    """Open the study of a folder to read it.

    Parameters
    ----------
    description : the content of `study.json`

    Raises
    ------
    DesignError : its storage does not open, or has the study of another sweep
    """
    storage = open_storage(description["storage"], path, is_begun=True)
    study = _open(description["study"], storage, sweep, is_begun=True)
    if extensions(sweep, study.user_attrs["sweep"], f"{study.study_name!r} in {storage.url}"):
        raise DesignError(f"{path} has a wider sweep file than its trials; run the sweep again")
    return Opened(study=study, storage=storage)


def _open(
    name: str, storage: Storage, sweep: Sweep, *, is_begun: bool, first: Sequence[Point] = ()
) -> optuna.Study:
    """The study of that name; created if `is_begun` is false and no other driver created it."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if is_begun and name not in optuna.get_all_study_names(storage.optuna):
            raise DesignError(
                f"{storage.url} has no study {name!r}; name the storage that has it, or sweep "
                "into a new folder"
            )
        with alone(storage, name):
            study = _load(name, storage) if is_begun else _create(name, storage, sweep)
            if "sweep" not in study.user_attrs:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                    study.set_metric_names([objective.metric for objective in sweep.objectives])
                for point in first:
                    study.enqueue_trial(dict(point), skip_if_exists=True)
                study.set_user_attr("sweep", sweep.text)
    except (*DAMAGED, optuna.exceptions.OptunaError) as error:
        raise DesignError(
            f"storage {storage.url!r} cannot be opened: {reason_of(error)}"
        ) from error
    return study


def _load(name: str, storage: Storage) -> optuna.Study:
    """An existing study; writes nothing, so that a study can be read that is not ours to write."""
    return optuna.load_study(study_name=name, storage=storage.optuna)


def _create(name: str, storage: Storage, sweep: Sweep) -> optuna.Study:
    """A new study, or the one that another driver created."""
    return optuna.create_study(
        storage=storage.optuna,
        study_name=name,
        directions=[
            "minimize" if objective.minimize else "maximize" for objective in sweep.objectives
        ],
        load_if_exists=True,
    )


def _extend(
    study: optuna.Study, storage: Storage, sweep: Sweep, path: Path, *, re_evaluate: bool
) -> None:
    """Continue the study under a sweep file with more values, if it is one.

    A study of another version is refused before anything is written: its own sweep file has to
    open it afterwards.
    """
    where = f"{study.study_name!r} in {storage.url}"
    try:
        with alone(storage, study.study_name):
            text = study.user_attrs["sweep"]
            if additions := extensions(sweep, text, where):
                if not re_evaluate:
                    check_version(study, storage, sweep, str(path))
                extend(study, storage, sweep, additions)
    except (SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise DesignError(
            f"storage {storage.url!r} cannot be written: {reason_of(error)}"
        ) from error


def _settled(
    study: optuna.Study, storage: Storage, sweep: Sweep, path: Path, *, re_evaluate: bool
) -> Fingerprint:
    """The fingerprint under which the study continues."""
    try:
        return settle(study, storage, sweep, str(path), re_evaluate=re_evaluate)
    except (SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise DesignError(
            f"storage {storage.url!r} cannot be written: {reason_of(error)}"
        ) from error
