"""Rows of a recording as lanes: 512 stretches of a run, one bit each, walked side by side.

A run of n transitions is cut into 512 stretches of equal length. Step s of lane j is row
``j * length + s``, so that a net's change between two rows is one XOR between the words of two
steps, without shifts. Each stretch begins with the row that ends the one before it: step 0 counts
nothing. Lanes behind the last row repeat it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Int64s, UInt32s, UInt64s

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

    def rows(self, first_step: int, steps: int) -> Int64s:
        """Row of each step and lane: [steps, lanes]."""
        step = np.arange(first_step, first_step + steps)[:, None]
        lane = np.arange(LANES)[None, :]
        row: Int64s = np.minimum(lane * self.length + step, self.transitions)
        return self.first + row

    def real(self, first_step: int, steps: int) -> UInt64s:
        """Lanes in which a step is a transition, not padding: [steps, 8]."""
        step = np.arange(first_step, first_step + steps)[:, None]
        real = (np.arange(LANES)[None, :] * self.length + step <= self.transitions) & (step > 0)
        return np.packbits(real, axis=1, bitorder="little").view(np.uint64)


def lanes(words: UInt32s, rows: Int64s) -> UInt64s:
    """Bits of some rows, lane by lane: [bits of a row, steps, 8 words of 64 lanes]."""
    steps, row_words = len(rows), words.shape[1]
    chosen = words[rows.ravel()]
    if row_words % 2:
        chosen = np.concatenate([chosen, np.zeros((len(chosen), 1), dtype=np.uint32)], axis=1)
    # 64 x 64 bits are transposed at a time: swap halves, then quarters, ... (Hacker's Delight 7-3).
    tiles = chosen.view(np.uint64).reshape(steps, WORDS, 64, -1).transpose(2, 3, 0, 1).copy()
    mask, shift = 0x00000000FFFFFFFF, 32
    while shift:
        pairs = tiles.reshape(32 // shift, 2, shift, -1)
        swapped = ((pairs[:, 0] >> np.uint64(shift)) ^ pairs[:, 1]) & np.uint64(mask)
        pairs[:, 0] ^= swapped << np.uint64(shift)
        pairs[:, 1] ^= swapped
        shift //= 2
        mask ^= mask << shift & 0xFFFFFFFFFFFFFFFF
    bits = tiles.transpose(1, 0, 2, 3).reshape(-1, steps, WORDS)
    return bits[: 32 * row_words]


def lane_bit(words: UInt64s, lane: int) -> Bools:
    """One lane of [..., 8] words."""
    bit: Bools = (words[..., lane // 64] >> np.uint64(lane % 64)) & np.uint64(1) != 0
    return bit


def first_lane(words: UInt64s) -> int:
    """The lowest lane that is 1 in 8 words."""
    return int(np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))[0])
