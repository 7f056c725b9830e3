"""The user's inputs of a stored result: recorded with it, and compared before it is reused.

A `Read` is a module by its name, a file or folder by its path, an environment variable, or an
installed package by its version; each with its digest when it was read. Each comparison searches a
module again in the order of Python's search path, so a new file that comes first in this path is a
change.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from chipdse.errors import DesignError, MachineError
from chipdse.store.folder import READS
from chipdse.store.recorder import (
    EVERY,
    LIBRARIES,
    Notes,
    digest_of,
    digest_of_text,
    environment_digest,
    is_installed,
    is_standard,
    link_digest,
    presence_of,
)
from chipdse.store.sources import PACKAGES, imported_modules

_OWN = ("chipdse", "cocotb", "cocotb_tools", "pygpi")
_HDL = "chipdse_hdl"
_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


@dataclass(frozen=True, kw_only=True, order=True)
class Read:
    """One input that was read.

    kind : "module", "file", "folder", "presence" of a path, "link", "directory" (the current one),
        "environment" or "package"
    name : for a file or folder its path, relative to the project's root if it lies below that
    digest : SHA-256 of the content, the version of a package, or "" if the input did not exist
    """

    kind: str
    name: str
    digest: str

    def __str__(self) -> str:
        if (self.kind, self.name) == ("environment", EVERY):
            return "the list of environment variables"
        words = {
            "environment": "environment variable",
            "folder": "the files in",
            "presence": "whether there is a",
            "link": "where the links lead of",
            "directory": "the current folder",
        }
        return f"{words.get(self.kind, self.kind)} {self.name}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Place:
    """The folders in which the user's names are looked up.

    root : the project's root, to which paths are relative
    path : folders in which modules are searched, those of the project first
    """

    root: Path
    path: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path) -> Place:
        """The place of a block that was found from a folder."""
        folders = search_folders(folder)
        root = project_root(folder)
        return cls(root=root, path=tuple(dict.fromkeys([*map(str, folders), *sys.path])))

    def name(self, path: str | Path) -> str:
        """The name of a path in a `Read`."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100
        if absolute.is_relative_to(self.root):
            return absolute.relative_to(self.root).as_posix()
        return str(absolute)

    def here(self, folder: str | Path) -> str:
        """The digest of the current folder."""
        return digest_of_text(self.name(folder))

    def now(self, kind: str, name: str) -> str:
        """The digest of the current content."""
        if kind == "environment":
            return environment_digest(name)
        if kind == "package":
            return _version(name)
        if kind == "presence":
            return presence_of(self.root / name)
        if kind == "link":
            return link_digest(self.root / name)
        if kind == "directory":
            return self.here(Path.cwd())
        if kind == "module":
            file = self.locate(name)
            return file_digest(file) if file is not None else ""
        return file_digest(self.root / name)

    def locate(self, module: str) -> Path | None:
        """The file of a module, found without importing anything."""
        spec = self.find(module)
        return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None

    def find(self, module: str) -> importlib.machinery.ModuleSpec | None:
        """How Python would load a module; None if there is no such module."""
        search: Sequence[str] | None = self.path
        name, spec = "", None
        for part in module.split("."):
            name = f"{name}.{part}" if name else part
            spec = importlib.machinery.PathFinder.find_spec(name, search)
            if spec is None and name == part:  # a finder of the package, as in editable installs
                try:
                    spec = importlib.util.find_spec(name)
                except (ImportError, ValueError):
                    return None
            if spec is None:
                return None
            search = spec.submodule_search_locations
            if search is None and name != module:  # not a package
                return None
        return spec


def project_root(folder: Path) -> Path:
    """The nearest folder upwards with a project file; if there is none, the folder itself."""
    folder = folder.absolute()
    for up in (folder, *folder.parents):
        if any((up / name).exists() for name in _PROJECT):
            return up
    return folder


def search_folders(folder: Path) -> tuple[Path, ...]:
    """The folders to search for modules of a project: the folder, its project's root, root/src."""
    root = project_root(folder)
    folders = [folder.absolute(), root, root / "src"]
    return tuple(path for path in dict.fromkeys(folders) if path.is_dir())


_DIGESTS: dict[str, tuple[tuple[int, ...], str]] = {}


def file_digest(path: Path) -> str:
    """As `digest_of`; a file with unchanged dates, size and inode is not read again."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return ""
    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)
    known = _DIGESTS.get(str(path))
    if known is None or known[0] != stamp or path.is_dir():
        known = _DIGESTS[str(path)] = (stamp, digest_of(path))
    return known[1]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One of the user's modules that was loaded: its file, and the file's digest at that time."""

    name: str
    file: str
    digest: str


def reads_of(
    place: Place, notes: Notes, modules: Iterable[Loaded], tops: Iterable[str] = ()
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
        if located is not None and _same(located, module.file):
            reads.add(Read(kind="module", name=module.name, digest=module.digest))
        else:  # loaded by its path
            reads.add(Read(kind="file", name=place.name(module.file), digest=module.digest))
    sources = {module.file for module in modules}
    for kind, path, digest in notes.inputs():
        if path not in sources and _counts(path):
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
        if top in sys.stdlib_module_names or top in _OWN or name in sys.modules:
            continue
        if is_users(place.locate(top) or name) and place.find(name) is None:
            yield name


def _same(path: Path, name: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(name)


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
        if top in sys.stdlib_module_names or top in _OWN:
            continue
        file = place.locate(top)
        if file is not None and is_installed(str(file)) and (name := _distribution(top)):
            yield Read(kind="package", name=name, digest=_version(name))


def is_users(file: str | Path | None) -> bool:
    """Whether a module is identified by its file's content instead of its package's version."""
    if file is None or is_standard(str(file)):
        return False
    return not is_installed(str(file)) or not _distribution(_top_of(str(file)))


def _counts(path: str) -> bool:
    """Whether a file that was opened is not part of a package with a version, or of chipdse."""
    if path.startswith(_CHIPDSE):
        return False
    return not is_installed(path) or not _distribution(_top_of(path))


_CHIPDSE = str(Path(__file__).parents[1]) + os.sep


def _top_of(path: str) -> str:
    """The top-level module or package of an installed file."""
    parts = Path(path).parts
    last = max(n for n, part in enumerate(parts) if part in ("site-packages", "dist-packages"))
    return parts[last + 1].partition(".")[0] if last + 1 < len(parts) else ""


@functools.cache
def _distribution(top: str) -> str:
    """The installed distribution that provides a top-level module, and has a version that
    identifies its content; "" if there is none."""
    if top in PACKAGES:
        return ""
    try:
        distributions = [importlib.metadata.distribution(top).metadata["Name"]]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        distributions = _providers().get(top, [])
    for name in distributions[:1]:
        origin = importlib.metadata.distribution(name).read_text("direct_url.json")
        return "" if origin and '"file:' in origin else str(name)
    return ""


@functools.cache
def _providers() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


@functools.cache
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


_LOADED: dict[str, tuple[int, str]] = {}
"""The spec of each of the user's modules in this process, and the digest of its file when the
module was first found."""


def loaded_modules(start: Iterable[str], notes: Notes) -> tuple[list[Loaded], set[str]]:
    """The user's modules in this process that some modules need, and top-level names of others.

    Found from the import statements in their files, from the modules and the origins of the
    objects that they hold, and from what was imported while their functions ran.
    """
    loaded: list[Loaded] = []
    waiting = [*start, *notes.imports]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] in sys.stdlib_module_names:
            continue
        seen.add(name)
        if name.rpartition(".")[0] not in ("", _HDL):  # whose __init__ lists every block
            waiting.append(name.rpartition(".")[0])
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is None or not isinstance(file, str) or not is_users(file):
            continue
        loaded.append(Loaded(name=name, file=file, digest=_digest_when_loaded(name, module, file)))
        if name.partition(".")[0] not in _OWN and file.endswith(".py"):
            waiting += imported_modules(Path(file), name)
            waiting += _held_by(module)
    return loaded, {name.partition(".")[0] for name in seen}


def _held_by(module: ModuleType) -> Iterator[str]:
    for value in list(vars(module).values()):
        origin = value.__name__ if isinstance(value, ModuleType) else _origin(value)
        if isinstance(origin, str):
            yield origin


def _origin(value: object) -> object:
    try:
        return getattr(value, "__module__", None)
    except Exception:  # a lazy object may raise any error when it is accessed
        return None


def _digest_when_loaded(name: str, module: ModuleType, file: str) -> str:
    identity = id(module.__spec__)
    known = _LOADED.get(name)
    again = known is not None and known[0] != identity  # another spec: it was loaded again
    if again and file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
        again = False  # a process keeps the compiled code that it loaded first
    if known is None or again:
        known = _LOADED[name] = (identity, file_digest(Path(file)))
    return known[1]


def is_outdated(place: Place, module: Loaded) -> bool:
    """Whether Python would now load a different file for a module."""
    if file_digest(Path(module.file)) != module.digest:
        return True
    located = place.locate(module.name)
    return located is not None and not _same(located, module.file)


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
    """The inputs that a bench recorded in a file (`chipdse.store.bench_reads`), if there is one.

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


def bench_modules(notes: Notes, place: Place) -> Iterator[Loaded]:
    """The user's modules that a bench loaded."""
    for name in notes.imports:
        file = place.locate(name)
        if file is not None and is_users(file) and not name.startswith("chipdse.store"):
            digest = notes.files.get(str(file)) or file_digest(file)
            yield Loaded(name=name, file=str(file), digest=digest)
