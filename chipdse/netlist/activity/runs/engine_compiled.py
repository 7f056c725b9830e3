"""Runs with compiled functions; the same sums as NumPy, bit for bit."""

from __future__ import annotations

import ctypes

import numpy as np

from chipdse.arrays import Int32s, UInt64s
from chipdse.kernels.build import QUICK, Kernels, array_of, declared, text_key
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.runs.c_functions import function_name, functions_text
from chipdse.netlist.activity.runs.plan import RunPlan
from chipdse.netlist.activity.runs.steps import Begun, Steps, Wanted
from chipdse.netlist.activity.runs.weights import Weights, blocks_of

_RUN = np.dtype([("function", "u8"), ("count", "i8"), ("first", "i8"), ("reads", "u8")])
_NETLIST = np.dtype(
    [(name, "i8") for name in ("slots", "base", "words", "run_count", "inputs_", "registers_")]
    + [(name, "u8") for name in ("runs", "inputs", "registers")]
)
_WEIGHTS = np.dtype(
    [("groups", "i8"), ("bits", "i8")]
    + [(name, "u8") for name in ("block_start", "item_start", "list_start")]
    + [(name, "u8") for name in ("slot", "change", "list")]
)
_NUMBER, _WORDS, _SLOTS = ctypes.c_int64, array_of(np.uint64), array_of(np.int32)
_ARGUMENTS = (
    *(array_of(_NETLIST), array_of(_WEIGHTS)),
    *(_WORDS, _NUMBER, _NUMBER),  # values, current, begins
    *(_NUMBER, _WORDS, array_of(np.int64)),  # steps, sources, sums
    *(_SLOTS, _NUMBER, _WORDS, array_of(np.int64)),  # probes, probe_count, mask, counts
    *(_SLOTS, _NUMBER, _WORDS, array_of(np.int64)),  # watched, watched_count, seen, unsure
)
"""Of `advance` in `chipdse/kernels/runs.c`."""


class CompiledRuns:
    """Runs of a netlist in lanes, one word of 512 lanes or more."""

    def __init__(
        self, run_plan: RunPlan, weights: Weights, wanted: Wanted, words: int, kernels: Kernels
    ) -> None:
        self.run_plan, self.weights, self.wanted, self.words = run_plan, weights, wanted, words
        self.lanes = LANES * words
        plan = run_plan.plan
        text = functions_text(plan.operations)
        self._library = ctypes.CDLL(str(kernels.compiled(f"runs-{text_key(text)}", text, QUICK)))
        self._advance = declared(
            kernels.library("runs.c"), "advance", *_ARGUMENTS, returns=ctypes.c_int64
        )
        self._values = aligned(2 * plan.slots * words * WORDS)
        self._current = 0
        self._hold = self._netlist(), self._weights()

    def begin(self, sources: UInt64s, state: UInt64s) -> Begun:
        """Settle every net from the registers [registers, words] and the inputs."""
        slots = self._values.reshape(2, self.run_plan.plan.slots, -1)
        slots[1 - self._current, self.run_plan.state[:, 1]] = state
        return self._run(sources[None], begins=True)[1]

    def values(self, slots: Int32s) -> UInt64s:
        """Values [slots, words] after the last step."""
        values: UInt64s = self._values.reshape(2, self.run_plan.plan.slots, -1)[
            self._current, slots
        ]
        return values

    def advance(self, sources: UInt64s) -> tuple[Steps, Begun]:
        """Take every lane through some steps, whose inputs are [steps, inputs, words]."""
        return self._run(sources, begins=False)

    def _run(self, sources: UInt64s, *, begins: bool) -> tuple[Steps, Begun]:
        steps, wanted = len(sources), self.wanted
        sums = np.zeros((steps, self.weights.sum_count, self.lanes), dtype=np.int64)
        counts = np.zeros((steps, len(wanted.probes), 2), dtype=np.int64)
        seen = aligned(steps * len(wanted.watched) * self.words * WORDS)
        mask = aligned(WORDS)
        mask[:] = wanted.mask
        given = aligned(sources.size)
        given[:] = sources.reshape(-1)
        unsure = np.full(1, -1, dtype=np.int64)
        done = self._advance(
            *(self._hold[0][0], self._hold[1][0], self._values, self._current, begins),
            *(steps, given, sums, wanted.probes, len(wanted.probes), mask, counts),
            *(wanted.watched, len(wanted.watched), seen, unsure),
        )
        self._current = (self._current + done) % 2
        taken = Steps(
            sums=self.weights.of_groups(sums),
            counts=counts,
            watched=seen.reshape(steps, len(wanted.watched), self.words * WORDS),
        )
        return taken, Begun(steps=int(done), unsure=int(unsure[0]))

    def _netlist(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """The record of C, and the arrays whose addresses it holds."""
        plan = self.run_plan.plan
        reads = np.ascontiguousarray(plan.runs.reads, dtype=np.int32)
        address = np.array(
            [
                ctypes.cast(self._library[function_name(n)], ctypes.c_void_p).value
                for n in range(len(plan.operations))
            ],
            dtype=np.uint64,
        )
        runs = np.zeros(len(plan.runs.operation), dtype=_RUN)
        runs["function"] = address[plan.runs.operation]
        runs["count"], runs["first"] = plan.runs.count, plan.runs.first
        runs["reads"] = reads.ctypes.data + reads.itemsize * plan.runs.start
        inputs: Int32s = np.ascontiguousarray(self.run_plan.inputs, dtype=np.int32)
        state: Int32s = np.ascontiguousarray(self.run_plan.state, dtype=np.int32)
        counts = (plan.slots, plan.base, self.words, len(runs), len(inputs), len(state))
        addresses = (runs.ctypes.data, inputs.ctypes.data, state.ctypes.data)
        return np.array([(*counts, *addresses)], dtype=_NETLIST), [reads, runs, inputs, state]

    def _weights(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """The record of C, and the arrays whose addresses it holds."""
        weights, blocks = self.weights, blocks_of(self.weights)
        change = np.where(weights.is_level, np.uint64(0), ~np.uint64(0)).astype(np.uint64)
        arrays: list[np.ndarray] = [
            *(blocks.block_start, blocks.item_start, blocks.list_start),
            *(np.ascontiguousarray(weights.slot, dtype=np.int32), change, blocks.list),
        ]
        addresses = [array.ctypes.data for array in arrays]
        record = np.array([(weights.sum_count, blocks.bits, *addresses)], dtype=_WEIGHTS)
        return record, arrays


def aligned(words: int) -> UInt64s:
    """Zeroed words that begin at a cache line."""
    raw = np.zeros(words + 8, dtype=np.uint64)
    skip = -(raw.ctypes.data // 8) % 8
    return raw[skip : skip + words]
