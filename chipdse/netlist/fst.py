"""Read FST traces: the same variables and changes as from a VCD, by the wellen library."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.errors import DesignError
from chipdse.netlist.vcd import Header, Variable
from chipdse.netlist.vcd_changes import Changes

# A file begins with a header block: type 0, length 329, then first and last time.
_HEAD = struct.Struct(">BQQQ")
_HEADER_BLOCK, _HEADER_LENGTH = 0, 329
_UNKNOWN = 2
_BIT = np.full(256, _UNKNOWN, dtype=np.uint8)
_BIT[ord("0")], _BIT[ord("1")] = 0, 1


@dataclass(frozen=True, kw_only=True)
class FstTrace:
    """An open trace; as `chipdse.netlist.vcd.Trace`, all changes in one block.

    waves : wellen's signal of each variable
    """

    path: Path
    header: Header
    waves: tuple[Any, ...]
    first_time: int
    last_time: int

    def changes(self) -> Iterator[Changes]:
        """All value changes, in the order of time."""
        parts = [
            _bits(list(wave), variable.width, variable.first)
            for wave, variable in zip(self.waves, self.header.variables, strict=True)
        ]
        if not parts:
            parts = [_bits([], 1, 0)]
        time, signal, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(time, kind="stable")
        yield Changes(
            time=time[order],
            signal=signal[order],
            value=value[order],
            first_time=self.first_time,
            last_time=self.last_time,
        )


def is_fst(path: Path) -> bool:
    """Whether a file begins as an FST does."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
    except OSError:
        return False
    return len(head) == _HEAD.size and _HEAD.unpack(head)[:2] == (_HEADER_BLOCK, _HEADER_LENGTH)


def open_fst(path: Path) -> FstTrace:
    """Read the declarations of an FST trace; vectors count as declared ``[width-1:0]``.

    Raises
    ------
    DesignError : the file is damaged, or the reading library is not installed
    """
    try:
        import pywellen
    except ImportError as error:
        raise DesignError(
            f"{path} is an FST trace, which needs pywellen: pip install pywellen, or dump a VCD"
        ) from error
    with path.open("rb") as file:
        _, _, first, last = _HEAD.unpack(file.read(_HEAD.size))
    try:
        waveform = pywellen.Waveform(str(path))
        found = [(v, v.signal) for v in waveform.all_vars() if v.length and not v.is_real]
        exponent = waveform.timescale.unit.to_exponent()
        unit_s = waveform.timescale.factor * float(f"1e{exponent}")
    except Exception as error:
        reason = str(error).replace("\n", " ")
        raise DesignError(f"{path}: damaged FST trace: {reason}") from error
    variables, next_bit = [], 0
    for variable, _ in found:
        name, width = str(variable.name), int(variable.length)
        scope = str(variable.full_name).removesuffix(name).rstrip(".")
        variables.append(
            Variable(
                scope=tuple(scope.split(".")) if scope else (),
                name=name.removeprefix("\\").rstrip(),
                width=width,
                indices=tuple(range(width - 1, -1, -1)) if width > 1 else None,
                first=next_bit,
            )
        )
        next_bit += width
    header = Header(
        time_unit_s=unit_s, variables=tuple(variables), signals=next_bit, codes={}, lines=0
    )
    waves = tuple(wave for _, wave in found)
    return FstTrace(path=path, header=header, waves=waves, first_time=first, last_time=last)


def _bits(
    rows: Sequence[tuple[int, int | str]], width: int, first: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    """Time, signal and value of every bit of a variable's changes, most significant bit first."""
    times = np.array([time for time, _ in rows], dtype=np.int64)
    text = "".join(v if isinstance(v, str) else f"{v:0{width}b}" for _, v in rows)
    letters = np.frombuffer(text.encode(), dtype=np.uint8)
    signals = first + np.arange(width, dtype=np.int32)
    return np.repeat(times, width), np.tile(signals, len(rows)), _BIT[letters]
