"""Runs with NumPy: the engine that is always there."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.netlist.activity.replay.engine_numpy import _runs as runs_of
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.replay.plan import NONE
from chipdse.netlist.activity.runs.plan import RunPlan
from chipdse.netlist.activity.runs.steps import Begun, Steps, Wanted
from chipdse.netlist.activity.runs.weights import Weights
from chipdse.netlist.library.logic import evaluate

_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_ITEMS = 256  # whose changes are in memory as bytes, for all lanes


class NumpyRuns:
    """Runs of a netlist in lanes, one word of 512 lanes or more."""

    def __init__(self, run_plan: RunPlan, weights: Weights, wanted: Wanted, words: int) -> None:
        self.run_plan, self.weights, self.wanted, self.words = run_plan, weights, wanted, words
        self.lanes = LANES * words
        self._runs = list(runs_of(run_plan.plan))
        self._values = np.zeros((run_plan.plan.slots, words * WORDS), dtype=np.uint64)
        self._values[run_plan.plan.base - 1] = _ALL

    def begin(self, sources: UInt64s, state: UInt64s) -> Begun:
        """Settle every net from the registers [registers, words] and the inputs."""
        values = self._values.copy()
        values[self.run_plan.state[:, 1]] = state
        unsure = self._settle(values, sources)
        return Begun(steps=int(unsure < 0), unsure=unsure)

    def values(self, slots: Int32s) -> UInt64s:
        """Values [slots, words] after the last step."""
        values: UInt64s = self._values[slots]
        return values

    def advance(self, sources: UInt64s) -> tuple[Steps, Begun]:
        """Take every lane through some steps, whose inputs are [steps, inputs, words]."""
        steps, wanted = len(sources), self.wanted
        sums = np.zeros((steps, self.weights.sum_count, self.lanes), dtype=np.int64)
        counts = np.zeros((steps, len(wanted.probes), 2), dtype=np.int64)
        seen = np.zeros((steps, len(wanted.watched), self.words * WORDS), dtype=np.uint64)
        for step, given in enumerate(sources):
            old = self._values
            unsure = self._settle(self._captured(old), given)
            if unsure >= 0:
                break
            sums[step] = self._sums(old)
            change = old[wanted.probes] ^ self._values[wanted.probes]
            mask = np.tile(wanted.mask, self.words)
            counts[step, :, 0] = np.bitwise_count(change & mask).sum(axis=1, dtype=np.int64)
            counts[step, :, 1] = np.bitwise_count(change & ~mask).sum(axis=1, dtype=np.int64)
            seen[step] = self._values[wanted.watched]
        else:
            step, unsure = steps, -1
        taken = Steps(sums=self.weights.of_groups(sums), counts=counts, watched=seen)
        return taken, Begun(steps=step, unsure=unsure)

    def _captured(self, old: UInt64s) -> UInt64s:
        """A copy of all values with the registers after the edge."""
        following, register, captures, _ = self.run_plan.state.T
        values = old.copy()
        edge = np.where((captures == NONE)[:, None], _ALL, old[np.maximum(captures, 0)])
        values[register] = (old[following] & edge) | (old[register] & ~edge)
        return values

    def _settle(self, values: UInt64s, given: UInt64s) -> int:
        """Compute every net; the first register that is unsure, else -1 and the values stay."""
        values[self.run_plan.inputs] = given
        for operation, _, out, _, columns in self._runs:
            assert operation.expression is not None
            named: dict[str, Any] = {f"i{i}": values[column] for i, column in enumerate(columns)}
            values[out] = evaluate(operation.expression, named, _ALL)
        unsure = self.run_plan.state[:, 3]
        hit = np.flatnonzero((unsure >= 0) & values[np.maximum(unsure, 0)].any(axis=1))
        if len(hit):
            return int(hit[0])
        self._values = values
        return -1

    def _sums(self, old: UInt64s) -> Int64s:
        """Weighted changes [groups, lanes]."""
        weights = self.weights
        result = np.zeros((weights.sum_count, self.lanes), dtype=np.int64)
        now = np.where(weights.is_level[:, None], np.uint64(0), self._values[weights.slot])
        words = old[weights.slot] ^ now
        for group in range(weights.sum_count):
            first, last = np.searchsorted(weights.group, [group, group + 1])
            for begin in range(first, last, _ITEMS):
                part = slice(begin, min(begin + _ITEMS, last))
                bits = np.unpackbits(words[part].view(np.uint8), axis=1, bitorder="little")
                result[group] += (weights.weight[part, None] * bits).sum(axis=0)
        return result
