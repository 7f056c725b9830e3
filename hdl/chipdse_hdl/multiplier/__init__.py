"""Multipliers: how partial products are made, how they are added up, and where registers cut.

Products are exact, or lack their lowest places: what those would have held is then replaced by a
constant, and `error_bound` says how far off a product can be. Every structure but `operator` is
gates only, no `*` and no `+`: synthesis would put its own multiplier in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.adder import STRUCTURE_DOC, add
from chipdse_hdl.adder import STRUCTURES as ADDERS
from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.gates import compression
from chipdse_hdl.gates.arithmetic import GATING_DOC, PIPELINE_CUTS_DOC, Flow
from chipdse_hdl.gates.compression import and_rows, booth_rows, compress, dense, with_constant
from chipdse_hdl.gates.network import Network
from chipdse_hdl.workloads.operands import (
    SPREAD_DOC,
    duty_parameter,
    sparsity_parameter,
    spread,
    stream_cycles,
    valid_cycles,
)


@dataclass(frozen=True, kw_only=True)
class MultiplierParameters:
    """What can be chosen about the hardware."""

    bits: int = parameter(8, "width of an operand", minimum=2, maximum=32)
    signed: bool = parameter(True, "two's complement operands and products")
    recoding: str = parameter(
        "none",
        "none: a partial product for each bit of b; booth: one for every two, -2 to 2 times a",
        choices=("none", "booth"),
    )
    structure: str = parameter(
        "dadda",
        "array: partial products added one after another; wallace, dadda: in a tree, as early or "
        "with as few adders as possible; operator: `*`, left to synthesis",
        choices=(*compression.STRUCTURES, "operator"),
    )
    adder: str = parameter("sklansky", f"at the end: {STRUCTURE_DOC}", choices=ADDERS)
    pipeline_stages: int = parameter(0, PIPELINE_CUTS_DOC, minimum=0, maximum=8)
    truncated_bits: int = parameter(
        0, "lowest places of the product that are not built", minimum=0, maximum=31
    )
    gating: str = parameter(
        "none",
        f"{GATING_DOC}; zero: nor for a product with 0, which is 0 without multiplying",
        choices=("none", "idle", "zero"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.truncated_bits >= self.bits:
            raise ValueError(
                f"truncated_bits={self.truncated_bits} leaves too little of the product of "
                f"{self.bits}-bit operands; use truncated_bits <= {self.bits - 1}"
            )
        if self.truncated_bits and self.recoding == "booth" and not self.signed:
            raise ValueError(
                f"truncated_bits={self.truncated_bits} with recoding='booth' makes small products "
                "negative, and signed=False cannot show it; use signed=True or recoding='none'"
            )
        for name, plain in (("recoding", "none"), ("pipeline_stages", 0), ("truncated_bits", 0)):
            if self.structure == "operator" and getattr(self, name) != plain:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs gates, and structure='operator' has "
                    f"none before synthesis; use {name}={plain!r} or another structure"
                )

    @property
    def product_bits(self) -> int:
        """The width of `product`."""
        return 2 * self.bits - self.truncated_bits

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts operands to the edge at which their product can be read."""
        return 2 + self.pipeline_stages

    @property
    def _dropped_bits(self) -> list[int]:
        """How many bits of partial products are left out in each place."""
        if self.recoding == "booth":  # a row every two places, and a one where it is negative
            return [c // 2 + 1 + (c % 2 == 0) for c in range(self.truncated_bits)]
        return [c + 1 for c in range(self.truncated_bits)]

    @property
    def correction(self) -> int:
        """What is added instead, in units of the lowest place left: their mean, rounded.

        Of uniform operands, an AND of two bits is 1 in a quarter of the cases, a bit of a Booth
        multiple, sign included, in half.
        """
        share = 2 if self.recoding == "booth" else 4
        dropped = sum(count << place for place, count in enumerate(self._dropped_bits))
        unit = share << self.truncated_bits
        return (2 * dropped + unit) // (2 * unit)

    @property
    def error_bound(self) -> int:
        """No product, times 2**truncated_bits, is further from the exact one; 0 if none is cut."""
        added = self.correction << self.truncated_bits
        dropped = sum(count << place for place, count in enumerate(self._dropped_bits))
        return max(added, dropped - added)


@dataclass(frozen=True, kw_only=True)
class MultiplierWorkload:
    """Products one after another."""

    length: int = parameter(1024, "multiplications", minimum=1, maximum=10**7)
    values: str = parameter("gaussian", SPREAD_DOC, choices=("uniform", "gaussian"))
    sparsity: float = sparsity_parameter()
    duty: float = duty_parameter()
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)


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
    kept = word_a * word_b - dropped(p, word_a, word_b)
    kept += np.uint64(p.correction << p.truncated_bits)
    product = (kept & np.uint64((1 << 2 * p.bits) - 1)) >> np.uint64(p.truncated_bits)
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


def product_rows(
    p: MultiplierParameters, network: Network, a: list[int], b: list[int]
) -> list[compression.Row]:
    """Two rows that add up to the product without its truncated places, from place 0 on."""
    make = booth_rows if p.recoding == "booth" else and_rows
    rows, constant = make(network, a, b, p.signed)
    cut = p.truncated_bits
    rows = [{place - cut: bit for place, bit in row.items() if place >= cut} for row in rows]
    constant = (constant >> cut) + p.correction
    full = with_constant(rows, constant, p.product_bits)
    return compress(network, p.structure, full, p.product_bits)


class Multiplier(wiring.Component):
    """Multiplies two words.

    Ports
    -----
    a, b : In(bits)                operands
    valid : In(1)                  they are to be multiplied
    product : Out(product_bits)    2 * bits, less those truncated
    product_valid : Out(1)         high for one cycle for each `valid`; `product` counts then only

    Numbers are two's complement if `signed`. All ports are plain words. Inputs go straight to
    registers (with `gating` zero, `a` and `b` also to a detector of zeros that decides whether
    they load); `product` comes from registers (then with a gate behind). Reset reaches
    `product_valid` and what leads to it.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one product a cycle.
    """

    a: Signal
    b: Signal
    valid: Signal
    product: Signal
    product_valid: Signal

    def __init__(self, parameters: MultiplierParameters) -> None:
        self.parameters = p = parameters
        ports = {"a": In(p.bits), "b": In(p.bits), "valid": In(1)}
        super().__init__({**ports, "product": Out(p.product_bits), "product_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        stages = 2 + p.pipeline_stages
        flow = Flow(m, self.valid, stages, hold=p.gating == "idle")
        m.d.comb += self.product_valid.eq(flow.valid[-1])
        loads = flow
        if p.gating == "zero":
            counts = self.valid & self.a.any() & self.b.any()
            loads = Flow(m, counts, stages, hold=True, name="nonzero")
        a = loads.register(self.a, 0, "a_in")
        b = loads.register(self.b, 0, "b_in")
        product = loads.register(self._multiply(m, a, b, loads.enables[1:-1]), -1, "result")
        # A product with a zero left the last one where it was.
        shown = Mux(loads.valid[-1], product, 0) if p.gating == "zero" else product
        m.d.comb += self.product.eq(shown)
        return m

    def _multiply(self, m: Module, a: Signal, b: Signal, enables: list[Value | None]) -> Value:
        p = self.parameters
        if p.structure == "operator":
            exact = a.as_signed() * b.as_signed() if p.signed else a * b
            return exact.as_unsigned()[: p.product_bits]
        network = Network()
        rows = product_rows(p, network, network.inputs("a", p.bits), network.inputs("b", p.bits))
        first, second = dense(rows, p.product_bits)
        total = add(network, p.adder, first, second)[: p.product_bits]
        return Cat(network.build(m, {"a": a, "b": b}, total, enables))


def cycles(parameters: MultiplierParameters, workload: MultiplierWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return stream_cycles(workload.length, workload.duty) + parameters.latency_cycles


BLOCK = Block(
    name="multiplier",
    summary="a * b, by array, Wallace or Dadda tree, with or without Booth; pipelined, truncated",
    parameters=MultiplierParameters,
    workload=MultiplierWorkload,
    hardware=Multiplier,
    bench="chipdse_hdl.multiplier.bench",
    work=work,
    cycles=cycles,
)
