"""Cell libraries by name: the one that ships, and the user's own, kept in the configuration.

A library is Liberty files grouped by corner, or a saved file that holds every corner. One record
answers what the flow needs: Liberty text for synthesis at the nominal corner, and the arrays of
all corners for timing and power.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.errors import DesignError
from chipdse.netlist.library.processes import TYPICAL
from chipdse.paths import config_folder
from chipdse.reading import parse_toml, toml_text
from chipdse.store.files import write_whole

if TYPE_CHECKING:
    from chipdse.netlist.library.liberty.head import Corner
    from chipdse.netlist.library.library import CellLibrary

SHIPPED = ("sky130",)
DEFAULT = "sky130"
VARIANTS = ("slow", "fast")  # other transistors that a library ships for, each in its own file
GIVEN = "given"  # files without a name
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class LibraryEntry:
    """A library that can be used by name.

    Parameters
    ----------
    corners : Liberty files of each corner, the nominal corner first; empty for a saved library
    saved : a library saved with every corner, instead of `corners`
    process : the transistors of these files: typical, slow, fast, slow-fast or fast-slow
    variants : the library saved for other transistors, by process
    nominal : the corner used for synthesis, and the default for timing and power
    node_nm : process node [nm], for cost and carbon; None where it is not known
    """

    name: str
    corners: tuple[tuple[Path, ...], ...] = ()
    saved: Path | None = None
    process: str = TYPICAL
    variants: tuple[tuple[str, Path], ...] = ()
    nominal: Corner
    node_nm: float | None = None

    @property
    def shipped(self) -> bool:
        """It comes with the package."""
        return self.saved is not None

    @property
    def processes(self) -> tuple[str, ...]:
        """The transistors it is known for, those of synthesis first."""
        return (self.process, *(process for process, _ in self.variants))

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file whose content decides results of its own process, for stage keys."""
        return self.files_of(self.process)

    def files_of(self, process: str) -> tuple[Path, ...]:
        """Every file whose content decides results of one of its processes.

        Raises
        ------
        DesignError : it is not known for that process
        """
        self._check(process)
        if process != self.process:
            return (dict(self.variants)[process],)
        if self.saved is not None:
            return (self.saved,)
        return tuple(path for corner in self.corners for path in corner)

    def load(self, process: str | None = None) -> CellLibrary:
        """The library over all its corners.

        Parameters
        ----------
        process : one of `processes`; None: the first of them

        Raises
        ------
        DesignError : a file is missing or damaged, corners do not fit together, or it is not known
            for that process
        """
        wanted = self.process if process is None else process
        self._check(wanted)
        if wanted not in self._loaded:
            self._loaded[wanted] = self._read(wanted)
        return self._loaded[wanted]

    def _check(self, process: str) -> None:
        if process not in self.processes:
            raise DesignError(
                f"library {self.name!r} is not known for process {process!r}; "
                f"known: {', '.join(self.processes)}"
            )

    @cached_property
    def _loaded(self) -> dict[str, CellLibrary]:
        """What has been read, by process."""
        return {}

    def _read(self, process: str) -> CellLibrary:
        # Imported here: what a library is made of lies above this module, its name below.
        from chipdse.netlist.library.cache import load_library
        from chipdse.netlist.library.join import join_corners
        from chipdse.netlist.library.pack import load_packed

        if self.saved is not None:
            return load_packed(self.files_of(process)[0])
        loaded = [load_library(files) for files in self.corners]
        if len(loaded) > 1:
            return dataclasses.replace(join_corners(loaded, self.name), process=process)
        # messages speak of a library as its user does
        name = loaded[0].name if self.name == GIVEN else self.name
        return dataclasses.replace(loaded[0], name=name, process=process)


def liberty_files_for_synthesis(library: LibraryEntry, folder: Path) -> tuple[Path, ...]:
    """Liberty files of the nominal corner; a saved library is written into `folder`.

    The user's own files are given where they are: nothing is copied.
    """
    if library.saved is None:
        return library.corners[0]
    target = folder / f"{library.name}.lib"
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(target, liberty_text(library, library.nominal))
    return (target,)


def liberty_text(library: LibraryEntry, corner: Corner, process: str | None = None) -> str:
    """A Liberty file of a library at any operating point inside the characterised range.

    Parameters
    ----------
    process : one of its processes; None: that of synthesis
    """
    from chipdse.netlist.library.liberty import writer as liberty_writer

    loaded = library.load(process)
    return liberty_writer.liberty_text(loaded.at(corner.supply_v, corner.temperature_c))


def resolve(library: str | Sequence[Path]) -> LibraryEntry:
    """A library by name, or from Liberty files.

    Parameters
    ----------
    library : a name from `library_names`, or Liberty files: files with the same supply and
        temperature are one corner, the first file's corner is the nominal one

    Raises
    ------
    DesignError : unknown name, missing file, corners of different processes
    """
    if not isinstance(library, str):
        return _from_files(GIVEN, tuple(library))
    if library in SHIPPED:
        saved = shipped_file(library)
        if not saved.is_file():
            raise DesignError(f"library {library!r} is missing from this installation: {saved}")
        return LibraryEntry(
            name=library,
            saved=saved,
            variants=tuple((process, shipped_file(library, process)) for process in VARIANTS),
            nominal=_corner(1.8, 25.0),
            node_nm=130.0,
        )
    file = description_file(library)
    if not _NAME.fullmatch(library) or not file.is_file():
        known = ", ".join(library_names())
        raise DesignError(
            f"library {library!r} is not known; known: {known}; add your own with "
            f"'chipdse library add {library} FILE.lib'"
        )
    try:
        data = parse_toml(toml_text(file))
        files = tuple(Path(name) for name in data["files"])
        node_nm = float(data.get("node_nm", 0.0)) or None  # older descriptions hold 0
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DesignError(f"{file} is damaged ({error}); add the library again") from None
    return _from_files(library, files, node_nm)


def named_library(liberty: Sequence[Path]) -> LibraryEntry | None:
    """The library that a single ``--liberty`` names; None where it states files."""
    name = str(liberty[0]) if len(liberty) == 1 and not liberty[0].exists() else ""
    return resolve(name) if name in library_names() else None


def library_names() -> tuple[str, ...]:
    """Every name that `resolve` knows: shipped first, then the user's."""
    folder = _folder()
    own = sorted(file.stem for file in folder.glob("*.toml")) if folder.is_dir() else []
    return (*SHIPPED, *(name for name in own if name not in SHIPPED))


def add_library(
    name: str, files: Sequence[Path], *, node_nm: float | None = None, replace: bool = False
) -> LibraryEntry:
    """Store the user's Liberty files under a name; they are read and joined once as a check.

    Parameters
    ----------
    node_nm : process node [nm], for cost and carbon; None where it is not known

    Raises
    ------
    DesignError : the name is taken or no name, a file is not Liberty, corners do not fit together
    """
    if not _NAME.fullmatch(name):
        raise DesignError(
            f"library name {name!r} must start with a letter and hold letters, digits, _ . - only"
        )
    if name in SHIPPED:
        raise DesignError(f"library {name!r} ships with the package; choose another name")
    target = description_file(name)
    if target.exists() and not replace:
        raise DesignError(f"library {name!r} exists already ({target}); use --replace")
    if node_nm is not None and not (math.isfinite(node_nm) and node_nm > 0):
        raise DesignError(f"node_nm={node_nm!r} is not a process node, e.g. 7")
    entry = _from_files(name, tuple(path.absolute() for path in files), node_nm)
    entry.load()
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"  {_toml_string(str(path))}" for path in entry.files)
    node = "" if node_nm is None else f"node_nm = {node_nm!r}  # for cost and carbon\n"
    write_whole(
        target,
        "# Liberty files of one library; the first file's corner is the nominal one.\n"
        f"files = [\n{lines},\n]\n{node}",
    )
    return entry


def remove_library(name: str) -> None:
    """Remove the name of one of the user's libraries, usable or not; its Liberty files stay.

    Raises
    ------
    DesignError : the library ships with the package, or there is none of this name
    """
    if name in SHIPPED:
        raise DesignError(f"library {name!r} ships with the package; it cannot be removed")
    own = [known for known in library_names() if known not in SHIPPED]
    if name not in own:
        raise DesignError(f"library {name!r} is not yours; yours: {', '.join(own) or 'none'}")
    description_file(name).unlink(missing_ok=True)


def shipped_file(name: str, process: str = TYPICAL) -> Path:
    """The path of a shipped library with some transistors."""
    suffix = "" if process == TYPICAL else f"_{process}"
    return Path(str(resources.files("chipdse.technology"))) / "data" / f"{name}{suffix}.npz"


def _from_files(name: str, files: tuple[Path, ...], node_nm: float | None = None) -> LibraryEntry:
    """Group files by corner, in the order given; refuse corners of different processes."""
    from chipdse.netlist.library.liberty.head import read_corner

    if not files:
        raise DesignError("no Liberty file given; name at least one")
    groups: dict[Corner, list[Path]] = {}
    processes: dict[str, Path] = {}
    for path in files:
        corner, process = read_corner(path)
        groups.setdefault(corner, []).append(path)
        if process:
            processes.setdefault(process, path)
    if len(processes) > 1:
        (one, first), (other, second) = list(processes.items())[:2]
        raise DesignError(
            f"{first.name} is a {one} corner, {second.name} a {other} one; a library spans supply "
            "and temperature of one process corner: add them under different names"
        )
    return LibraryEntry(
        name=name,
        corners=tuple(tuple(group) for group in groups.values()),
        process=next(iter(processes), TYPICAL),
        nominal=next(iter(groups)),
        node_nm=node_nm,
    )


def _corner(supply_v: float, temperature_c: float) -> Corner:
    from chipdse.netlist.library.liberty.head import Corner

    return Corner(supply_v=supply_v, temperature_c=temperature_c)


def _folder() -> Path:
    return config_folder() / "libraries"


def description_file(name: str) -> Path:
    """The path of the description of one of the user's libraries."""
    return _folder() / f"{name}.toml"


def _toml_string(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
