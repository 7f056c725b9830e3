"""The timed replay's compiled engine."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.errors import MachineError
from chipdse.netlist.activity.glitches.c_source import TIMED
from chipdse.netlist.activity.glitches.plan import TimedPlan
from chipdse.netlist.activity.replay.c_functions import HEADER
from chipdse.netlist.activity.replay.lanes import WORDS
from chipdse.netlist.kernels.build import Kernel

_POINTERS = (
    *("output", "function", "program_start", "pin_start", "pin_net", "pin_shift", "program"),
    *("entry_start", "entry_key", "fallback_key", "entry_pin", "entry_edge", "entry_care"),
    *("entry_value", "source", "source_time"),
)


class _Plan(ctypes.Structure):
    """`plan_t`: counts first, then pointers."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("operations", "sources", "nets")),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


class CompiledLanes:
    """Replays 512 cycles a call; keeps its memory between calls.

    Raises
    ------
    ToolError : the C compiler fails
    MachineError : out of memory
    """

    def __init__(self, plan: TimedPlan, kernel: Kernel) -> None:
        self.plan = plan
        self.library = kernel.library("timed", HEADER + TIMED)
        self.library.timed_open.restype = ctypes.c_void_p
        self.arrays = [np.ascontiguousarray(getattr(plan, name)) for name in _POINTERS]
        self.structure = _Plan(len(plan.output), len(plan.source), plan.nets)
        for name, array in zip(_POINTERS, self.arrays, strict=True):
            setattr(self.structure, name, array.ctypes.data)
        self.begin = np.zeros(plan.nets, dtype=np.int64)
        self.end = np.zeros(plan.nets, dtype=np.int64)
        self.arena = ctypes.c_void_p(self.library.timed_open())

    def replay(
        self,
        value: UInt64s,
        goal: UInt64s,
        counts: Int64s,
        latest: Int32s,
    ) -> UInt64s:
        """Add up one cycle in each lane; returns each net's settled value.

        Parameters
        ----------
        value : [nets, 8] before the edge
        goal : [sources, 8] after it
        counts : [nets, 8] changes in each group of 64 lanes, added to
        latest : [nets] when a net last moved [bins], raised
        """
        settled, aims, sums = _aligned(value), _aligned(goal), _aligned(counts.view(np.uint64))
        failed = self.library.timed_replay(
            ctypes.byref(self.structure),
            self.arena,
            *(_pointer(each) for each in (settled, aims, sums, latest, self.begin, self.end)),
        )
        if failed:
            what = "memory" if failed == 1 else "room for pending changes; use a coarser resolution"
            raise MachineError(f"the timed replay ran out of {what}")
        counts[:] = sums.view(np.int64)
        return settled

    def __del__(self) -> None:
        if arena := getattr(self, "arena", None):
            self.library.timed_close(arena)


def _aligned(array: UInt64s) -> UInt64s:
    """A copy that begins at a cache line."""
    raw = np.empty(array.size + WORDS, dtype=np.uint64)
    skip = -(raw.ctypes.data // 8) % WORDS
    copy = raw[skip : skip + array.size].reshape(array.shape)
    copy[:] = array
    return copy


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
