"""cocotb bench of `dot_product`: every result, and when it comes."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.pipelines import Case, Stream, stream_test
from chipdse_hdl.bench.testbench import extremes, pack, records
from chipdse_hdl.dot_product.formats import from_float
from chipdse_hdl.dot_product.model import operands, reference
from chipdse_hdl.dot_product.parameters import DotProductParameters, DotProductWorkload


def stream(p: DotProductParameters) -> Stream:
    """The timing of this unit."""
    return Stream(latency_cycles=p.latency_cycles, out_valid="result_valid", outputs=("result",))


def hard_cases(p: DotProductParameters) -> list[Case]:
    """Operands that are hard to get right.

    Every pair of values that are special in their format in one lane, the others zero; then any
    words in all lanes; numbers of about one size with all signs, so that sums cancel; zeros.
    """
    random = np.random.default_rng(p.lanes)
    special = _special(p)
    a, b = (np.zeros((len(special) ** 2, p.lanes), np.int64) for _ in range(2))
    row, lane = np.arange(len(a)), np.arange(len(a)) % p.lanes
    a[row, lane], b[row, lane] = np.repeat(special, len(special)), np.tile(special, len(special))
    any_ = extremes(random, p.operand_bits, False, (2, 40, p.lanes))
    alike = random.integers(0, 2**p.operand_bits, (2, 60, p.lanes))
    if p.form is not None:  # one of three exponents in the middle, any sign and fraction
        middle = 2**p.form.exponent_bits // 2 + random.integers(-1, 2, alike.shape)
        fields = (2**p.form.exponent_bits - 1) << p.form.fraction_bits
        alike = (alike & ~fields) | middle << p.form.fraction_bits
        alike[1, :20, : p.lanes // 2] ^= 1 << (p.operand_bits - 1)
    if p.form is not None:
        wide = _wide(p, random)
        any_ = np.concatenate([any_, wide], axis=1)
    # Sums of nothing but products that cancel.
    cancels = random.integers(0, 2 ** (p.operand_bits - 2), (2, 10, p.lanes))
    for lane_ in range(1, p.lanes, 2):
        cancels[:, :, lane_] = cancels[:, :, lane_ - 1]
        cancels[0, :, lane_] = _negated(p, cancels[0, :, lane_])
    a = np.concatenate([a, any_[0], alike[0], cancels[0]])
    b = np.concatenate([b, any_[1], alike[1], cancels[1]])
    mixed = random.permutation(len(a))[:120]
    a_zeros, b_zeros = (np.where(random.random(x[mixed].shape) < 0.4, 0, x[mixed]) for x in (a, b))
    paused = random.random(len(mixed)) < 0.5
    return [case(p, a, b, np.ones(len(a), bool)), case(p, a_zeros, b_zeros, paused)]


def _wide(p: DotProductParameters, random: np.random.Generator) -> np.ndarray:
    """Vectors with sums of more places than a result has: rounded up, down, and ties.

    8 * 8 and 2**-9 * 2**-9 are the 24 places apart that make a tie, 2**-8 * 2**-9 the last place.
    """
    power = 2.0 ** np.array([[3, -9, -8], [3, -9, -9]])
    lane = np.minimum(np.arange(p.lanes), 2)
    ties = from_float(p.form, np.repeat(power[:, None, lane], 8, axis=1))
    ties[:, :, 3:] = 0
    signs = random.integers(0, 2, ties.shape) << (p.operand_bits - 1)
    ties |= signs
    ties[0, :2, 2:] = 0
    exponents = p.form.bias + random.integers(-6, 7, (2, 60, p.lanes))
    words = random.integers(0, 2**p.operand_bits, exponents.shape)
    fields = (2**p.form.exponent_bits - 1) << p.form.fraction_bits
    return np.concatenate([ties, (words & ~fields) | exponents << p.form.fraction_bits], axis=1)


def _special(p: DotProductParameters) -> np.ndarray:
    """Words at the ends of their format's ranges."""
    if p.form is None:
        sign = 1 << (p.operand_bits - 1)
        return np.array([0, 1, sign - 1, sign, sign + 1, 2 * sign - 1])
    step = 1 << p.form.fraction_bits
    top = (2**p.form.exponent_bits - 1) * step
    sign = 1 << (p.operand_bits - 1)
    # Subnormal, normal, one, the largest, infinity or not, NaN; and some of them negative.
    sizes = [0, 1, step - 1, step, p.form.bias * step, top - 1, top, top + 1, sign - 1]
    return np.array(
        [*sizes, *(sign | size for size in (0, 1, p.form.bias * step + 1, top - 1, top))]
    )


def _negated(p: DotProductParameters, words: np.ndarray) -> np.ndarray:
    if p.form is None:
        return -words & (2**p.operand_bits - 1)
    return words ^ (1 << (p.operand_bits - 1))


def case(p: DotProductParameters, a: np.ndarray, b: np.ndarray, valid: np.ndarray) -> Case:
    """A case of vectors, int64[cycle, lane]."""
    return Case(
        words={"a": pack(a, p.operand_bits), "b": pack(b, p.operand_bits)},
        valid=valid,
        expected={"result": reference(p, a[valid], b[valid]).tolist()},
    )


@cocotb.test()
async def results_match(dut: Any) -> None:
    p, workload = records(DotProductParameters, DotProductWorkload)
    job = case(p, *operands(p, workload))
    await stream_test(dut, stream(p), hard_cases(p), job)
