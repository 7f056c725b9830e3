"""Runs that begin at drawn rows of a recording, beside runs of random inputs; for runs' tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Int64s, UInt64s
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.runs.plan import RunPlan
from tests.support.replay_runs import Run

RESET_EVERY = 97  # edges between two pulses of the asynchronous reset in `replay_runs.BENCH`


@dataclass(frozen=True, kw_only=True)
class Stimuli:
    """Inputs of 512 runs or more.

    first : [lanes] row of the recording at which a run begins
    sources : [steps + 1, inputs, words]; lanes `is_recorded` repeat the recording's inputs
    state : [registers, words]
    """

    first: Int64s
    is_recorded: np.ndarray
    sources: UInt64s
    state: UInt64s


def pack(bits: np.ndarray) -> UInt64s:
    """Bits [..., lanes] as words [..., 8]."""
    return np.packbits(bits.astype(np.uint8), axis=-1, bitorder="little").view(np.uint64)


def unpack(words: UInt64s) -> np.ndarray:
    """Words [..., n] as bits [..., 64 n]."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")


def row_bits(run: Run) -> np.ndarray:
    """Every bit of every recorded row [rows, bits]."""
    words = np.ascontiguousarray(run.recording.words)
    return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")


def stimuli(run: Run, plan: RunPlan, *, words: int, steps: int, seed: int = 0) -> Stimuli:
    """Every second run repeats a stretch of the recording; the others have random inputs."""
    random = np.random.default_rng(seed)
    lanes = LANES * words
    rows = row_bits(run)
    room = RESET_EVERY - steps - 4
    first = RESET_EVERY * random.integers(1, 7, lanes) + 3 + random.integers(0, room, lanes)
    is_recorded = np.arange(lanes) % 2 == 0
    inputs = sum(part.stop - part.start for part in plan.ports.values())
    bits = random.integers(0, 2, (steps + 1, inputs, lanes))
    bits[:, plan.ports["rst_n"]] = 1
    at = first[None, :] + np.arange(steps + 1)[:, None]
    for name, part in plan.ports.items():
        signal = run.recording.signals[name]
        recorded = rows[at][..., signal.offset : signal.offset + signal.width]
        bits[:, part] = np.where(is_recorded, recorded.transpose(0, 2, 1), bits[:, part])
    state = np.zeros((len(plan.registers), lanes), dtype=np.uint8)
    for number, name in enumerate(plan.registers):
        register = run.registers[name]
        signal = run.recording.signals[register.signal]
        state[number] = rows[first, signal.offset + register.bit]
    return Stimuli(first=first, is_recorded=is_recorded, sources=pack(bits), state=pack(state))


assert WORDS * 64 == LANES
