"""Multipliers and dividers of the package `smolarith` as blocks: parameters, reference, work.

The hardware is theirs (https://pypi.org/project/smolarith); here is what chipdse wants to know
about it. `sweeps/third_party/multiplier.toml` and `divider.toml` sweep it.

Its `LongDivider` (0.2.1) is left out: it reads the divisor from its port during the whole
division, so it is right only while the caller holds a payload that a stream has handed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from chipdse_hdl.block import Block, Work, check_parameters, parameter
from smolarith.div import Impl, MulticycleDiv
from smolarith.mul import MulticycleMul, PipelinedMul

UNSIGNED, SIGNED = 1, 2  # smolarith's Sign, two bits of a payload


@dataclass(frozen=True, kw_only=True)
class MultiplierParameters:
    """What can be chosen about the hardware."""

    width: int = parameter(8, "bits of an operand", minimum=2, maximum=32)
    kind: str = parameter(
        "multicycle",
        "multicycle: one bit per cycle; pipelined: as many stages as bits",
        choices=("multicycle", "pipelined"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)


@dataclass(frozen=True, kw_only=True)
class DividerParameters:
    """What can be chosen about the hardware."""

    width: int = parameter(8, "bits of an operand", minimum=2, maximum=32)
    kind: str = parameter(
        "restoring",
        "how a quotient bit is found",
        choices=("restoring", "non_restoring"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Operations one after another, as fast as they are taken."""

    length: int = parameter(50, "operations", minimum=1, maximum=10**5)
    signed: bool = parameter(True, "two's complement operands")
    seed: int = parameter(1, "of the random operands", minimum=0, maximum=2**32 - 1)

    def __post_init__(self) -> None:
        check_parameters(self)


def operands(width: int, workload: Workload) -> list[tuple[int, int]]:
    """Pairs over the whole range, the awkward ones first."""
    low = -(2 ** (width - 1)) if workload.signed else 0
    high = low + 2**width - 1
    hard = [(low, -1 if workload.signed else high), (high, 0), (0, high), (low, low), (high, 1)]
    random = np.random.default_rng(workload.seed)
    pairs = random.integers(low, high, (workload.length, 2), endpoint=True).tolist()
    return [*hard, *map(tuple, pairs)][: workload.length]


def product(width: int, a: int, b: int) -> int:
    """What a multiplier must output: the product, as a word of twice the width."""
    return (a * b) % 4**width


def quotient(width: int, signed: bool, n: int, d: int) -> tuple[int, int]:
    """What a divider must output, as words: RISC-V's rules, division by 0 and overflow included."""
    modulus = 2**width
    if d == 0:
        return modulus - 1, n % modulus
    q = abs(n) // abs(d)
    q = q if (n < 0) == (d < 0) else -q
    return q % modulus, (n - q * d) % modulus


def multiplier(parameters: MultiplierParameters) -> Any:
    """smolarith's multiplier of that kind.

    Ports
    -----
    inp : stream of sign (2 bits), a, b; outp : stream of sign, a * b

    Timing
    ------
    Latency `width` cycles; one product per cycle if pipelined, else one in `width`.
    """
    kinds = {"multicycle": MulticycleMul, "pipelined": PipelinedMul}
    return kinds[parameters.kind](width=parameters.width)


def divider(parameters: DividerParameters) -> Any:
    """smolarith's divider of that kind.

    Ports
    -----
    inp : stream of sign (2 bits), n, d; outp : stream of sign, quotient, remainder

    Timing
    ------
    One quotient in `width` + 3 (restoring) or `width` + 4 cycles.
    """
    restoring = parameters.kind == "restoring"
    impl = Impl.RESTORING if restoring else Impl.NON_RESTORING
    return MulticycleDiv(width=parameters.width, impl=impl)


def _work(unit: str) -> Any:
    def work(parameters: Any, workload: Workload) -> Work:
        bits = workload.length * (2 * parameters.width + 2)
        return Work(count=workload.length, unit=unit, input_bits=bits, output_bits=bits)

    return work


def cycles(parameters: Any, workload: Workload) -> int:
    """Clock cycles of a run, roughly."""
    each = 1 if parameters.kind == "pipelined" else parameters.width + 4
    return workload.length * each + parameters.width


MULTIPLIER = Block(
    name="smolarith_multiplier",
    summary="smolarith's multipliers",
    parameters=MultiplierParameters,
    workload=Workload,
    hardware=multiplier,
    bench="bench_smolarith_multiplier",
    work=_work("product"),
    cycles=cycles,
)
DIVIDER = Block(
    name="smolarith_divider",
    summary="smolarith's dividers",
    parameters=DividerParameters,
    workload=Workload,
    hardware=divider,
    bench="bench_smolarith_divider",
    work=_work("quotient"),
    cycles=cycles,
)
