"""What the user's code reads while it runs: modules, files, folders and environment variables.

Python reports every opening of a file and every import to an audit hook, in the thread that does
it. Environment variables are seen because `os.environ` gets a class that notes the names that are
looked up, and questions whether a file exists because `os.stat` is replaced. In a bench, which runs
inside a simulator's process, `chipdse.store.bench_reads` writes the same notes to a file.

This module imports nothing but the standard library and a module that does no more: benches load
it.
"""

from __future__ import annotations

import functools
import genericpath
import glob
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import pathlib
import posixpath
import string
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from chipdse.secret_names import may_hold_secret

Note = Callable[[str, str], None]
"""Takes the kind of a read and its name: "file", "folder", "import" or "environment"; "presence"
of a path that is only asked for; "link" of a path that is followed, or looked at as a link;
"directory" where the code asks for the current folder or starts from it; "updated" of a file that
is opened to be read and changed; "written" of what the code itself makes."""

_STANDARD = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")
)
_INSTALLED = ("site-packages", "dist-packages")
_SYSTEM = ("/proc/", "/sys/", "/dev/")
_COMPILED = "__pycache__"  # which running the code makes
_PATHS = {
    *("<frozen os>", "<frozen genericpath>", "<frozen posixpath>"),
    *(os.__file__, genericpath.__file__, posixpath.__file__, pathlib.__file__, glob.__file__),
}
_LOOKED_UP = {
    *("<frozen os>", "<frozen posixpath>", "<frozen _collections_abc>"),
    *(os.__file__, posixpath.__file__, string.__file__),
    *(str(Path(os.__file__).with_name(name)) for name in ("configparser.py", "copy.py")),
    str(Path(os.__file__).parent / "collections" / "__init__.py"),
}
"""Modules of the standard library that look up for whoever calls them: paths and variables."""
_IMPORTING = ("<frozen importlib", os.path.dirname(importlib.__file__) + os.sep)  # noqa: PTH120
_CHIPDSE = str(Path(__file__).parents[1]) + os.sep
_OURS = (*_IMPORTING, _CHIPDSE)


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file, of the names in a folder, or "" where there is neither."""
    try:
        if os.path.isdir(path):  # noqa: PTH112
            names = "\0".join(sorted({*os.listdir(path)} - {_COMPILED}))  # noqa: PTH208
            return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def digest_of_text(text: str) -> str:
    """SHA-256 of a text. The text itself is kept nowhere."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


@functools.cache
def _digest_of_variable(name: str, text: str) -> str:
    """As `digest_of_text`; for a secret a digest that is slow to compute, so that a stored one does
    not help to guess a weak password."""
    if not may_hold_secret(name, text):
        return digest_of_text(text)
    value = text.encode(errors="surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", value, f"chipdse {name}".encode(), 200_000).hex()


def presence_of(path: str | Path) -> str:
    """What a path is: "file", "folder", or "" where there is nothing."""
    if os.path.isdir(path):  # noqa: PTH112
        return "folder"
    return "file" if os.path.exists(path) else ""  # noqa: PTH110


def link_digest(path: str | Path) -> str:
    """The digest of where a path leads: what it is itself, and the file that it ends at, seen from
    it, so that a project that was moved has the same."""
    is_link = os.path.islink(path)  # noqa: PTH114
    target = os.readlink(path) if is_link else presence_of(path)  # noqa: PTH115
    end = os.path.relpath(os.path.realpath(path), path)
    return digest_of_text(f"{is_link}\0{target}\0{end}")


def environment_digest(name: str) -> str:
    """The digest of a variable's value as this process was given it; "" where it was not set.

    What the user's code sets is no input of it. Of `EVERY` the names of all variables, without
    those that differ from one terminal to the next.
    """
    if name == EVERY:
        names = {variable for variable in os.environ if variable not in _REPLACED}
        names |= {variable for variable, value in _REPLACED.items() if value is not None}
        return digest_of_text("\0".join(sorted(n for n in names if not _of_session(n))))
    value = _REPLACED[name] if name in _REPLACED else os.environ.get(name)
    return "" if value is None else _digest_of_variable(name, value)


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
            if not frame.f_code.co_filename.startswith(_IMPORTING):
                if arguments[0] is None or _is_relative(arguments[0]):
                    note("directory", "")
                note("folder", _path(arguments[0] if arguments[0] is not None else "."))
        elif event == "ctypes.dlopen":
            _note_library(note, arguments[0])
        elif event == "sqlite3.connect":
            note("updated", _path(arguments[0]))
        elif event in ("os.mkdir", "os.rename"):
            note("written", _path(arguments[event == "os.rename"]))
    finally:
        _ACTIVE[threading.get_ident()] = note


def _note_opened(note: Note, path: Any, mode: Any, flags: Any) -> None:
    if isinstance(path, int) or path is None:
        return
    name = _path(path)
    if _is_relative(path) and not _asking(sys._getframe(2)).startswith(_OURS):
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
    elif os.path.basename(os.path.dirname(name)) == _COMPILED:  # noqa: PTH119, PTH120
        note("file", _source_of(name))
    else:
        note("file", name)


def _note_library(note: Note, path: Any) -> None:
    """Note a compiled library that is loaded by its path; one by its name alone is the system's."""
    if isinstance(path, int) or path is None or os.sep not in os.fsdecode(path):
        return
    if _is_relative(path):
        note("directory", "")
    name = _path(path)
    LIBRARIES.setdefault(name, digest_of(name))
    note("file", name)


def _source_of(compiled: str) -> str:
    """The source file of compiled code, also of what pytest compiled: ``x.cpython-311-pytest.pyc``.

    Python, and pytest, compile it again when its source has changed.
    """
    folder, name = os.path.split(compiled)
    return os.path.join(os.path.dirname(folder), name.partition(".")[0] + ".py")  # noqa: PTH118, PTH120


def _path(path: Any) -> str:
    """The full path; of a descriptor the path of what it has opened, "" if that is not known."""
    if isinstance(path, int):
        try:
            return os.fsdecode(_READLINK(f"/proc/self/fd/{path}"))
        except OSError:
            return ""
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100


_ACTIVE: dict[int, Note] = {}
_HOOKED: list[bool] = []
LIBRARIES: dict[str, str] = {}
"""Compiled libraries by their path, with the digest at the first load: a process that loads the
path again gets the old code, whatever the file holds by then."""


_PLACES = ("TMPDIR", "TMP", "TEMP")
"""Variables that say where temporary files go: each stage has its own place for them."""


EVERY = "*"
"""Stands for the names of all environment variables, where code goes through them."""
_SESSION = ("_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "WINDOWID", "DISPLAY", "TMUX", "STY")
_SESSIONS = ("SSH_", "XDG_", "DBUS_", "TERM", "TMUX_", "VSCODE_", "SLURM_", "CHIPDSE_", "PYTEST_")
_LISTED: dict[str, str] = {}
"""The very texts that going through the environment gives for the names of a session."""
_REPLACED: dict[str, str | None] = {}
"""What variables were, None if not set, before the user's code changed them."""


def _of_session(name: str) -> bool:
    """Whether a variable says where, when or in which terminal a program runs."""
    return name in _SESSION or name in _PLACES or name.startswith(_SESSIONS)


class _NotedEnvironment(os._Environ):  # type: ignore[type-arg]
    """The environment, each lookup by name noted."""

    def __getitem__(self, key: Any) -> Any:
        _note_lookup(key, sys._getframe(1))
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        _note_lookup(key, sys._getframe(1))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[Any]:
        _note_lookup(EVERY, sys._getframe(1))
        for key in super().__iter__():
            name = os.fsdecode(key)
            listed = _of_session(name) and isinstance(key, str)
            yield _LISTED.setdefault(name, key) if listed else key

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note_change(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._note_change(key)
        super().__delitem__(key)

    def _note_change(self, key: Any) -> None:
        if not isinstance(key, str | bytes):
            return
        name = os.fsdecode(key)
        if threading.get_ident() in _ACTIVE:
            before = self._data.get(  # type: ignore[attr-defined]
                self.encodekey(key)
            )
            _REPLACED.setdefault(name, None if before is None else os.fsdecode(before))
        else:  # the user's, or a test's, from outside
            _REPLACED.pop(name, None)


def _note_lookup(key: Any, frame: FrameType) -> None:
    thread = threading.get_ident()
    note = _ACTIVE.get(thread)
    if note is None or not isinstance(key, str | bytes):
        return
    name = os.fsdecode(key)
    if name in _PLACES or key is _LISTED.get(name) or _by_library(frame):
        return
    del _ACTIVE[thread]  # noting looks the value up again
    try:
        note("environment", name)
    finally:
        _ACTIVE[thread] = note


def _asking(frame: FrameType | None) -> str:
    """The file of the code that asks for a path, by itself or by Python's modules for paths."""
    while frame is not None and frame.f_code.co_filename in _PATHS:
        frame = frame.f_back
    return "<none>" if frame is None else frame.f_code.co_filename


def _is_relative(path: Any) -> bool:
    return not isinstance(path, int) and not os.path.isabs(os.fsdecode(path))  # noqa: PTH117


def _at(path: Any, folder: int | None) -> Any:
    """A path that may start from a folder's descriptor (`dir_fd`)."""
    if folder is None or isinstance(path, int) or not _is_relative(path):
        return path
    return os.path.join(_path(folder), os.fsdecode(path))  # noqa: PTH118


def _note_path(kind: str, path: Any, frame: FrameType) -> None:
    """Note that the user's code asks something of a path."""
    thread = threading.get_ident()
    note = _ACTIVE.get(thread)
    if note is None or isinstance(path, int) or not is_code_of_user(_asking(frame)):
        return
    del _ACTIVE[thread]  # noting asks for the path again
    try:
        if kind == "directory" or _is_relative(path):
            note("directory", "")
        if kind == "about":
            kind = "file" if presence_of(path) == "file" else "presence"
        if kind != "directory":
            note(kind, _path(path))
    finally:
        _ACTIVE[thread] = note


_STAT, _LSTAT, _ACCESS, _READLINK = os.stat, os.lstat, os.access, os.readlink
_GETCWD, _GETCWDB, _REALPATH = os.getcwd, os.getcwdb, os.path.realpath
_OPEN = os.open
_FIND_SPEC = importlib.util.find_spec


def _noted_stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
    """As `os.stat`; that the user's code asks for a path is noted.

    Where it does not only ask whether there is a file, it can take its size.
    """
    if threading.get_ident() in _ACTIVE:
        if options.get("follow_symlinks", True):
            asks = _asks_of_path(sys._getframe(1))
            kind = "about" if asks in ("", "stat", "getsize") else "presence"
        else:
            kind = "link"
        _note_path(kind, _at(path, options.get("dir_fd")), sys._getframe(1))
    return _STAT(path, *arguments, **options)


def _asks_of_path(frame: FrameType | None) -> str:
    """The function of Python's modules for paths that the code called; "" if it called none."""
    asked = ""
    while frame is not None and frame.f_code.co_filename in _PATHS:
        asked, frame = frame.f_code.co_name, frame.f_back
    return asked


# Each of these notes what the user's code asks, and then does as the function that it replaces.


def _noted_lstat(path: Any, **options: Any) -> os.stat_result:
    _note_path("link", _at(path, options.get("dir_fd")), sys._getframe(1))
    return _LSTAT(path, **options)


def _noted_readlink(path: Any, **options: Any) -> Any:
    _note_path("link", _at(path, options.get("dir_fd")), sys._getframe(1))
    return _READLINK(path, **options)


def _noted_access(path: Any, *arguments: Any, **options: Any) -> bool:
    _note_path("presence", _at(path, options.get("dir_fd")), sys._getframe(1))
    return _ACCESS(path, *arguments, **options)


def _noted_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """As `os.open`. Python's audit event does not contain the folder's descriptor."""
    thread = threading.get_ident()
    note = _ACTIVE.get(thread) if dir_fd is not None else None
    if note is None:
        return _OPEN(path, flags, mode, dir_fd=dir_fd)
    del _ACTIVE[thread]
    try:
        _note_opened(note, _at(path, dir_fd), None, flags)
        return _OPEN(path, flags, mode, dir_fd=dir_fd)
    finally:
        _ACTIVE[thread] = note


def _noted_realpath(path: Any, **options: Any) -> Any:
    _note_path("link", path, sys._getframe(1))
    thread = threading.get_ident()
    note = _ACTIVE.pop(thread, None)  # the links on the way are part of it
    try:
        return _REALPATH(path, **options)
    finally:
        if note is not None:
            _ACTIVE[thread] = note


def _noted_getcwd() -> str:
    _note_path("directory", "", sys._getframe(1))
    return _GETCWD()


def _noted_getcwdb() -> bytes:
    _note_path("directory", "", sys._getframe(1))
    return _GETCWDB()


def _noted_find_spec(name: str, package: str | None = None) -> Any:
    note = _ACTIVE.get(threading.get_ident())
    if note is not None and is_code_of_user(sys._getframe(1).f_code.co_filename):
        note("import", importlib.util.resolve_name(name, package) if name[:1] == "." else name)
    return _FIND_SPEC(name, package)


_PATH_STATS = importlib.machinery.SourceFileLoader.path_stats


def _no_stats(loader: Any, path: str) -> Any:
    """As `path_stats`, but the user's modules are compiled from their source each time.

    Python believes a compiled module whose source has the same size and date in seconds: an edit
    within a second would run the old code under the hash of the new one.
    """
    if threading.get_ident() in _ACTIVE and is_code_of_user(path):
        raise OSError("the source is to be read")
    return _PATH_STATS(loader, path)


def is_code_of_user(path: str) -> bool:
    """Whether a file of code is neither Python's, nor installed, nor chipdse's own."""
    ours = path.startswith(("<", _CHIPDSE))
    return not (ours or is_installed(path) or is_standard(path))


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
        os.stat, os.lstat, os.access = _noted_stat, _noted_lstat, _noted_access
        os.readlink, os.getcwd, os.getcwdb = _noted_readlink, _noted_getcwd, _noted_getcwdb
        posixpath.realpath = _noted_realpath  # type: ignore[assignment]
        importlib.util.find_spec = _noted_find_spec
        os.open = _noted_open
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            able.add(_noted_stat)
        os.supports_dir_fd |= {_noted_open, _noted_access, _noted_readlink, _noted_lstat}
        importlib.machinery.SourceFileLoader.path_stats = _no_stats  # type: ignore[assignment,method-assign]
        os.environ.__class__ = os.environb.__class__ = _NotedEnvironment
    _forget_lines()
    _ACTIVE[threading.get_ident()] = note


def _forget_lines() -> None:
    """Have `linecache` read files again, which it would return as they were when first read."""
    lines = getattr(sys.modules.get("linecache"), "cache", {})
    for name, entry in list(lines.items()):
        if len(entry) == 4 and entry[1] is not None:  # with a date: a file, no cell of a notebook
            lines.pop(name, None)


def stop() -> None:
    """Note nothing more in this thread."""
    _ACTIVE.pop(threading.get_ident(), None)


@dataclass(kw_only=True)
class Notes:
    """What was read, each with its digest when it was first read.

    files, folders : by absolute path
    imports : names of modules that were looked for
    environment : by the variable's name
    presence : what paths were that were only asked for, as `presence_of` has it
    links : where paths lead that were followed or looked at, as `link_digest` has it
    directory : the current folder, if the code asked for it or started from it
    updated : files that were opened to be read and changed
    written : what the code itself made
    """

    files: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    imports: dict[str, None] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    presence: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    updated: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    def note(self, kind: str, name: str) -> None:
        """Take in one read."""
        if kind == "import":
            self.imports[name] = None
        elif kind == "written":
            self.written.add(name)
        elif kind == "environment" and name not in self.environment:
            self.environment[name] = environment_digest(name)
        elif kind == "presence" and name not in self.presence and name not in self.written:
            self.presence[name] = presence_of(name)
        elif kind == "link" and name not in self.links and name not in self.written:
            self.links[name] = link_digest(name)
        elif kind == "directory":
            self.directory = self.directory or _GETCWD()
        elif kind == "folder" and name not in self.folders:
            self.folders[name] = digest_of(name)
        elif kind == "updated" and name not in self.files and name not in self.written:
            self.files[name] = digest_of(name)
            self.updated.add(name)
        elif kind == "file" and name not in self.files and not is_standard(name):
            self.files[name] = "" if name in self.written else digest_of(name)

    def add(self, notes: Notes) -> None:
        """Take in what others noted."""
        self.files = notes.files | self.files
        self.folders = notes.folders | self.folders
        self.imports |= notes.imports
        self.environment = notes.environment | self.environment
        self.presence = notes.presence | self.presence
        self.links = notes.links | self.links
        self.directory = self.directory or notes.directory
        self.updated |= notes.updated
        self.written |= notes.written

    def inputs(self) -> Iterator[tuple[str, str, str]]:
        """Kind, path and digest of what was there before the code ran: what the code made or
        changed itself is no input."""
        for path, digest in self.files.items():
            changed = path in self.updated and digest_of(path) != digest
            if path not in self.written and not changed:
                yield "file", path, digest
        for path, digest in self.folders.items():
            if path not in self.written:
                yield "folder", path, digest
        for path, state in self.presence.items():
            read = path in self.files or path in self.folders or path in self.written
            if not read and presence_of(path) == state:
                yield "presence", path, state
        for path, end in self.links.items():
            if path not in self.written and link_digest(path) == end:
                yield "link", path, end


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
