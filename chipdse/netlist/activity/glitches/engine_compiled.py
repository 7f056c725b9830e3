"""The timed replay's compiled engine."""

from __future__ import annotations

import ctypes

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.errors import MachineError
from chipdse.kernels.build import Kernels, array_of, declared
from chipdse.netlist.activity.glitches.plan import TimedPlan
from chipdse.netlist.activity.replay.lanes import WORDS

_ARRAYS = {
    **dict.fromkeys(("output", "function", "program_start"), np.int32),
    **dict.fromkeys(("pin_start", "pin_net", "pin_shift"), np.int32),
    "program": np.uint8,
    **dict.fromkeys(("entry_start", "entry_key", "fallback_key"), np.int32),
    **dict.fromkeys(("entry_pin", "entry_edge"), np.uint8),
    **dict.fromkeys(("entry_care", "entry_value"), np.uint16),
    **dict.fromkeys(("source", "source_time"), np.int32),
}
"""The arrays of `plan_t` in `chipdse/kernels/glitches.c`, in its order."""
_WORDS, _TIMES, _PLACES = array_of(np.uint64), array_of(np.int32), array_of(np.int64)


class _Plan(ctypes.Structure):
    """`plan_t`: counts first, then pointers."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("operations", "sources", "nets")),
        *((name, ctypes.c_void_p) for name in _ARRAYS),
    ]


class CompiledLanes:
    """Replays 512 cycles a call; keeps its memory between calls.

    Raises
    ------
    ToolError : the C compiler fails
    MachineError : out of memory
    """

    def __init__(self, plan: TimedPlan, kernels: Kernels) -> None:
        self.plan = plan
        library = kernels.library("glitches.c")
        self.close = declared(library, "timed_close", ctypes.c_void_p)
        self.timed_replay = declared(
            library,
            "timed_replay",
            ctypes.POINTER(_Plan),
            ctypes.c_void_p,
            _WORDS,
            _WORDS,
            _WORDS,
            _TIMES,
            _PLACES,
            _PLACES,
            returns=ctypes.c_int,
        )
        self.arrays = {name: np.ascontiguousarray(getattr(plan, name)) for name in _ARRAYS}
        self.structure = _Plan(len(plan.output), len(plan.source), plan.nets)
        for name, array in self.arrays.items():
            array_of(_ARRAYS[name]).from_param(array)  # raises for an array of another type
            setattr(self.structure, name, array.ctypes.data)
        self.begin = np.zeros(plan.nets, dtype=np.int64)
        self.end = np.zeros(plan.nets, dtype=np.int64)
        self.arena = declared(library, "timed_open", returns=ctypes.c_void_p)()

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
        failed = self.timed_replay(
            self.structure, self.arena, settled, aims, sums, latest, self.begin, self.end
        )
        if failed:
            what = "memory" if failed == 1 else "room for pending changes; use a coarser resolution"
            raise MachineError(f"the timed replay ran out of {what}")
        counts[:] = sums.view(np.int64)
        return settled

    def __del__(self) -> None:
        if arena := getattr(self, "arena", None):
            self.close(arena)


def _aligned(array: UInt64s) -> UInt64s:
    """A copy that begins at a cache line."""
    raw = np.empty(array.size + WORDS, dtype=np.uint64)
    skip = -(raw.ctypes.data // 8) % WORDS
    copy = raw[skip : skip + array.size].reshape(array.shape)
    copy[:] = array
    return copy
