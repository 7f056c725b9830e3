"""Adders of two words, from ripple to parallel prefix, with registers in, out and across.

They differ in how carries get from where they start to where they matter. Every structure but
`operator` is gates only, no `+`: synthesis would put its own adder in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.gates.arithmetic import GATING_DOC, PIPELINE_CUTS_DOC, Flow
from chipdse_hdl.gates.network import Network
from chipdse_hdl.workloads.operands import duty_parameter, stream_cycles, valid_cycles

PREFIX = ("brent_kung", "kogge_stone", "sklansky")
STRUCTURES = ("ripple", "carry_select", *PREFIX)
STRUCTURE_DOC = (
    "ripple: each carry from the one below; carry_select: groups that add for both carries; "
    "brent_kung, kogge_stone, sklansky: parallel prefix with few gates, with little fan-out, "
    "with few levels"
)


@dataclass(frozen=True, kw_only=True)
class AdderParameters:
    """What can be chosen about the hardware."""

    bits: int = parameter(16, "width of an operand", minimum=2, maximum=62)
    structure: str = parameter(
        "sklansky",
        f"{STRUCTURE_DOC}; operator: `+`, left to synthesis",
        choices=(*STRUCTURES, "operator"),
    )
    group_bits: int = parameter(4, "carry_select: bits of a group", minimum=1, maximum=62)
    pipeline_stages: int = parameter(0, PIPELINE_CUTS_DOC, minimum=0, maximum=8)
    gating: str = parameter("none", GATING_DOC, choices=("none", "idle"))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.structure == "operator" and self.pipeline_stages:
            raise ValueError(
                f"pipeline_stages={self.pipeline_stages} cannot cut structure='operator', which "
                "has no gates before synthesis; use pipeline_stages=0 or another structure"
            )

    @property
    def sum_bits(self) -> int:
        """The sum's width, with the carry out."""
        return self.bits + 1

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts operands to the edge at which their sum can be read."""
        return 2 + self.pipeline_stages


@dataclass(frozen=True, kw_only=True)
class AdderWorkload:
    """Sums one after another."""

    length: int = parameter(1024, "additions", minimum=1, maximum=10**7)
    values: str = parameter(
        "uniform",
        "uniform: over the whole range; narrow: two's complement, gaussian with the square root "
        "of the range as standard deviation, so that signs fill the upper half; addresses: a "
        "running address and strides of 1 to 64",
        choices=("uniform", "narrow", "addresses"),
    )
    duty: float = duty_parameter()
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)


def operands(
    parameters: AdderParameters, workload: AdderWorkload
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """a, b, the carry in, and whether they count, for each cycle; words without a sign."""
    random = np.random.default_rng(workload.seed)
    valid = valid_cycles(random, workload.length, workload.duty)
    count, ones = len(valid), 2**parameters.bits - 1
    carry = random.integers(0, 2, count) * (workload.values == "uniform")
    if workload.values == "narrow":
        a, b = random.normal(0, 2 ** (parameters.bits / 2), (2, count)).round().astype(np.int64)
    elif workload.values == "addresses":
        b = random.choice([1, 2, 4, 8, 16, 32, 64], count)
        a = random.integers(0, ones, endpoint=True) + np.cumsum(b) - b
    else:
        a, b = random.integers(0, ones, (2, count), endpoint=True)
    return a & ones, b & ones, carry, valid


def reference(a: np.ndarray, b: np.ndarray, carry: np.ndarray) -> np.ndarray:
    """What the hardware must output: the exact sum."""
    return a + b + carry


def work(parameters: AdderParameters, workload: AdderWorkload) -> Work:
    """One operation is one addition."""
    return Work(
        count=workload.length,
        unit="addition",
        input_bits=workload.length * (2 * parameters.bits + 1),
        output_bits=workload.length * parameters.sum_bits,
    )


def prefix_levels(structure: str, bits: int) -> list[list[tuple[int, int]]]:
    """Which groups of carries are merged, level by level, for a carry out of each of the bits.

    A pair (i, j) says: the group that ends at bit i and the one that ends at bit j, just below
    it, become one. At the end group i reaches from bit i down to bit 0.

    Notes
    -----
    For ``n = 2**k`` bits: Kogge-Stone has ``n k - n + 1`` merges in k levels, each group read by
    two at most; Sklansky ``n k / 2`` in k levels, a group read by up to ``n / 2``; Brent-Kung
    ``2 n - 2 - k`` in ``2 k - 1`` levels (a path crosses ``2 k - 2`` of them at most, k > 1).

    References
    ----------
    P. M. Kogge, H. S. Stone, IEEE Trans. Computers C-22(8), 786-793, 1973.
    J. Sklansky, IRE Trans. Electronic Computers EC-9(2), 226-231, 1960.
    R. P. Brent, H. T. Kung, IEEE Trans. Computers C-31(3), 260-264, 1982.
    """
    powers = [2**d for d in range((bits - 1).bit_length())]
    if structure == "kogge_stone":
        return [[(i, i - d) for i in range(d, bits)] for d in powers]
    if structure == "sklansky":
        return [[(i, i // d * d - 1) for i in range(bits) if i & d] for d in powers]
    if structure == "brent_kung":
        up = [[(i, i - d) for i in range(2 * d - 1, bits, 2 * d)] for d in powers]
        down = [[(i, i - d) for i in range(3 * d - 1, bits, 2 * d)] for d in reversed(powers)]
        return [level for level in up + down if level]
    raise ValueError(f"structure={structure!r} is not one of {', '.join(map(repr, PREFIX))}")


def add(
    network: Network,
    structure: str,
    a: list[int],
    b: list[int],
    carry_in: int = Network.ZERO,
    group_bits: int = 4,
) -> list[int]:
    """Gates that add two words of equal length and a carry; the sum's bits and the carry out."""
    propagate = [network.gate("xor", x, y, name=f"p_{i}") for i, (x, y) in enumerate(_pairs(a, b))]
    generate = [network.gate("and", x, y, name=f"g_{i}") for i, (x, y) in enumerate(_pairs(a, b))]
    if structure == "carry_select":
        return _carry_select(network, generate, propagate, carry_in, group_bits)
    if structure == "ripple":
        carries = _ripple(network, generate, propagate, carry_in, "c")
    else:
        carries = _prefix(network, structure, generate, propagate, carry_in)
    below = [carry_in, *carries]
    sums = [
        network.gate("xor", p, c, name=f"s_{i}")
        for i, (p, c) in enumerate(_pairs(propagate, below))
    ]
    return [*sums, carries[-1]]


def _pairs(a: list[int], b: list[int]) -> list[tuple[int, int]]:
    return list(zip(a, b, strict=False))


def _ripple(
    network: Network, generate: list[int], propagate: list[int], carry_in: int, name: str
) -> list[int]:
    """The carry out of each bit, each from the one below."""
    carries, carry = [], carry_in
    for i, (g, p) in enumerate(_pairs(generate, propagate)):
        carry = network.gate("carry_out", g, p, carry, name=f"{name}_{i}")
        carries.append(carry)
    return carries


def _prefix(
    network: Network, structure: str, generate: list[int], propagate: list[int], carry_in: int
) -> list[int]:
    """The carry out of each bit, from groups that grow. The carry in joins bit 0's own."""
    g, p = list(generate), list(propagate)
    g[0] = network.gate("carry_out", g[0], p[0], carry_in, name="g_0_in")
    for number, level in enumerate(prefix_levels(structure, len(g)), 1):
        merged = [
            (
                i,
                network.gate("carry_out", g[i], p[i], g[j], name=f"g_{i}_level_{number}"),
                network.gate("and", p[i], p[j], name=f"p_{i}_level_{number}"),
            )
            for i, j in level
        ]
        for i, group_generate, group_propagate in merged:
            g[i], p[i] = group_generate, group_propagate
    return g


def _carry_select(
    network: Network, generate: list[int], propagate: list[int], carry: int, group_bits: int
) -> list[int]:
    """Each group but the first adds twice, for either carry, and the real carry chooses."""
    sums: list[int] = []
    for start in range(0, len(generate), group_bits):
        g, p = generate[start : start + group_bits], propagate[start : start + group_bits]
        if start == 0:
            carries = _ripple(network, g, p, carry, "c")
            below = [carry, *carries]
            sums += [
                network.gate("xor", x, c, name=f"s_{i}")
                for i, (x, c) in enumerate(_pairs(p, below))
            ]
            carry = carries[-1]
            continue
        outcomes = []
        for guess, bit in enumerate((Network.ZERO, Network.ONE)):
            carries = _ripple(network, g, p, bit, f"c{guess}_{start}")
            below = [bit, *carries]
            made = [
                network.gate("xor", x, c, name=f"s{guess}_{start + i}")
                for i, (x, c) in enumerate(_pairs(p, below))
            ]
            outcomes.append([*made, carries[-1]])
        chosen = [
            network.gate("mux", carry, if_one, if_zero, name=f"s_{start + i}")
            for i, (if_zero, if_one) in enumerate(_pairs(*outcomes))
        ]
        sums += chosen[:-1]
        carry = chosen[-1]
    return [*sums, carry]


class Adder(wiring.Component):
    """Adds two words and a carry.

    Ports
    -----
    a, b : In(bits)       operands
    carry : In(1)         added in the lowest place
    valid : In(1)         `a`, `b` and `carry` are to be added
    sum : Out(bits + 1)   the sum, with the carry out on top
    sum_valid : Out(1)    high for one cycle for each `valid`; `sum` counts then and only then

    All ports are plain words; the sum is that of numbers without a sign, and its low `bits` also
    that of two's complement. Inputs go straight to registers, outputs come from registers. Reset
    reaches `sum_valid` and what leads to it.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one addition a cycle.
    """

    a: Signal
    b: Signal
    carry: Signal
    valid: Signal
    sum: Signal
    sum_valid: Signal

    def __init__(self, parameters: AdderParameters) -> None:
        self.parameters = p = parameters
        ports = {"a": In(p.bits), "b": In(p.bits), "carry": In(1), "valid": In(1)}
        super().__init__({**ports, "sum": Out(p.sum_bits), "sum_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        flow = Flow(m, self.valid, 2 + p.pipeline_stages, hold=p.gating == "idle")
        m.d.comb += self.sum_valid.eq(flow.valid[-1])
        a = flow.register(self.a, 0, "a_in")
        b = flow.register(self.b, 0, "b_in")
        carry = flow.register(self.carry, 0, "carry_in")
        if p.structure == "operator":
            total = (a + b + carry)[: p.sum_bits]
        else:
            network = Network()
            ports = {"a": a, "b": b, "carry": carry}
            bits = [network.inputs(name, len(word)) for name, word in ports.items()]
            outputs = add(network, p.structure, bits[0], bits[1], bits[2][0], p.group_bits)
            total = Cat(network.build(m, ports, outputs, flow.enables[1:-1]))
        m.d.comb += self.sum.eq(flow.register(total, -1, "total"))
        return m


def cycles(parameters: AdderParameters, workload: AdderWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return stream_cycles(workload.length, workload.duty) + parameters.latency_cycles


BLOCK = Block(
    name="adder",
    summary="a + b, by ripple, carry-select or parallel prefix; pipelined",
    parameters=AdderParameters,
    workload=AdderWorkload,
    hardware=Adder,
    bench="chipdse_hdl.adder.bench",
    work=work,
    cycles=cycles,
)
