"""What the user's code reads while it runs: modules, files, folders and environment variables.

Python reports every opening of a file and every import to an audit hook, in the thread that does
it. Environment variables are seen because `os.environ` gets a class that notes the names that are
looked up, and questions whether a file exists because `os.stat` is replaced. In a bench, which runs
inside a simulator's process, `chipdse.store.recording.bench_reads` writes the same notes to a file.

This folder imports nothing but the standard library and a module that does no more: benches load
it.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import posixpath
import sys
import threading
from typing import Any

from chipdse.store.recording.active import ACTIVE, Note
from chipdse.store.recording.digests import COMPILED, digest_of
from chipdse.store.recording.environment import NotedEnvironment
from chipdse.store.recording.origins import IMPORTING, OURS, asking_file, is_code_of_user
from chipdse.store.recording.paths import (
    full_path,
    is_relative,
    noted_access,
    noted_getcwd,
    noted_getcwdb,
    noted_lstat,
    noted_readlink,
    noted_realpath,
    noted_stat,
    starting_at,
)

_SYSTEM = ("/proc/", "/sys/", "/dev/")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    note = ACTIVE.get(threading.get_ident())
    if note is None:
        return
    del ACTIVE[threading.get_ident()]  # what noting opens is not read by the user's code
    try:
        if event == "open":
            _note_opened(note, *arguments)
        elif event == "import":
            note("import", str(arguments[0]))
        elif event in ("os.listdir", "os.scandir"):
            frame = sys._getframe(1)
            if not frame.f_code.co_filename.startswith(IMPORTING):
                if arguments[0] is None or is_relative(arguments[0]):
                    note("directory", "")
                note("folder", full_path(arguments[0] if arguments[0] is not None else "."))
        elif event == "ctypes.dlopen":
            _note_library(note, arguments[0])
        elif event == "sqlite3.connect":
            note("updated", full_path(arguments[0]))
        elif event in ("os.mkdir", "os.rename"):
            note("written", full_path(arguments[event == "os.rename"]))
    finally:
        ACTIVE[threading.get_ident()] = note


def _note_opened(note: Note, path: Any, mode: Any, flags: Any) -> None:
    if isinstance(path, int) or path is None:
        return
    name = full_path(path)
    if is_relative(path) and not asking_file(sys._getframe(2)).startswith(OURS):
        note("directory", "")
    if not name or name.startswith(_SYSTEM):
        return
    if isinstance(mode, str):
        changes, reads = bool(set(mode) & set("wax+")), bool(set(mode) & set("r+"))
        begins = bool(set(mode) & set("wx"))
    else:
        flags = flags if isinstance(flags, int) else 0
        changes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
        reads, begins = not flags & os.O_WRONLY, bool(flags & (os.O_TRUNC | os.O_EXCL))
    if changes:
        note("updated" if reads and not begins else "written", name)
    elif os.path.basename(os.path.dirname(name)) == COMPILED:  # noqa: PTH119, PTH120
        note("file", _source_of(name))
    else:
        note("file", name)


def _note_library(note: Note, path: Any) -> None:
    """Note a compiled library that is loaded by its path; one by its name alone is the system's."""
    if isinstance(path, int) or path is None or os.sep not in os.fsdecode(path):
        return
    if is_relative(path):
        note("directory", "")
    name = full_path(path)
    LIBRARIES.setdefault(name, digest_of(name))
    note("file", name)


def _source_of(compiled: str) -> str:
    """The source file of compiled code, also of what pytest compiled: ``x.cpython-311-pytest.pyc``.

    Python, and pytest, compile it again when its source has changed.
    """
    folder, name = os.path.split(compiled)
    return os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")  # noqa: PTH118, PTH120


_HOOKED: list[bool] = []
LIBRARIES: dict[str, str] = {}
"""Compiled libraries by their path, with the digest at the first load: a process that loads the
path again gets the old code, whatever the file holds by then."""


def _noted_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """As `os.open`. Python's audit event does not contain the folder's descriptor."""
    thread = threading.get_ident()
    note = ACTIVE.get(thread) if dir_fd is not None else None
    if note is None:
        return _OPEN(path, flags, mode, dir_fd=dir_fd)
    del ACTIVE[thread]
    try:
        _note_opened(note, starting_at(path, dir_fd), None, flags)
        return _OPEN(path, flags, mode, dir_fd=dir_fd)
    finally:
        ACTIVE[thread] = note


def _noted_find_spec(name: str, package: str | None = None) -> Any:
    note = ACTIVE.get(threading.get_ident())
    if note is not None and is_code_of_user(sys._getframe(1).f_code.co_filename):
        note("import", importlib.util.resolve_name(name, package) if name[:1] == "." else name)
    return _FIND_SPEC(name, package)


_OPEN, _FIND_SPEC = os.open, importlib.util.find_spec
_PATH_STATS = importlib.machinery.SourceFileLoader.path_stats


def _no_stats(loader: Any, path: str) -> Any:
    """As `path_stats`, but the user's modules are compiled from their source each time.

    Python believes a compiled module whose source has the same size and date in seconds: an edit
    within a second would run the old code under the hash of the new one.
    """
    if threading.get_ident() in ACTIVE and is_code_of_user(path):
        raise OSError("the source is to be read")
    return _PATH_STATS(loader, path)


def start(note: Note) -> None:
    """Note what this thread reads from now on."""
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_audit)
        os.stat, os.lstat, os.access = noted_stat, noted_lstat, noted_access
        os.readlink, os.getcwd, os.getcwdb = noted_readlink, noted_getcwd, noted_getcwdb
        posixpath.realpath = noted_realpath  # type: ignore[assignment]
        importlib.util.find_spec = _noted_find_spec
        os.open = _noted_open
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            able.add(noted_stat)
        os.supports_dir_fd |= {_noted_open, noted_access, noted_readlink, noted_lstat}
        importlib.machinery.SourceFileLoader.path_stats = _no_stats  # type: ignore[assignment,method-assign]
        os.environ.__class__ = os.environb.__class__ = NotedEnvironment
    _forget_lines()
    ACTIVE[threading.get_ident()] = note


def _forget_lines() -> None:
    """Have `linecache` read files again, which it would return as they were when first read."""
    lines = getattr(sys.modules.get("linecache"), "cache", {})
    for name, entry in list(lines.items()):
        if len(entry) == 4 and entry[1] is not None:  # with a date: a file, no cell of a notebook
            lines.pop(name, None)


def stop() -> None:
    """Note nothing more in this thread."""
    ACTIVE.pop(threading.get_ident(), None)
