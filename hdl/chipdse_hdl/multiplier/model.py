"""Reference of `multiplier`; operands, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.multiplier.parameters import MultiplierParameters, MultiplierWorkload
from chipdse_hdl.workloads.operands import spread, stream_cycles, valid_cycles


def operands(
    parameters: MultiplierParameters, workload: MultiplierWorkload
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a, b (int64, with their sign) and whether they count, for each cycle."""
    random = np.random.default_rng(workload.seed)
    valid = valid_cycles(random, workload.length, workload.duty)
    shape = (2, len(valid))
    a, b = spread(random, workload.values, parameters.bits, parameters.signed, shape)
    a[random.random(len(valid)) < workload.sparsity] = 0
    return a, b, valid


def reference(p: MultiplierParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the hardware must output, uint64, as a word of `product_bits`."""
    word_a, word_b = a.astype(np.uint64), b.astype(np.uint64)  # two's complement, modulo 2**64
    truncated = word_a * word_b - dropped(p, word_a, word_b)
    truncated += np.uint64(p.correction << p.truncated_bits)
    product = (truncated & np.uint64((1 << 2 * p.bits) - 1)) >> np.uint64(p.truncated_bits)
    if p.gating == "zero":  # exact, whatever is truncated
        product[(a == 0) | (b == 0)] = 0
    return product


def dropped(p: MultiplierParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the places that are not built would have added, uint64, of uint64 operands."""
    total = np.zeros_like(a)
    for place in range(0, p.truncated_bits, 2 if p.recoding == "booth" else 1):
        low = np.uint64((1 << p.truncated_bits - place) - 1)  # what of a row is not built
        if p.recoding == "booth":
            window = (b << np.uint64(1)) >> np.uint64(place) & np.uint64(7)
            negative = window >> np.uint64(2)
            digit = (window & np.uint64(1)) + (window >> np.uint64(1) & np.uint64(1))
            multiple = a * (digit - np.uint64(2) * negative)
            # A negative row is built as its complement and a one.
            row = (multiple - negative & low) + negative
        else:
            row = (a & low) * (b >> np.uint64(place) & np.uint64(1))
        total += row << np.uint64(place)
    return total


def work(parameters: MultiplierParameters, workload: MultiplierWorkload) -> Work:
    """One operation is one multiplication, also by zero."""
    return Work(
        count=workload.length,
        unit="multiplication",
        input_bits=workload.length * 2 * parameters.bits,
        output_bits=workload.length * parameters.product_bits,
    )


def cycles(parameters: MultiplierParameters, workload: MultiplierWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return stream_cycles(workload.length, workload.duty) + parameters.latency_cycles
