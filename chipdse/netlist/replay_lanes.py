"""Rows of a recording as lanes: 512 stretches of a run, one bit each, walked side by side.

A run of n transitions is cut into 512 stretches of equal length. Step s of lane j is row
``j * length + s``, so that a net's change between two rows is one XOR between the words of two
steps, without shifts. Each stretch begins with the row that ends the one before it: step 0 counts
nothing. Lanes behind the last row repeat it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LANES = 512
WORDS = LANES // 64


@dataclass(frozen=True, kw_only=True)
class Window:
    """The rows of a recording that are replayed.

    first : row of the state before the first transition
    transitions : between that row and the last
    """

    first: int
    transitions: int

    @property
    def length(self) -> int:
        """Steps of each lane after step 0."""
        return -(-self.transitions // LANES)

    @property
    def padding(self) -> int:
        """Lane steps that repeat the last row."""
        return LANES * self.length - self.transitions

    def rows(self, first_step: int, steps: int) -> NDArray[np.int64]:
        """Row of each step and lane: [steps, lanes]."""
        step = np.arange(first_step, first_step + steps)[:, None]
        lane = np.arange(LANES)[None, :]
        row: NDArray[np.int64] = np.minimum(lane * self.length + step, self.transitions)
        return self.first + row

    def real(self, first_step: int, steps: int) -> NDArray[np.uint64]:
        """Lanes in which a step is a transition, not padding: [steps, 8]."""
        step = np.arange(first_step, first_step + steps)[:, None]
        real = np.arange(LANES)[None, :] * self.length + step <= self.transitions
        return np.packbits(real, axis=1, bitorder="little").view(np.uint64)


def lanes(words: NDArray[np.uint32], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Bits of some rows, lane by lane: [bits of a row, steps, 8 words of 64 lanes]."""
    steps, row_words = len(rows), words.shape[1]
    result = np.empty((32 * row_words, steps, WORDS), dtype=np.uint64)
    for step in range(steps):
        chosen = np.ascontiguousarray(words[rows[step]])
        bits = np.unpackbits(chosen.view(np.uint8), axis=1, bitorder="little")
        packed = np.packbits(np.ascontiguousarray(bits.T), axis=1, bitorder="little")
        result[:, step] = packed.view(np.uint64)
    return result


def lane_bit(words: NDArray[np.uint64], lane: int) -> NDArray[np.bool_]:
    """One lane of [..., 8] words."""
    bit: NDArray[np.bool_] = (words[..., lane // 64] >> np.uint64(lane % 64)) & np.uint64(1) != 0
    return bit


def first_lane(words: NDArray[np.uint64]) -> int:
    """The lowest lane that is 1 in 8 words."""
    return int(np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))[0])
