"""Decode the values of an FST trace: a program that `waveform.fst` runs for each file.

Arguments: the trace; a .npy with handle, width and first signal of each variable; the .npz to write
(time, signal and value of every bit that changes).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt8s
from chipdse.netlist.activity.waveform.vcd_changes import ONE, UNKNOWN, ZERO

_BIT = np.full(256, UNKNOWN, dtype=np.uint8)
_BIT[list(b"0lL")], _BIT[list(b"1hH")] = ZERO, ONE


def main(trace: str, request: str, answer: str) -> None:
    """Decode one file.

    Raises
    ------
    ValueError : the file has no values for a variable
    Exception : any error that the library raises for a damaged file
    """
    import pywellen

    variables = {_handle(var): var for var in pywellen.Waveform(trace).all_vars()}
    parts = [_bits([], 1, 0)]
    for handle, width, first in np.load(request).tolist():
        variable = variables.get(handle)
        if variable is None or variable.length != width:
            raise ValueError("a variable has no values of its width")
        parts.append(_bits(list(variable.signal), width, first))
    time, signal, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    np.savez(answer, time=time, signal=signal, value=value)


def _handle(variable: Any) -> int:
    """The number of a variable's value sequence: wellen shows it as ``SignalId(7)``."""
    return int(str(variable.signal_id).removeprefix("SignalId(").removesuffix(")"))


def _bits(
    rows: Sequence[tuple[int, int | str]], width: int, first: int
) -> tuple[Int64s, Int32s, UInt8s]:
    """Time, signal and value of every bit of a variable's changes, most significant bit first."""
    times = np.array([time for time, _ in rows], dtype=np.int64)
    text = "".join(v if isinstance(v, str) else f"{v:0{width}b}" for _, v in rows)
    letters = np.frombuffer(text.encode(), dtype=np.uint8)
    if len(letters) != width * len(rows):
        raise ValueError("a value has not its variable's width")
    signals = first + np.arange(width, dtype=np.int32)
    return np.repeat(times, width), np.tile(signals, len(rows)), _BIT[letters]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BaseException as error:  # a panic of the library derives from no less
        print(f"fst_values: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)
