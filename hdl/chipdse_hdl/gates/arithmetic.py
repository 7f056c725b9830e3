"""Pieces of arithmetic that several blocks share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from amaranth.hdl import Module, Signal, Value


def when(m: Module, enable: Value | None) -> AbstractContextManager[None]:
    """``m.If(enable)``, or always without an enable."""
    return nullcontext() if enable is None else m.If(enable)


class Flow:
    """The `valid` bits that accompany data through a pipeline, and registers that obey them.

    valid : one per stage, after its register; cleared by reset
    enables : one per stage: when its registers load; None is always
    """

    def __init__(
        self, m: Module, valid: Value, stages: int, *, hold: bool, name: str = "valid"
    ) -> None:
        self.m = m
        self.valid = [Signal(name=f"{name}_{stage}") for stage in range(stages)]
        before = [valid, *self.valid[:-1]]
        for source, register in zip(before, self.valid, strict=True):
            m.d.sync += register.eq(source)
        self.enables: list[Value | None] = [*before] if hold else [None] * stages

    def register(self, value: Value, stage: int, name: str) -> Signal:
        """`value` in a register of a stage; not reset."""
        register = Signal(value.shape(), name=name, reset_less=True)
        with when(self.m, self.enables[stage]):
            self.m.d.sync += register.eq(value)
        return register


def named(m: Module, value: Value, name: str) -> Signal:
    """`value` as a signal of that name: what is used twice is written once."""
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal


def lanes(word: Value, bits: int, is_signed: bool = False) -> list[Value]:
    """The numbers packed into `word`, first one in the least significant bits."""
    parts = [word[start : start + bits] for start in range(0, len(word), bits)]
    return [part.as_signed() for part in parts] if is_signed else parts


def delayed(
    m: Module,
    value: Value,
    cycles: int,
    name: str,
    *,
    reset: bool = False,
    enable: Value | None = None,
) -> Value:
    """`value` after a chain of registers, which load while `enable` is high, or always."""
    for stage in range(cycles):
        register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=not reset)
        with when(m, enable):
            m.d.sync += register.eq(value)
        value = register
    return value


def pipelined_product(
    m: Module, a: Value, b: Value, stages: int, enables: Sequence[Value | None] = (None, None)
) -> Value:
    """`a * b`, exact, `stages` clock cycles later.

    One stage registers the product. Two stages also cut the multiplier: `b` is split in halves,
    the two half products are registered, and their sum is registered. The cut is in the source
    because synthesis does not retime: a second register behind the first would shorten no path.
    Registers of a stage load while its enable is high, or always.
    """
    if stages == 0:
        return a * b
    if stages == 1:
        return delayed(m, a * b, 1, "product", enable=enables[0])
    half = len(b) // 2
    high = b[half:].as_signed() if b.shape().signed else b[half:]
    low_product = delayed(m, a * b[:half], 1, "low_product", enable=enables[0])
    high_product = delayed(m, a * high, 1, "high_product", enable=enables[0])
    product = Signal((a * b).shape(), name="product", reset_less=True)
    with when(m, enables[1]):
        m.d.sync += product.eq(low_product + (high_product << half))
    return product
