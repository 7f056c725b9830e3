"""Answers of `sources`, kept in the cache: which modules the code of a function lies in.

    CACHE/closures/KEY.json    names of modules; KEY states the content of every source file

To find them anew takes about a second of processor time in each process.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from chipdse.paths import cache_folder
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest, write_whole


def kept_modules(key: str) -> list[str] | None:
    """The names of modules kept under a key; None if there are none or the file is damaged."""
    file = _file(key)
    if not is_as_written(file):
        return None
    note_use(file)
    try:
        names = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return names if isinstance(names, list) else None


def keep_modules(key: str, names: list[str]) -> None:
    """Keep the names of modules under a key; nothing is kept where the cache is read-only."""
    file = _file(key)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(names))
        note_digest(file)


def _file(key: str) -> Path:
    return cache_folder() / "closures" / f"{key}.json"
