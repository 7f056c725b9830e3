"""What a folder of the store is: its files, and whether they are what was written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

INPUTS, MANIFEST = "inputs.json", "manifest.json"


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(folder: Path) -> bool:
    """Whether a stage folder is there and every file still has the hash it was written with."""
    try:
        manifest: dict[str, str] = json.loads((folder / MANIFEST).read_text())
        if INPUTS not in manifest:
            return False
        return all(hash_file(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def leftovers(target: Path) -> Iterator[Path]:
    """Folders of builders of a key that were killed; for whoever holds it alone."""
    for path in target.parent.glob(f"{target.name}.*"):
        if path.is_dir() and path.suffix != ".failed":
            yield path


ROOM_BYTES = 4 << 20
"""A program that failed where less is free may have failed for that alone."""


def check_room(folder: Path) -> None:
    """Raise OSError if there is no room for a file of `ROOM_BYTES`, by disk or quota."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(bytes(ROOM_BYTES))
        probe.flush()
        os.fsync(probe.fileno())
