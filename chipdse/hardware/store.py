"""A content-addressed store of stage results: what a stage wrote, under the hash of what it read.

    ROOT/<stage>/<key>/            the stage's files, `inputs.json` and `manifest.json`
    ROOT/<stage>/<key>.failed/     the last failed attempt, kept with its logs
    ROOT/<stage>/<key>.lock        held by the one process that builds it

A folder appears under its key by one rename, complete or not at all; `manifest.json` holds the
SHA-256 of every file, checked whenever the folder is read. A damaged folder is built again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from chipdse.errors import ChipdseError, MachineError, ToolError
from chipdse.paths import cache_folder

INPUTS, MANIFEST = "inputs.json", "manifest.json"


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(value: Any) -> str:
    """Hash of any JSON value, as 32 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:32]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def default_store() -> Path:
    """Where stage results are kept: below CHIPDSE_CACHE, else the user's cache folder."""
    return cache_folder() / "stages"


@dataclass(frozen=True, kw_only=True)
class Store:
    """Stage folders below `root`; `built` lists the stages this process had to build."""

    root: Path
    built: list[str] = field(default_factory=list)

    def folder(self, stage: str, inputs: Mapping[str, Any], build: Callable[[Path], None]) -> Path:
        """The complete folder of a stage; `build(folder)` fills it if nobody has yet.

        Parameters
        ----------
        stage : e.g. "synthesise"
        inputs : JSON values: exactly what the result depends on, tool versions included
        build : writes the stage's files into an empty folder, or raises

        Raises
        ------
        ChipdseError : what `build` raised; its folder is kept as ``<key>.failed`` for its logs
        MachineError : the store cannot be written
        """
        target = self.root / stage / hash_of(dict(inputs))
        if is_whole(target):
            return target
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(target.with_name(target.name + ".lock")):
                if not is_whole(target):
                    self.built.append(stage)
                    _build(target, inputs, build)
        except OSError as error:
            raise MachineError(
                f"the store {self.root} cannot be written ({error.strerror or error}); "
                "free some space or name another folder"
            ) from error
        return target


def is_whole(folder: Path) -> bool:
    """Whether a stage folder is there and every file still has the hash it was written with."""
    try:
        manifest: dict[str, str] = json.loads((folder / MANIFEST).read_text())
        return all(hash_file(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def _build(target: Path, inputs: Mapping[str, Any], build: Callable[[Path], None]) -> None:
    work = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    work.chmod(0o755)
    try:
        (work / INPUTS).write_text(json.dumps(inputs, indent=1, sort_keys=True))
        build(work)
        files = sorted(path for path in work.rglob("*") if path.is_file())
        manifest = {str(path.relative_to(work)): hash_file(path) for path in files}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1))
    except ChipdseError as error:
        failed = target.with_name(target.name + ".failed")
        shutil.rmtree(failed, ignore_errors=True)
        work.rename(failed)
        raise _moved(error, work, failed) from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(target, ignore_errors=True)
    work.replace(target)


def _moved(error: ChipdseError, old: Path, new: Path) -> ChipdseError:
    """The same error, its message and log pointing to where the folder now is."""
    moved = type(error)(str(error).replace(str(old), str(new)))
    if isinstance(error, ToolError) and error.log is not None and isinstance(moved, ToolError):
        moved.log = new / error.log.relative_to(old) if error.log.is_relative_to(old) else error.log
    return moved
