"""Files of the cache: written completely or not at all, with the permissions of the umask.

`tempfile` creates files that only their owner can read, but a group may share a cache.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file completely or not at all, even if several processes write it at once.

    Raises
    ------
    OSError : it cannot be written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = new_file(path)
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def new_file(path: Path) -> Path:
    """A new empty file beside `path`, to be filled and renamed to it."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    partial.touch(exist_ok=False)
    return partial


def new_folder(target: Path) -> Path:
    """A new empty folder beside `target`, whose name begins with that of `target` and a dot."""
    folder = target.with_name(f"{target.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    folder.mkdir()
    return folder


def note_digest(path: Path) -> None:
    """Keep the SHA-256 of a file of the cache beside it."""
    write_whole(digest_file(path), hashlib.sha256(path.read_bytes()).hexdigest().encode())


def is_as_written(path: Path) -> bool:
    """Whether a file has the SHA-256 that was kept beside it."""
    try:
        digest = digest_file(path).read_text().strip()
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except (OSError, UnicodeDecodeError):
        return False


def digest_file(path: Path) -> Path:
    """Where the SHA-256 of a file of the cache is kept."""
    return path.with_name(f"{path.name}.sha256")
