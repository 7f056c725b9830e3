"""The source files that make a sweep's points: a sweep whose points were made by two is none."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chipdse_hdl.block import Block

import chipdse
from chipdse.errors import MachineError
from chipdse.hardware.elaborate import block_files
from chipdse.store.sources import code_files
from chipdse.technology.calibration import CALIBRATION_TABLES
from chipdse.technology.constants import TABLES

_PACKAGE = Path(chipdse.__file__).parent
_MAKERS = (
    "chipdse.evaluate:evaluate",
    "chipdse.study.harvest.harvest:harvest_point",
    "chipdse.study.harvest.harvest:finishes",
    "chipdse.study.running.finishes:_finish",
    "chipdse.study.running.outcome:Outcome",  # with its file, which calls those above
    # Methods of what a sweep file states
    "chipdse.study.question.goals",
    "chipdse.study.question.template",
)
"""The functions that make points; what asks for them and shows them may change."""
_CHIP_MAKERS = (
    "chipdse.study.harvest.measured_parts:measure_parts",
    "chipdse.study.harvest.chips:composed_finishes",
    "chipdse.study.question.chip",
)
"""The same for chips of several parts."""
_TRACE_MAKERS = ("chipdse.stages.trace_figures:trace_figures",)
"""The same for points with metrics of power over time."""
_KEEPERS = tuple(
    f"chipdse.study.storage.{name}" for name in ("attributes", "fast_writes", "finish", "trials")
)
"""Modules that decide how a point is written down, and not what it is."""


def point_files(*, chip: bool = False, traced: bool = False) -> dict[str, Path]:
    """The package's files that make points, by module, and its tables of constants.

    Parameters
    ----------
    chip : points of chips of several parts
    traced : points with metrics of power over time
    """
    tables = [*CALIBRATION_TABLES, *(f"technology/data/{name}.toml" for name in TABLES)]
    more = (*(_CHIP_MAKERS if chip else ()), *(_TRACE_MAKERS if traced else ()))
    files = code_files(*_MAKERS, *more, data=tables)
    return {name: path for name, path in files.items() if name not in _KEEPERS}


@dataclass(kw_only=True)
class Code:
    """Source files, as they were when this process began with a sweep.

    hashes : of their contents
    """

    hashes: dict[Path, str]

    @classmethod
    def of(cls, blocks: Sequence[Block], *, chip: bool = False, traced: bool = False) -> Code:
        """What points of blocks are made by: their own files, and the package's."""
        files = {*point_files(chip=chip, traced=traced).values()}
        files.update(file for block in blocks for file in block_files(block))
        return cls(hashes={file: _hash(file) for file in sorted(files)})

    def changed(self) -> Path | None:
        """A file that is not what it was, if there is one; dates and sizes prove nothing."""
        for file, recorded_hash in self.hashes.items():
            if _hash(file) != recorded_hash:
                return file
        return None

    def check(self) -> None:
        """Nothing, where every file is what it was.

        Raises
        ------
        MachineError : one is not
        """
        file = self.changed()
        if file is not None:
            raise MachineError(
                f"{_shown(file)} changed while the sweep was running; what is finished is safe: "
                "start it again to go on, with --re-evaluate where the change is to stay"
            )

    def check_worker(self) -> None:
        """Nothing, where a worker may begin with a point.

        Raises
        ------
        MachineError : it is older than one of the files
        """
        file = self.changed()
        if file is not None:
            raise MachineError(
                f"the worker on {socket.gethostname()} is older than {_shown(file)}; start the "
                "worker again, then the sweep"
            )


def _shown(file: Path) -> Path:
    root = _PACKAGE.parent
    return file.relative_to(root) if file.is_relative_to(root) else file


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


_CODES: dict[str, Code] = {}
"""What this process runs: never computed again, because files may change while it runs."""


def code_here(blocks: Sequence[Block], *, chip: bool = False, traced: bool = False) -> Code:
    """The code of the points of some blocks, as it was when this process first asked."""
    key = f"{chip} {traced} " + " ".join(f"{b.name} {getattr(b, 'folder', '')}" for b in blocks)
    if key not in _CODES:
        _CODES[key] = Code.of(blocks, chip=chip, traced=traced)
    return _CODES[key]
