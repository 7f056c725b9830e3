"""cocotb bench of `multiplier`: every product, and when it comes."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.pipelines import Case, Stream, case, stream_test
from chipdse_hdl.bench.testbench import extremes, records
from chipdse_hdl.multiplier.model import operands, reference
from chipdse_hdl.multiplier.parameters import MultiplierParameters, MultiplierWorkload


def stream(p: MultiplierParameters) -> Stream:
    """The timing of this multiplier."""
    latency = p.latency_cycles
    return Stream(latency_cycles=latency, out_valid="product_valid", outputs=("product",))


def hard_cases(p: MultiplierParameters) -> list[Case]:
    """Operands that are hard to get right.

    Every pair of extremes; each bit of either operand alone with all ones of the other, which
    shows a wrong place or sign of any partial product; numbers all over the range; zeros between.
    """
    random = np.random.default_rng(p.bits)
    lowest = -(2 ** (p.bits - 1)) if p.signed else 0
    highest = lowest + 2**p.bits - 1
    ends = np.array([lowest, lowest + 1, 0, 1, highest - 1, highest])
    places = (lowest % 2**p.bits) ^ (1 << np.arange(p.bits))
    places = np.where(places > highest, places - 2**p.bits, places)
    random_a, random_b = extremes(random, p.bits, p.signed, (2, 60))
    ones = np.full(p.bits, -1 if p.signed else highest)
    a = np.concatenate([np.repeat(ends, 6), places, ones, random_a])
    b = np.concatenate([np.tile(ends, 6), ones, places, random_b])
    paused = random.random(len(a)) < 0.5
    mixed = random.permutation(len(a))
    return [_case(p, a, b, np.ones(len(a), bool)), _case(p, a[mixed], b[mixed], paused)]


def _case(p: MultiplierParameters, a: np.ndarray, b: np.ndarray, valid: np.ndarray) -> Case:
    ones = 2**p.bits - 1

    def products(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
        return {"product": reference(p, _numbers(p, a), _numbers(p, b))}

    return case(valid, {"a": a & ones, "b": b & ones}, products)


def _numbers(p: MultiplierParameters, words: np.ndarray) -> np.ndarray:
    """The numbers that words stand for."""
    return np.where(words >> (p.bits - 1) & p.signed, words - 2**p.bits, words)


def job(p: MultiplierParameters, workload: MultiplierWorkload) -> Case:
    """The workload."""
    return _case(p, *operands(p, workload))


@cocotb.test()
async def products_match(dut: Any) -> None:
    p, workload = records(MultiplierParameters, MultiplierWorkload)
    await stream_test(dut, stream(p), hard_cases(p), job(p, workload))
