"""Files and folders, written completely or not at all, with the permissions of the umask.

`tempfile` creates files that only their owner can read, but a group may share a cache.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def age_s(date_s: float) -> float:
    """How far a date is from now [s]; after a clock was set back, a date may lie in the future."""
    return abs(time.time() - date_s)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new empty file beside `path` that replaces `path` when the block ends without an error.

    Several processes may do this at once; readers see one complete file or the other.

    Raises
    ------
    OSError : the file cannot be written, for example because its folder is missing
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    partial.touch(exist_ok=False)
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file as `replacing` does; text is encoded in UTF-8."""
    with replacing(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def check_writable(path: Path) -> None:
    """Raise OSError if a file cannot be written, before its content is computed.

    `path` is a folder, or its folder is missing or cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    tempfile.TemporaryFile(dir=path.parent).close()


def write_folder(target: Path, texts: Mapping[str, str]) -> None:
    """Write a new folder of text files, complete or not at all; `target` is missing or empty.

    Parameters
    ----------
    texts : path inside the folder -> content

    Raises
    ------
    OSError : the folder cannot be written, or `target` holds files
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    partial.mkdir()
    try:
        for name, text in sorted(texts.items()):
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_text(text, encoding="utf-8")
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def new_folder(target: Path) -> Path:
    """A new empty folder beside `target`, whose name begins with that of `target` and a dot."""
    folder = target.with_name(f"{target.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    folder.mkdir()
    return folder


def note_digest(path: Path) -> None:
    """Store the SHA-256 of a cached file beside the file."""
    write_whole(digest_file(path), hashlib.sha256(path.read_bytes()).hexdigest())


def is_as_written(path: Path) -> bool:
    """Whether a file has the SHA-256 that is stored beside it."""
    try:
        digest = digest_file(path).read_text().strip()
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except (OSError, UnicodeDecodeError):
        return False


def digest_file(path: Path) -> Path:
    """Where the SHA-256 of a file of the cache is kept."""
    return path.with_name(f"{path.name}.sha256")
