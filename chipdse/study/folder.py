"""A study on disk: Optuna's storage, the sweep file, the points as CSV, the versions of tools.

STUDY/study.db       Optuna storage (SQLite); optuna-dashboard opens it
STUDY/sweep.toml     the sweep file as it was run
STUDY/study.json     where the storage and the sweep file are, the library, versions of every tool
STUDY/points.csv     every finished point; units in the column names
STUDY/report.html    what people look at
"""

from __future__ import annotations

import json
import os
import shutil
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from chipdse.errors import DesignError
from chipdse.study.points import rows_of
from chipdse.study.sweepfile import Sweep, read_sweep

SWEEP, ABOUT, DATABASE, POINTS, REPORT = (
    *("sweep.toml", "study.json", "study.db", "points.csv", "report.html"),
)


@dataclass(frozen=True, kw_only=True)
class StudyFolder:
    """An open study.

    path : its folder
    sweep : the sweep it runs
    study : Optuna's
    about : what `study.json` says
    """

    path: Path
    sweep: Sweep
    study: optuna.Study
    about: Mapping[str, Any]


def start_study(
    sweep: Sweep, path: Path, storage: str | None, about: Mapping[str, Any]
) -> StudyFolder:
    """Open the study of a sweep in `path`, made new if there is none.

    Parameters
    ----------
    storage : Optuna storage URL; None is a SQLite file in the folder
    about : JSON values to keep: library and versions

    Raises
    ------
    DesignError : the folder holds a study of another sweep
    """
    if (path / SWEEP).exists():
        _check_same(sweep, path)
        kept = json.loads((path / ABOUT).read_text())
        about = {**about, "storage": storage or kept["storage"]}
    elif path.exists() and any(path.iterdir()):
        raise DesignError(f"{path} holds other files; name an empty or new folder with --study")
    else:
        about = {**about, "storage": storage or f"sqlite:///{DATABASE}"}
    about = {**about, "folder": str(sweep.path.parent.absolute())}
    made = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        study = _open(path, str(about["storage"]), sweep)
    except DesignError:
        if made:
            shutil.rmtree(path)
        raise
    write_atomically(path / ABOUT, json.dumps(about, indent=1) + "\n")
    write_atomically(path / SWEEP, sweep.text)
    return StudyFolder(path=path, sweep=sweep, study=study, about=about)


def open_study(path: Path) -> StudyFolder:
    """Open an existing study to look at it.

    Raises
    ------
    DesignError : there is no study in that folder
    """
    if not (path / SWEEP).is_file() or not (path / ABOUT).is_file():
        raise DesignError(f"{path} is not a study; name the folder that 'chipdse sweep' printed")
    about = json.loads((path / ABOUT).read_text())
    liberty = tuple(Path(file) for file in about.get("liberty", []))
    origin = Path(about["folder"]) if "folder" in about else None
    sweep = read_sweep(path / SWEEP, liberty, folder=origin)
    return StudyFolder(
        path=path, sweep=sweep, study=_open(path, about["storage"], sweep), about=about
    )


def _open(path: Path, storage: str, sweep: Sweep) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if storage.startswith("sqlite:///") and not storage.startswith("sqlite:////"):
        storage = f"sqlite:///{(path / storage.removeprefix('sqlite:///')).absolute()}"
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=path.absolute().name,
            directions=["minimize" if one.minimize else "maximize" for one in sweep.objectives],
            load_if_exists=True,
        )
    except Exception as error:  # whatever the database's own driver raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DesignError(f"storage {storage!r} cannot be opened: {reason}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([one.metric for one in sweep.objectives])
    return study


def _check_same(sweep: Sweep, path: Path) -> None:
    """The same sweep may go on with another budget, not with another question."""
    ours, theirs = tomllib.loads(sweep.text), tomllib.loads((path / SWEEP).read_text())
    for data in (ours, theirs):
        data.pop("search", None)
        data.pop("question", None)
    for key in sorted(set(ours) | set(theirs)):
        if ours.get(key) != theirs.get(key):
            raise DesignError(
                f"{path} is a study of another sweep: its {key} differs from {sweep.path}; "
                "name a new folder with --study"
            )


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that count: complete, or failed for a reason of their own."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
    return [trial for trial in trials if "interrupted" not in trial.user_attrs]


def points_table(folder: StudyFolder) -> pd.DataFrame:
    """Every finished point as a row.

    Returns
    -------
    columns: trial; state ("feasible", "infeasible", "failed"); on_front; the swept parameters;
    every metric, its unit in its name; system_evidence ("modelled", or "estimated" where a table
    does not reach); violations and failure, as text
    """
    return rows_of(folder.sweep, finished(folder.study))
