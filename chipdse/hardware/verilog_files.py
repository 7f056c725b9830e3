"""The files that a description of Verilog names, and those that they include."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from chipdse.errors import DesignError

_PACKAGED = re.compile(r"([A-Za-z_]\w*):(.+)")
_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"', re.MULTILINE)


def named_paths(name: str, folder: Path) -> list[Path]:
    """What a name in a description stands for, there or not.

    Parameters
    ----------
    name : a path; ``package:path`` is below an installed Python package, as those that carry
        hardware are; with ``*`` or ``?``, every path that fits, sorted
    folder : where paths without a package start

    Raises
    ------
    DesignError : there is no such package, or nothing fits
    """
    if packaged := _PACKAGED.fullmatch(name):
        folder, name = _package_folder(packaged[1]), packaged[2]
    path = folder / name
    if not any(letter in name for letter in "*?"):
        return [path.resolve()]
    base = Path(path.anchor)
    found = sorted(base.glob(str(path.relative_to(base)))) if path.is_absolute() else []
    if not found:
        raise DesignError(f"names {name!r}, which fits nothing in {folder}")
    return [one.resolve() for one in found]


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise DesignError(f"names the Python package {package!r}, which is not installed")
    return Path(next(iter(places)))


def included_files(sources: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
    """Every file that the sources include, and those include, sorted; and headers beside them.

    Headers (``.vh``, ``.svh``) beside a source or in `folders` count all: a macro may name them.
    """
    folders, sources = tuple(folders), tuple(sources)
    found: set[Path] = set()
    waiting = list(sources)
    while waiting:
        file = waiting.pop()
        for name in _INCLUDE.findall(file.read_text(errors="replace")):
            for one in _there(name, (file.parent, *(s.parent for s in sources), *folders)):
                if one not in found and one not in sources:
                    found.add(one)
                    waiting.append(one)
    for folder in {*(source.parent for source in sources), *folders}:
        found |= {file for end in ("*.vh", "*.svh") for file in folder.glob(end)}
    return sorted(found)


def _there(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    return (path for folder in dict.fromkeys(folders) if (path := folder / name).is_file())
