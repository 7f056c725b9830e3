"""cocotb bench of `fir`: every output sample, and when it comes.

Short runs on hard coefficients and samples, with pauses and a reset at work, come first; then the
workload through the low-pass filter, as often as it says.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import (
    RESET_CYCLES,
    extremes,
    pack,
    passed,
    play,
    records,
    reset,
    start,
    unpack,
)
from chipdse_hdl.fir.model import reference, samples, waits
from chipdse_hdl.fir.parameters import FirParameters, FirWorkload
from chipdse_hdl.workloads.signals import low_pass

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def hard_cases(p: FirParameters) -> list[Case]:
    """Coefficients, samples and pauses (cycles before each word) that are hard to get right.

    First the largest sums there are: every product (most negative) * (most negative). Then
    numbers that tell one coefficient and sample from another, and their complements, so that
    every bit of every coefficient is seen as 0 and as 1.
    """
    words = -(-p.taps // p.samples_per_cycle)
    x = np.full(words * p.samples_per_cycle, -(2 ** (p.data_bits - 1)))
    h = np.full(p.taps, -(2 ** (p.coefficient_bits - 1)))
    largest = h, x, np.zeros(words, int)

    random = np.random.default_rng(p.taps)
    words = 2 * words + 8
    x = extremes(random, p.data_bits, True, (words * p.samples_per_cycle,))
    h = extremes(random, p.coefficient_bits, True, (p.taps,))
    various = h, x, random.integers(0, 3, words)

    cases = [largest, various, (~h, ~x, various[2])]
    if p.coefficients == "fixed":
        return [(low_pass(p.taps, p.coefficient_bits), x, pauses) for _, x, pauses in cases[:2]]
    return cases


def loading(p: FirParameters, h: np.ndarray) -> dict[str, list[int]]:
    """Input words that load the coefficients, one per cycle; none if they are fixed."""
    cycles = 0 if p.coefficients == "fixed" else p.taps
    words = {"x": [0] * cycles, "x_valid": [0] * cycles}
    if p.coefficients == "loadable":
        words |= {"coefficient": pack(h[:, None], p.coefficient_bits), "load": [1] * cycles}
    return words


def filtering(p: FirParameters, x: np.ndarray, pauses: np.ndarray) -> dict[str, list[int]]:
    """Input words for the samples, then time for the last to come out.

    `pauses` cycles pass before each word; the next one waits at the port meanwhile.
    """
    accept = acceptance(p, pauses)
    cycle = np.arange(accept[-1] + 1 + p.latency_cycles)
    blocks = _blocks(p, x)
    word = np.searchsorted(accept, cycle).clip(max=len(accept) - 1)
    words = {
        "x": pack(blocks[word], p.data_bits),
        "x_valid": _offered(p, pauses, cycle).astype(int).tolist(),
    }
    if p.coefficients == "loadable":
        words |= {"coefficient": [0] * len(cycle), "load": [0] * len(cycle)}
    return words


def acceptance(p: FirParameters, pauses: np.ndarray) -> np.ndarray:
    """The cycle in which each word is accepted."""
    return np.cumsum(pauses + p.folding) - p.folding


def check(
    p: FirParameters, h: np.ndarray, x: np.ndarray, pauses: np.ndarray, seen: dict[str, list[int]]
) -> None:
    """Raise AssertionError unless every output came where and when it should."""
    accept = acceptance(p, pauses)
    expected_valid = np.zeros(len(seen["y_valid"]), int)
    expected_valid[accept + p.latency_cycles] = 1
    wrong = np.flatnonzero(np.array(seen["y_valid"]) != expected_valid)
    if len(wrong):
        raise AssertionError(f"y_valid differs in {len(wrong)} cycles, first in cycle {wrong[0]}")
    # From the first output on, also while an output is held.
    newest = np.cumsum(expected_valid) - 1
    y = unpack(seen["y"], p.output_bits, p.samples_per_cycle, True)[newest >= 0]
    expected = _blocks(p, reference(h, _blocks(p, x).ravel()))[newest[newest >= 0]]
    wrong = np.argwhere(y != expected)
    if len(wrong):
        cycle, lane = wrong[0]
        raise AssertionError(
            f"{len(wrong)} outputs differ; the first, lane {lane} in cycle "
            f"{cycle + np.argmax(newest >= 0)}, is {y[cycle, lane]}, not {expected[cycle, lane]}"
        )


def _offered(p: FirParameters, pauses: np.ndarray, cycle: np.ndarray) -> np.ndarray:
    """In which cycles a word is offered: those of the pauses, and folded while it must wait."""
    accept = acceptance(p, pauses)
    word = np.searchsorted(accept, cycle).clip(max=len(accept) - 1)
    free = np.append(0, accept[:-1] + 1)[word]
    # Without a pause the next word is offered at once, and waits.
    first = np.where(pauses[word] > 0, accept[word], free)
    return (cycle >= first) & (cycle <= accept[word])


def _blocks(p: FirParameters, x: np.ndarray) -> np.ndarray:
    """The samples in words, int64[word, lane]; zeros fill the last one."""
    return np.pad(x, (0, -len(x) % p.samples_per_cycle)).reshape(-1, p.samples_per_cycle)


@cocotb.test()
async def outputs_match(dut: Any) -> None:
    p, workload = records(FirParameters, FirWorkload)
    x = samples(p, workload)
    job = low_pass(p.taps, p.coefficient_bits), x, waits(p, workload)
    hard = hard_cases(p)
    # Reset with outputs under way in every register: none may come.
    flowing = (*hard[1][:2], np.zeros_like(hard[1][2]))
    runs = [(flowing, p.latency_cycles, 0), *((case, None, 1) for case in hard), (job, None, 0)]

    cycle = 0
    await start(dut)
    for (h, x, pauses), cut, inputs in runs:
        load = loading(p, h)
        words = {name: word[:cut] for name, word in filtering(p, x, pauses).items()}
        await reset(dut, list(words), inputs)
        for seen in await play(dut, load, ["y_valid"]):
            if any(seen["y_valid"]):
                raise AssertionError("outputs differ: y_valid is high after reset, without samples")
        for seen in await play(dut, words, ["y_valid", "y"]):
            if cut is None:
                check(p, h, x, pauses, seen)
        first_cycle = cycle + RESET_CYCLES + len(load["x"])
        cycle = first_cycle + len(words["x"])
    passed(first_cycle=first_cycle, cycles=len(words["x"]))
