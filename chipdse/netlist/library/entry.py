"""A cell library: its files by process corner, and what the flow reads from them.

A library is Liberty files grouped by corner, or a saved file that holds every corner. One record
answers what the flow needs: Liberty text for synthesis at the nominal corner, and the arrays of
all corners for timing and power.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.errors import DesignError
from chipdse.netlist.library.processes import TYPICAL
from chipdse.paths import cache_folder
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest, write_whole
from chipdse.store.sources import code_of

if TYPE_CHECKING:
    from chipdse.netlist.library.liberty.head import Corner
    from chipdse.netlist.library.library import CellLibrary

GIVEN = "given"  # files without a name


@dataclass(frozen=True, kw_only=True)
class ProcessFiles:
    """The files of one process corner: Liberty files, or one saved file.

    corners : Liberty files of each supply and temperature, the nominal ones first
    saved : a library saved with every supply and temperature, instead of `corners`
    """

    corners: tuple[tuple[Path, ...], ...] = ()
    saved: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file whose content decides results, for stage keys."""
        if self.saved is not None:
            return (self.saved,)
        return tuple(path for corner in self.corners for path in corner)


@dataclass(frozen=True, kw_only=True)
class LibraryEntry:
    """A library that can be used by name.

    Parameters
    ----------
    by_process : its files by process corner, the corner used by default first
    nominal : the supply and temperature used for synthesis, and the default for timing and power
    node_nm : process node [nm], for cost and carbon; None where it is not known
    """

    name: str
    by_process: Mapping[str, ProcessFiles]
    nominal: Corner
    node_nm: float | None = None

    @property
    def processes(self) -> tuple[str, ...]:
        """Process corners of the library; the first one is used by default."""
        return tuple(self.by_process)

    @property
    def default_process(self) -> str:
        """The process corner of synthesis, and of results that name none."""
        return self.processes[0]

    @property
    def saved(self) -> Path | None:
        """The saved library of the default process corner; None for Liberty files."""
        return self.by_process[self.default_process].saved

    @property
    def shipped(self) -> bool:
        """It comes with the package."""
        return self.saved is not None

    @property
    def corners(self) -> tuple[tuple[Path, ...], ...]:
        """Liberty files of the default process corner, by supply and temperature."""
        return self.by_process[self.default_process].corners

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the default process corner whose content decides results."""
        return self.files_of()

    @property
    def every_file(self) -> tuple[Path, ...]:
        """The files of all process corners."""
        return tuple(dict.fromkeys(path for name in self.processes for path in self.files_of(name)))

    def files_of(self, process: str | None = None) -> tuple[Path, ...]:
        """Every file of a process corner whose content decides results, for stage keys.

        Parameters
        ----------
        process : one of `processes`; None: the first of them

        Raises
        ------
        DesignError : the library has no such process corner
        """
        files = self._files(process).files
        if not self.shipped:
            return files
        from chipdse.netlist.library.mismatch import mismatch_file

        return (*files, mismatch_file(self.name))

    def load(self, process: str | None = None) -> CellLibrary:
        """The library over all supplies and temperatures of one process corner.

        Parameters
        ----------
        process : "typical", "slow" or "fast" where the library has it; None is the default one

        Raises
        ------
        DesignError : there is no such process corner, a file is missing or damaged, or files do
            not fit together
        """
        name = self.default_process if process is None else process
        loaded = self._loaded.get(name)
        if loaded is None:
            loaded = self._loaded[name] = self._read(name)
        return loaded

    @cached_property
    def _loaded(self) -> dict[str, CellLibrary]:
        return {}

    def _files(self, process: str | None) -> ProcessFiles:
        name = self.default_process if process is None else process
        if name not in self.by_process:
            known = listed(self.processes)
            if self.name == GIVEN:
                raise DesignError(
                    f"the Liberty files are {known}, not {name}; give {name} ones too"
                )
            advice = "" if self.shipped else f"; add its {name} Liberty files to the library"
            raise DesignError(
                f"library {self.name} has no {name} process corner, only {known}{advice}"
            )
        return self.by_process[name]

    def _read(self, process: str) -> CellLibrary:
        # Imported here: what a library is made of lies above this module, its name below.
        from chipdse.netlist.library.cache import load_library
        from chipdse.netlist.library.join import check_same_cells, join_corners
        from chipdse.netlist.library.mismatch import shipped_mismatch
        from chipdse.netlist.library.pack import load_packed
        from chipdse.netlist.library.sigmas import with_mismatch

        files = self._files(process)
        if files.saved is not None:
            library = load_packed(files.saved)
            library = with_mismatch(library, shipped_mismatch(self.name))
        else:
            loaded = [load_library(paths) for paths in files.corners]
            library = loaded[0] if len(loaded) == 1 else join_corners(loaded, self.name)
            if self.name != GIVEN:  # messages speak of a library as its user does
                library = dataclasses.replace(library, name=self.name)
        if process != self.default_process:
            check_same_cells(self.load(), library, f"{self.default_process} and {process}")
        return dataclasses.replace(library, process=process)


def listed(names: Sequence[str]) -> str:
    """Names as a list in a sentence: a, b and c."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def liberty_files_for_synthesis(library: LibraryEntry, folder: Path) -> tuple[Path, ...]:
    """Liberty files of the nominal corner; a saved library is written into `folder`.

    The user's own files are given where they are: nothing is copied.
    """
    if library.saved is None:
        return library.corners[0]
    target = folder / f"{library.name}.lib"
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(target, _nominal_text(library))
    return (target,)


def _nominal_text(library: LibraryEntry) -> str:
    """`liberty_text` of a saved library at its nominal corner, from the user's cache folder.

    To load a library and to write its text takes half a second or more in each process.
    """
    key = _text_key(library)
    file = cache_folder() / "liberty" / f"{key}.lib"
    if is_as_written(file):
        note_use(file)
        with suppress(OSError):
            return file.read_text(encoding="utf-8")
    # Anew: what this entry has loaded may be of files that were replaced since.
    text = liberty_text(dataclasses.replace(library), library.nominal)
    if _text_key(library) == key:
        with suppress(OSError):  # a cache may be read-only
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, text)
            note_digest(file)
    return text


# A text, so that the code of synthesis is not that of all readers: a saved library has one.
_LOADING = "chipdse.netlist.library.entry:LibraryEntry"


def _text_key(library: LibraryEntry) -> str:
    """Hash of the files of a library, of its nominal corner, and of the code that writes it."""
    known = [code_of(liberty_text, _LOADING), library.name, repr(library.nominal)]
    known += [hashlib.sha256(path.read_bytes()).hexdigest() for path in library.files]
    return hashlib.sha256(" ".join(known).encode()).hexdigest()[:32]


def liberty_text(
    library: LibraryEntry,
    corner: Corner,
    process: str | None = None,
    *,
    deviations: bool = False,
) -> str:
    """A Liberty file of a library at any operating point inside the characterised range.

    Parameters
    ----------
    process : process corner; None is the default one
    deviations : write standard deviations of delays (LVF) where they are known
    """
    from chipdse.netlist.library.liberty import writer as liberty_writer

    loaded = library.load(process)
    at_corner = loaded.at(corner.supply_v, corner.temperature_c)
    return liberty_writer.liberty_text(at_corner, deviations=deviations)


def entry_of_files(
    name: str, files: tuple[Path, ...], node_nm: float | None = None
) -> LibraryEntry:
    """Group files by process corner, supply and temperature, in the order given.

    Typical files are the default where there are any, else those of the first file's process. A
    file whose process no name states belongs to the only process that others state.
    """
    from chipdse.netlist.library.liberty.head import read_corner

    if not files:
        raise DesignError("no Liberty file given; name at least one")
    heads = [(path, *read_corner(path)) for path in files]
    stated = list(dict.fromkeys(process for _, _, process in heads if process))
    unstated = [path for path, _, process in heads if not process]
    if len(stated) > 1 and unstated:
        raise DesignError(
            f"{unstated[0].name}: neither the library's name nor its operating conditions nor the "
            f"file's name states a process corner, and the other files are {', '.join(stated)}; "
            "rename the file, e.g. with typ in its name"
        )
    processes = stated or [TYPICAL]
    if TYPICAL in processes:
        processes.remove(TYPICAL)
        processes.insert(0, TYPICAL)
    groups: dict[str, dict[Corner, list[Path]]] = {process: {} for process in processes}
    for path, corner, process in heads:
        groups[process or processes[0]].setdefault(corner, []).append(path)
    return LibraryEntry(
        name=name,
        by_process={
            process: ProcessFiles(corners=tuple(tuple(group) for group in corners.values()))
            for process, corners in groups.items()
        },
        nominal=next(iter(groups[processes[0]])),
        node_nm=node_nm,
    )
