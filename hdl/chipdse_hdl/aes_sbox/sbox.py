"""The S-box of AES and its field, as FIPS 197 defines them."""

from __future__ import annotations


def doubled(value: int) -> int:
    """Twice an element of GF(2^8): FIPS 197, section 4.2."""
    return value << 1 ^ 0x11B * (value >> 7)


def _product(a: int, b: int) -> int:
    """The product of two elements of GF(2^8)."""
    result = 0
    for bit in range(8):
        result ^= a * (b >> bit & 1)
        a = doubled(a)
    return result


def _substituted(value: int) -> int:
    """SubBytes of a byte: the inverse, then the affine map of FIPS 197, equation 5.2."""
    inverse = next((x for x in range(256) if _product(value, x) == 1), 0)
    repeated = inverse * 0x101
    result = 0x63
    for shift in (0, 4, 5, 6, 7):
        result ^= repeated >> shift & 0xFF
    return result


SBOX = tuple(_substituted(value) for value in range(256))
