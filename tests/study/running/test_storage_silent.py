"""A shared storage that does not answer is waited for, whatever was asked of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DataError, OperationalError

from chipdse.errors import MachineError
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results import points
from chipdse.study.storage import trials
from chipdse.study.storage.begin import start_study
from chipdse.study.storage.folder import Opened, StudyFolder
from chipdse.study.storage.storage import patiently
from tests.support import small_sweep as sweeps

SILENT = StorageInternalError("no answer")
SILENT.__cause__ = OperationalError("SELECT 1", {}, Exception("connection refused"))
DAMAGED = StorageInternalError("damaged")
DAMAGED.__cause__ = DataError("SELECT 1", {}, Exception("no date"))


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    """A new study whose storage is said to be shared."""
    folder = start_study(read_sweep(sweeps.sweep_file(tmp_path)), tmp_path / "study", None, {})
    storage = dataclasses.replace(folder.storage, shared=True)
    return dataclasses.replace(folder, opens=lambda: Opened(study=folder.study, storage=storage))


def fail(monkeypatch: pytest.MonkeyPatch, errors: list[Exception]) -> None:
    """Let reading the trials fail so often."""
    finished = trials.finished

    def failing(*arguments: Any) -> Any:
        if errors:
            raise errors.pop(0)
        return finished(*arguments)

    monkeypatch.setattr(trials, "finished", failing)


@pytest.mark.slow
def test_the_table_of_points_waits(study: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, [SILENT, SILENT])
    said: list[str] = []
    pauses: list[float] = []
    table = patiently(lambda: points.points_table(study), study.storage, said.append, pauses.append)
    assert len(table) == 0
    assert pauses == [0.5, 1.0]
    assert "the storage does not answer (connection refused)" in said[0]
    assert said[-1].startswith("the storage answers again")


@pytest.mark.slow
@pytest.mark.parametrize(("error", "shared"), [(DAMAGED, True), (SILENT, False)])
def test_what_cannot_pass_ends_in_one_line(
    study: StudyFolder, monkeypatch: pytest.MonkeyPatch, error: Exception, shared: bool
) -> None:
    fail(monkeypatch, [error])
    storage = dataclasses.replace(study.storage, shared=shared)
    with pytest.raises(MachineError, match="put a copy of sqlite:///study.db back"):
        patiently(lambda: points.points_table(study), storage, print, lambda seconds: None)
