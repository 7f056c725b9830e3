"""A content-addressed store: the results of each stage under the hash of its inputs.

    ROOT/<stage>/<key>/            the stage's files, `inputs.json` and `manifest.json`
    ROOT/<stage>/<key>.failed/     the last failed attempt, kept with its logs
    ROOT/<stage>/<key>.lock        held by the one process that builds it, or by those that read it

A folder appears under its key by one rename, complete or not at all; `manifest.json` holds the
SHA-256 of every file, checked whenever the folder is read. A damaged folder is built again. A stage
that runs the user's code has a key of the inputs that this code read (`folder_by_reads`). The next
build of a key removes the remains of a builder that was killed; so does `chipdse cache prune`
(`chipdse.store.care`).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chipdse.errors import ChipdseError, CrashedError, KilledError, MachineError, ToolError
from chipdse.paths import cache_folder
from chipdse.store.care import prune_if_due
from chipdse.store.files import age_s, new_folder
from chipdse.store.folder import INPUTS, MANIFEST, check_room, hash_of, is_whole, leftovers
from chipdse.store.folder import hash_file as hash_file
from chipdse.store.lock import exclusive, exclusive_unless, hold_shared, release
from chipdse.store.place import Place, Read
from chipdse.store.reads import check_unchanged, read_again, recorded_reads, write_reads
from chipdse.store.variants import known_reads, note_reads, variant


def default_store() -> Path:
    """Folder of the stage results: below CHIPDSE_CACHE, else in the user's cache folder."""
    return cache_folder() / "stages"


def quiet(stage: str) -> None:
    """Progress callback that ignores every stage."""


def _nothing() -> None:
    """Check that accepts everything."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """Stage folders below `root`.

    `built` lists the stages that this process built. `read` has the inputs that the user's code
    read for the results that the store returned. Folders that the store returned are not evicted
    while the object exists. `tell` is called with each stage before it is built, `check` after it
    was built; `check` raises an error if an input changed after the key was computed.
    """

    root: Path
    tell: Callable[[str], None] = field(default=quiet, repr=False, compare=False)
    check: Callable[[], None] = field(default=_nothing, repr=False, compare=False)
    built: list[str] = field(default_factory=list)
    read: set[Read] = field(default_factory=set, repr=False, compare=False)
    _held: dict[Path, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, _release_all, self._held)

    def folder(self, stage: str, inputs: Mapping[str, Any], build: Callable[[Path], None]) -> Path:
        """The complete folder of a stage; `build(folder)` fills it if the store does not have it.

        Parameters
        ----------
        stage : e.g. "synthesise"
        inputs : JSON values: exactly what the result depends on, tool versions included
        build : writes the stage's files into an empty folder, or raises

        Raises
        ------
        ChipdseError : what `build` raised; its folder is kept as ``<key>.failed`` for its logs
        MachineError : the store cannot be written, or a signal ended a program at every try
        """
        target = self.root / stage / hash_of(dict(inputs))
        try:
            built = False
            for _ in range(TRIES):
                if self._take(target):
                    if built:
                        prune_if_due(self.root)
                    return target
                target.parent.mkdir(parents=True, exist_ok=True)
                with exclusive_unless(target, lambda: is_whole(target)) as is_alone:
                    if is_alone and not is_whole(target):
                        self.tell(stage)
                        self.built.append(stage)
                        _build_again(target, inputs, build, self.check)
                        built = True
        except OSError as error:
            raise self._unwritable(error) from error
        raise MachineError(f"{target} is damaged each time that it is built; check that disk")

    def folder_by_reads(
        self,
        stage: str,
        inputs: Mapping[str, Any],
        build: Callable[[Path], Iterable[Read]],
        place: Place,
    ) -> Path:
        """As `folder`, for a stage that runs the user's code: `build` returns the inputs it read.

        The result is reused only if all of these inputs are unchanged. Results of other versions of
        the inputs stay in the store and are reused if that version returns.

        Parameters
        ----------
        inputs : the inputs that are known before the user's code runs
        place : where the names of reads are looked up

        Raises
        ------
        MachineError : an input changed while it was read
        """
        base = self.root / stage / hash_of(dict(inputs))
        built = False
        try:
            for _ in range(TRIES):
                target = self._take_by_reads(base, inputs, place)
                if target is not None:
                    if built:
                        prune_if_due(self.root)
                    return target
                base.parent.mkdir(parents=True, exist_ok=True)
                with exclusive(base):
                    if self._find_by_reads(base, inputs, place) is None:
                        self.tell(stage)
                        self.built.append(stage)

                        def record(folder: Path) -> None:
                            reads = tuple(build(folder))
                            check_unchanged(place, reads)
                            write_reads(folder, reads)

                        _build_again(base, inputs, record, self.check)
                        self._file_by_reads(base, inputs)
                        built = True
        except OSError as error:
            raise self._unwritable(error) from error
        raise MachineError(f"{base} is damaged each time that it is built; check that disk")

    def _take_by_reads(self, base: Path, inputs: Mapping[str, Any], place: Place) -> Path | None:
        """Lock and return the result whose recorded inputs are unchanged; None if there is none."""
        for names in known_reads(base):
            target = variant(base, inputs, read_again(names, place))
            if self._take(target):
                self.read.update(recorded_reads(target))
                return target
        return None

    def _find_by_reads(self, base: Path, inputs: Mapping[str, Any], place: Place) -> Path | None:
        targets = (variant(base, inputs, read_again(names, place)) for names in known_reads(base))
        return next((target for target in targets if is_whole(target)), None)

    def _file_by_reads(self, base: Path, inputs: Mapping[str, Any]) -> None:
        """Move a built folder to the key of the inputs that it read."""
        reads = recorded_reads(base)
        target = variant(base, inputs, reads)
        with exclusive(target):
            _put(base, target)
        note_reads(base, reads)

    def _take(self, target: Path) -> bool:
        """Lock a folder if it is complete, and mark it as the most recently used."""
        if (descriptor := self._held.pop(target, None)) is not None:
            release(descriptor)
        if not target.parent.is_dir():
            return False
        descriptor = hold_shared(target)
        if not is_whole(target):
            if descriptor is not None:
                release(descriptor)
            return False
        if descriptor is not None:
            if self._held.setdefault(target, descriptor) != descriptor:  # another thread holds it
                release(descriptor)
            while len(self._held) > HELD:
                release(self._held.pop(next(iter(self._held))))
        _note_use(target)
        return True

    def _unwritable(self, error: OSError) -> MachineError:
        is_full = error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS)
        advice = "free some space ('chipdse cache prune') or " if is_full else ""
        return MachineError(
            f"the store {self.root} cannot be written ({error.strerror or error}); "
            f"{advice}name another folder (CHIPDSE_CACHE)"
        )


TRIES = 4
"""Number of builds after which an incomplete folder is reported as a fault of disk or program."""
HELD = 200
"""Number of folders, the last ones returned, that one store protects from eviction."""
KILLED_TRIES, KILLED_PAUSE_S = 3, 1.0
"""How many times a program that a signal ended is started, and by how much [s] the pause grows
before each further try."""
USE_S = 60.0
"""Resolution of the stored time of last use [s]."""


def _note_use(target: Path) -> None:
    """Set the date of the manifest to the time of this use, unless the store is read-only."""
    with suppress(OSError):
        manifest = target / MANIFEST
        if age_s(manifest.stat().st_mtime) > USE_S:
            os.utime(manifest)


def _release_all(held: dict[Path, int]) -> None:
    for descriptor in held.values():
        release(descriptor)
    held.clear()


def _build_again(
    target: Path,
    inputs: Mapping[str, Any],
    build: Callable[[Path], None],
    check: Callable[[], None],
) -> None:
    """Build a folder; if a signal ended a program, build it again, as memory may be free by then.

    Raises
    ------
    MachineError : a signal ended it at every try
    ToolError : it crashed at every try
    """
    for attempt in range(KILLED_TRIES):
        time.sleep(attempt * KILLED_PAUSE_S)
        try:
            return _build(target, inputs, build, check)
        except KilledError as error:
            last = error
    text = str(last).partition("; full log: ")[0]
    if isinstance(last, CrashedError):
        raise ToolError(f"{text} (at each of {KILLED_TRIES} tries)", last.log) from last
    raise MachineError(
        f"{text} (at each of {KILLED_TRIES} tries); this machine has too little memory, or "
        "something ends its programs: give it more memory, or use fewer --workers",
        last.log,
    ) from last


def _build(
    target: Path,
    inputs: Mapping[str, Any],
    build: Callable[[Path], None],
    check: Callable[[], None],
) -> None:
    for path in leftovers(target):
        shutil.rmtree(path, ignore_errors=True)
    work = new_folder(target)
    try:
        (work / INPUTS).write_text(json.dumps(inputs, indent=1, sort_keys=True))
        build(work)
        check()
        files = sorted(path for path in work.rglob("*") if path.is_file())
        manifest = {str(path.relative_to(work)): hash_file(path) for path in files}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1))
    except ChipdseError as error:
        check_room(target.parent)  # the cause may be a full disk and not the design
        failed = target.with_name(target.name + ".failed")
        shutil.rmtree(failed, ignore_errors=True)
        work.rename(failed)
        raise _moved(error, work, failed) from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    _put(work, target)


def _put(work: Path, target: Path) -> None:
    """Move a built folder to its key; it replaces a damaged folder."""
    old = work.with_name(work.name + ".old")
    with suppress(FileNotFoundError):
        target.rename(old)
    try:
        work.rename(target)
    except OSError:  # without locks between machines, another one may have built it
        if not is_whole(target):
            raise
        shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _moved(error: ChipdseError, old: Path, new: Path) -> ChipdseError:
    """The same error with the new path of the folder in its message and log."""
    moved = type(error)(str(error).replace(str(old), str(new)))
    if isinstance(error, ToolError) and error.log is not None and isinstance(moved, ToolError):
        moved.log = new / error.log.relative_to(old) if error.log.is_relative_to(old) else error.log
    return moved
