"""Replay with compiled functions; the same counts as NumPy, bit for bit."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.netlist.kernel import Kernel
from chipdse.netlist.recorded import Recording
from chipdse.netlist.replay_counts import Counts, Mismatch, input_sets
from chipdse.netlist.replay_lanes import WORDS, Window, first_lane
from chipdse.netlist.replay_plan import Plan

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
    sets = {
        number: np.zeros((run.count, len(input_sets(run.reads.shape[1]))), dtype=np.int64)
        for number, run in enumerate(plan.runs)
        if plan.operations[run.operation].joint
    }
    functions = [kernel.function(operation) for operation in plan.operations]
    runs = np.zeros(len(plan.runs), dtype=_RUN)
    for number, run in enumerate(plan.runs):
        runs[number] = (
            functions[run.operation],
            run.count,
            run.first,
            run.reads.ctypes.data,
            sets[number].ctypes.data if number in sets else 0,
        )
    checks = np.array(
        [(c.next_state, c.recorded, c.captures, c.unsure) for c in plan.checks], dtype=np.int32
    ).reshape(-1, 4)
    outputs = np.array([(net, bit) for _, net, bit in plan.outputs], dtype=np.int32).reshape(-1, 2)
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
    bad_step: NDArray[np.int64],
    bad_lanes: NDArray[np.uint64],
) -> Mismatch:
    """The earliest row among those of the first bad step, as the NumPy engine finds it."""
    step = int(bad_step[bad_step >= 0].min())
    rows = window.rows(step, 1)[0]
    found = []
    for check in np.flatnonzero(bad_step == step).tolist():
        found.append((int(rows[first_lane(bad_lanes[check])]), check))
    row, check = min(found)
    checks = len(plan.checks)
    bit = plan.checks[check].recorded if check < checks else plan.outputs[check - checks][2]
    value = int(recording.words[row, bit // 32]) >> (bit % 32) & 1
    return Mismatch(check=check, row=row, expected=1 - value, recorded=value)


def _aligned(words: int) -> NDArray[np.uint64]:
    """Zeroed words that begin at a cache line."""
    raw = np.zeros(words + 8, dtype=np.uint64)
    skip = -(raw.ctypes.data // 8) % 8
    return raw[skip : skip + words]


def _pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _number(value: int) -> ctypes.c_int64:
    return ctypes.c_int64(value)
