"""Replay with compiled functions; the same counts as NumPy, bit for bit."""

from __future__ import annotations

import ctypes

import numpy as np

from chipdse.arrays import Int64s, UInt64s
from chipdse.kernels.build import Kernels, array_of, declared
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.replay.cell_functions import cell_functions
from chipdse.netlist.activity.replay.counts import Counts, Mismatch, empty_sets
from chipdse.netlist.activity.replay.lanes import WORDS, Window, first_lane
from chipdse.netlist.activity.replay.plan import Plan

_RUN = np.dtype(
    [("function", "u8"), ("count", "i8"), ("first", "i8"), ("reads", "u8"), ("sets", "u8")]
)
_NUMBER, _WORDS = ctypes.c_int64, array_of(np.uint64)
_ARGUMENTS = (
    *(_WORDS, _NUMBER, _NUMBER, _NUMBER),  # values, slots, base, stride
    *(array_of(np.uint32), _NUMBER, _NUMBER, _NUMBER),  # rows, row_words, length, last
    *(array_of(_RUN), _NUMBER, _WORDS),  # runs, run_count, counters
    *(array_of(np.int32), _NUMBER) * 2,  # checks, check_count, outputs, output_count
    *(_WORDS, array_of(np.int64), _WORDS),  # memory, bad_step, bad_lanes
    *(array_of(np.uint8), array_of(np.uint8)),  # first_bits, last_bits
)
"""Of `replay` in `chipdse/kernels/replay.c`."""
_CACHE_BYTES = 3 << 19
_MOST_STEPS = 16


def count_compiled(plan: Plan, recording: Recording, window: Window, kernels: Kernels) -> Counts:
    """Evaluate all operations over a window and count."""
    compiled = cell_functions(kernels)
    compiled.need(plan.operations)
    driver = declared(kernels.library("replay.c"), "replay", *_ARGUMENTS, returns=ctypes.c_int)
    steps = max(1, min(_MOST_STEPS, window.length, _CACHE_BYTES // (plan.slots * 8 * WORDS)))
    values = _aligned(plan.slots * steps * WORDS)
    counters = np.zeros(plan.slots, dtype=np.uint64)
    sets = empty_sets(plan)
    functions = np.array(
        [compiled.function(operation) for operation in plan.operations], dtype=np.uint64
    )
    set_address = np.zeros(len(plan.operations), dtype=np.int64)
    set_bytes = np.zeros(len(plan.operations), dtype=np.int64)
    for kind, table in sets.items():
        set_address[kind], set_bytes[kind] = table.ctypes.data, 8 * table.shape[1]
    reads = np.ascontiguousarray(plan.runs.reads, dtype=np.int32)  # a run holds addresses of them
    number = plan.runs.operation
    runs = np.zeros(len(number), dtype=_RUN)
    runs["function"] = functions[number]
    runs["count"], runs["first"] = plan.runs.count, plan.runs.first
    runs["reads"] = reads.ctypes.data + reads.itemsize * plan.runs.start
    runs["sets"] = set_address[number] + set_bytes[number] * plan.runs.offset
    checks, outputs = plan.check_slots, plan.output_slots
    compared = len(checks) + len(outputs)
    memory = _aligned(4 * WORDS * len(checks))
    bad_step = np.full(compared, -1, dtype=np.int64)
    bad_lanes = _aligned(WORDS * compared)
    first = np.zeros(plan.slots, dtype=np.uint8)
    last = np.zeros(plan.slots, dtype=np.uint8)
    rows = np.ascontiguousarray(
        recording.words[window.first : window.first + window.transitions + 1], dtype=np.uint32
    )
    failed = driver(
        *(values, plan.slots, plan.base, steps),
        *(rows, rows.shape[1], window.length, window.transitions),
        *(runs, len(runs), counters),
        *(checks, len(checks), outputs, len(outputs)),
        *(memory, bad_step, bad_lanes, first, last),
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
    mismatches = []
    for check in np.flatnonzero(bad_step == step).tolist():
        mismatches.append((int(rows[first_lane(bad_lanes[check])]), check))
    row, check = min(mismatches)
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
