"""The user's modules that are loaded in this process, with the digests of their files."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from chipdse.store.distributions import is_users
from chipdse.store.imports import imported_modules
from chipdse.store.place import Place, file_digest
from chipdse.store.recording.notes import Notes

TOOLS_AND_CHIPDSE = ("chipdse", "cocotb", "cocotb_tools", "pygpi")


_HDL = "chipdse_hdl"


@dataclass(frozen=True, kw_only=True)
class LoadedModule:
    """One of the user's modules that was loaded: its file, and the file's digest at that time."""

    name: str
    file: str
    digest: str


_LOADED: dict[str, tuple[ModuleSpec | None, str]] = {}
"""The spec of each of the user's modules in this process, and the digest of its file when the
module was first found. Specs are held: the `id` of one that is gone may be that of the next."""


def loaded_modules(start: Iterable[str], notes: Notes) -> tuple[list[LoadedModule], set[str]]:
    """The user's modules in this process that some modules need, and top-level names of others.

    Found from the import statements in their files, from the modules and the origins of the
    objects that they hold, and from what was imported while their functions ran.
    """
    loaded: list[LoadedModule] = []
    waiting = [*start, *notes.imports]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] in sys.stdlib_module_names:
            continue
        seen.add(name)
        if name.rpartition(".")[0] not in ("", _HDL):  # whose __init__ lists every block
            waiting.append(name.rpartition(".")[0])
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is None or not isinstance(file, str) or not is_users(file):
            continue
        loaded.append(
            LoadedModule(name=name, file=file, digest=_digest_when_loaded(name, module, file))
        )
        if name.partition(".")[0] not in TOOLS_AND_CHIPDSE and file.endswith(".py"):
            waiting += imported_modules(Path(file), name)
            waiting += _held_by(module)
    return loaded, {name.partition(".")[0] for name in seen}


def _held_by(module: ModuleType) -> Iterator[str]:
    for value in list(vars(module).values()):
        origin = value.__name__ if isinstance(value, ModuleType) else _origin(value)
        if isinstance(origin, str):
            yield origin


def _origin(value: object) -> object:
    try:
        return getattr(value, "__module__", None)
    except Exception:  # a lazy object may raise any error when it is accessed
        return None


def _digest_when_loaded(name: str, module: ModuleType, file: str) -> str:
    known = _LOADED.get(name)
    again = known is not None and known[0] is not module.__spec__  # it was loaded again
    if again and file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
        again = False  # a process keeps the compiled code that it loaded first
    if known is None or again:
        known = _LOADED[name] = (module.__spec__, file_digest(Path(file)))
    return known[1]


def is_outdated(place: Place, module: LoadedModule) -> bool:
    """Whether Python would now load a different file for a module."""
    if file_digest(Path(module.file)) != module.digest:
        return True
    located = place.locate(module.name)
    return located is not None and not is_same_file(located, module.file)


def is_same_file(path: Path, name: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(name)
