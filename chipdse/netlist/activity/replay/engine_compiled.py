"""Replay with compiled functions; the same counts as NumPy, bit for bit."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Int64s, UInt64s
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.replay.counts import Counts, Mismatch, empty_sets
from chipdse.netlist.activity.replay.lanes import WORDS, Window, first_lane
from chipdse.netlist.activity.replay.plan import Plan
from chipdse.netlist.kernels.build import Kernel

_RUN = np.dtype(
    [("function", "u8"), ("count", "i8"), ("first", "i8"), ("reads", "u8"), ("sets", "u8")]
)
_CACHE_BYTES = 3 << 19
_MOST_STEPS = 16


def count_compiled(plan: Plan, recording: Recording, window: Window, kernel: Kernel) -> Counts:
    """Evaluate all operations over a window and count."""
    kernel.need(plan.operations)
    driver = kernel.driver()
    steps = max(1, min(_MOST_STEPS, window.length, _CACHE_BYTES // (plan.slots * 8 * WORDS)))
    values = _aligned(plan.slots * steps * WORDS)
    counters = np.zeros(plan.slots, dtype=np.uint64)
    sets = empty_sets(plan)
    functions = np.array([kernel.function(each) for each in plan.operations], dtype=np.uint64)
    set_address = np.zeros(len(plan.operations), dtype=np.int64)
    set_bytes = np.zeros(len(plan.operations), dtype=np.int64)
    for kind, table in sets.items():
        set_address[kind], set_bytes[kind] = table.ctypes.data, 8 * table.shape[1]
    reads, number = plan.runs.reads, plan.runs.operation
    runs = np.zeros(len(number), dtype=_RUN)
    runs["function"] = functions[number]
    runs["count"], runs["first"] = plan.runs.count, plan.runs.first
    runs["reads"] = reads.ctypes.data + reads.itemsize * plan.runs.start
    runs["sets"] = set_address[number] + set_bytes[number] * plan.runs.offset
    checks, outputs = plan.check_slots, plan.output_slots
    compared = len(checks) + len(outputs)
    kept = _aligned(4 * WORDS * len(checks))
    bad_step = np.full(compared, -1, dtype=np.int64)
    bad_lanes = _aligned(WORDS * compared)
    first = np.zeros(plan.slots, dtype=np.uint8)
    last = np.zeros(plan.slots, dtype=np.uint8)
    rows = np.ascontiguousarray(
        recording.words[window.first : window.first + window.transitions + 1], dtype=np.uint32
    )
    failed = driver.replay(
        *(_pointer(values), _number(plan.slots), _number(plan.base), _number(steps)),
        *(_pointer(rows), _number(rows.shape[1])),
        *(_number(window.length), _number(window.transitions)),
        *(_pointer(runs), _number(len(runs)), _pointer(counters)),
        *(_pointer(checks), _number(len(checks)), _pointer(outputs), _number(len(outputs))),
        *(_pointer(kept), _pointer(bad_step), _pointer(bad_lanes)),
        *(_pointer(first), _pointer(last)),
    )
    mismatch = None
    if failed:
        mismatch = _first_mismatch(plan, recording, window, bad_step, bad_lanes.reshape(-1, WORDS))
    return Counts(
        toggles=(counters & np.uint64(0xFFFFFFFF)).astype(np.int64),
        ones=(counters >> np.uint64(32)).astype(np.int64),
        first=first.astype(np.bool_),
        last=last.astype(np.bool_),
        sets=sets,
        mismatch=mismatch,
    )


def _first_mismatch(
    plan: Plan,
    recording: Recording,
    window: Window,
    bad_step: Int64s,
    bad_lanes: UInt64s,
) -> Mismatch:
    """The earliest row among those of the first bad step, as the NumPy engine finds it."""
    step = int(bad_step[bad_step >= 0].min())
    rows = window.rows(step, 1)[0]
    found = []
    for check in np.flatnonzero(bad_step == step).tolist():
        found.append((int(rows[first_lane(bad_lanes[check])]), check))
    row, check = min(found)
    checks = len(plan.checks)
    slots = plan.check_slots if check < checks else plan.output_slots
    bit = int(slots[check if check < checks else check - checks, 1])
    value = int(recording.words[row, bit // 32]) >> (bit % 32) & 1
    return Mismatch(check=check, row=row, expected=1 - value, recorded=value)


def _aligned(words: int) -> UInt64s:
    """Zeroed words that begin at a cache line."""
    raw = np.zeros(words + 8, dtype=np.uint64)
    skip = -(raw.ctypes.data // 8) % 8
    return raw[skip : skip + words]


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _number(value: int) -> ctypes.c_int64:
    return ctypes.c_int64(value)
