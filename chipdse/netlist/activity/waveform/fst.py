"""Read FST traces: the same variables and changes as from a VCD; values by the wellen library.

The library decodes in a process of its own, because a damaged file can make it end its process.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.arrays import Bools, Int32s, Int64s, UInt8s
from chipdse.errors import DesignError, MachineError
from chipdse.netlist.activity.waveform.fst_hierarchy import FstHierarchy, is_fst, read_hierarchy
from chipdse.netlist.activity.waveform.vcd import Header
from chipdse.netlist.activity.waveform.vcd_changes import UNKNOWN, UNSEEN, Changes

__all__ = ["FstTrace", "is_fst", "open_fst"]

_SIGKILL = -9


@dataclass(frozen=True, kw_only=True)
class FstTrace:
    """An open trace; as `chipdse.netlist.activity.waveform.vcd.Trace`, all changes in one block."""

    path: Path
    header: Header
    hierarchy: FstHierarchy

    def close(self) -> None:
        """Nothing is open between calls."""

    def changes(self, needed: Bools | None = None) -> Iterator[Changes]:
        """All value changes, in the order of time; of `needed` signals alone, if given.

        Raises
        ------
        DesignError : the file is damaged
        MachineError : the process that decodes was killed
        """
        places: dict[int, tuple[int, int]] = {}  # width and first signal by handle
        for variable, handle in zip(self.header.variables, self.hierarchy.handles, strict=True):
            bits = slice(variable.first, variable.first + variable.width)
            if needed is None or needed[bits].any():
                places[handle] = variable.width, variable.first
        time, signal, value = _decoded(self.path, places)
        order = np.argsort(time, kind="stable")
        time, signal, value = time[order], signal[order], value[order]
        pauses = self.hierarchy.pauses
        for begin, end in pauses:
            # What $dumpoff writes is no change: nothing is known until $dumpon.
            value[(time >= begin) & (time < end) & (value == UNKNOWN)] = UNSEEN
        last = np.array([self.hierarchy.last_time], dtype=np.int64)
        yield Changes(
            time=_recorded(time, pauses),
            signal=signal,
            value=value,
            first_time=self.hierarchy.first_time,
            last_time=int(_recorded(last, pauses)[0]),
        )


def open_fst(path: Path) -> FstTrace:
    """Read the declarations of an FST trace.

    Raises
    ------
    DesignError : the file is damaged, or the reading library is not installed
    """
    if importlib.util.find_spec("pywellen") is None:
        raise DesignError(
            f"{path} is an FST trace, which needs pywellen: pip install pywellen, or dump a VCD"
        )
    hierarchy = read_hierarchy(path)
    header = Header(
        time_unit_s=hierarchy.time_unit_s,
        variables=hierarchy.variables,
        signals=hierarchy.signals,
        codes={},
        lines=0,
    )
    return FstTrace(path=path, header=header, hierarchy=hierarchy)


def _decoded(path: Path, places: dict[int, tuple[int, int]]) -> tuple[Int64s, Int32s, UInt8s]:
    """Time, signal and value of every bit of all changes."""
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder) / "request.npy", Path(folder) / "answer.npz"
        rows = [(handle, width, first) for handle, (width, first) in places.items()]
        np.save(request, np.array(rows, dtype=np.int64).reshape(-1, 3))
        run = subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "chipdse.netlist.activity.waveform.fst_values",
                path,
                request,
                answer,
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if run.returncode == _SIGKILL:
            raise MachineError(f"the process that reads {path} was killed; is the memory full?")
        if run.returncode:
            raise DesignError(f"{path}: damaged FST trace: {_reason(run.stderr)}")
        with np.load(answer) as arrays:
            return arrays["time"], arrays["signal"], arrays["value"]


def _reason(log: str) -> str:
    """The line of a log that says most: the last of an error, or the first of a crash."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.partition(": ")[2] for line in lines if line.startswith("fst_values: ")]
    return (errors or lines or ["the reading library crashed"])[0][:200]


def _recorded(time: Int64s, pauses: tuple[tuple[int, int], ...]) -> Int64s:
    """Times less the pauses before them."""
    result = time.copy()
    for begin, end in pauses:
        result -= np.clip(time, begin, end) - begin
    return result
