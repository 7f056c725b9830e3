"""Replay with NumPy: the engine that is always there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.netlist.liberty_function import evaluate
from chipdse.netlist.recorded import Recording
from chipdse.netlist.replay_counts import Counts, Mismatch, empty_sets, input_sets
from chipdse.netlist.replay_lanes import LANES, WORDS, Window, first_lane, lane_bit, lanes
from chipdse.netlist.replay_plan import NONE, Plan

_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_BUFFER_BYTES = 1 << 24
_MOST_STEPS = 16


def count_with_numpy(plan: Plan, recording: Recording, window: Window) -> Counts:
    """Evaluate all operations over a window and count."""
    steps = max(1, min(_MOST_STEPS, window.length, _BUFFER_BYTES // (plan.slots * 8 * WORDS)))
    # A slot's words: those of the step before the block, then the block's.
    values = np.zeros((plan.slots, steps + 1, WORDS), dtype=np.uint64)
    values[plan.base - 1] = _ALL
    toggles = np.zeros(plan.slots, dtype=np.int64)
    ones = np.zeros(plan.slots, dtype=np.int64)
    sets = empty_sets(plan)
    runs = [
        (
            plan.operations[kind],
            kind,
            slice(first, first + count),
            slice(offset, offset + count),
            plan.runs.reads[start : start + count * plan.operations[kind].inputs].reshape(
                count, plan.operations[kind].inputs
            ),
        )
        for kind, first, count, offset, start in zip(
            plan.runs.operation.tolist(),
            plan.runs.first.tolist(),
            plan.runs.count.tolist(),
            plan.runs.offset.tolist(),
            plan.runs.start.tolist(),
            strict=True,
        )
    ]
    checker = _Checker(plan, window)
    step, block = 0, 1
    mismatch: Mismatch | None = None
    while step <= window.length:
        now = slice(1, 1 + block)
        values[: plan.base - 2, now] = lanes(recording.words, window.rows(step, block))
        for operation, kind, out, places, reads_of in runs:
            reads = [values[reads_of[:, i], now] for i in range(operation.inputs)]
            if operation.expression is not None:
                named: dict[str, Any] = {f"i{i}": each for i, each in enumerate(reads)}
                values[out, now] = evaluate(operation.expression, named, _ALL)
                if step:
                    new = values[out, now]
                    toggles[out] += _popcount(new ^ values[out, :block])
                    ones[out] += _popcount(new)
            if step and operation.joint:
                _count_sets(sets[kind][places], reads)
        if step:
            ones[: plan.base] += _popcount(values[: plan.base, now])
        mismatch = mismatch or checker.check(values, step, block)
        values[:, 0] = values[:, block]
        if not step:
            first = lane_bit(values[:, 0], 0)
        step += block
        block = min(steps, window.length + 1 - step)
    last = lane_bit(values[:, 0], LANES - 1)
    return Counts(toggles=toggles, ones=ones, first=first, last=last, sets=sets, mismatch=mismatch)


def _popcount(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Ones in each row of [rows, steps, words]."""
    flat = np.bitwise_count(words.reshape(len(words), -1)).view(np.uint64)
    # Sum bytes as 16-bit fields: at most 2 * 64 a word, and fewer than 512 words a row.
    fields = (flat & np.uint64(0x00FF00FF00FF00FF)) + (
        (flat >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    )
    summed = np.add.reduce(fields, axis=1)
    folded: NDArray[np.int64] = (
        (summed & np.uint64(0xFFFF))
        + ((summed >> np.uint64(16)) & np.uint64(0xFFFF))
        + ((summed >> np.uint64(32)) & np.uint64(0xFFFF))
        + (summed >> np.uint64(48))
    ).astype(np.int64)
    return folded


def _count_sets(sets: NDArray[np.int64], reads: list[NDArray[np.uint64]]) -> None:
    products: dict[int, NDArray[np.uint64]] = {1 << i: each for i, each in enumerate(reads)}
    for column, mask in enumerate(input_sets(len(reads))):
        low = mask & -mask
        products[mask] = products[mask ^ low] & products[low]
        sets[:, column] += _popcount(products[mask])


class _Checker:
    """Compares next states with what the registers become, and outputs with the recorded."""

    def __init__(self, plan: Plan, window: Window) -> None:
        self.window = window
        zero, one = plan.base - 2, plan.base - 1
        self.next_state, self.recorded, captures, unsure = plan.check_slots.T
        self.edge = captures < NONE
        always = np.where(captures == NONE, one, captures)
        self.clock = np.where(self.edge, -2 - captures, always)
        self.unsure = np.where(unsure == NONE, zero, unsure)
        self.simple = bool((captures == NONE).all() and (unsure == NONE).all())
        self.net, self.output = plan.output_slots.T

    def check(self, values: NDArray[np.uint64], step: int, block: int) -> Mismatch | None:
        now, before = slice(1, 1 + block), slice(0, block)
        wrong = values[self.net, now] ^ values[self.output, now]
        if step and len(self.recorded):
            after = values[self.recorded, now]
            expected = values[self.next_state, before]
            bad = after ^ expected
            if not self.simple:
                clock = values[self.clock, before]
                rises = np.where(self.edge[:, None, None], ~clock & values[self.clock, now], clock)
                bad = (bad & rises) | ((after ^ values[self.recorded, before]) & ~rises)
                bad &= ~(values[self.unsure, before] | values[self.unsure, now])
            bad &= self.window.real(step, block)
            wrong = np.concatenate([bad, wrong])
            checks = len(self.recorded)
        else:
            checks = 0
        if not wrong.any():
            return None
        return self._first(wrong, values, step, block, checks)

    def _first(
        self,
        wrong: NDArray[np.uint64],
        values: NDArray[np.uint64],
        step: int,
        block: int,
        checks: int,
    ) -> Mismatch:
        at = int(np.flatnonzero(wrong.any(axis=(0, 2)))[0])
        rows = self.window.rows(step + at, 1)[0]
        found = []
        for index in np.flatnonzero(wrong[:, at].any(axis=1)).tolist():
            lane = first_lane(wrong[index, at])
            found.append((int(rows[lane]), index, lane))
        row, index, lane = min(found)
        slot = self.recorded[index] if index < checks else self.output[index - checks]
        value = int(lane_bit(values[slot, 1 + at], lane))
        number = index if index < checks else index - checks + len(self.recorded)
        return Mismatch(check=number, row=row, expected=1 - value, recorded=value)
