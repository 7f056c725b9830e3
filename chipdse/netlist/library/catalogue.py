"""Cell libraries by name: the one that ships, and the user's own, kept in the configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.errors import DesignError
from chipdse.netlist.library.entry import GIVEN, LibraryEntry, ProcessFiles, entry_of_files
from chipdse.netlist.library.processes import TYPICAL
from chipdse.netlist.library.public import public_libraries
from chipdse.paths import config_folder
from chipdse.reading import parse_toml, toml_text

if TYPE_CHECKING:
    from chipdse.netlist.library.liberty.head import Corner

SHIPPED = ("sky130",)
DEFAULT = "sky130"
PROCESSES = (TYPICAL, "slow", "fast")
"""Process corners of the shipped library."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,199}")  # a file is named by it


def resolve(library: str | Sequence[Path]) -> LibraryEntry:
    """A library by name, or from Liberty files.

    Parameters
    ----------
    library : a name from `library_names`, or Liberty files: files with the same process, supply
        and temperature are one corner, the first typical file's corner is the nominal one

    Raises
    ------
    DesignError : unknown name, missing file, a file whose process corner is not clear
    """
    if not isinstance(library, str):
        return entry_of_files(GIVEN, tuple(library))
    if library in SHIPPED:
        saved = {process: shipped_file(library, process) for process in PROCESSES}
        if not saved[TYPICAL].is_file():
            raise DesignError(
                f"library {library!r} is missing from this installation: {saved[TYPICAL]}"
            )
        return LibraryEntry(
            name=library,
            by_process={
                process: ProcessFiles(saved=path)
                for process, path in saved.items()
                if path.is_file()
            },
            nominal=_corner(1.8, 25.0),
            node_nm=130.0,
        )
    file = description_file(library)
    if not is_name(library) or not file.is_file():
        known = ", ".join(library_names())
        command = f"add your own with 'chipdse library add {library} FILE.lib'"
        if library in public_libraries():
            command = f"fetch it with 'chipdse library get {library}'"
        raise DesignError(f"library {library!r} is not known; known: {known}; {command}")
    try:
        data = parse_toml(toml_text(file))
        files = tuple(Path(name) for name in data["files"])
        node_nm = float(data.get("node_nm", 0.0)) or None  # older descriptions hold 0
    except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise DesignError(f"{file} is damaged ({error}); add the library again") from None
    return entry_of_files(library, files, node_nm)


def named_library(liberty: Sequence[Path]) -> LibraryEntry | None:
    """The library that a single ``--liberty`` names; None where it states files."""
    name = str(liberty[0]) if len(liberty) == 1 and not liberty[0].exists() else ""
    return resolve(name) if name in library_names() else None


def is_name(text: str) -> bool:
    """Whether a library may have this name."""
    return _NAME.fullmatch(text) is not None


def library_names() -> tuple[str, ...]:
    """Every name that `resolve` knows: shipped first, then the user's."""
    folder = _folder()
    user_names = sorted(file.stem for file in folder.glob("*.toml")) if folder.is_dir() else []
    return (*SHIPPED, *(name for name in user_names if name not in SHIPPED))


def shipped_file(name: str, process: str = TYPICAL) -> Path:
    """The path of a process corner of a shipped library."""
    suffix = "" if process == TYPICAL else f"_{process}"
    return Path(str(resources.files("chipdse.technology"))) / "data" / f"{name}{suffix}.npz"


def _corner(supply_v: float, temperature_c: float) -> Corner:
    from chipdse.netlist.library.liberty.head import Corner

    return Corner(supply_v=supply_v, temperature_c=temperature_c)


def _folder() -> Path:
    return config_folder() / "libraries"


def description_file(name: str) -> Path:
    """The path of the description of one of the user's libraries."""
    return _folder() / f"{name}.toml"
