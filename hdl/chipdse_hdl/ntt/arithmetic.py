"""Hardware for residues: sums, differences, halves, and products reduced in two ways."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Value

from chipdse_hdl.gates.arithmetic import named
from chipdse_hdl.ntt.schemes import Scheme


def below(m: Module, value: Value, q: int) -> Value:
    """A value below 2 q, modulo q."""
    wide = named(m, value, "whole")
    less = named(m, wide - q, "less")
    return Mux(less < 0, wide, less)[: q.bit_length()]


def difference(m: Module, a: Value, b: Value, q: int) -> Value:
    """a - b modulo q, of residues."""
    less = named(m, a - b, "difference")
    return Mux(less < 0, less + q, less)[: q.bit_length()]


def half(value: Value, q: int) -> Value:
    """A residue divided by two modulo q, which is odd."""
    return (value >> 1) + Mux(value[0], (q + 1) // 2, 0)


def montgomery(m: Module, product: Value, scheme: Scheme) -> Value:
    """``product * 2**(-2 * digit_bits)`` modulo q, for a product of residues.

    Adding t q makes the lowest digit zero; as q is 1 modulo a digit, t is minus that digit, and
    q's other digits are its factor. After two digits the rest is below 2 q.
    """
    d = scheme.digit_bits
    for _ in range(2):
        product = named(m, product, "digits")
        low = product[:d]
        t = named(m, (-low)[:d], "t")
        times = (t << 4) - (t << 1) - t if scheme.factor == 13 else (t << 10) - t
        product = product[d:] + times[: d + scheme.factor.bit_length()] + low.any()
    return below(m, product, scheme.modulus)


def barrett(m: Module, product: Value, scheme: Scheme) -> Value:
    """``product`` modulo q, for a product of residues.

    The quotient is estimated from the product's high bits and is at most one too small (Dhem's
    choice of bits: two more than q's on both sides).
    """
    w, q = scheme.bits, scheme.modulus
    product = named(m, product, "product")
    quotient = ((product >> (w - 2)) * Const((1 << (2 * w + 1)) // q)) >> (w + 3)
    return below(m, (product - quotient * q)[: w + 1], q)
