"""Reference of `dot_product`, step by step as its contract says; operands, work and cycles."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.dot_product.formats import NAN, from_float, take_apart
from chipdse_hdl.dot_product.parameters import DotProductParameters, DotProductWorkload
from chipdse_hdl.workloads.operands import spread, stream_cycles, valid_cycles


def operands(
    parameters: DotProductParameters, workload: DotProductWorkload
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a, b (words without a sign, int64[cycle, lane]) and whether they count, for each cycle."""
    random = np.random.default_rng(workload.seed)
    valid = valid_cycles(random, workload.length, workload.duty)
    shape = (2, len(valid), parameters.lanes)
    form, bits = parameters.form, parameters.operand_bits
    if form is None:
        words = spread(random, workload.values, bits, True, shape) & (2**bits - 1)
    elif workload.values == "gaussian":
        words = from_float(form, random.standard_normal(shape))
    else:
        words = random.integers(0, 2**bits, shape)
        parts = take_apart(form, words)
        words[parts.is_nan | parts.is_infinite] = 0
    words[0][random.random(shape[1:]) < workload.sparsity] = 0
    return words[0], words[1], valid


def reference(p: DotProductParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the hardware must output, int64[vector], as words without a sign."""
    if p.form is None:
        sign = 1 << (p.operand_bits - 1)
        products = ((a ^ sign) - sign) * ((b ^ sign) - sign)
        return products.sum(axis=1) & (2**p.result_bits - 1)
    left, right = take_apart(p.form, a), take_apart(p.form, b)
    product = left.significand * right.significand
    exponent = np.where(product > 0, left.exponent + right.exponent, 0)
    largest = exponent.max(axis=1, keepdims=True)
    term = (product << p.guard_bits) >> (largest - exponent).clip(max=62)
    negative = left.negative != right.negative
    total = np.where(negative, -term, term).sum(axis=1).astype(float)  # below 2**53: exact
    unit = largest[:, 0] - 2 * p.form.bias - 2 * p.form.fraction_bits - p.guard_bits
    number = np.ldexp(total, unit)
    number[np.abs(number) < 2.0**-126] = 0
    with np.errstate(over="ignore"):
        words = (number + 0.0).astype(np.float32).view(np.uint32).astype(np.int64)
    infinite = left.is_infinite | right.is_infinite
    nan = left.is_nan | right.is_nan | (infinite & (product == 0))
    up, down = (infinite & ~negative).any(axis=1), (infinite & negative).any(axis=1)
    words[up], words[down] = 0x7F800000, 0xFF800000
    words[nan.any(axis=1) | (up & down)] = NAN
    return words


def alignment_error(p: DotProductParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """More than is cut off before the result is rounded, float64[vector]."""
    if p.form is None:
        return np.zeros(len(a))
    left, right = take_apart(p.form, a), take_apart(p.form, b)
    exponent = np.where(left.significand * right.significand > 0, left.exponent + right.exponent, 0)
    unit = exponent.max(axis=1) - 2 * p.form.bias - 2 * p.form.fraction_bits - p.guard_bits
    return p.lanes * np.ldexp(1.0, unit)


def work(parameters: DotProductParameters, workload: DotProductWorkload) -> Work:
    """One MAC is one multiplication and one addition, also when an operand is zero."""
    return Work(
        count=workload.length * parameters.lanes,
        unit="MAC",
        input_bits=workload.length * 2 * parameters.lanes * parameters.operand_bits,
        output_bits=workload.length * parameters.result_bits,
    )


def cycles(parameters: DotProductParameters, workload: DotProductWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return stream_cycles(workload.length, workload.duty) + parameters.latency_cycles
