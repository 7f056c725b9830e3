"""What was read: each read with its digest, collected by what used it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from chipdse.store.recording.active import ACTIVE
from chipdse.store.recording.digests import digest_of, environment_digest, link_digest, presence_of
from chipdse.store.recording.origins import is_installed, is_standard
from chipdse.store.recording.paths import GETCWD
from chipdse.store.recording.recorder import start, stop


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
            self.directory = self.directory or GETCWD()
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
"""What was read for an owner, or by code of a source file, since the process began."""


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

    before = ACTIVE.get(threading.get_ident())
    start(note)
    try:
        yield
    finally:
        stop()
        if before is not None:
            ACTIVE[threading.get_ident()] = before


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
