"""Looking after the store: what it holds, whether it is whole, and what may go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chipdse.errors import DesignError, MachineError
from chipdse.paths import cache_folder
from chipdse.store.derived import Derived, derived_files
from chipdse.store.files import age_s
from chipdse.store.folder import MANIFEST, is_whole, leftovers
from chipdse.store.lock import exclusive_if_free

LIMIT = "CHIPDSE_CACHE_LIMIT"
CHECK_S = 60.0
"""Least interval between two measurements of a store with a limit [s], after a build."""
ONCE = ("verilator-runtime",)
"""Stages that are no part of a design."""
SAMPLE = 30
"""So many folders of a stage are measured for an estimate."""

_UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "B": 1.0}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One folder of the store.

    kind : "result", "failed" (a failed build with its logs) or "leftover" (of a killed builder)
    used_s : when it was last used, seconds since 1970
    """

    path: Path
    stage: str
    kind: str
    size_bytes: int
    used_s: float


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What a pruning removed and left."""

    removed: int
    removed_bytes: int
    kept: int
    kept_bytes: int
    in_use: int


def parse_size(text: str, what: str = "limit") -> float:
    """Bytes of a size for people: ``parse_size("20GB") == 2e10``.

    Raises
    ------
    DesignError : no number, or another unit than B, KB, MB, GB, TB
    """
    compact = text.strip().upper().replace(" ", "")
    for unit, factor in _UNITS.items():
        if compact.endswith(unit):
            with suppress(ValueError):
                size = float(compact.removesuffix(unit)) * factor
                if 0 <= size < float("inf"):
                    return size
    raise DesignError(f"{what} {text!r} is not a size; write e.g. 500MB or 20GB")


def size_limit() -> float | None:
    """What CHIPDSE_CACHE_LIMIT says, in bytes; None without it."""
    text = os.environ.get(LIMIT)
    return parse_size(text, LIMIT) if text else None


def derived_beside(root: Path) -> list[Derived]:
    """Files beside the stage results, where the store is the one of the user's cache."""
    cache = cache_folder()
    return list(derived_files(cache)) if root.absolute() == cache / "stages" else []


def entries(root: Path) -> Iterator[Entry]:
    """Every folder of the store, in no order; what vanishes meanwhile is left out."""
    for stage in _folders(root):
        for path in _folders(stage):
            kind = "result"
            if "." in path.name:
                kind = "failed" if path.suffix == ".failed" else "leftover"
            with suppress(FileNotFoundError):
                dated = path / MANIFEST if kind == "result" else path
                used_s = (dated if dated.exists() else path).stat().st_mtime
                yield Entry(
                    path=path, stage=stage.name, kind=kind, size_bytes=_size(path), used_s=used_s
                )


def verify(root: Path) -> list[Path]:
    """The result folders and derived files that are not what was written.

    One that is being built is not looked at.
    """
    damaged = []
    for entry in entries(root):
        if entry.kind == "result" and not is_whole(entry.path):
            with exclusive_if_free(entry.path) as free:
                if free and entry.path.exists() and not is_whole(entry.path):
                    damaged.append(entry.path)
    files = (file for file in derived_beside(root) if not file.leftover)
    damaged += [file.path for file in files if not file.is_whole()]
    return sorted(damaged)


def prune(root: Path, limit_bytes: float, *, dry: bool = False) -> Pruned:
    """Remove leftovers, then failed builds and results, the longest unused first, until it fits.

    Nothing that is being read or built goes; what another process removed meanwhile is not counted.

    Parameters
    ----------
    limit_bytes : what may stay
    dry : remove nothing, tell what would be

    Raises
    ------
    MachineError : the store cannot be written
    """
    both: list[Entry | Derived] = [*entries(root), *derived_beside(root)]
    candidates = sorted(
        both,
        key=lambda entry: (not _is_leftover(entry), entry.used_s),
    )
    rest = sum(entry.size_bytes for entry in candidates)
    removed = freed = in_use = gone = 0
    try:
        for entry in candidates:
            if isinstance(entry, Derived):
                if rest <= limit_bytes and not entry.leftover:
                    break
                if entry.in_use:
                    in_use += 1
                    continue
                if not dry:
                    entry.remove()
                rest -= entry.size_bytes
                removed, freed = removed + 1, freed + entry.size_bytes
                continue
            if rest <= limit_bytes and entry.kind != "leftover":
                break
            key = entry.path.with_name(entry.path.name.partition(".")[0])
            with exclusive_if_free(key) as free:
                if not free:
                    in_use += 1
                    continue
                rest -= entry.size_bytes
                if not entry.path.exists():
                    gone += 1
                    continue
                if not dry:
                    _remove(entry)
            removed, freed = removed + 1, freed + entry.size_bytes
    except OSError as error:
        raise MachineError(f"the store {root} cannot be pruned ({error.strerror})") from error
    return Pruned(
        removed=removed,
        removed_bytes=freed,
        kept=len(candidates) - removed - gone,
        kept_bytes=rest,
        in_use=in_use,
    )


def _is_leftover(entry: Entry | Derived) -> bool:
    return entry.leftover if isinstance(entry, Derived) else entry.kind == "leftover"


def prune_if_due(root: Path) -> None:
    """Keep the limit of CHIPDSE_CACHE_LIMIT, if there is one; measured at most once per minute."""
    limit = size_limit()
    if limit is None:
        return
    stamp = root / ".measured"
    with suppress(FileNotFoundError):
        if age_s(stamp.stat().st_mtime) < CHECK_S:
            return
    with suppress(OSError, MachineError):
        stamp.touch()
        prune(root, limit)


def size_per_result(root: Path, of: str) -> float | None:
    """What the store holds for each result of a stage, everything beside it included [bytes].

    An estimate: the results used last stand for all of their stage. None if there is none.

    Parameters
    ----------
    of : name of the stage, e.g. "simulate"
    """
    total, count = 0.0, 0
    for stage in _folders(root):
        results = [path for path in _folders(stage) if "." not in path.name]
        if stage.name == of:
            count = len(results)
        if results and stage.name not in ONCE:
            results.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            sample = [_size(path) for path in results[:SAMPLE]]
            total += len(results) * sum(sample) / len(sample)
    return total / count if count else None


def _remove(entry: Entry) -> None:
    """A rename comes first, so that no process finds a part of a folder under its key."""
    if entry.kind == "leftover":
        shutil.rmtree(entry.path)
        return
    key = entry.path.with_name(entry.path.name.partition(".")[0])
    gone = entry.path.with_name(f"{key.name}.{os.getpid()}-gone")
    entry.path.rename(gone)
    shutil.rmtree(gone)
    for path in leftovers(key):
        shutil.rmtree(path, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(item.path) for item in os.scandir(parent) if item.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(folder: Path) -> int:
    """What its files take on the disk [bytes]."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(parent) / name).lstat().st_blocks * 512
    return total
