"""Where Python finds a block of the user's own, and which files it is made of."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from chipdse.store.distributions import is_users
from chipdse.store.imports import imported_modules
from chipdse.store.loaded import LoadedModule, is_outdated, loaded_modules
from chipdse.store.place import Place, Read, project_root, search_folders
from chipdse.store.reads import changed_reads, reads_of
from chipdse.store.recording.notes import forget_notes, noted
from chipdse.store.source_files import PACKAGES


def make_importable(folder: Path) -> None:
    """Put a project's folders before all others on Python's path, as ``python -m`` does."""
    for path in reversed(search_folders(folder)):
        if str(path) in sys.path:
            sys.path.remove(str(path))
        sys.path.insert(0, str(path))
    importlib.invalidate_caches()


def forget_outdated(module: str, folder: Path) -> None:
    """Have Python load the user's modules again where one that it has loaded would now be another.

    So it would be where the file of one of them, a file that they read, or an environment variable
    is not what it was, or where another file now has a module's name, such as a file of another
    project with a module of that name.
    """
    if module not in sys.modules:
        _forget_others(module, folder)
        return
    place, owner = Place.of(folder), owner_of(module, folder)
    modules = modules_of(module, owner)
    notes = noted(owner, [loaded.file for loaded in modules])
    reads = reads_of(place, notes, [])
    if any(is_outdated(place, loaded) for loaded in modules) or changed_reads(reads, place):
        for loaded in modules:
            if loaded.name.partition(".")[0] not in PACKAGES:
                sys.modules.pop(loaded.name, None)
        forget_notes(owner, [loaded.file for loaded in modules])
        importlib.invalidate_caches()


def _forget_others(module: str, folder: Path) -> None:
    """Have Python load anew what a module imports by a name that a file of another project has."""
    for name, file in _named_files(module, folder).items():
        loaded = getattr(sys.modules.get(name), "__file__", None)
        is_ours = name.partition(".")[0] in PACKAGES
        if loaded is not None and not is_ours and Path(loaded).resolve() != file.resolve():
            del sys.modules[name]


def owner_of(module: str, folder: Path) -> str:
    """What the reads of a module of a project are noted under."""
    return f"{project_root(folder)}:{module}"


def modules_of(module: str, owner: str) -> list[LoadedModule]:
    """The user's modules that a loaded module needs, itself included."""
    return _needed(module, owner)[0]


def _needed(module: str, owner: str) -> tuple[list[LoadedModule], set[str]]:
    files = [loaded_module.file for loaded_module in loaded_modules([module], noted(owner, []))[0]]
    return loaded_modules([module], noted(owner, files))


def reads_here(module: str, folder: Path) -> tuple[Read, ...]:
    """All that a loaded module and those that it needs have read in this process."""
    place, owner = Place.of(folder), owner_of(module, folder)
    modules, tops = _needed(module, owner)
    return reads_of(place, noted(owner, [loaded.file for loaded in modules]), modules, tops)


def source_files(module: str, folder: Path) -> list[Path]:
    """The files of a module and of all the user's modules that its import statements name.

    What is imported in another way is known only when it has run (`chipdse.store.reads`).
    """
    return sorted(set(_named_files(module, folder).values()))


def _named_files(module: str, folder: Path) -> dict[str, Path]:
    """The files of `source_files` by the name of the module."""
    place = Place.of(folder)
    files: dict[str, Path] = {}
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] in sys.stdlib_module_names:
            continue
        seen.add(name)
        file = place.locate(name)
        if file is None or not is_users(file) or name.startswith("chipdse."):
            continue
        files[name] = file
        if file.suffix == ".py":
            waiting += imported_modules(file, name)
        if name.rpartition(".")[0] not in ("", "chipdse_hdl"):  # whose __init__ lists every block
            waiting.append(name.rpartition(".")[0])
    return files
