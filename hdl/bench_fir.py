"""cocotb bench of `fir`: every output sample, and when it comes.

A short run on extreme samples with pauses comes first, with coefficients that tell a wrong order;
then the workload through the low-pass filter, without pauses.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hdl.fir import FirParameters, FirWorkload, low_pass, reference, samples
from hdl.testbench import RESET_CYCLES, extremes, load, pack, passed, play, reset, start, unpack


def hard_case(p: FirParameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, samples and pauses (cycles before each word) that are hard to get right."""
    random = np.random.default_rng(p.taps)
    words = 2 * -(-p.taps // p.samples_per_cycle) + 8
    x = extremes(random, p.data_bits, True, (words * p.samples_per_cycle,))
    h = extremes(random, p.coefficient_bits, True, (p.taps,))
    # Large sums: (most negative) * (most negative) in half of the taps.
    x[: p.taps], h[: p.taps // 2] = -(2 ** (p.data_bits - 1)), -(2 ** (p.coefficient_bits - 1))
    if p.coefficients == "fixed":
        h = low_pass(p.taps, p.coefficient_bits)
    return h, x, random.integers(0, 3, words)


def loading(p: FirParameters, h: np.ndarray) -> dict[str, list[int]]:
    """Input words that load the coefficients, one a cycle; none if they are fixed."""
    cycles = 0 if p.coefficients == "fixed" else p.taps
    words = {"x": [0] * cycles, "x_valid": [0] * cycles}
    if p.coefficients == "loadable":
        words |= {"coefficient": pack(h[:, None], p.coefficient_bits), "load": [1] * cycles}
    return words


def filtering(p: FirParameters, x: np.ndarray, pauses: np.ndarray) -> dict[str, list[int]]:
    """Input words for the samples, then time for the last to come out.

    `pauses` cycles pass before each word; the next one waits at the port meanwhile.
    """
    accept = np.cumsum(pauses + 1) - 1
    cycle = np.arange(accept[-1] + 1 + p.latency_cycles)
    blocks = _blocks(p, x)
    word = np.searchsorted(accept, cycle).clip(max=len(accept) - 1)
    words = {
        "x": pack(blocks[word], p.data_bits),
        "x_valid": np.isin(cycle, accept).astype(int).tolist(),
    }
    if p.coefficients == "loadable":
        words |= {"coefficient": [0] * len(cycle), "load": [0] * len(cycle)}
    return words


def check(
    p: FirParameters, h: np.ndarray, x: np.ndarray, pauses: np.ndarray, seen: dict[str, list[int]]
) -> None:
    """Raise AssertionError unless every output came where and when it should."""
    accept = np.cumsum(pauses + 1) - 1
    expected_valid = np.zeros(len(seen["y_valid"]), int)
    expected_valid[accept + p.latency_cycles] = 1
    wrong = np.flatnonzero(np.array(seen["y_valid"]) != expected_valid)
    assert not len(wrong), f"y_valid differs in {len(wrong)} cycles, first in cycle {wrong[0]}"
    y = unpack(seen["y"], p.output_bits, p.samples_per_cycle, True)[accept + p.latency_cycles]
    expected = reference(h, _blocks(p, x).ravel())
    wrong = np.flatnonzero(y.ravel() != expected)
    assert not len(wrong), (
        f"{len(wrong)} of {y.size} outputs differ; the first, of sample {wrong[0]}, is "
        f"{y.ravel()[wrong[0]]}, not {expected[wrong[0]]}"
    )


def _blocks(p: FirParameters, x: np.ndarray) -> np.ndarray:
    """The samples in words, int64[word, lane]; zeros fill the last one."""
    return np.pad(x, (0, -len(x) % p.samples_per_cycle)).reshape(-1, p.samples_per_cycle)


@cocotb.test()
async def outputs_match(dut: Any) -> None:
    p, workload = load(FirParameters, FirWorkload)
    watch = ["y_valid", "y"]

    h, x, pauses = hard_case(p)
    words = filtering(p, x, pauses)
    await start(dut, list(words))
    await play(dut, loading(p, h), [])
    for seen in await play(dut, words, watch):
        check(p, h, x, pauses, seen)
    before = len(words["x"])

    h, x = low_pass(p.taps, p.coefficient_bits), samples(p, workload)
    pauses = np.zeros(-(-len(x) // p.samples_per_cycle), int)
    words = filtering(p, x, pauses)
    await reset(dut, list(words))
    await play(dut, loading(p, h), [])
    for seen in await play(dut, words, watch):
        check(p, h, x, pauses, seen)

    loads = 2 * len(loading(p, h)["x"])
    passed(first_cycle=2 * RESET_CYCLES + before + loads, cycles=len(words["x"]))
