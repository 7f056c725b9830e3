"""Who uses a stage folder: many readers or one builder, across processes and machines.

A lock is `flock` on ``<key>.lock`` beside the folder; the kernel lets go of it when its holder
ends, however it ends. On a shared file system it must work across machines
(docs/howto/execution.md).
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_PAUSE_S = 2.0
_MODE = 0o666  # less what the umask takes: a store may be shared by a group


def lock_file(target: Path) -> Path:
    """The lock of a stage folder."""
    return target.with_name(target.name + ".lock")


def hold_shared(target: Path) -> int | None:
    """Take part in reading a folder; closing the descriptor ends it.

    Returns
    -------
    None where there is no lock to take: a store that cannot be written
    """
    descriptor = _open(target)
    if descriptor is not None:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


@contextmanager
def exclusive(target: Path) -> Iterator[None]:
    """Wait until no process reads or builds a folder, and exclude all others.

    Raises
    ------
    OSError : the store cannot be written
    """
    descriptor = os.open(lock_file(target), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_unless(target: Path, is_done: Callable[[], bool]) -> Iterator[bool]:
    """As `exclusive`, but return without the lock if the folder is complete before that.

    Whoever waits for its builder alone would also wait for those who read what was built, and they
    may read it for as long as a sweep runs.

    Yields
    ------
    Whether everybody else is kept out; False where the folder was done meanwhile

    Raises
    ------
    OSError : the store cannot be written
    """
    descriptor = os.open(lock_file(target), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        pause_s, has_it = 0.01, _try_exclusive(descriptor)
        while not has_it:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for a builder, not for readers
            if is_done():
                break
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            time.sleep(pause_s)  # the builder failed, or a damaged folder is read
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            has_it = _try_exclusive(descriptor)
        yield has_it
    finally:
        os.close(descriptor)


def _try_exclusive(descriptor: int) -> bool:
    """Take an exclusive lock if no other process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False
    return True


@contextmanager
def exclusive_if_free(target: Path) -> Iterator[bool]:
    """The same without waiting; False if somebody reads or builds it."""
    descriptor = os.open(lock_file(target), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        yield _try_exclusive(descriptor)
    finally:
        os.close(descriptor)


def release(descriptor: int) -> None:
    """End a reader's share."""
    with suppress(OSError):
        os.close(descriptor)


def _open(target: Path) -> int | None:
    flags = os.O_CLOEXEC
    try:
        return os.open(lock_file(target), flags | os.O_RDWR | os.O_CREAT, _MODE)
    except OSError:
        with suppress(OSError):
            return os.open(lock_file(target), flags | os.O_RDONLY)
    return None
