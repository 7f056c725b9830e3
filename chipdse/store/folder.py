"""What a folder of the store is: its files, and whether they are what was written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

INPUTS, MANIFEST = "inputs.json", "manifest.json"
READS = "reads.json"
"""Name of the file, in a stage's folder, that lists the inputs of its result."""


def canonical_json(value: Any) -> str:
    """The canonical JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(value: Any) -> str:
    """Hash of any JSON value, as 32 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:32]


def hash_with_reads(inputs: dict[str, Any], reads: Sequence[tuple[str, str, str]]) -> str:
    """Key of the result that read this: kind, name and digest of each read, sorted."""
    text = json.dumps({"inputs": inputs, "reads": reads}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(folder: Path) -> bool:
    """Whether a stage folder is there and every file still has the hash it was written with.

    A whole folder that was copied to the key of other inputs is not whole there.
    """
    try:
        manifest: dict[str, str] = json.loads((folder / MANIFEST).read_text())
        if INPUTS not in manifest:
            return False
        is_unchanged = all(hash_file(folder / name) == digest for name, digest in manifest.items())
        return is_unchanged and folder.name in _keys(folder, has_reads=READS in manifest)
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return False


def _keys(folder: Path, *, has_reads: bool) -> tuple[str, ...]:
    """The names under which a result belongs: of its inputs, or of these and what it read."""
    inputs: dict[str, Any] = json.loads((folder / INPUTS).read_text())
    if not has_reads:
        return (hash_of(inputs),)
    lines = json.loads((folder / READS).read_text())
    reads = sorted((line["kind"], line["name"], line["digest"]) for line in lines)
    # A result that was just built has the first name until what it read is noted.
    return hash_of(inputs), hash_with_reads(inputs, reads)


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
