"""Pieces of arithmetic that several blocks share."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

PIPELINE_DOC = (
    "registers between multiplier input and adder: 0 none, 1 after the multiplier, "
    "2 also across its middle"
)


def lanes(word: Value, bits: int, is_signed: bool = False) -> list[Value]:
    """The numbers packed into `word`, first one in the least significant bits."""
    parts = [word[start : start + bits] for start in range(0, len(word), bits)]
    return [part.as_signed() for part in parts] if is_signed else parts


def pipelined_product(m: Module, a: Value, b: Value, stages: int) -> Value:
    """`a * b`, exact, `stages` clock cycles later.

    One stage registers the product. Two stages also cut the multiplier: `b` is split in halves,
    the two half products are registered, and their sum is registered. The cut is in the source
    because synthesis does not retime: a second register behind the first would shorten no path.
    """
    if stages == 0:
        return a * b
    if stages == 1:
        product = Signal((a * b).shape(), name="product", reset_less=True)
        m.d.sync += product.eq(a * b)
        return product
    half = len(b) // 2
    high = b[half:].as_signed() if b.shape().signed else b[half:]
    low_product = Signal((a * b[:half]).shape(), name="low_product", reset_less=True)
    high_product = Signal((a * high).shape(), name="high_product", reset_less=True)
    product = Signal((a * b).shape(), name="product", reset_less=True)
    m.d.sync += [
        low_product.eq(a * b[:half]),
        high_product.eq(a * high),
        product.eq(low_product + (high_product << half)),
    ]
    return product
