"""A study on disk: Optuna's storage, the sweep file, the points as CSV, the versions of tools.

`layout.py` names its files, `begin.py` starts a study.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.storage.attributes import FINGERPRINT
from chipdse.study.storage.fingerprint import Fingerprint
from chipdse.study.storage.layout import DATABASE, DESCRIPTION, SWEEP, check_study
from chipdse.study.storage.table_reads import study_attributes

if TYPE_CHECKING:
    import optuna
    from sqlalchemy import Connection

    from chipdse.study.storage.storage import Storage

OWN_DATABASE = f"sqlite:///{DATABASE}"
"""A storage in the study's own folder."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A study that Optuna opened, and the storage of its trials."""

    study: optuna.Study
    storage: Storage


@dataclass(frozen=True, kw_only=True)
class StudyFolder:
    """An open study.

    path : its folder
    sweep : the sweep that the study runs
    description : the content of `study.json`
    opens : opens the study with Optuna; called at most once, when it is needed
    version : the fingerprint of its points; None for a study of an older version of chipdse
    database : the file of the trials of a study that is only read, which tables of its points are
        read from; None: they are read by Optuna
    """

    path: Path
    sweep: Sweep
    description: Mapping[str, Any]
    opens: Callable[[], Opened]
    version: Fingerprint | None = None
    database: Path | None = None

    @functools.cached_property
    def _opened(self) -> Opened:
        return self.opens()

    @property
    def study(self) -> optuna.Study:
        """The Optuna study."""
        return self._opened.study

    @property
    def storage(self) -> Storage:
        """The storage of its trials."""
        return self._opened.storage

    @property
    def name(self) -> str:
        """The name of the study in its storage."""
        return str(self.description["study"])

    def check(self, connection: Connection, study_id: int) -> None:
        """Raise MachineError if the study now has another fingerprint than this driver."""
        from chipdse.study.storage.kept_fingerprint import check_current

        if self.version is not None:
            check_current(connection, study_id, self.version.identity)

    @property
    def driver(self) -> str:
        """The driver of the sweep in this folder: the name of the machine, and the folder."""
        place = f"{uuid.getnode()} {self.path.absolute()}"
        return f"{socket.gethostname()}:{hashlib.sha256(place.encode()).hexdigest()[:8]}"

    def version_now(self) -> Fingerprint | None:
        """The fingerprint of its points, read again: another driver may have renewed it."""
        if self.database is not None:
            attributes = study_attributes(self.database, self.name)
            if attributes is not None:
                return kept_in(attributes)
        return kept_in(self.study.user_attrs)


def kept_in(attributes: Mapping[str, Any]) -> Fingerprint | None:
    """The fingerprint among the attributes of a study; None of one that an older chipdse made, or
    that just begins."""
    value: dict[str, Any] | None = attributes.get(FINGERPRINT)
    return None if value is None else Fingerprint(identity=value["id"], parts=value["parts"])


def open_study(path: Path) -> StudyFolder:
    """Open an existing study to read it.

    Raises
    ------
    DesignError : there is no study in that folder
    """
    check_study(path)
    description = read_description(path)
    liberty = tuple(Path(file) for file in description.get("liberty", []))
    origin = Path(description["folder"]) if "folder" in description else None
    sweep = read_sweep(path / SWEEP, liberty, folder=origin)
    check_database(path, description["storage"])

    def opens() -> Opened:
        from chipdse.study.storage.begin import open_begun

        return open_begun(path, sweep, description)

    if description["storage"] == OWN_DATABASE:
        attributes = study_attributes(path / DATABASE, description["study"])
        if attributes is not None and attributes.get("sweep") == sweep.text:
            return StudyFolder(
                path=path,
                sweep=sweep,
                description=description,
                opens=opens,
                version=kept_in(attributes),
                database=path / DATABASE,
            )
    opened = opens()
    return StudyFolder(
        path=path,
        sweep=sweep,
        description=description,
        opens=lambda: opened,
        version=kept_in(opened.study.user_attrs),
    )


def check_database(path: Path, storage: str) -> None:
    """Raise DesignError if a study's own database is not in its folder."""
    if storage == OWN_DATABASE and not (path / DATABASE).exists():
        raise DesignError(f"{path} has lost its trials: {DATABASE} is not there; put it back")


def read_description(path: Path) -> dict[str, Any]:
    """The content of `study.json`."""
    try:
        content: dict[str, Any] = json.loads((path / DESCRIPTION).read_text())
        content.setdefault("study", path.absolute().name)
        Path(content["study"]), Path(content["storage"]), os.fsencode(content.get("folder", ""))
        list(map(os.fsencode, content.get("liberty", [])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DesignError(
            f"{path / DESCRIPTION} is damaged ({type(error).__name__}: {error}); it says where the "
            "trials are: put it back, or sweep into a new folder"
        ) from error
    return content
