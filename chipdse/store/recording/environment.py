"""The environment variables, as a mapping that notes each name that is looked up."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from chipdse.store.recording.active import ACTIVE
from chipdse.store.recording.digests import EVERY, PLACES, REPLACED, is_of_session
from chipdse.store.recording.origins import is_asked_by_library

_LISTED: dict[str, str] = {}
"""The very texts that going through the environment gives for the names of a session."""


class NotedEnvironment(os._Environ):  # type: ignore[type-arg]
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
            listed = is_of_session(name) and isinstance(key, str)
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
        if threading.get_ident() in ACTIVE:
            before = self._data.get(  # type: ignore[attr-defined]
                self.encodekey(key)
            )
            REPLACED.setdefault(name, None if before is None else os.fsdecode(before))
        else:  # the user's, or a test's, from outside
            REPLACED.pop(name, None)


def _note_lookup(key: Any, frame: FrameType) -> None:
    thread = threading.get_ident()
    note = ACTIVE.get(thread)
    if note is None or not isinstance(key, str | bytes):
        return
    name = os.fsdecode(key)
    if name in PLACES or key is _LISTED.get(name) or is_asked_by_library(frame):
        return
    del ACTIVE[thread]  # noting looks the value up again
    try:
        note("environment", name)
    finally:
        ACTIVE[thread] = note
