"""cocotb bench of `fft`: every result, bit for bit, and when it comes."""

from __future__ import annotations

from functools import partial
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import Run, extremes, play_runs, records
from chipdse_hdl.fft.model import accepted, reference, samples
from chipdse_hdl.fft.parameters import FftParameters, FftWorkload

WATCH = ["y_valid", "y_first", "y_re", "y_im"]
Samples = tuple[np.ndarray, np.ndarray]  # and in which cycles they come


def hard_case(p: FftParameters) -> Samples:
    """Samples[part, block, sample] that are hard to get right, and in which cycles they come.

    The largest sums there are, of every sign; an impulse in each of some places, which tells the
    rotations apart; any numbers, half of them at the ends of the range.
    """
    random = np.random.default_rng(p.points)
    lowest, highest = -(2 ** (p.data_bits - 1)), 2 ** (p.data_bits - 1) - 1
    blocks = [np.full((2, p.points), lowest), np.full((2, p.points), highest)]
    for place in {1, p.points // 2 + 1, p.points - 1}:
        impulse = np.zeros((2, p.points), int)
        impulse[place % 2, place] = highest
        blocks.append(impulse)
    blocks += [*extremes(random, p.data_bits, True, (2, 2, p.points))]
    blocks += [np.zeros((2, p.points), int)] * (1 + p.latency_samples // p.points)
    x = np.stack(blocks, axis=1)
    return x, random.random(2 * x[0].size) < 0.7


def stimulus(p: FftParameters, x: np.ndarray, valid: np.ndarray) -> dict[str, list[int]]:
    """Input words: the next sample waits at the port until it is taken."""
    next_sample = np.cumsum(valid) - valid
    flat = x.reshape(2, -1)[:, next_sample.clip(max=x[0].size - 1)] & (2**p.data_bits - 1)
    words = {
        "x_re": flat[0].tolist(),
        "x_im": flat[1].tolist(),
        "x_valid": valid.astype(int).tolist(),
    }
    return {name: [*word, 0] for name, word in words.items()}


def check(p: FftParameters, x: np.ndarray, valid: np.ndarray, seen: dict[str, list[int]]) -> None:
    """Raise AssertionError unless every result of whole blocks came when it should and is right."""
    number = np.append(0, np.cumsum(valid)) - 1 - p.latency_samples  # of the result, after a sample
    new = np.append(False, valid) & (number >= 0)
    for name, expected in (("y_valid", new), ("y_first", new & (number % p.points == 0))):
        wrong = np.flatnonzero(np.array(seen[name]) != expected)
        if len(wrong):
            raise AssertionError(f"{name} differs in {len(wrong)} cycles, first in {wrong[0]}")
    right = reference(p, x).reshape(2, -1) & (2**p.output_bits - 1)
    in_full_block = new & (number < valid.sum() // p.points * p.points) & (number < right.shape[1])
    for part, name in enumerate(("y_re", "y_im")):
        got, expected = np.array(seen[name])[in_full_block], right[part, number[in_full_block]]
        wrong = np.flatnonzero(got != expected)
        if len(wrong):
            raise AssertionError(
                f"{len(wrong)} of {len(got)} words of {name} differ; the first, result {wrong[0]}, "
                f"is {got[wrong[0]]:#x}, not {expected[wrong[0]]:#x}"
            )


@cocotb.test()
async def results_match(dut: Any) -> None:
    p, workload = records(FftParameters, FftWorkload)
    job = samples(p, workload), accepted(p, workload)
    hard = hard_case(p)
    # Reset with results about to leave: none may, and the next sample is a block's first.
    flowing = stimulus(p, hard[0], np.ones_like(hard[1]))
    runs = [Run(stimulus=flowing, check=None, cut=p.latency_samples + 1)]
    runs += [
        Run(stimulus=stimulus(p, *case), check=partial(check, p, *case)) for case in (hard, job)
    ]
    await play_runs(dut, runs, WATCH)
