"""The user's own libraries: their descriptions are added to the configuration and removed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import SHIPPED, description_file, is_name, library_names
from chipdse.netlist.library.entry import LibraryEntry, entry_of_files
from chipdse.store.files import write_whole


def add_library(
    name: str, files: Sequence[Path], *, node_nm: float | None = None, replace: bool = False
) -> LibraryEntry:
    """Store the user's Liberty files under a name; they are read and joined once as a check.

    Parameters
    ----------
    node_nm : process node [nm], for cost and carbon; None where it is not known
    replace : the name may be that of another of the user's libraries, which it then replaces

    Raises
    ------
    DesignError : the name is taken or no name, a file is not Liberty, corners do not fit together,
        the description cannot be written
    """
    check_new(name, replace=replace)
    if node_nm is not None and not (math.isfinite(node_nm) and node_nm > 0):
        raise DesignError(f"node_nm={node_nm!r} is not a process node, e.g. 7")
    entry = entry_of_files(name, tuple(path.absolute() for path in files), node_nm)
    for process in entry.processes:
        entry.load(process)
    _describe(entry)
    return entry


def add_usable(
    name: str, files: Sequence[Path], *, node_nm: float | None = None, replace: bool = False
) -> tuple[LibraryEntry, list[str]]:
    """As `add_library`, without process corners that do not fit the default one.

    Returns
    -------
    entry : the library
    problems : why process corners were left out, as sentences
    """
    check_new(name, replace=replace)
    entry = entry_of_files(name, tuple(path.absolute() for path in files), node_nm)
    entry.load()
    usable, problems = dict(entry.by_process), []
    for process in entry.processes[1:]:
        try:
            entry.load(process)
        except DesignError as error:
            problems.append(f"the {process} corner is left out: {error}")
            del usable[process]
    entry = dataclasses.replace(entry, by_process=usable)
    _describe(entry)
    return entry, problems


def check_new(name: str, *, replace: bool = False) -> None:
    """Raise DesignError unless a library of this name can be added."""
    if not is_name(name):
        raise DesignError(
            f"library name {name!r} must start with a letter and hold letters, digits, _ . - only"
        )
    if name in SHIPPED:
        raise DesignError(f"library {name!r} ships with the package; choose another name")
    target = description_file(name)
    if target.exists() and not replace:
        raise DesignError(f"library {name!r} exists already ({target}); use --replace")


def _describe(entry: LibraryEntry) -> None:
    """Write the description of a library of the user's."""
    target = description_file(entry.name)
    lines = ",\n".join(f"  {_toml_string(str(path))}" for path in entry.every_file)
    node_nm = entry.node_nm
    node = "" if node_nm is None else f"node_nm = {node_nm!r}  # for cost and carbon\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(
            target,
            "# Liberty files of one library; the first file's corner is the nominal one.\n"
            f"files = [\n{lines},\n]\n{node}",
        )
    except OSError as error:
        raise DesignError(
            f"library {entry.name!r} cannot be added: {target} cannot be written "
            f"({error.strerror}); CHIPDSE_CONFIG names another folder"
        ) from None


def remove_library(name: str) -> None:
    """Remove the name of one of the user's libraries, usable or not; its Liberty files stay.

    Raises
    ------
    DesignError : the library ships with the package, there is none of this name, or its
        description cannot be removed
    """
    if name in SHIPPED:
        raise DesignError(f"library {name!r} ships with the package; it cannot be removed")
    user_names = [known for known in library_names() if known not in SHIPPED]
    if name not in user_names:
        raise DesignError(
            f"library {name!r} was not added; added libraries: {', '.join(user_names) or 'none'}"
        )
    target = description_file(name)
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        raise DesignError(
            f"library {name!r} cannot be removed: {target}: {error.strerror}"
        ) from None


def _toml_string(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
