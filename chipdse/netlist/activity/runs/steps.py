"""The inputs of an engine of runs and its results, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.netlist.activity.replay.lanes import WORDS


def _no_slots() -> Int32s:
    return np.zeros(0, dtype=np.int32)


def _all_lanes() -> UInt64s:
    return np.full(WORDS, 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """What is returned beside the weighted sums.

    probes : slots whose changes are counted
    mask : [8] lanes of every word that are counted separately
    watched : slots whose values are returned
    """

    probes: Int32s = field(default_factory=_no_slots)
    mask: UInt64s = field(default_factory=_all_lanes)
    watched: Int32s = field(default_factory=_no_slots)


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Some steps of all lanes.

    sums : [steps, groups, lanes] weighted changes, in units of the weights
    counts : [steps, probes, 2] lanes in which a probe changes: those of the mask, the others
    watched : [steps, watched, words] values after each step
    """

    sums: Int64s
    counts: Int64s
    watched: UInt64s


@dataclass(frozen=True, kw_only=True)
class Begun:
    """How far an engine came.

    steps : done
    unsure : number of the first register that is set or reset without a clock; -1 if there is none
    """

    steps: int
    unsure: int
