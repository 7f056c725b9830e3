"""cocotb bench of `cordic`: every result, bit for bit, and when it comes."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.pipelines import Case, Stream, stream_test
from chipdse_hdl.bench.testbench import extremes, records
from chipdse_hdl.cordic.model import reference, vectors
from chipdse_hdl.cordic.parameters import CordicParameters, CordicWorkload


def stream(p: CordicParameters) -> Stream:
    """The timing of this one."""
    return Stream(
        latency_cycles=p.latency_cycles,
        out_valid="out_valid",
        outputs=("x_out", "y_out" if p.mode == "rotation" else "angle_out"),
        interval_cycles=p.interval_cycles,
        ready="ready" if p.architecture == "iterative" else None,
    )


def hard_cases(p: CordicParameters) -> list[Case]:
    """The ends of all ranges against one another, axes, diagonals, zero; and anything."""
    random = np.random.default_rng(p.iterations)
    high, turn = 2 ** (p.data_bits - 1) - 1, 2**p.angle_bits
    ends = np.array([-high - 1, -1, 0, 1, high])
    x, y = (grid.ravel() for grid in np.meshgrid(ends, ends))
    angles = np.array([-turn // 2, -turn // 4 - 1, -turn // 4, -1, 0, 1, turn // 4 - 1, turn // 4])
    angles = np.append(angles, [turn // 2 - 1, turn // 8])
    x, y = np.tile(x, 2), np.tile(y, 2)
    angle = np.resize(angles, len(x))
    x = np.append(x, extremes(random, p.data_bits, True, (40,)))
    y = np.append(y, extremes(random, p.data_bits, True, (40,)))
    angle = np.append(angle, random.integers(-turn // 2, turn // 2, 40))
    mixed = random.permutation(len(x))[:50]
    paused = random.random(50) < 0.5
    at_once = case(p, x, y, angle, np.ones(len(x), bool))
    return [at_once, case(p, x[mixed], y[mixed], angle[mixed], paused)]


def case(
    p: CordicParameters, x: np.ndarray, y: np.ndarray, angle: np.ndarray, valid: np.ndarray
) -> Case:
    """A case of vectors, one for each turn to take one."""
    results = reference(p, x[valid], y[valid], angle[valid])
    words = {"x": (x, p.data_bits), "y": (y, p.data_bits)}
    expected = {"x_out": (results[0], p.output_bits)}
    if p.mode == "rotation":
        words["angle"] = (angle, p.angle_bits)
        expected["y_out"] = (results[1], p.output_bits)
    else:
        expected["angle_out"] = (results[1], p.angle_bits)
    return Case(
        words={name: (word & (2**bits - 1)).tolist() for name, (word, bits) in words.items()},
        valid=valid,
        expected={name: (w & (2**bits - 1)).tolist() for name, (w, bits) in expected.items()},
    )


@cocotb.test()
async def results_match(dut: Any) -> None:
    p, workload = records(CordicParameters, CordicWorkload)
    await stream_test(dut, stream(p), hard_cases(p), case(p, *vectors(p, workload)))
