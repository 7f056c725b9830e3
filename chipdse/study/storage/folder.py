"""A study on disk: Optuna's storage, the sweep file, the points as CSV, the versions of tools.

`layout.py` names its files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from chipdse.errors import DesignError
from chipdse.store.files import write_whole
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.storage.extend import extend, extensions
from chipdse.study.storage.fingerprint import Kept
from chipdse.study.storage.kept_fingerprint import (
    check_current,
    check_version,
    kept_by,
    settle,
)
from chipdse.study.storage.layout import ABOUT, DATABASE, SWEEP, check_study
from chipdse.study.storage.storage import DAMAGED, Storage, alone, open_storage, reason_of

OWN = f"sqlite:///{DATABASE}"
"""A storage in the study's own folder."""


@dataclass(frozen=True, kw_only=True)
class StudyFolder:
    """An open study.

    path : its folder
    sweep : the sweep that the study runs
    study : the Optuna study
    about : the content of `study.json`
    storage : the storage of its trials
    version : the fingerprint of its points; None for a study of an older version of chipdse
    """

    path: Path
    sweep: Sweep
    study: optuna.Study
    about: Mapping[str, Any]
    storage: Storage
    version: Kept | None = None

    def check(self, connection: Connection, study_id: int) -> None:
        """Raise MachineError if the study now has another fingerprint than this driver."""
        if self.version is not None:
            check_current(connection, study_id, self.version.identity)

    @property
    def driver(self) -> str:
        """The driver of the sweep in this folder: the name of the machine, and the folder."""
        place = f"{uuid.getnode()} {self.path.absolute()}"
        return f"{socket.gethostname()}:{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def start_study(
    sweep: Sweep,
    path: Path,
    storage: str | None,
    description: Mapping[str, Any],
    *,
    re_evaluate: bool = False,
) -> StudyFolder:
    """Open the study of a sweep in `path`; creates it if there is none.

    If the sweep has more values than the study had so far, the study continues with them.

    Parameters
    ----------
    storage : Optuna storage URL; None is a SQLite file in the folder
    description : JSON values to keep: library and versions
    re_evaluate : evaluate again all points that another version computed

    Raises
    ------
    DesignError : the folder holds a study of another sweep, its study is not in the storage, or
        another version of block, library, chipdse or tools made its points
    """
    name, is_begun = path.absolute().name, (path / SWEEP).exists()
    if is_begun:
        extensions(sweep, (path / SWEEP).read_text(), str(path))
        stored = _read_about(path)
        name = stored["study"]
        description = {**description, "storage": storage or stored["storage"]}
        _check_database(path, description["storage"])
    elif path.exists() and any(not _is_begun(file) for file in path.iterdir()):
        raise DesignError(f"{path} holds other files; name an empty or new folder with --study")
    else:
        description = {**description, "storage": storage or OWN}
    description = {**description, "study": name, "folder": str(sweep.path.parent.absolute())}
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        opened = open_storage(str(description["storage"]), path, is_begun=is_begun)
        study = _open(name, opened, sweep, is_begun=is_begun)
        _extend(study, opened, sweep, path, re_evaluate=re_evaluate)
        version = _settled(study, opened, sweep, path, re_evaluate=re_evaluate)
    except DesignError:
        if is_new:
            shutil.rmtree(path)
        raise
    description["storage"] = opened.url
    description["fingerprint"] = version.identity
    write_whole(path / ABOUT, json.dumps(description, indent=1) + "\n")
    write_whole(path / SWEEP, sweep.text)
    return StudyFolder(
        path=path, sweep=sweep, study=study, about=description, storage=opened, version=version
    )


def _is_begun(file: Path) -> bool:
    """Whether a file may be the remainder of a sweep that was killed while it created its study."""
    return file.name in (DATABASE, f"{DATABASE}-journal", ABOUT) or file.name.startswith(
        (f".{ABOUT}.", f".{SWEEP}.")
    )


def open_study(path: Path) -> StudyFolder:
    """Open an existing study to read it.

    Raises
    ------
    DesignError : there is no study in that folder
    """
    check_study(path)
    description = _read_about(path)
    liberty = tuple(Path(file) for file in description.get("liberty", []))
    origin = Path(description["folder"]) if "folder" in description else None
    sweep = read_sweep(path / SWEEP, liberty, folder=origin)
    _check_database(path, description["storage"])
    opened = open_storage(description["storage"], path, is_begun=True)
    study = _open(description["study"], opened, sweep, is_begun=True)
    if extensions(sweep, study.user_attrs["sweep"], f"{study.study_name!r} in {opened.url}"):
        raise DesignError(f"{path} has a wider sweep file than its trials; run the sweep again")
    return StudyFolder(
        path=path,
        sweep=sweep,
        study=study,
        about=description,
        storage=opened,
        version=kept_by(study),
    )


def _check_database(path: Path, storage: str) -> None:
    if storage == OWN and not (path / DATABASE).exists():
        raise DesignError(f"{path} has lost its trials: {DATABASE} is not there; put it back")


def _read_about(path: Path) -> dict[str, Any]:
    """The content of `study.json`."""
    try:
        content: dict[str, Any] = json.loads((path / ABOUT).read_text())
        content.setdefault("study", path.absolute().name)
        Path(content["study"]), Path(content["storage"]), os.fsencode(content.get("folder", ""))
        list(map(os.fsencode, content.get("liberty", [])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DesignError(
            f"{path / ABOUT} is damaged ({type(error).__name__}: {error}); it says where the "
            "trials are: put it back, or sweep into a new folder"
        ) from error
    return content


def _open(name: str, storage: Storage, sweep: Sweep, *, is_begun: bool) -> optuna.Study:
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
) -> Kept:
    """The fingerprint under which the study continues."""
    try:
        return settle(study, storage, sweep, str(path), re_evaluate=re_evaluate)
    except (SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise DesignError(
            f"storage {storage.url!r} cannot be written: {reason_of(error)}"
        ) from error
