"""What the user's code reads while it runs: modules, files, folders and environment variables.

Python reports every opening of a file and every import to an audit hook, in the thread that does
it. Environment variables are seen because `os.environ` is replaced by a class that notes the names
that are looked up. In a bench, which runs inside a simulator's process, `chipdse.store.bench_reads`
writes the same notes to a file.

This module imports nothing but the standard library: benches load it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

Note = Callable[[str, str], None]
"""Takes the kind of a read ("file", "folder", "import", "environment", "written") and its name."""

_STANDARD = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")
)
_INSTALLED = ("site-packages", "dist-packages")
_SYSTEM = ("/proc/", "/sys/", "/dev/")
_LOOKED_UP = ("<frozen os>", os.__file__, "<frozen _collections_abc>")


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file, of the names in a folder, or "" where there is neither."""
    try:
        if os.path.isdir(path):  # noqa: PTH112
            names = "\0".join(sorted(os.listdir(path)))  # noqa: PTH208
            return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def digest_of_text(text: str | None) -> str:
    """SHA-256 of a variable's value, "" where it is not set. The value itself is kept nowhere."""
    return "" if text is None else hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def is_standard(path: str) -> bool:
    """Whether a file belongs to Python's standard library."""
    inside = path.startswith(_STANDARD) or os.path.realpath(path).startswith(_STANDARD)
    return inside and not is_installed(path)


def is_installed(path: str) -> bool:
    """Whether a file lies where packages are installed."""
    return any(f"{os.sep}{name}{os.sep}" in path for name in _INSTALLED)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    note = _ACTIVE.get(threading.get_ident())
    if note is None:
        return
    del _ACTIVE[threading.get_ident()]  # what noting opens is not read by the user's code
    try:
        if event == "open":
            _note_opened(note, *arguments)
        elif event == "import":
            note("import", str(arguments[0]))
        elif event in ("os.listdir", "os.scandir"):
            frame = sys._getframe(1)
            if "importlib" not in frame.f_code.co_filename:
                note("folder", _path(arguments[0] if arguments[0] is not None else "."))
        elif event == "sqlite3.connect":
            note("file", _path(arguments[0]))
    finally:
        _ACTIVE[threading.get_ident()] = note


def _note_opened(note: Note, path: Any, mode: Any, flags: Any) -> None:
    if isinstance(path, int) or path is None:
        return
    name = _path(path)
    if not name or name.startswith(_SYSTEM):
        return
    changes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
        mode is None and isinstance(flags, int) and flags & changes
    )
    if writes:
        note("written", name)
    elif name.endswith((".pyc", ".pyo")):
        try:
            note("file", importlib.util.source_from_cache(name))
        except (ValueError, NotImplementedError):
            note("file", name)
    else:
        note("file", name)


def _path(path: Any) -> str:
    if isinstance(path, int):
        return ""
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100


_ACTIVE: dict[int, Note] = {}
_HOOKED: list[bool] = []


_PLACES = ("TMPDIR", "TMP", "TEMP")
"""Variables that say where temporary files go: each stage has its own place for them."""


class _NotedEnvironment(os._Environ):  # type: ignore[type-arg]
    """The environment, each lookup by name noted."""

    def __getitem__(self, key: Any) -> Any:
        _note_lookup(key, sys._getframe(1))
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        _note_lookup(key, sys._getframe(1))
        return super().__contains__(key)


def _note_lookup(key: Any, frame: FrameType) -> None:
    thread = threading.get_ident()
    note = _ACTIVE.get(thread)
    if note is None or not isinstance(key, str) or key in _PLACES or _by_library(frame):
        return
    del _ACTIVE[thread]  # noting looks the value up again
    try:
        note("environment", key)
    finally:
        _ACTIVE[thread] = note


def _by_library(frame: FrameType | None) -> bool:
    """Whether the standard library, or cocotb itself, asks: their settings make no result."""
    while frame is not None and frame.f_code.co_filename in _LOOKED_UP:
        frame = frame.f_back
    if frame is None:
        return True
    file = frame.f_code.co_filename
    cocotb = is_installed(file) and f"{os.sep}cocotb" in file
    return file.startswith("<frozen") or is_standard(file) or cocotb


def start(note: Note) -> None:
    """Note what this thread reads from now on."""
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_audit)
    os.environ.__class__ = _NotedEnvironment
    _ACTIVE[threading.get_ident()] = note


def stop() -> None:
    """Note nothing more in this thread."""
    _ACTIVE.pop(threading.get_ident(), None)


@dataclass(kw_only=True)
class Notes:
    """What was read, each with its digest when it was first read.

    files, folders : by absolute path
    imports : names of modules that were looked for
    environment : by the variable's name
    """

    files: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def note(self, kind: str, name: str) -> None:
        """Take in one read."""
        if kind == "import":
            self.imports[name] = None
        elif kind == "written":
            self.written.add(name)
        elif kind == "environment" and name not in self.environment:
            self.environment[name] = digest_of_text(os.environ.get(name))
        elif kind == "folder" and name not in self.folders:
            self.folders[name] = digest_of(name)
        elif kind == "file" and name not in self.files and not is_standard(name):
            self.files[name] = "" if name in self.written else digest_of(name)

    def add(self, other: Notes) -> None:
        """Take in what others noted."""
        self.files = other.files | self.files
        self.folders = other.folders | self.folders
        self.imports |= other.imports
        self.environment = other.environment | self.environment
        self.written |= other.written


_BY_OWNER: dict[str, Notes] = {}
_BY_FILE: dict[str, Notes] = {}


@contextmanager
def watching(owner: str) -> Iterator[None]:
    """Note what this thread reads inside, for an owner and for each source file on the stack.

    A helper that keeps what it read is then known to have read it whoever uses it later.
    """
    notes = _BY_OWNER.setdefault(owner, Notes())

    def note(kind: str, name: str) -> None:
        notes.note(kind, name)
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith("<") and not is_installed(file) and not is_standard(file):
                _BY_FILE.setdefault(file, Notes()).note(kind, name)
            frame = frame.f_back

    before = _ACTIVE.get(threading.get_ident())
    start(note)
    try:
        yield
    finally:
        stop()
        if before is not None:
            _ACTIVE[threading.get_ident()] = before


def noted(owner: str, files: list[str]) -> Notes:
    """What an owner read so far in this process, and what these source files read for anybody."""
    total = Notes()
    total.add(_BY_OWNER.get(owner, Notes()))
    for file in files:
        total.add(_BY_FILE.get(file, Notes()))
    return total


def forget_notes(owner: str, files: list[str]) -> None:
    """Forget what was noted for an owner and for source files, which are loaded again."""
    _BY_OWNER.pop(owner, None)
    for file in files:
        _BY_FILE.pop(file, None)
