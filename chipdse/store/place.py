"""One input that the user's code read, and the folders in which such names are looked up."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chipdse.store.distributions import version_of
from chipdse.store.recording.digests import (
    EVERY,
    digest_of,
    digest_of_text,
    environment_digest,
    link_digest,
    presence_of,
)

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
            return version_of(name)
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
"""By path: what tells that a file is another one now, and its digest."""


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
