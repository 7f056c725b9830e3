"""The inversion of AES in a tower of fields, GF(((2^2)^2)^2) in normal bases, as gates.

D. Canright, "A Very Compact S-Box for AES", CHES 2005: every element of a field is a pair of
elements of the field below, the high one first, and its inverse follows from products below. The
names and the four matrices of bases are those of his program, which enumerates all such bases.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Const, Module, Value

from chipdse_hdl.gates.arithmetic import named

# Columns of the maps: from AES's basis to the tower's, and back together with the affine map.
TO_TOWER = (0x98, 0xF3, 0xF2, 0x48, 0x09, 0x81, 0xA9, 0xFF)
FROM_TOWER = (0x58, 0x2D, 0x9E, 0x0B, 0xDC, 0x04, 0x03, 0x24)
AFFINE_CONSTANT = 0x63


def mapped(value: Value, columns: Sequence[int]) -> Value:
    """The product of a matrix of 8 columns, the last of which is for bit 0, and a byte."""
    return Cat(
        reduce(xor, [value[n] for n in range(8) if columns[7 - n] >> row & 1]) for row in range(8)
    )


def halves(value: Value) -> tuple[Value, Value]:
    """The high and the low half."""
    middle = len(value) // 2
    return value[middle:], value[:middle]


def joined(high: Value, low: Value) -> Value:
    """The inverse of `halves`."""
    return Cat(low, high)


def product_4(x: Value, y: Value) -> Value:
    """The product in GF(2^2)."""
    a, b, c, d = x[1], x[0], y[1], y[0]
    both = (a ^ b) & (c ^ d)
    return joined(a & c ^ both, b & d ^ both)


def square_4(x: Value) -> Value:
    """The square in GF(2^2), which is the inverse."""
    return joined(x[0], x[1])


def scaled_4(x: Value) -> Value:
    """The product with N, the norm of the basis of GF(2^4)."""
    return joined(x[0], x[1] ^ x[0])


def scaled_twice_4(x: Value) -> Value:
    """The product with the square of N."""
    return joined(x[1] ^ x[0], x[1])


def product_16(x: Value, y: Value) -> Value:
    """The product in GF(2^4)."""
    (a, b), (c, d) = halves(x), halves(y)
    both = scaled_4(product_4(a ^ b, c ^ d))
    return joined(product_4(a, c) ^ both, product_4(b, d) ^ both)


def square_scaled_16(x: Value) -> Value:
    """The square in GF(2^4), times the norm of the basis of GF(2^8)."""
    a, b = halves(x)
    return joined(square_4(a ^ b), scaled_twice_4(square_4(b)))


def inverse_16(m: Module, x: Value, name: str) -> Value:
    """The inverse in GF(2^4); 0 for 0."""
    a, b = halves(x)
    norm = square_4(scaled_4(square_4(a ^ b)) ^ product_4(a, b))
    norm = named(m, norm, f"{name}_inverse_4")
    return named(m, joined(product_4(norm, b), product_4(norm, a)), f"{name}_inverse_16")


def composite_sbox(m: Module, value: Value, name: str) -> Value:
    """SubBytes of a byte; parts that are used more than once are signals called after `name`."""
    tower = named(m, mapped(value, TO_TOWER), f"{name}_tower")
    a, b = halves(tower)
    norm = named(m, square_scaled_16(a ^ b) ^ product_16(a, b), f"{name}_norm_16")
    norm = inverse_16(m, norm, name)
    inverse = named(m, joined(product_16(norm, b), product_16(norm, a)), f"{name}_inverse")
    return mapped(inverse, FROM_TOWER) ^ Const(AFFINE_CONSTANT, 8)
