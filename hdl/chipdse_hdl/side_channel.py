"""One operation on secret data in many runs at once, for tests of side channels.

A block states its `Operation`; `lane_data` draws the data of all runs, fixed in some and random in
the others, and `stimuli` gives the bits of every input port in every cycle. Bits of 64 runs are
packed into a word: run n is bit n % 64 of word n // 64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipdse_hdl.shares import RANDOM, share_names

RUNS_PER_WORD = 64
NOTHING = -1
"""In `Operation.data`: zeros are at the port in this cycle."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What happens at a block's ports during one operation, whatever its data.

    controls : of each plain input port, the reset `rst` among them, one word per cycle; equal in
        all runs
    data : of each value that carries data, for each cycle the position among the bits of the data
        of its lowest bit, or `NOTHING`
    widths : of each such value and each control, its bits
    data_bits : bits of the data of one operation, all of which a test may keep secret
    shares : of each value in `data`; its ports are `share_names(name, shares)`
    random_bits : width of the port of random bits, 0 without one
    """

    controls: Mapping[str, Sequence[int]]
    data: Mapping[str, Sequence[int]]
    widths: Mapping[str, int]
    data_bits: int
    shares: int = 1
    random_bits: int = 0

    @property
    def cycles(self) -> int:
        """Clock cycles of the operation, the reset (the first of them) included."""
        return len(next(iter(self.controls.values())))

    @property
    def share_ports(self) -> dict[str, tuple[str, ...]]:
        """The ports of each value that carries data, share 0 first."""
        return {name: tuple(share_names(name, self.shares)) for name in self.data}


def random_lanes(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Independent uniform bits of 64 runs per word: uint64 of a shape."""
    return random.integers(0, 2**64, shape, dtype=np.uint64)


def lane_data(
    operation: Operation, random: np.random.Generator, fixed: int, is_fixed: np.ndarray
) -> np.ndarray:
    """The data of every run: uint64[data bit, word].

    Parameters
    ----------
    fixed : the data of the runs that are not random
    is_fixed : uint64[word], which runs these are
    """
    if fixed >> operation.data_bits:
        raise ValueError(
            f"the fixed data has {fixed.bit_length()} bits and an operation takes "
            f"{operation.data_bits}; use fewer"
        )
    data = random_lanes(random, operation.data_bits, len(is_fixed))
    for bit, row in enumerate(data):
        row[:] = np.where(fixed >> bit & 1, row | is_fixed, row & ~is_fixed)
    return data


def stimuli(
    operation: Operation, data: np.ndarray, random: np.random.Generator, *, masked: bool = True
) -> dict[str, np.ndarray]:
    """The bits at every input port but the clock: uint64[cycle, bit of the port, word].

    Parameters
    ----------
    data : of `lane_data`
    masked : False switches the source of randomness off: share 0 is the value, share 1 and the
        port of random bits are zero in all runs
    """
    words = data.shape[1]
    ports = {}
    for name, column in operation.controls.items():
        given = np.array(
            [[word >> n & 1 for n in range(operation.widths[name])] for word in column]
        )
        lanes = np.where(given.astype(bool), np.uint64(2**64 - 1), np.uint64(0))
        ports[name] = np.repeat(lanes[:, :, None], words, axis=2)
    for name, starts in operation.data.items():
        width = operation.widths[name]
        shares = np.zeros((operation.shares, operation.cycles, width, words), np.uint64)
        for cycle, start in enumerate(starts):
            if start == NOTHING:
                continue
            shares[0, cycle] = data[start : start + width]
            for share in range(1, operation.shares if masked else 1):
                shares[share, cycle] = random_lanes(random, width, words)
                shares[0, cycle] ^= shares[share, cycle]
        ports |= dict(zip(operation.share_ports[name], shares, strict=True))
    if operation.random_bits:
        shape = operation.cycles, operation.random_bits, words
        ports[RANDOM] = random_lanes(random, *shape) if masked else np.zeros(shape, np.uint64)
    return ports
