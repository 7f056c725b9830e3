"""How a streaming Fourier transform is made of butterflies, delays and rotations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One butterfly and the rotation behind it.

    delay : samples between the two partners
    block : after so many samples the rotations repeat
    turns : of each sample of a block, in `block`-ths of a full turn, clockwise
    growth_bits : how much wider its results are than its samples
    """

    delay: int
    block: int
    turns: tuple[int, ...]
    in_bits: int
    growth_bits: int

    @property
    def bits(self) -> int:
        """The width of a result's part."""
        return self.in_bits + self.growth_bits

    @property
    def multiplies(self) -> bool:
        """Whether a rotation is not by quarter turns only."""
        return any(4 * turn % self.block for turn in self.turns)


def chain(points: int, radix: int, bits: int, growth: int) -> tuple[Stage, ...]:
    """The butterflies of a transform from the input on, decimated in frequency.

    Parameters
    ----------
    radix : 2, or 4 for pairs of butterflies with a quarter turn between them (2**2)
    bits : width of a sample's part
    growth : by how much each butterfly widens it
    """
    plan: list[tuple[int, int, list[int]]] = []
    block = points
    while block > 1:
        half, quarter = block // 2, block // 4
        if radix == 4 and quarter:
            plan.append((half, block, [quarter * (n >= 3 * quarter) for n in range(block)]))
            # Quarters leave in the order 0, 2, 1, 3.
            turns = [(0, 2, 1, 3)[n // quarter] * (n % quarter) for n in range(block)]
            plan.append((quarter, block, turns))
            block = quarter
        else:
            plan.append((half, block, [max(n - half, 0) for n in range(block)]))
            block = half
    return tuple(
        Stage(
            delay=delay,
            block=block,
            turns=tuple(turns),
            in_bits=bits + number * growth,
            growth_bits=growth,
        )
        for number, (delay, block, turns) in enumerate(plan)
    )


def bit_reversed(points: int) -> np.ndarray:
    """The frequency of each result in the order in which they leave."""
    bits = points.bit_length() - 1
    return np.array([int(f"{n:0{bits}b}"[::-1], 2) for n in range(points)])


def twiddles(stage: Stage, bits: int) -> np.ndarray:
    """The rotations of a stage's block as integers, int64[part, sample]."""
    turn = np.exp(-2j * np.pi * np.array(stage.turns) / stage.block)
    scale = 2 ** (bits - 2)
    return np.rint(scale * np.stack([turn.real, turn.imag])).astype(np.int64)
