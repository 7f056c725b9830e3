"""cocotb bench of `adder`: every sum, and when it comes."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.adder.model import operands, reference
from chipdse_hdl.adder.parameters import AdderParameters, AdderWorkload
from chipdse_hdl.bench.pipelines import Case, Stream, case, stream_test
from chipdse_hdl.bench.testbench import extremes, records


def stream(p: AdderParameters) -> Stream:
    """The timing of this adder."""
    return Stream(latency_cycles=p.latency_cycles, out_valid="sum_valid", outputs=("sum",))


def hard_cases(p: AdderParameters) -> list[Case]:
    """Operands that start a carry in every place, pass it over every distance, and end it."""
    ones = 2**p.bits - 1
    random = np.random.default_rng(p.bits)
    places = 1 << np.arange(p.bits)
    base = random.integers(0, ones, p.bits, endpoint=True)
    # a + ~a is all propagation: a carry in, or one that starts in any place, goes to the top.
    chains = np.stack([base, ~base & ones, base, base])
    starts = np.stack([places - 1, ones - places + 1, places, ones - places])
    # A place that neither starts nor passes a carry ends it.
    ends = np.stack([ones ^ places, np.zeros_like(places), places, ones ^ places])
    various = extremes(random, p.bits, False, (4, 12))
    a = np.concatenate([chains[0], starts[0], starts[2], ends[0], ends[2], various[0], various[2]])
    b = np.concatenate([chains[1], starts[1], starts[3], ends[1], ends[3], various[1], various[3]])
    a, b = np.append(a, b), np.append(b, a)
    carry = np.append(np.ones(len(a), int), np.zeros(len(a), int))
    a, b = np.append(a, a), np.append(b, b)
    at_once = np.ones(len(a), bool)
    paused = random.random(len(a)) < 0.5
    return [_case(a, b, carry, at_once), _case(a, b, carry, paused)]


def _case(a: np.ndarray, b: np.ndarray, carry: np.ndarray, valid: np.ndarray) -> Case:
    words = {"a": a, "b": b, "carry": carry}
    return case(valid, words, lambda **counted: {"sum": reference(**counted)})


def job(p: AdderParameters, workload: AdderWorkload) -> Case:
    """The workload."""
    return _case(*operands(p, workload))


@cocotb.test()
async def sums_match(dut: Any) -> None:
    p, workload = records(AdderParameters, AdderWorkload)
    await stream_test(dut, stream(p), hard_cases(p), job(p, workload))
