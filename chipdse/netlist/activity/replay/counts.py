"""What an engine returns, and which sets of inputs it counts for joint states."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Int64s
from chipdse.netlist.activity.replay.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """The netlist and the recording disagree: at `row`, check number `check` (outputs after)."""

    check: int
    row: int
    expected: int
    recorded: int


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Sums over all transitions of a window, by slot; padding is not taken out yet.

    toggles, ones : of each slot, after every transition
    first, last : its value in the first row and in the last
    sets : by kind of operation: int64 [places, sets], how often all inputs of a set were 1
    mismatch : the first disagreement, None if there is none
    """

    toggles: Int64s
    ones: Int64s
    first: Bools
    last: Bools
    sets: dict[int, Int64s]
    mismatch: Mismatch | None


@functools.cache
def input_sets(inputs: int) -> tuple[int, ...]:
    """All sets of two or more inputs, as bit masks, in counting order."""
    return tuple(mask for mask in range(1 << inputs) if mask.bit_count() >= 2)


def joint_counts(singles: Int64s, sets: Int64s, total: int) -> Int64s:
    """How often each combination occurs, from how often all inputs of each set are 1.

    Parameters
    ----------
    singles : [instances, inputs], how often each input is 1
    sets : [instances, sets], for `input_sets`
    total : observations

    Notes
    -----
    Möbius inversion: exactly the inputs of S are 1 in sum over T ⊇ S of (-1)^|T - S| N(T) cases.
    """
    instances, inputs = singles.shape
    counts = np.zeros((instances, 1 << inputs), dtype=np.int64)
    counts[:, 0] = total
    for i in range(inputs):
        counts[:, 1 << i] = singles[:, i]
    counts[:, list(input_sets(inputs))] = sets
    for i in range(inputs):
        cube = counts.reshape(instances, -1, 2, 1 << i)
        cube[:, :, 0] -= cube[:, :, 1]
    return counts


def empty_sets(plan: Plan) -> dict[int, Int64s]:
    """Zeros for `Counts.sets`."""
    number_of = np.bincount(plan.runs.operation, plan.runs.count, len(plan.operations))
    return {
        kind: np.zeros((int(number_of[kind]), len(input_sets(operation.inputs))), dtype=np.int64)
        for kind, operation in enumerate(plan.operations)
        if operation.joint
    }
