"""Load Liberty files through a cache of parsed libraries, keyed by what is in the files."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.netlist.library.join import join_corners
from chipdse.netlist.library.liberty.head import Corner, read_corner
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.npz import FORMAT, load_saved, save_library
from chipdse.paths import cache_folder
from chipdse.reading import read_bytes
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest
from chipdse.store.sources import code_of


def load_library(files: Sequence[Path], *, cached: bool = True) -> CellLibrary:
    """One cell library at one corner from its Liberty files, plain or .gz.

    The first reading parses; later ones take the parsed arrays from the user's cache folder.
    A cache that is damaged or cannot be written changes nothing but the time it takes.

    Raises
    ------
    DesignError : with file, line and what was expected
    """
    contents = [read_bytes(path) for path in files]
    if not cached:
        return read_liberty(files, contents)
    entry = cache_folder() / "libraries" / f"{_key(contents)}.npz"
    if is_as_written(entry):
        note_use(entry)
        with contextlib.suppress(DesignError):  # of a format that is read no more
            return replace(load_saved(entry), sources=tuple(path.name for path in files))
    library = read_liberty(files, contents)
    with contextlib.suppress(OSError):
        save_library(library, entry, compressed=False)
        note_digest(entry)
    return library


def load_corners(files: Sequence[Path], process: str | None = None) -> CellLibrary:
    """One library from Liberty files of one or several corners; files of a corner belong together.

    A single .npz file is a library saved by `save_library`.

    Parameters
    ----------
    process : which process corner, where files are of several

    Raises
    ------
    DesignError : files are of several processes and none is chosen, or none is of the chosen one
    """
    if len(files) == 1 and files[0].suffix == ".npz":
        return load_saved(files[0])
    heads = [(path, *read_corner(path)) for path in files]
    stated = list(dict.fromkeys(name for _, _, name in heads if name))
    if process is None and len(stated) > 1:
        raise DesignError(
            f"the Liberty files are of {' and '.join(stated)} transistors, which are not mixed; "
            "choose one with --process"
        )
    if process is not None and process not in stated:
        raise DesignError(
            f"no Liberty file is of {process} transistors, only of {' and '.join(stated) or 'none'}"
        )
    groups: dict[Corner, list[Path]] = {}
    for path, corner, name in heads:
        if process is None or name in ("", process):
            groups.setdefault(corner, []).append(path)
    libraries = [load_library(group) for group in groups.values()]
    return libraries[0] if len(libraries) == 1 else join_corners(libraries)


def _key(contents: Sequence[bytes]) -> str:
    """Hash of the files, the format, and the code that reads them."""
    total = hashlib.sha256(f"{FORMAT} {code_of(read_liberty, save_library, load_saved)}".encode())
    for data in contents:
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:32]
