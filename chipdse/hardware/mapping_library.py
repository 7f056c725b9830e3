"""Liberty files as synthesis wants them: one text file, only what mapping and delays need.

Power tables, waveforms and constraint arcs are most of a Liberty file; Yosys and ABC parse them in
every run and use none. The reduced file is made once and kept under the hash of its sources.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError, MachineError
from chipdse.hardware.reduced_library import reduce_library
from chipdse.paths import cache_folder
from chipdse.reading import read_bytes, unpack
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest, write_whole
from chipdse.store.sources import code_of


@dataclass(frozen=True, kw_only=True)
class ClockGateCell:
    """An integrated clock gate for rising edges, and its pins; `test` is empty if it has none."""

    name: str
    enable: str
    clock: str
    output: str
    test: str = ""


@dataclass(frozen=True, kw_only=True)
class MappingLibrary:
    """A reduced Liberty file and what the flow must know of it.

    liberty : the reduced file, without the cells not to be used
    area : of each cell, in the library's own unit (µm² by custom)
    tie_high, tie_low : cell and pin that drive a constant; None if the library has none
    driving_cell : a small buffer (else inverter): what drives the inputs
    input_capacitance_f : of the driving cell's input; the unit for loads [F]
    flip_flops, latches : names of the sequential cells
    clock_gate : the smallest one, those without a test pin first; None if the library has none
    """

    liberty: Path
    area: dict[str, float]
    tie_high: tuple[str, str] | None
    tie_low: tuple[str, str] | None
    driving_cell: str
    input_capacitance_f: float
    flip_flops: tuple[str, ...]
    latches: tuple[str, ...]
    clock_gate: ClockGateCell | None = None


def mapping_library(files: Sequence[Path], cache: Path | None = None) -> MappingLibrary:
    """Reduce the files of one library, or take the result from the cache.

    Parameters
    ----------
    files : Liberty, plain or gzip; several make one library
    cache : folder; None is ``chipdse/liberty`` in the user's cache folder

    Raises
    ------
    DesignError : a file is missing or not Liberty, or the cells cannot implement logic
    MachineError : the cache cannot be written
    """
    folder = cache if cache is not None else cache_folder() / "liberty"
    contents = [unpack(read_bytes(file), file) for file in files]
    if not contents:
        raise DesignError("no Liberty file given; name at least one")
    digest = hashlib.sha256(code_of(reduce_library).encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    key = digest.hexdigest()[:32]
    liberty, record_file = folder / f"{key}.lib", folder / f"{key}.json"
    try:
        if is_as_written(liberty) and is_as_written(record_file):
            note_use(liberty)
            return _from_json(liberty, json.loads(record_file.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or damaged: made again
    text, record = reduce_library(files, contents)
    _write(liberty, text)
    _write(record_file, json.dumps(record))
    return _from_json(liberty, record)


def _write(path: Path, text: str) -> None:
    """Complete or not at all, also when several processes do it at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        note_digest(path)
    except OSError as error:
        raise MachineError(
            f"the cache of libraries, {path.parent}, cannot be written ({error.strerror}); free "
            "space there, or set CHIPDSE_CACHE to a folder that can"
        ) from error


def _from_json(liberty: Path, known: dict[str, Any]) -> MappingLibrary:
    return MappingLibrary(
        liberty=liberty,
        area=known["area"],
        tie_high=_pair(known["tie_high"]),
        tie_low=_pair(known["tie_low"]),
        driving_cell=known["driving_cell"],
        input_capacitance_f=known["input_capacitance_f"],
        flip_flops=tuple(known["flip_flops"]),
        latches=tuple(known["latches"]),
        clock_gate=None if known["clock_gate"] is None else ClockGateCell(**known["clock_gate"]),
    )


def _pair(value: Sequence[str] | None) -> tuple[str, str] | None:
    return None if value is None else (value[0], value[1])
