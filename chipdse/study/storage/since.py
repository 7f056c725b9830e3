"""What changed since the points of a study were made: their figures stand for the version then."""

from __future__ import annotations

from chipdse.errors import ChipdseError, DesignError
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.storage.fingerprint import (
    Fingerprint,
    comparable,
    differences,
    listed,
    parts_now,
)
from chipdse.study.storage.folder import StudyFolder


def changes(version: Fingerprint | None, sweep: Sweep) -> str:
    """What is not as it was when points of this version were made, for people; "" if nothing."""
    if version is None:
        return "unknown, because a chipdse that kept no versions made this study"
    try:
        parts = parts_now(sweep, version.parts)
    except ChipdseError as error:  # a library that is no longer there
        return str(error)
    return listed(differences(*comparable(version.parts, parts)))


def changes_of(folder: StudyFolder) -> str:
    """`changes` of a study, whose version is read again: another driver may have renewed it."""
    return changes(folder.version_now(), folder.sweep)


def version_text(folder: StudyFolder) -> str:
    """Which version made the points of a study and what changed since, as one line."""
    version = folder.version_now()
    name = "no version" if version is None else f"version {version.text}"
    since = changes(version, folder.sweep)
    return f"{name}; changed since: {since}" if since else f"{name}; nothing changed since"


def refuse_changed(folder: StudyFolder, what: str) -> None:
    """Raise DesignError where something would be computed now for points of another version.

    Parameters
    ----------
    what : what would be computed, for the message
    """
    if since := changes_of(folder):
        raise DesignError(
            f"{what} would mix two versions: changed since the points of {folder.path} were made: "
            f"{since}; restore that, or evaluate the points again with 'chipdse sweep ... "
            "--re-evaluate'"
        )
