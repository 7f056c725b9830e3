"""Replay with NumPy: the engine that is always there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.replay.counts import Counts, Mismatch, empty_sets, input_sets
from chipdse.netlist.activity.replay.lanes import LANES, WORDS, Window, first_lane, lane_bit, lanes
from chipdse.netlist.activity.replay.plan import NONE, Operation, Plan
from chipdse.netlist.library.logic import evaluate

_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_BUFFER_BYTES = 1 << 25
_MOST_STEPS = 32
_COUNTED_WORDS = 1 << 15


def count_with_numpy(plan: Plan, recording: Recording, window: Window) -> Counts:
    """Evaluate all operations over a window and count."""
    steps = max(2, min(_MOST_STEPS, _BUFFER_BYTES // (plan.slots * 8 * WORDS)))
    # A slot's words of the block, and those of the step before it.
    values = np.zeros((plan.slots, steps * WORDS), dtype=np.uint64)
    before = np.zeros((plan.slots, WORDS), dtype=np.uint64)
    values[plan.base - 1] = _ALL
    toggles = np.zeros(plan.slots, dtype=np.int64)
    ones = np.zeros(plan.slots, dtype=np.int64)
    sets = empty_sets(plan)
    runs = list(_runs(plan))
    checker = _Checker(plan, window)
    step, block = 0, min(steps, window.length + 1)
    mismatch: Mismatch | None = None
    while step <= window.length:
        if block * WORDS != values.shape[1]:
            values = np.zeros((plan.slots, block * WORDS), dtype=np.uint64)
            values[plan.base - 1] = _ALL
        counted = slice(0 if step else WORDS, None)  # step 0 is no transition
        raw = lanes(recording.words, window.rows(step, block))
        values[: plan.base - 2] = raw.reshape(len(raw), -1)
        pending = 0  # slots up to here are counted
        for operation, kind, out, places, columns in runs:
            reads = [values.take(column, axis=0) for column in columns]
            if operation.expression is not None:
                named: dict[str, Any] = {f"i{i}": read for i, read in enumerate(reads)}
                values[out] = evaluate(operation.expression, named, _ALL)
            if operation.joint:
                _count_sets(sets[kind][places], [read[:, counted] for read in reads])
            if (out.stop - pending) * values.shape[1] > _COUNTED_WORDS:
                _count(values, before, slice(pending, out.stop), counted, toggles, ones)
                pending = out.stop
        _count(values, before, slice(pending, plan.slots), counted, toggles, ones)
        mismatch = mismatch or checker.check(values, before, step, block)
        if not step:
            first = lane_bit(values[:, :WORDS], 0)
        before = values[:, -WORDS:].copy()
        step += block
        block = min(steps, window.length + 1 - step)
    last = lane_bit(before, LANES - 1)
    toggles[: plan.base] = 0  # bits of a recorded row: not used, and not all of them change
    return Counts(toggles=toggles, ones=ones, first=first, last=last, sets=sets, mismatch=mismatch)


def settled_values(plan: Plan, recording: Recording, rows: Int64s) -> UInt64s:
    """Every slot's value before the edges in `rows` [steps, lanes]: [slots, steps, 8 words]."""
    values = np.zeros((plan.slots, rows.shape[0] * WORDS), dtype=np.uint64)
    values[plan.base - 1] = _ALL
    raw = lanes(recording.words, rows)
    values[: plan.base - 2] = raw.reshape(len(raw), -1)
    for operation, _, out, _, columns in _runs(plan):
        if operation.expression is not None:
            named: dict[str, Any] = {f"i{i}": values[column] for i, column in enumerate(columns)}
            values[out] = evaluate(operation.expression, named, _ALL)
    return values.reshape(plan.slots, len(rows), WORDS)


def _runs(
    plan: Plan,
) -> Iterator[tuple[Operation, int, slice, slice, list[Int32s]]]:
    """Each run's operation, its number, its slots, its places, and the slots of each input."""
    runs = plan.runs
    table = (runs.operation, runs.first, runs.count, runs.offset, runs.start)
    for kind, first, count, offset, start in zip(
        *(column.tolist() for column in table), strict=True
    ):
        operation = plan.operations[kind]
        reads = runs.reads[start : start + count * operation.inputs]
        columns = list(np.ascontiguousarray(reads.reshape(count, operation.inputs).T))
        yield operation, kind, slice(first, first + count), slice(offset, offset + count), columns


def _count(
    values: UInt64s,
    before: UInt64s,
    slots: slice,
    counted: slice,
    toggles: Int64s,
    ones: Int64s,
) -> None:
    """Add up the changes and ones of some slots, while they are in the processor's cache."""
    new = values[slots]
    change = np.empty_like(new)
    np.bitwise_xor(new[:, WORDS:], new[:, :-WORDS], out=change[:, WORDS:])
    np.bitwise_xor(new[:, :WORDS], before[slots], out=change[:, :WORDS])
    toggles[slots] += _popcount(change[:, counted])
    ones[slots] += _popcount(new[:, counted])


def _popcount(words: UInt64s) -> Int64s:
    """Ones in each row of [rows, words]."""
    flat = np.ascontiguousarray(np.bitwise_count(words)).view(np.uint64)
    # Sum bytes as 16-bit fields: at most 2 * 64 per word, and fewer than 512 words per row.
    fields = (flat & np.uint64(0x00FF00FF00FF00FF)) + (
        (flat >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    )
    summed = np.add.reduce(fields, axis=1)
    folded: Int64s = (
        (summed & np.uint64(0xFFFF))
        + ((summed >> np.uint64(16)) & np.uint64(0xFFFF))
        + ((summed >> np.uint64(32)) & np.uint64(0xFFFF))
        + (summed >> np.uint64(48))
    ).astype(np.int64)
    return folded


def _count_sets(sets: Int64s, reads: list[UInt64s]) -> None:
    products: dict[int, UInt64s] = {1 << i: read for i, read in enumerate(reads)}
    for column, mask in enumerate(input_sets(len(reads))):
        low = mask & -mask
        products[mask] = products[mask ^ low] & products[low]
        sets[:, column] += _popcount(products[mask])


class _Checker:
    """Compares next states with what the registers become, and outputs with the recorded."""

    def __init__(self, plan: Plan, window: Window) -> None:
        self.window = window
        zero_slot, one_slot = plan.base - 2, plan.base - 1
        self.next_state, self.recorded, captures, unsure = plan.check_slots.T
        self.edge = captures < NONE
        always = np.where(captures == NONE, one_slot, captures)
        self.clock = np.where(self.edge, -2 - captures, always)
        self.unsure = np.where(unsure == NONE, zero_slot, unsure)
        self.simple = bool((captures == NONE).all() and (unsure == NONE).all())
        self.net, self.output = plan.output_slots.T

    def check(self, values: UInt64s, before: UInt64s, step: int, block: int) -> Mismatch | None:
        def now(slots: Int64s) -> UInt64s:
            return values[slots].reshape(len(slots), block, WORDS)

        def old(slots: Int64s) -> UInt64s:
            return np.concatenate([before[slots], values[slots, : -WORDS or None]], axis=1)[
                :, : block * WORDS
            ].reshape(len(slots), block, WORDS)

        wrong = now(self.net) ^ now(self.output)
        checks = 0
        if len(self.recorded):
            after = now(self.recorded)
            bad = after ^ old(self.next_state)
            if not self.simple:
                clock = old(self.clock)
                rises = np.where(self.edge[:, None, None], ~clock & now(self.clock), clock)
                bad = (bad & rises) | ((after ^ old(self.recorded)) & ~rises)
                bad &= ~(old(self.unsure) | now(self.unsure))
            bad &= self.window.real(step, block)
            wrong = np.concatenate([bad, wrong])
            checks = len(self.recorded)
        if not wrong.any():
            return None
        return self._first(wrong, values.reshape(len(values), block, WORDS), step, checks)

    def _first(
        self,
        wrong: UInt64s,
        values: UInt64s,
        step: int,
        checks: int,
    ) -> Mismatch:
        at = int(np.flatnonzero(wrong.any(axis=(0, 2)))[0])
        rows = self.window.rows(step + at, 1)[0]
        mismatches = []
        for index in np.flatnonzero(wrong[:, at].any(axis=1)).tolist():
            lane = first_lane(wrong[index, at])
            mismatches.append((int(rows[lane]), index, lane))
        row, index, lane = min(mismatches)
        slot = self.recorded[index] if index < checks else self.output[index - checks]
        value = int(lane_bit(values[slot, at], lane))
        number = index if index < checks else index - checks + len(self.recorded)
        return Mismatch(check=number, row=row, expected=1 - value, recorded=value)
