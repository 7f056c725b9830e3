"""The inputs of replay: the recording of an RTL simulation, and the register of each cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.arrays import UInt32s
from chipdse.errors import DesignError

WORD_BITS = 32


@dataclass(frozen=True, kw_only=True)
class RegisterBit:
    """The bit of an RTL signal that a sequential cell of the netlist stores.

    inverted : the cell captures the complement
    """

    signal: str
    bit: int
    inverted: bool


@dataclass(frozen=True, kw_only=True)
class RecordedSignal:
    """A signal's place in a recording: bits `offset` to `offset + width - 1` of each row.

    kind : input, output, register, latch, memory or blackbox
    clock, rising, asynchronous : properties of a register in the RTL
    """

    name: str
    kind: str
    width: int
    offset: int
    clock: str | None = None
    rising: bool = True
    asynchronous: bool = False


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Values of a design's inputs, registers and outputs before each clock edge.

    words : uint32 [rows, words per row], first signal in the least significant bits
    unknown : bits of this layout that are 1 where a value is X or Z; None if not recorded
    signals : by name
    clock : the clock port; each row belongs to one of its edges
    both_edges : rows alternate between before a rising and before a falling edge, rising first
    """

    words: UInt32s
    signals: Mapping[str, RecordedSignal]
    clock: str
    both_edges: bool = False
    unknown: UInt32s | None = None

    @property
    def rows(self) -> int:
        """Number of clock edges recorded."""
        return int(self.words.shape[0])

    def values(self, name: str) -> list[int]:
        """A signal as integers, row by row; for tests and messages."""
        signal = self.signals[name]
        first, last = signal.offset // WORD_BITS, (signal.offset + signal.width - 1) // WORD_BITS
        shift, mask = signal.offset % WORD_BITS, (1 << signal.width) - 1
        return [
            (int.from_bytes(row.tobytes(), "little") >> shift) & mask
            for row in np.ascontiguousarray(self.words[:, first : last + 1])
        ]


def read_recording(layout: Path, data: Path) -> Recording:
    """Map a recording into memory; nothing is copied before it is used.

    Parameters
    ----------
    layout : JSON beside the recorder: the signals of a row and their bits
    data : the rows as the simulator wrote them

    Raises
    ------
    DesignError : a file is missing, empty or cut off
    """
    try:
        description: dict[str, Any] = json.loads(layout.read_text())
        size = data.stat().st_size
    except OSError as error:
        raise DesignError(f"recording {data} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DesignError(f"{layout} is not a recording's layout: {error}") from error
    states = 2 if description["four_state"] else 1
    row_words = states * description["row_bits"] // WORD_BITS
    if size == 0 or row_words == 0 or size % (4 * row_words):
        raise DesignError(
            f"recording {data} has {size} bytes, not a positive multiple of a row's "
            f"{4 * row_words}; the simulation was cut off or belongs to another design"
        )
    words: UInt32s = np.memmap(data, dtype="<u4", mode="r").reshape(-1, row_words)
    unknown = None
    if description["four_state"]:
        # `%z` writes pairs (aval, bval); X is (1, 1), Z is (0, 1).
        words, unknown = words[:, 0::2] & ~words[:, 1::2], words[:, 1::2]
    return Recording(
        words=words,
        unknown=unknown,
        signals={entry["name"]: RecordedSignal(**entry) for entry in description["signals"]},
        clock=description["clock"],
        both_edges=description["both_edges"],
    )


def read_register_map(path: Path) -> dict[str, RegisterBit]:
    """The register bit of each sequential cell, by instance name."""
    try:
        cells = json.loads(path.read_text())["cells"]
    except OSError as error:
        raise DesignError(f"register map {path} cannot be read: {error.strerror}") from error
    return {
        cell: RegisterBit(signal=signal, bit=bit, inverted=inverted)
        for cell, (signal, bit, inverted) in cells.items()
    }
