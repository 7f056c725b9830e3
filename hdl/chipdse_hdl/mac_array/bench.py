"""cocotb bench of `mac_array`: every element of every product, and when it comes.

A few short products on extreme operands, with pauses and resets, come first; then the workload, as
fast as the array takes it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import Run, extremes, pack, play_runs, records, unpack
from chipdse_hdl.mac_array.model import operands, reference
from chipdse_hdl.mac_array.parameters import MacArrayParameters, MacArrayWorkload

Products = tuple[np.ndarray, np.ndarray, np.ndarray]  # A, B, cycles before each step


def hard_case(p: MacArrayParameters) -> Products:
    """A, B and pauses (cycles before each step) that are hard to get right; sums may wrap."""
    random = np.random.default_rng(p.columns)
    depth = 3
    a = extremes(random, p.operand_bits, p.signed, (2, p.rows, depth))
    b = extremes(random, p.operand_bits, p.signed, (2, depth, p.columns))
    # The largest sums there are; any numbers; their complements, so that every bit is seen as
    # 0 and as 1; zeros among them, at the start, and everywhere.
    largest = -(2 ** (p.operand_bits - 1)) if p.signed else 2**p.operand_bits - 1
    complement = -1 if p.signed else 2**p.operand_bits - 1
    a = np.concatenate([np.full_like(a[:1], largest), a, complement - a])
    b = np.concatenate([np.full_like(b[:1], largest), b, complement - b])
    some_a, some_b = (np.where(random.random(x[1:3].shape) < 0.5, 0, x[1:3]) for x in (a, b))
    some_a[0, :, 0] = 0
    a = np.concatenate([a, some_a, 0 * a[:1]])
    b = np.concatenate([b, some_b, b[:1]])
    return a, b, random.integers(0, 3, (len(a), depth))


def schedule(p: MacArrayParameters, pauses: np.ndarray) -> np.ndarray:
    """The cycle in which each step[product, step] is accepted, if the feeder pauses before it."""
    products, depth = pauses.shape
    accepted = np.empty((products, depth), int)
    free, drained = 0, 0  # the first cycles in which a step, and what waits for `ready`, may come
    for product, row in enumerate(pauses):
        for step, pause in enumerate(row):
            waits = step == depth - 1 if p.overlapped_drain else True
            cycle = max(free + pause, drained) if waits else free + pause
            accepted[product, step] = cycle
            free = cycle + 1
        drained = free + p.interval_cycles(1) - 1
    return accepted


def stimulus(
    p: MacArrayParameters, a: np.ndarray, b: np.ndarray, pauses: np.ndarray
) -> dict[str, list[int]]:
    """Input words for A[product, row, step] and B[product, step, column].

    The next step waits at the ports until it is taken, as at a memory's output. After the last
    product there is time for it to leave.
    """
    depth = a.shape[2]
    accepted = schedule(p, pauses).ravel()
    offered = np.append(0, accepted[:-1] + 1) + pauses.ravel()
    cycle = np.arange(accepted[-1] + 1 + p.last_latency_cycles)
    taken = np.searchsorted(accepted, cycle)
    index = taken.clip(max=len(accepted) - 1)
    product, step = np.divmod(index, depth)
    valid = (taken < len(accepted)) & (cycle >= offered[index])
    return {
        "a": pack(a[product, :, step], p.operand_bits),
        "b": pack(b[product, step, :], p.operand_bits),
        "valid": valid.astype(int).tolist(),
        "last": (step == depth - 1).astype(int).tolist(),
    }


def check(
    p: MacArrayParameters,
    a: np.ndarray,
    b: np.ndarray,
    pauses: np.ndarray,
    seen: dict[str, list[int]],
) -> None:
    """Raise AssertionError unless every element of A @ B left where and when it should."""
    ends = schedule(p, pauses)[:, -1]
    cycles = len(seen["c_valid"])
    _check_equal("ready", np.array(seen["ready"])[:, None], ~_busy(p, ends, cycles)[:, None])

    product, i, j = np.indices((len(a), p.rows, p.columns))
    leaves = ends[product] + p.latency_cycles + i + 2 * j
    expected_valid = np.zeros((cycles, p.rows), bool)
    expected_valid[leaves, i] = True
    _check_equal("c_valid", unpack(seen["c_valid"], 1, p.rows, False), expected_valid)

    c = unpack(seen["c"], p.accumulator_bits, p.rows, p.signed)[leaves, i]
    expected = reference(p, a, b)
    wrong = np.argwhere(c != expected)
    if len(wrong):
        raise AssertionError(
            f"{len(wrong)} of {c.size} results differ; the first, (product, row, column) "
            f"{tuple(wrong[0].tolist())}, is {c[tuple(wrong[0])]}, not {expected[tuple(wrong[0])]}"
        )


def _busy(p: MacArrayParameters, ends: np.ndarray, cycles: int) -> np.ndarray:
    """In which cycles `ready` must be low: until the last column is on its way out."""
    busy = np.zeros(cycles + 2 * p.columns, bool)
    for offset in range(1, 2 * p.columns - 1):
        busy[ends + offset] = True
    return busy[:cycles]


def _check_equal(name: str, seen: np.ndarray, expected: np.ndarray) -> None:
    wrong = np.argwhere(seen.astype(bool) != expected)
    if len(wrong):
        raise AssertionError(
            f"{name} differs {len(wrong)} times, first in cycle {wrong[0][0]}, bit {wrong[0][1]}"
        )


def check_sums_fit(p: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> None:
    """Raise AssertionError if a sum wraps: the hardware would not form the matrix product."""
    exact = a @ b
    wrapped = np.count_nonzero(exact != reference(p, a, b))
    lowest, highest = int(exact.min()), int(exact.max())
    needed = max(highest.bit_length(), (~lowest).bit_length() if lowest < 0 else 0) + p.signed
    if wrapped:
        raise AssertionError(
            f"accumulator_bits={p.accumulator_bits} overflows in {wrapped} of {exact.size} sums of "
            f"this workload; use accumulator_bits >= {needed}"
        )


def run(p: MacArrayParameters, products: Products, cut: int | None = None, inputs: int = 0) -> Run:
    """Play them, whole or until a reset at work, after which nobody looks."""
    check_all = partial(check, p, *products) if cut is None else None
    return Run(stimulus=stimulus(p, *products), check=check_all, cut=cut, inputs=inputs)


@cocotb.test()
async def products_match(dut: Any) -> None:
    p, workload = records(MacArrayParameters, MacArrayWorkload)
    a, b = operands(p, workload)
    check_sums_fit(p, a, b)
    job = a, b, np.zeros((workload.products, workload.depth), int)
    hard = hard_case(p)
    single_product = hard[0][:1], hard[1][:1], hard[2][:1]
    # Reset in the midst of a product, when all elements have begun, and in the midst of a drain,
    # with results in all the registers behind `c_valid`: nothing of it may be left.
    waiting = np.zeros_like(hard[2])
    waiting[0, 1] = begun = p.last_latency_cycles
    runs = [run(p, (*hard[:2], waiting), begun), run(p, single_product)]
    end = int(schedule(p, hard[2])[0, -1])
    for later in (0, p.pipeline_stages + p.rows - 1, p.pipeline_stages + p.rows):
        runs += [run(p, hard, end + 1 + later), run(p, single_product, inputs=1)]
    await play_runs(dut, [*runs, run(p, hard), run(p, job)], ["ready", "c_valid", "c"])
