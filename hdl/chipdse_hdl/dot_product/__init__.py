"""Dot products of short vectors: integers exactly, small floating-point numbers by a contract.

The contract, which `reference` follows step by step:

1. Operands mean what their format says, subnormal numbers included. Products are exact.
2. E is the largest exponent of a product that is not zero, taken as the sum of its operands'
   exponents. Every product is written in units of ``2**-guard_bits`` of the last place that a
   product with exponent E has; what is below is cut off, towards zero.
3. These terms are added exactly.
4. A sum nearer to 0 than 2**-126 becomes 0. Others are rounded once, to binary32, to nearest, ties
   to even; above its largest number is infinity. A sum of 0 is +0.
5. With a NaN, infinity times 0, or infinities of both signs the result is the NaN 0x7fc00000.

So at most `lanes` units are lost before the one rounding: `alignment_error`. With guard bits for
all the exponents there are, nothing is (`exact`): that is 28 for E4M3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.dot_product.float_sum import Term, binary32, sum_of_terms, term_of
from chipdse_hdl.dot_product.formats import FORMATS, FloatFormat, from_float, take_apart
from chipdse_hdl.gates.arithmetic import Flow, delayed, lanes
from chipdse_hdl.workloads.operands import (
    duty_parameter,
    sparsity_parameter,
    spread,
    stream_cycles,
    valid_cycles,
)

INTEGERS = {"int4": 4, "int8": 8}
NAN = 0x7FC00000


@dataclass(frozen=True, kw_only=True)
class DotProductParameters:
    """What can be chosen about the hardware."""

    lanes: int = parameter(4, "elements of a vector", minimum=1, maximum=32)
    number_format: str = parameter(
        "int8",
        "of the operands; fp8 as OCP defines it; results are exact integers, or binary32",
        choices=(*INTEGERS, *FORMATS),
    )
    guard_bits: int = parameter(
        8,
        "floating point: places below the largest product's that terms keep",
        minimum=0,
        maximum=28,
    )
    pipeline_stages: int = parameter(
        0,
        "registers: 1 behind the products, 2 (floating point) also behind the sum",
        minimum=0,
        maximum=2,
    )
    gating: str = parameter(
        "none",
        "none: registers load in every cycle; idle: only with vectors; zero: in each lane, nor for "
        "a product with 0",
        choices=("none", "idle", "zero"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.form is None and self.pipeline_stages > 1:
            raise ValueError(
                f"pipeline_stages={self.pipeline_stages} has no place for a second register with "
                f"number_format={self.number_format!r}; use pipeline_stages <= 1"
            )

    @property
    def form(self) -> FloatFormat | None:
        """The floating-point format; None: integers."""
        return FORMATS.get(self.number_format)

    @property
    def operand_bits(self) -> int:
        """The width of an operand."""
        return INTEGERS[self.number_format] if self.form is None else self.form.bits

    @property
    def result_bits(self) -> int:
        """The width of a result."""
        return 2 * self.operand_bits + ceil_log2(self.lanes) if self.form is None else 32

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts vectors to the edge at which their product can be read."""
        return 2 + self.pipeline_stages

    @property
    def exact(self) -> bool:
        """Whether nothing can be cut off before rounding."""
        return self.form is None or self.guard_bits >= 2 * (2**self.form.exponent_bits - 2)


@dataclass(frozen=True, kw_only=True)
class DotProductWorkload:
    """Products of vectors one after another: weights times activations."""

    length: int = parameter(512, "dot products", minimum=1, maximum=10**7)
    values: str = parameter(
        "gaussian",
        "gaussian: like trained weights and activations (integers: standard deviation an eighth of "
        "the range; floating point: 1); uniform: all words alike, but infinities and NaN",
        choices=("gaussian", "uniform"),
    )
    sparsity: float = sparsity_parameter()
    duty: float = duty_parameter()
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)


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


class DotProduct(wiring.Component):
    """Multiplies two vectors.

    Ports
    -----
    a, b : In(lanes * operand_bits)   vectors, the first element in the low bits
    valid : In(1)                     they are to be multiplied
    result : Out(result_bits)         the sum of the products: two's complement, or binary32
    result_valid : Out(1)             high for one cycle for each `valid`; `result` counts then only

    All ports are plain words. Inputs go straight to registers (with `gating` zero also to
    detectors of zeros), outputs come from registers. Reset reaches `result_valid` and what leads
    to it.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one vector a cycle.
    """

    a: Signal
    b: Signal
    valid: Signal
    result: Signal
    result_valid: Signal

    def __init__(self, parameters: DotProductParameters) -> None:
        self.parameters = p = parameters
        width = p.lanes * p.operand_bits
        ports = {"a": In(width), "b": In(width), "valid": In(1)}
        super().__init__({**ports, "result": Out(p.result_bits), "result_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        flow = Flow(m, self.valid, 2 + p.pipeline_stages, hold=p.gating != "none")
        m.d.comb += self.result_valid.eq(flow.valid[-1])
        words = zip(*(lanes(word, p.operand_bits) for word in (self.a, self.b)), strict=True)
        products = [self._lane(m, *pair, flow, lane) for lane, pair in enumerate(words)]
        if p.form is None:
            total = sum(term.product for term in products)
            result = total.as_unsigned()[: p.result_bits]
        else:
            result = self._float_result(m, p.form, products, flow)
        m.d.comb += self.result.eq(flow.register(result, -1, "result_out"))
        return m

    def _lane(self, m: Module, a: Value, b: Value, flow: Flow, lane: int) -> Term:
        """One product; with `gating` zero its registers stand still for zeros, which it becomes."""
        p = self.parameters
        enable, counts = flow.enables[0], None
        if p.gating == "zero":
            counts = Signal(name=f"counts_{lane}")
            enable = Signal(name=f"loads_{lane}")
            m.d.comb += [counts.eq(_matters(p.form, a, b)), enable.eq(self.valid & counts)]
            counts = delayed(m, counts, 1, f"counted_{lane}", enable=flow.enables[0])
        a = delayed(m, a, 1, f"a_{lane}", enable=enable)
        b = delayed(m, b, 1, f"b_{lane}", enable=enable)
        term = term_of(m, p.form, a, b, lane)
        if p.pipeline_stages:
            enable = flow.enables[1]
            if counts is not None:
                enable = enable & counts
                counts = delayed(m, counts, 1, f"counted_product_{lane}", enable=flow.enables[1])
            term = term.map(lambda x, name: delayed(m, x, 1, f"{name}_{lane}", enable=enable))
        return term if counts is None else term.map(lambda x, name: Mux(counts, x, 0))

    def _float_result(
        self, m: Module, form: FloatFormat, products: list[Term], flow: Flow
    ) -> Value:
        p = self.parameters
        total = sum_of_terms(m, products, 2 * form.significand_bits, p.guard_bits)
        if p.pipeline_stages == 2:
            total = total.map(lambda x, name: flow.register(x, 2, f"{name}_registered"))
        lowest = 127 - 2 * form.bias - 2 * form.fraction_bits - p.guard_bits
        return binary32(m, total, lowest)


def _matters(form: FloatFormat | None, a: Value, b: Value) -> Value:
    """Whether a product can be anything but 0: neither is 0, or one may be no number."""
    if form is None:
        return a.any() & b.any()
    sizes = [x[:-1] for x in (a, b)]
    special = [size[form.fraction_bits :].all() for size in sizes]
    return (sizes[0].any() & sizes[1].any()) | special[0] | special[1]


def cycles(parameters: DotProductParameters, workload: DotProductWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return stream_cycles(workload.length, workload.duty) + parameters.latency_cycles


BLOCK = Block(
    name="dot_product",
    summary="sums of products in int4, int8, bf16 and fp8 (E4M3, E5M2)",
    parameters=DotProductParameters,
    workload=DotProductWorkload,
    hardware=DotProduct,
    bench="chipdse_hdl.dot_product.bench",
    work=work,
    cycles=cycles,
)
