"""Cell libraries of public repositories: which files they are, and fetching them with a check.

The files of each library lie in a public repository at one commit (`public_libraries.toml`). A file
counts only if its hash is the published one.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError, MachineError
from chipdse.paths import data_folder
from chipdse.reading import parse_toml
from chipdse.store.files import write_whole

_TABLE = "public_libraries.toml"
_TIMEOUT_S = 60.0
_LARGEST_BYTES = 200_000_000  # of a file, unpacked; the largest published one has 22 MB


@dataclass(frozen=True, kw_only=True)
class PublicFile:
    """A Liberty file of a public repository.

    path : in the repository
    size : of the published file [bytes]; None where it is not stated
    sha256, git_blob : hashes of the published file; one of them is stated
    content : SHA-256 of the unpacked file, for copies that were compressed again
    nominal : whether the file belongs to the library's nominal corner
    """

    path: str
    nominal: bool = False
    size: int | None = None
    sha256: str | None = None
    git_blob: str | None = None
    content: str | None = None

    @property
    def name(self) -> str:
        """The file's name without folder."""
        return Path(self.path).name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the file in a copy, packed or not."""
        plain = self.name.removesuffix(".gz")
        return (self.name, *({plain, f"{plain}.gz"} - {self.name}))

    def is_this(self, data: bytes) -> bool:
        """Whether the bytes are the published file, packed in any way."""
        digest = hashlib.sha256(data).hexdigest()
        if digest in (self.sha256, self.content):
            return True
        if self.git_blob is not None:
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
            if blob.hexdigest() == self.git_blob:
                return True
        unpacked = _unpacked(data)
        if unpacked is None:
            return False
        is_plain = not self.name.endswith(".gz")
        known = self.sha256 if is_plain else self.content
        return hashlib.sha256(unpacked).hexdigest() == known


@dataclass(frozen=True, kw_only=True)
class PublicLibrary:
    """A library whose files are public; the files of the nominal corner come first."""

    name: str
    title: str
    licence: str
    node_nm: float
    files: tuple[PublicFile, ...]

    @property
    def size(self) -> int:
        """Published size of all files whose size is stated [bytes]."""
        return sum(file.size or 0 for file in self.files)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the files are published: repository, commit, and the address that paths follow."""

    name: str
    commit: str
    address: str


def public_libraries() -> dict[str, PublicLibrary]:
    """Every public library by name."""
    return {
        name: PublicLibrary(
            name=name,
            title=entry["title"],
            licence=entry["licence"],
            node_nm=entry["node_nm"],
            files=tuple(PublicFile(**file) for file in entry["files"]),
        )
        for name, entry in _table()["libraries"].items()
    }


def public_source() -> Source:
    """Where the files of the public libraries are published."""
    return Source(**_table()["source"])


def public_library(name: str) -> PublicLibrary:
    """A public library by name.

    Raises
    ------
    DesignError : there is none of this name
    """
    known = public_libraries()
    if name not in known:
        raise DesignError(f"no public library {name!r} is known; known: {', '.join(known)}")
    return known[name]


def found_in(library: PublicLibrary, folder: Path) -> tuple[list[Path], list[PublicFile]]:
    """The files of a library in a copy of its repository, and those that are not there.

    Raises
    ------
    DesignError : the folder does not exist, a file differs from the published one, or the file of
        the nominal corner is missing
    """
    if not folder.is_dir():
        raise DesignError(f"--from {str(folder)!r} is not a folder")
    wanted = {name for file in library.files for name in file.names}
    present: dict[str, Path] = {}
    # os.walk passes over folders that cannot be read or vanish meanwhile; Path.rglob does not.
    for place, _, names in sorted(os.walk(folder)):
        for name in wanted.intersection(names):
            present.setdefault(name, (Path(place) / name).absolute())
    paths, missing = [], []
    for file in library.files:
        copies = [present[name] for name in file.names if name in present]
        if not copies:
            missing.append(file)
            continue
        try:
            data = copies[0].read_bytes()
        except OSError as error:
            raise DesignError(f"{copies[0]}: {error.strerror}") from None
        if not file.is_this(data):
            raise DesignError(
                f"{copies[0]} differs from the published file; check out the files at commit "
                f"{public_source().commit} of {public_source().name}"
            )
        paths.append(copies[0])
    for file in missing:
        if file.nominal:
            raise DesignError(
                f"--from {str(folder)!r} has no {file.name}, which the nominal corner of "
                f"{library.name} needs; give a checkout of {public_source().name}, or its folder "
                f"{Path(file.path).parent}"
            )
    return paths, missing


def fetched(
    library: PublicLibrary, address: str | None = None, report: Callable[[str], None] = print
) -> list[Path]:
    """The files of a library in the user's data folder; those that are not there are downloaded.

    Parameters
    ----------
    address : instead of the one where the files are published
    report : is called with one line per file

    Raises
    ------
    MachineError : a file cannot be fetched
    DesignError : what was fetched is not the published file
    """
    base = (address or public_source().address).rstrip("/")
    return [_fetched(library, file, f"{base}/{file.path}", report) for file in library.files]


def _fetched(
    library: PublicLibrary, file: PublicFile, address: str, report: Callable[[str], None]
) -> Path:
    target = data_folder() / "libraries" / library.name / file.name
    if target.is_file() and file.is_this(target.read_bytes()):
        report(f"{file.name}: already here")
        return target
    size = f" ({file.size / 1e6:.1f} MB)" if file.size else ""
    report(f"{file.name}: fetching{size}")
    data = _download(address)
    if not file.is_this(data):
        raise DesignError(
            f"{address} is not the published file (SHA-256 {hashlib.sha256(data).hexdigest()}, "
            f"expected {file.sha256 or f'git blob {file.git_blob}'}); nothing was kept"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, data)
    return target


def _download(address: str) -> bytes:
    # Here, because every verb imports this module, and these load for longer than all others.
    import http.client
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:
            data = bytes(answer.read(_LARGEST_BYTES + 1))
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise MachineError(
            f"{address} cannot be fetched ({reason}); where there is no network, give a checkout "
            f"of {public_source().name} with --from FOLDER"
        ) from None
    if len(data) > _LARGEST_BYTES:
        raise DesignError(f"{address} is larger than {_LARGEST_BYTES / 1e6:g} MB; nothing was kept")
    return data


def _unpacked(data: bytes) -> bytes | None:
    """The content of a gzip file; None of any other file, or where it is cut off or too large."""
    if not data.startswith(b"\x1f\x8b"):
        return None
    unpack = zlib.decompressobj(wbits=31)
    try:
        content = unpack.decompress(data, _LARGEST_BYTES)
    except zlib.error:
        return None
    return content if unpack.eof else None


def _table() -> dict[str, Any]:
    folder = resources.files("chipdse.technology") / "data"
    return parse_toml((folder / _TABLE).read_text(encoding="utf-8"))


def sizes_text(libraries: Iterable[PublicLibrary]) -> list[str]:
    """One line per library: name, title, licence, files, size."""
    lines = []
    for library in libraries:
        known = all(file.size for file in library.files)
        size = f"{'' if known else 'more than '}{library.size / 1e6:.1f} MB"
        size = size if library.size else "size not stated"
        lines.append(
            f"{library.name}: {library.title}; licence {library.licence}; "
            f"{len(library.files)} file{'s' if len(library.files) > 1 else ''}, {size}"
        )
    return lines
