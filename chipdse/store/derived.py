"""Files that the cache holds beside stage results: parsed libraries, compiled kernels and others.

    CACHE/liberty/      Liberty files of shipped libraries, and any reduced to what synthesis needs
    CACHE/libraries/    parsed libraries
    CACHE/kernels/      compiled C, a folder for each compiler and kind of processor
    CACHE/closures/     which modules the code of a stage lies in

Each is made again when it is missing or not what was written: beside FILE stands FILE.sha256.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chipdse.store.files import age_s, digest_file, is_as_written

FOLDERS = ("liberty", "libraries", "kernels", "closures")
_MAIN = {"liberty": ".lib", "libraries": ".npz", "kernels": ".so", "closures": ".json"}
USE_S = 60.0
"""How exactly the time of the last use is kept [s]."""
IN_USE_S = 3600.0
"""A program may still read a file that was used less than this ago [s]."""


@dataclass(frozen=True, kw_only=True)
class Derived:
    """One file of the cache with those that belong to it.

    folder : one of `FOLDERS`
    files : `path` and those that belong to it, for example digests
    leftover : left by a process that was killed while it wrote
    """

    folder: str
    path: Path
    files: tuple[Path, ...]
    used_s: float
    size_bytes: int
    leftover: bool = False

    def is_whole(self) -> bool:
        """Whether each of its files with a digest beside it is what was written."""
        checked = [file for file in self.files if digest_file(file) in self.files]
        return self.path in checked and all(is_as_written(file) for file in checked)

    @property
    def in_use(self) -> bool:
        """Whether a program may still read it."""
        return age_s(self.used_s) < IN_USE_S

    def remove(self) -> None:
        """Remove its files, the digests first: half of it counts as nothing."""
        for file in sorted(self.files, key=lambda file: file.suffix != ".sha256"):
            file.unlink(missing_ok=True)


def derived_files(cache: Path) -> Iterator[Derived]:
    """Everything in the cache beside stage results; what vanishes meanwhile is left out."""
    for name in FOLDERS:
        groups: dict[Path, list[Path]] = {}
        for file in sorted((cache / name).rglob("*")):
            if file.is_file() and file.suffix == ".part":
                groups[file] = [file]
            elif file.is_file():
                main = file.with_name(file.name.partition(".")[0] + _MAIN[name])
                groups.setdefault(main, []).append(file)
        for main, files in groups.items():
            with suppress(FileNotFoundError):
                yield _derived(name, main, tuple(files))


def _derived(folder: str, main: Path, files: tuple[Path, ...]) -> Derived:
    statuses = [file.stat() for file in files]
    return Derived(
        folder=folder,
        path=main,
        files=files,
        used_s=max(status.st_mtime for status in statuses),
        size_bytes=sum(status.st_blocks * 512 for status in statuses),
        leftover=main.suffix == ".part",
    )


def note_use(file: Path) -> None:
    """A file's date is when it was last used; a cache may be read-only."""
    with suppress(OSError):
        if age_s(file.stat().st_mtime) > USE_S:
            os.utime(file)
