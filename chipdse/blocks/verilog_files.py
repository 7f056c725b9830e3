"""The files that a description of Verilog names, and those that they include."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from chipdse.errors import DesignError

_PACKAGED = re.compile(r"([A-Za-z_]\w*):(.+)")
_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_NAMED = re.compile(r'"((?:\\.|[^"\\\n])+)"|`include\s*<([^>\n]+)>')
_COMPUTED = re.compile(r'\$readmem[hb]\s*\((?!\s*"(?:\\.|[^"\\\n])*"\s*,)')
_LARGEST = 16 << 20
_DEEPEST = 4
"""So many folders below that of a source memory files are looked for."""


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
    paths = sorted(base.glob(str(path.relative_to(base)))) if path.is_absolute() else []
    if not paths:
        raise DesignError(f"names {name!r}, which fits nothing in {folder}")
    return [match.resolve() for match in paths]


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise DesignError(f"names the Python package {package!r}, which is not installed")
    return Path(next(iter(places)))


def included_files(
    sources: Iterable[Path], folders: Iterable[Path], texts: Iterable[str] = ()
) -> list[Path]:
    """Every file that the sources may include or read while they are elaborated, sorted.

    These are all files whose name is a text in the sources, wherever it stands, be it in an
    include, a macro, a parameter or `$readmemh`; likewise in the files found so. Headers (``.vh``,
    ``.svh``) beside a source or in `folders` count all: a macro may put a name together. Where a
    name in `$readmemh` is computed, every file below these folders counts whose path ends with a
    text.

    Parameters
    ----------
    texts : values of macros and parameters given from outside, which may be names
    """
    folders, sources = tuple(folders), tuple(sources)
    beside = tuple(source.parent for source in sources)
    files: set[Path] = set()
    texts = tuple(text.strip('"') for text in texts)
    for text in texts:
        files |= set(_there(text, (*beside, *folders)))
    for folder in {*beside, *folders}:
        files |= {file for end in ("*.vh", "*.svh") for file in folder.glob(end)}
    waiting = [*sources, *files]
    while waiting:
        file = waiting.pop()
        content = _COMMENT.sub(_kept, _text(file))
        names = [quoted or angular for quoted, angular in _NAMED.findall(content)]
        if _COMPUTED.search(content):
            files |= set(_ending_with((*names, *texts), (*beside, *folders)))
        for name in names:
            for path in _there(name, (file.parent, *beside, *folders)):
                if path not in files and path not in sources:
                    files.add(path)
                    waiting.append(path)
    return sorted(files)


def _text(file: Path) -> str:
    """The start of a file: what is not Verilog has no names in it, and may be large."""
    with file.open("rb") as raw:
        return raw.read(_LARGEST).decode(errors="replace")


def _kept(match: re.Match[str]) -> str:
    """A text stays, a comment goes."""
    return match[0] if match[0].startswith('"') else " "


def _ending_with(texts: Iterable[str], folders: Iterable[Path]) -> Iterator[Path]:
    """Files below some folders whose path ends with one of some texts."""
    ends = tuple(text.removeprefix("./") for text in texts if text)
    for folder in dict.fromkeys(folders):
        for place, inner, names in os.walk(folder):
            depth = len(Path(place).relative_to(folder).parts)
            inner[:] = [name for name in inner if depth < _DEEPEST and not name.startswith(".")]
            paths = (Path(place, name) for name in names)
            yield from (path for path in paths if path.as_posix().endswith(ends))


def _there(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    for folder in dict.fromkeys(folders):
        try:
            if name and (folder / name).is_file():
                yield folder / name
        except (OSError, ValueError):  # a text that is too long for a name
            return
