"""Reference of `mac_array`; operands, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.mac_array.parameters import MacArrayParameters, MacArrayWorkload
from chipdse_hdl.workloads.operands import spread


def operands(
    parameters: MacArrayParameters, workload: MacArrayWorkload
) -> tuple[np.ndarray, np.ndarray]:
    """A[product, row, step] and B[product, step, column] of a workload, as int64."""
    random = np.random.default_rng(workload.seed)

    def draw(*shape: int) -> np.ndarray:
        return spread(random, workload.values, parameters.operand_bits, parameters.signed, shape)

    a = draw(workload.products, parameters.rows, workload.depth)
    b = draw(workload.products, workload.depth, parameters.columns)
    a[random.random(a.shape) < workload.sparsity] = 0
    return a, b


def reference(parameters: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the hardware must output: A @ B, wrapped to `accumulator_bits`."""
    exact = a.astype(np.int64) @ b.astype(np.int64)
    modulus = 1 << parameters.accumulator_bits
    wrapped = exact & (modulus - 1)
    if parameters.signed:
        wrapped = np.where(wrapped >= modulus // 2, wrapped - modulus, wrapped)
    return wrapped


def work(parameters: MacArrayParameters, workload: MacArrayWorkload) -> Work:
    """One MAC is one multiplication and one addition, also when an operand is zero."""
    results = workload.products * parameters.rows * parameters.columns
    return Work(
        count=results * workload.depth,
        unit="MAC",
        input_bits=workload.length
        * (parameters.rows + parameters.columns)
        * parameters.operand_bits,
        output_bits=results * parameters.accumulator_bits,
    )


def cycles(parameters: MacArrayParameters, workload: MacArrayWorkload) -> int:
    """Clock cycles from the first operand to the last element of the last product."""
    interval = parameters.interval_cycles(workload.depth)
    return (workload.products - 1) * interval + workload.depth + parameters.last_latency_cycles
