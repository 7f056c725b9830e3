"""The user's inputs of a stored result: recorded with it, and compared before it is reused.

A `Read` is a module by its name, a file or folder by its path, an environment variable, or an
installed package by its version; each with its digest when it was read. Each comparison searches a
module again in the order of Python's search path, so a new file that comes first in this path is a
change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError, MachineError
from chipdse.store.distributions import (
    distribution_of,
    is_identified_by_content,
    is_users,
    version_of,
)
from chipdse.store.folder import READS
from chipdse.store.loaded import TOOLS_AND_CHIPDSE, LoadedModule, is_same_file
from chipdse.store.place import Place, Read, file_digest
from chipdse.store.recording.digests import (
    EVERY,
    environment_digest,
)
from chipdse.store.recording.notes import Notes
from chipdse.store.recording.origins import is_installed
from chipdse.store.recording.recorder import LIBRARIES


def reads_of(
    place: Place, notes: Notes, modules: Iterable[LoadedModule], tops: Iterable[str] = ()
) -> tuple[Read, ...]:
    """The reads that were noted, sorted, each once.

    Parameters
    ----------
    modules : the user's modules that were loaded
    tops : top-level modules of packages that these use
    """
    reads: set[Read] = set()
    modules = list(modules)
    for module in modules:
        located = place.locate(module.name)
        if located is not None and is_same_file(located, module.file):
            reads.add(Read(kind="module", name=module.name, digest=module.digest))
        else:  # loaded by its path
            reads.add(Read(kind="file", name=place.name(module.file), digest=module.digest))
    sources = {module.file for module in modules}
    for kind, path, digest in notes.inputs():
        if path not in sources and is_identified_by_content(path):
            reads.add(Read(kind=kind, name=place.name(path), digest=digest))
    for name, digest in notes.environment.items():
        reads.add(Read(kind="environment", name=name, digest=digest))
    if notes.directory:
        reads.add(Read(kind="directory", name="", digest=place.here(notes.directory)))
    reads |= {Read(kind="module", name=name, digest="") for name in _missing(place, notes.imports)}
    imported = {name.partition(".")[0] for name in notes.imports}
    return tuple(sorted(reads | set(packages(place, imported | set(tops)))))


def _missing(place: Place, names: Iterable[str]) -> Iterator[str]:
    """The modules that the code tried to import or find and that do not exist."""
    for name in names:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in TOOLS_AND_CHIPDSE or name in sys.modules:
            continue
        if is_users(place.locate(top) or name) and place.find(name) is None:
            yield name


def declared(
    place: Place, folder: Path, files: Iterable[str], variables: Iterable[str]
) -> Iterator[Read]:
    """Reads of files (or folders) and variables that a block declares.

    Parameters
    ----------
    folder : from which the files' paths start

    Raises
    ------
    DesignError : a file does not exist
    """
    for file in files:
        path = folder / file
        if not path.exists():
            raise DesignError(f"reads = {file!r} names no file or folder in {folder}")
        kind = "folder" if path.is_dir() else "file"
        name = place.name(path)
        yield Read(kind=kind, name=name, digest=place.now(kind, name))
    for variable in variables:
        yield Read(kind="environment", name=variable, digest=place.now("environment", variable))


def packages(place: Place, tops: Iterable[str]) -> Iterator[Read]:
    """Versions of the installed packages among some top-level modules."""
    for top in sorted(set(tops)):
        if top in sys.stdlib_module_names or top in TOOLS_AND_CHIPDSE:
            continue
        file = place.locate(top)
        if file is not None and is_installed(str(file)) and (name := distribution_of(top)):
            yield Read(kind="package", name=name, digest=version_of(name))


def check_unchanged(place: Place, reads: Iterable[Read]) -> None:
    """Raise an error if an input has changed since it was read.

    Raises
    ------
    MachineError : an input has changed, so the result belongs to no version of it
    """
    reads = tuple(reads)
    names = {read.name for read in reads if read.kind == "file"}
    held = [
        Read(kind="file", name=name, digest=digest)
        for name, digest in ((place.name(path), was) for path, was in LIBRARIES.items())
        if name in names
    ]
    for read in changed_reads([*reads, *held], place):
        raise MachineError(
            f"{read} changed while it was used, or after this process loaded it; run again "
            "(in a notebook, restart the kernel)"
        )


def changed_reads(reads: Iterable[Read], place: Place) -> list[Read]:
    """The recorded inputs whose content has changed."""
    return [read for read in reads if place.now(read.kind, read.name) != read.digest]


def read_again(names: Iterable[tuple[str, str]], place: Place) -> tuple[Read, ...]:
    """The same inputs with their current digests."""
    return tuple(Read(kind=kind, name=name, digest=place.now(kind, name)) for kind, name in names)


def recorded_reads(folder: Path) -> tuple[Read, ...]:
    """The inputs that the result in a stage's folder read; empty for a stage that does not run the
    user's code."""
    try:
        lines: list[dict[str, Any]] = json.loads((folder / READS).read_text())
    except FileNotFoundError:
        return ()
    return tuple(Read(**line) for line in lines)


def write_reads(folder: Path, reads: Iterable[Read]) -> None:
    """Write the reads of a result into its folder."""
    lines = [{"kind": r.kind, "name": r.name, "digest": r.digest} for r in sorted(set(reads))]
    (folder / READS).write_text(json.dumps(lines, indent=1))


def bench_notes(file: Path) -> Notes:
    """The inputs that a bench recorded in a file, if there is one.

    The file is written by `chipdse.store.recording.bench_reads`.

    The list of environment variables is that of this process, because the simulator adds some.
    """
    notes = Notes()
    noted = {
        "file": notes.files,
        "folder": notes.folders,
        "environment": notes.environment,
        "presence": notes.presence,
        "link": notes.links,
    }
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    for kind, name, digest in map(json.loads, lines):
        if kind == "import":
            notes.imports[name] = None
        elif kind == "written":
            notes.written.add(name)
        elif kind == "updated":
            if name not in notes.files and name not in notes.written:
                notes.files[name] = digest
                notes.updated.add(name)
        elif name not in notes.written:
            noted[kind].setdefault(name, digest)
    if EVERY in notes.environment:
        notes.environment[EVERY] = environment_digest(EVERY)
    return notes


def bench_modules(notes: Notes, place: Place) -> Iterator[LoadedModule]:
    """The user's modules that a bench loaded."""
    for name in notes.imports:
        file = place.locate(name)
        if file is not None and is_users(file) and not name.startswith("chipdse.store"):
            digest = notes.files.get(str(file)) or file_digest(file)
            yield LoadedModule(name=name, file=str(file), digest=digest)
