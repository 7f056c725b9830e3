"""cocotb bench of `mac_array`: every element of every product, and when it comes."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from hdl.mac_array import MacArrayParameters, MacArrayWorkload, operands, reference
from hdl.testbench import RESET_CYCLES, load, pack, passed, play, start, unpack


def stimulus(p: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> dict[str, list[int]]:
    """Input words for A[product, row, step] and B[product, step, column], back to back.

    Between products the operands keep their last value, as a memory's output would. After the last
    product there is time for it to leave.
    """
    products, _, depth = a.shape
    interval = p.interval_cycles(depth)
    cycles = (products - 1) * interval + depth + p.last_latency_cycles
    cycle = np.arange(cycles)
    product = np.minimum(cycle // interval, products - 1)
    step = cycle - product * interval
    held = np.minimum(step, depth - 1)
    return {
        "a": pack(a[product, :, held], p.operand_bits),
        "b": pack(b[product, held, :], p.operand_bits),
        "valid": (step < depth).astype(int).tolist(),
        "last": (step == depth - 1).astype(int).tolist(),
    }


def check(
    p: MacArrayParameters, a: np.ndarray, b: np.ndarray, outputs: dict[str, list[int]]
) -> None:
    """Raise AssertionError unless every element of A @ B left where and when it should."""
    products, _, depth = a.shape
    cycles = len(outputs["c_valid"])
    product, i, j = np.indices((products, p.rows, p.columns))
    leaves = product * p.interval_cycles(depth) + depth - 1 + p.latency_cycles + i + 2 * j
    expected_valid = np.zeros((cycles, p.rows), bool)
    expected_valid[leaves, i] = True
    valid = unpack(outputs["c_valid"], 1, p.rows, False).astype(bool)
    wrong = np.argwhere(valid != expected_valid)
    assert not len(wrong), (
        f"c_valid differs in {len(wrong)} places, first in cycle {wrong[0][0]} at row {wrong[0][1]}"
    )
    c = unpack(outputs["c"], p.accumulator_bits, p.rows, p.signed)[leaves, i]
    expected = reference(p, a, b)
    wrong = np.argwhere(c != expected)
    assert not len(wrong), (
        f"{len(wrong)} of {c.size} results differ; the first, (product, row, column) "
        f"{tuple(wrong[0].tolist())}, is {c[tuple(wrong[0])]}, not {expected[tuple(wrong[0])]}"
    )


def check_sums_fit(p: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> None:
    """Raise AssertionError if a sum wraps: the hardware would not form the matrix product."""
    exact = a @ b
    wrapped = np.count_nonzero(exact != reference(p, a, b))
    needed = max(int(np.abs(exact).max()).bit_length() + p.signed, 1)
    assert not wrapped, (
        f"accumulator_bits={p.accumulator_bits} overflows in {wrapped} of {exact.size} sums of "
        f"this workload; use accumulator_bits >= {needed}"
    )


@cocotb.test()
async def products_match(dut: Any) -> None:
    p, workload = load(MacArrayParameters, MacArrayWorkload)
    a, b = operands(p, workload)
    check_sums_fit(p, a, b)
    words = stimulus(p, a, b)
    await start(dut, list(words))
    outputs = await play(dut, words, ["c_valid", "c"])
    check(p, a, b, outputs)
    passed(first_cycle=RESET_CYCLES, cycles=len(words["valid"]))
