"""The files of a study's folder by name, and whether a folder is a study.

STUDY/study.db       Optuna storage (SQLite); optuna-dashboard opens it
STUDY/sweep.toml     the sweep file as it was run
STUDY/study.json     the study's name, where storage and sweep file are, the library, versions
STUDY/status.json    the progress of the sweep that runs here
STUDY/points.csv     every finished point; units in the column names
STUDY/columns.json   unit, meaning, evidence and role of each of its columns
STUDY/report.html    the report

This module imports no library: the command line refuses a wrong folder before it loads any.
"""

from __future__ import annotations

from pathlib import Path

from chipdse.errors import DesignError

SWEEP, DESCRIPTION, DATABASE, POINTS, REPORT, STATUS, COLUMNS = (
    "sweep.toml",
    "study.json",
    "study.db",
    "points.csv",
    "report.html",
    "status.json",
    "columns.json",
)


def check_study(path: Path) -> None:
    """Raise DesignError if a folder holds no study."""
    if not (path / SWEEP).is_file() or not (path / DESCRIPTION).is_file():
        raise DesignError(f"{path} is not a study; name the folder that 'chipdse sweep' printed")


def status_text(path: Path) -> str:
    """The text of a study's status file.

    Raises
    ------
    DesignError : the file cannot be read
    """
    try:
        return (path / STATUS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise no_status(path) from error


def no_status(path: Path) -> DesignError:
    """The error for a folder without a usable status file."""
    return DesignError(
        f"{path} has no {STATUS}; name the folder of a study that 'chipdse sweep' has run"
    )
