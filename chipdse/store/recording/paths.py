"""Functions of `os` that take a path: each notes what the user's code asks of the path.

Each then does as the function that it replaces. Python's audit hook
reports none of these questions.
"""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType
from typing import Any

from chipdse.store.recording.active import ACTIVE
from chipdse.store.recording.digests import presence_of
from chipdse.store.recording.origins import asked_function, asking_file, is_code_of_user

_STAT, _LSTAT, _ACCESS, _READLINK = os.stat, os.lstat, os.access, os.readlink
GETCWD, _GETCWDB, _REALPATH = os.getcwd, os.getcwdb, os.path.realpath


def starting_at(path: Any, folder: int | None) -> Any:
    """A path that may start from a folder's descriptor (`dir_fd`)."""
    if folder is None or isinstance(path, int) or not is_relative(path):
        return path
    return os.path.join(full_path(folder), os.fsdecode(path))  # noqa: PTH118


def is_relative(path: Any) -> bool:
    """Whether a path starts from the current folder."""
    return not isinstance(path, int) and not os.path.isabs(os.fsdecode(path))  # noqa: PTH117


def full_path(path: Any) -> str:
    """The full path; of a descriptor the path of what it has opened, "" if that is not known."""
    if isinstance(path, int):
        try:
            return os.fsdecode(_READLINK(f"/proc/self/fd/{path}"))
        except OSError:
            return ""
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100


def _note_path(kind: str, path: Any, frame: FrameType) -> None:
    """Note that the user's code asks something of a path."""
    thread = threading.get_ident()
    note = ACTIVE.get(thread)
    if note is None or isinstance(path, int) or not is_code_of_user(asking_file(frame)):
        return
    del ACTIVE[thread]  # noting asks for the path again
    try:
        if kind == "directory" or is_relative(path):
            note("directory", "")
        if kind == "about":
            kind = "file" if presence_of(path) == "file" else "presence"
        if kind != "directory":
            note(kind, full_path(path))
    finally:
        ACTIVE[thread] = note


def noted_stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
    """As `os.stat`; that the user's code asks for a path is noted.

    Where it does not only ask whether there is a file, it can take its size.
    """
    if threading.get_ident() in ACTIVE:
        if options.get("follow_symlinks", True):
            asks = asked_function(sys._getframe(1))
            kind = "about" if asks in ("", "stat", "getsize") else "presence"
        else:
            kind = "link"
        _note_path(kind, starting_at(path, options.get("dir_fd")), sys._getframe(1))
    return _STAT(path, *arguments, **options)


def noted_lstat(path: Any, **options: Any) -> os.stat_result:
    _note_path("link", starting_at(path, options.get("dir_fd")), sys._getframe(1))
    return _LSTAT(path, **options)


def noted_readlink(path: Any, **options: Any) -> Any:
    _note_path("link", starting_at(path, options.get("dir_fd")), sys._getframe(1))
    return _READLINK(path, **options)


def noted_access(path: Any, *arguments: Any, **options: Any) -> bool:
    _note_path("presence", starting_at(path, options.get("dir_fd")), sys._getframe(1))
    return _ACCESS(path, *arguments, **options)


def noted_realpath(path: Any, **options: Any) -> Any:
    _note_path("link", path, sys._getframe(1))
    thread = threading.get_ident()
    note = ACTIVE.pop(thread, None)  # the links on the way are part of it
    try:
        return _REALPATH(path, **options)
    finally:
        if note is not None:
            ACTIVE[thread] = note


def noted_getcwd() -> str:
    _note_path("directory", "", sys._getframe(1))
    return GETCWD()


def noted_getcwdb() -> bytes:
    _note_path("directory", "", sys._getframe(1))
    return _GETCWDB()
