"""The cell library of a design, as it is on the disk now.

A running process may outlive a version of a Liberty file. Data are therefore cached per version of
the files, never per name of the library, and a result is stored only if the files did not change
from the computation of its key to the end of its build.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chipdse.design import Design, LibraryChoice
from chipdse.errors import DesignError, MachineError
from chipdse.netlist.library.catalogue import description_file, resolve
from chipdse.netlist.library.entry import LibraryEntry
from chipdse.store.place import file_digest

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class LibraryVersion:
    """The files of a process corner of a library, and of its default one, at one time.

    Every netlist is mapped, placed and given its clock tree with the default process corner, so the
    results of another corner depend on both.

    process : the process corner; None is the library's default one
    files : the Liberty files, or the saved files
    digests : SHA-256 of each
    stamps : dates, size and inode of each and of the library's description, which change whenever a
        file is written, even with unchanged content
    """

    process: str | None
    files: tuple[Path, ...]
    digests: tuple[str, ...]
    stamps: tuple[tuple[int, ...], ...]


_RESOLVED: dict[LibraryChoice, tuple[LibraryEntry, tuple[tuple[int, ...], ...]]] = {}
"""Libraries with the stamps of their files; other stamps mean that a file is another one now."""


def library_of(choice: LibraryChoice) -> LibraryEntry:
    """The library of a design."""
    known = _RESOLVED.get(choice)
    if known is not None and _stamps(choice, known[0].every_file) == known[1]:
        return known[0]
    before = _stamps(choice, choice.files)
    entry = resolve(choice.name if choice.name is not None else choice.files)
    stamps = _stamps(choice, entry.every_file)
    if choice.files and stamps != before:
        raise changed(choice)
    _RESOLVED[choice] = (entry, stamps)
    return entry


def shared_node_nm(libraries: Mapping[str, LibraryChoice], stated_nm: float | None) -> float:
    """The process node of a die whose parts have libraries of their own [nm].

    Parameters
    ----------
    libraries : by the name of the part
    stated_nm : the node of the package, which comes before that of the libraries; None or 0 where
        it is not stated

    Raises
    ------
    DesignError : the libraries differ in their node, or it is not known
    """
    nodes = {part: library_of(choice).node_nm for part, choice in libraries.items()}
    if len(set(nodes.values())) > 1:
        listed = ", ".join(
            f"{part} {'unknown' if node is None else f'{node:g} nm'}"
            for part, node in nodes.items()
        )
        raise DesignError(f"parts on one die must share a process node: {listed}")
    node = stated_nm or next(iter(nodes.values()))
    if node is None:
        raise DesignError("the process node of the library is not known; set [package] node_nm")
    return float(node)


def library_version(choice: LibraryChoice, process: str | None = None) -> LibraryVersion:
    """The current version of a library's files for a process corner; None is the default corner.

    Raises
    ------
    DesignError : the library has no such process corner
    """
    entry = library_of(choice)
    files = tuple(dict.fromkeys((*entry.files_of(process), *entry.files_of())))
    stamps = _stamps(choice, files)
    digests = tuple(file_digest(path) for path in files)
    return LibraryVersion(process=process, files=files, digests=digests, stamps=stamps)


def library_key(choice: LibraryChoice, process: str | None = None) -> tuple[str, ...]:
    """Hashes of the files of `library_version`: what results of a process corner depend on."""
    return library_version(choice, process).digests


def guarded(
    choice: LibraryChoice, version: LibraryVersion, build: Callable[[Path], Result]
) -> Callable[[Path], Result]:
    """A function that builds as `build` does, and raises if the library is not of that version.

    Parameters
    ----------
    version : taken before the key of the result was made
    """

    def checked(folder: Path) -> Result:
        result = build(folder)
        check_version(choice, version)
        return result

    return checked


def check_version(choice: LibraryChoice, version: LibraryVersion) -> None:
    """Raise MachineError if the files of a library were written after `version` was taken."""
    now = functools.partial(library_version, choice, version.process)
    if _stamps(choice, version.files) != version.stamps or now() != version:
        raise changed(choice)


def changed(choice: LibraryChoice) -> MachineError:
    """The error of a library that was edited while it was used."""
    name = choice.name or ", ".join(path.name for path in choice.files)
    return MachineError(f"library {name} changed while it was used; nothing is kept: run again")


def supply_of(design: Design) -> tuple[float, float]:
    """Supply [V] and temperature [°C] of a design, the library's nominal ones by default."""
    nominal, operating = library_of(design.library).nominal, design.operating
    vdd_v, temperature_c = operating.vdd_v, operating.temperature_c
    return (
        nominal.supply_v if vdd_v is None else vdd_v,
        nominal.temperature_c if temperature_c is None else temperature_c,
    )


def _stamps(choice: LibraryChoice, files: tuple[Path, ...]) -> tuple[tuple[int, ...], ...]:
    described = () if choice.name is None else (description_file(choice.name),)
    return tuple(_stamp(path) for path in (*files, *described))


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except (OSError, ValueError):  # a name with a NUL is no path
        return ()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
