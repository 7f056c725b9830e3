"""A masked S-box with a fault of the kind that a test of side channels exists to find."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Signal, Value
from chipdse_hdl.aes_sbox import BLOCK, AesSbox
from chipdse_hdl.aes_sbox.masked import MaskedSbox
from chipdse_hdl.gates.arithmetic import named, when
from chipdse_hdl.gates.masking import cross_products
from chipdse_hdl.shares import share_name


def recombined_products(
    m: Module,
    a: Sequence[Value],
    b: Sequence[Value],
    fresh: Value,
    name: str,
    *,
    multiply: Callable[[Value, Value], Value] = operator.and_,
    enable: Value | None = None,
) -> list[Value]:
    """As `cross_products`, right as a sum, but one gate adds both shares of `a`.

    ``(a0 + a1) b1 + fresh`` and ``a1 b1 + a1 b0 + fresh`` have the sum ``a0 b1 + a1 b0``.
    """
    whole = named(m, a[0] ^ a[1], "recombined")
    terms = []
    for share, product in enumerate(
        [multiply(whole, b[1]), multiply(a[1], b[1]) ^ multiply(a[1], b[0])]
    ):
        term = Signal(fresh.shape(), name=share_name(name, share, 2), reset_less=True)
        with when(m, enable):
            m.d.sync += term.eq(product ^ fresh)
        terms.append(term)
    return terms


def unblinded_products(
    m: Module,
    a: Sequence[Value],
    b: Sequence[Value],
    fresh: Value,
    name: str,
    *,
    multiply: Callable[[Value, Value], Value] = operator.and_,
    enable: Value | None = None,
) -> list[Value]:
    """As `cross_products`, but without the random bits."""
    none = fresh & 0
    return cross_products(m, a, b, none, name, multiply=multiply, enable=enable)


class RecombinedSbox(MaskedSbox):
    """A gate adds both shares of an operand."""

    cross_products = staticmethod(recombined_products)


class Recombined(AesSbox):
    """With `RecombinedSbox`."""

    masked_sbox = RecombinedSbox


class UnblindedSbox(MaskedSbox):
    """Terms across domains are not blinded."""

    cross_products = staticmethod(unblinded_products)


class Unblinded(AesSbox):
    """With `UnblindedSbox`."""

    masked_sbox = UnblindedSbox


RECOMBINED = dataclasses.replace(BLOCK, hardware=Recombined)
UNBLINDED = dataclasses.replace(BLOCK, hardware=Unblinded)
