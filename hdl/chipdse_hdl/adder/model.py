"""Reference of `adder`; operands, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.adder.parameters import AdderParameters, AdderWorkload
from chipdse_hdl.block import Work
from chipdse_hdl.workloads.operands import stream_cycles, valid_cycles


def operands(
    parameters: AdderParameters, workload: AdderWorkload
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """a, b, the carry in, and whether they count, for each cycle; words without a sign."""
    random = np.random.default_rng(workload.seed)
    valid = valid_cycles(random, workload.length, workload.duty)
    count, ones = len(valid), 2**parameters.bits - 1
    carry = random.integers(0, 2, count) * (workload.values == "uniform")
    if workload.values == "narrow":
        a, b = random.normal(0, 2 ** (parameters.bits / 2), (2, count)).round().astype(np.int64)
    elif workload.values == "addresses":
        b = random.choice([1, 2, 4, 8, 16, 32, 64], count)
        a = random.integers(0, ones, endpoint=True) + np.cumsum(b) - b
    else:
        a, b = random.integers(0, ones, (2, count), endpoint=True)
    return a & ones, b & ones, carry, valid


def reference(a: np.ndarray, b: np.ndarray, carry: np.ndarray) -> np.ndarray:
    """What the hardware must output: the exact sum."""
    return a + b + carry


def work(parameters: AdderParameters, workload: AdderWorkload) -> Work:
    """One operation is one addition."""
    return Work(
        count=workload.length,
        unit="addition",
        input_bits=workload.length * (2 * parameters.bits + 1),
        output_bits=workload.length * parameters.sum_bits,
    )


def cycles(parameters: AdderParameters, workload: AdderWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return stream_cycles(workload.length, workload.duty) + parameters.latency_cycles
