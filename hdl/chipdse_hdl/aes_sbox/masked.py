"""An S-box of AES in two shares: the tower's inversion with masked products, as a pipeline.

The structure is the pipeline of eight stages in H. Gross, S. Mangard, T. Korak, "Domain-Oriented
Masking", IACR ePrint 2016/486: every product has independent operands, because its operands come
from registers behind fresh random bits, and an S-box takes 18 random bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.aes_sbox.parameters import SBOX_RANDOM_BITS
from chipdse_hdl.aes_sbox.tower import (
    AFFINE_CONSTANT,
    FROM_TOWER,
    TO_TOWER,
    halves,
    joined,
    mapped,
    product_4,
    product_16,
    scaled_4,
    square_4,
    square_scaled_16,
)
from chipdse_hdl.gates.arithmetic import Flow, named
from chipdse_hdl.gates.masking import cross_products
from chipdse_hdl.shares import RANDOM, share_name, share_names

Shares = Sequence[Value]
SBOX_STAGES = 8


class MaskedSbox(wiring.Component):
    """Substitutes bytes in two shares.

    Ports
    -----
    byte_share_0, byte_share_1 : In(8)   shares of a byte
    valid : In(1)                        they count; registers load only for those that do
    random : In(18)                      fresh random bits, new in every cycle
    out_share_0, out_share_1 : Out(8)    its substitute, before the last register

    Timing
    ------
    The outputs are right in the cycle that ends `SBOX_STAGES` edges after that of the inputs.
    """

    cross_products = staticmethod(cross_products)

    random: Value
    valid: Value

    def __init__(self) -> None:
        super().__init__(
            {
                **{name: In(8) for name in share_names("byte", 2)},
                "valid": In(1),
                RANDOM: In(SBOX_RANDOM_BITS),
                **{name: Out(8) for name in share_names("out", 2)},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        flow = Flow(m, self.valid, SBOX_STAGES, hold=True)
        fresh = [self.random[start:end] for start, end in ((0, 4), (4, 6), (6, 10), (10, 18))]

        def in_register(values: Shares, stage: int, name: str) -> list[Value]:
            shares = enumerate(values)
            return [flow.register(value, stage, share_name(name, n, 2)) for n, value in shares]

        def later(values: Shares, stages: range, name: str) -> list[Value]:
            for stage in stages:
                values = in_register(values, stage, f"{name}_{stage}")
            return list(values)

        def product(
            a: Shares,
            b: Shares,
            multiply: Callable[[Value, Value], Value],
            random: Value,
            stage: int,
            name: str,
            added: Shares = (),
        ) -> list[Value]:
            """Shares of a b (+ what is added), in two terms each that meet behind registers."""
            inner = [multiply(*pair) for pair in zip(a, b, strict=True)]
            if added:
                inner = [term ^ more for term, more in zip(inner, added, strict=True)]
            terms = in_register(inner, stage, f"{name}_inner")
            crossed = self.cross_products(
                m, a, b, random, name, multiply=multiply, enable=flow.enables[stage]
            )
            return [term ^ other for term, other in zip(terms, crossed, strict=True)]

        given = [mapped(getattr(self, name), TO_TOWER) for name in share_names("byte", 2)]
        tower = in_register(given, 0, "tower")
        a, b = zip(*map(halves, tower), strict=True)
        squares = [square_scaled_16(high ^ low) for high, low in zip(a, b, strict=True)]
        norm = in_register(product(a, b, product_16, fresh[0], 1, "first", squares), 2, "norm_16")
        high, low = zip(*map(halves, norm), strict=True)
        squares = [scaled_4(square_4(x ^ y)) for x, y in zip(high, low, strict=True)]
        second = product(high, low, product_4, fresh[1], 3, "second", squares)
        inverse = in_register([square_4(share) for share in second], 4, "inverse_4")
        norm = later(norm, range(3, 5), "norm_16")
        high, low = zip(*map(halves, norm), strict=True)
        upper = product(inverse, low, product_4, fresh[2][2:], 5, "third_high")
        lower = product(inverse, high, product_4, fresh[2][:2], 5, "third_low")
        inverse = in_register(
            [joined(*pair) for pair in zip(upper, lower, strict=True)], 6, "inverse_16"
        )
        tower = later(tower, range(1, 7), "tower")
        a, b = zip(*map(halves, tower), strict=True)
        upper = product(inverse, b, product_16, fresh[3][4:], 7, "fourth_high")
        lower = product(inverse, a, product_16, fresh[3][:4], 7, "fourth_low")
        for share, pair in enumerate(zip(upper, lower, strict=True)):
            out = mapped(named(m, joined(*pair), share_name("inverse", share, 2)), FROM_TOWER)
            constant = AFFINE_CONSTANT if share == 0 else 0
            m.d.comb += getattr(self, share_name("out", share, 2)).eq(out ^ constant)
        return m
