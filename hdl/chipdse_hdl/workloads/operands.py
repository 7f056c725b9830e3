"""Streams of operands that several workloads share: which cycles carry one, and how they spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipdse_hdl.block import parameter

_DUTY = "fraction of cycles that bring operands; in the others the inputs change all the same"
SPREAD_DOC = (
    "uniform: over the whole range; gaussian: like trained weights and activations, "
    "standard deviation an eighth of the range"
)


def duty_parameter(where: str = "") -> Any:
    """The field `duty` of a workload."""
    return parameter(1.0, _DUTY + where, minimum=0.001, maximum=1.0)


def sparsity_parameter(name: str = "a") -> Any:
    """The field `sparsity` of a workload."""
    return parameter(0.0, f"fraction of {name} that is zero", minimum=0.0, maximum=1.0)


def stream_cycles(length: int, duty: float) -> int:
    """Cycles in which `length` operands arrive."""
    return int(np.ceil(length / duty - 1e-9))


def valid_cycles(random: np.random.Generator, length: int, duty: float) -> np.ndarray:
    """Whether operands arrive, bool[cycle]: in `length` cycles, at random and in the first."""
    valid = np.zeros(stream_cycles(length, duty), bool)
    valid[0] = True
    valid[1 + random.permutation(len(valid) - 1)[: length - 1]] = True
    return valid


def spread(
    random: np.random.Generator, values: str, bits: int, signed: bool, shape: tuple[int, ...]
) -> np.ndarray:
    """Numbers of `bits`, int64: "uniform" or "gaussian" (see SPREAD_DOC)."""
    lowest = -(2 ** (bits - 1)) if signed else 0
    highest = lowest + 2**bits - 1
    if values == "uniform":
        return random.integers(lowest, highest, shape, endpoint=True)
    drawn = random.normal(0, 2**bits / 8, shape).round()
    # Without a sign there is nothing below zero: take magnitudes, as after a rectifier.
    drawn = drawn if signed else np.abs(drawn)
    return drawn.clip(lowest, highest).astype(np.int64)
