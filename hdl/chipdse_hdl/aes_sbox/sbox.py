"""The S-box of AES and its field, as FIPS 197 defines them."""

from __future__ import annotations


def doubled(value: int) -> int:
    """Twice an element of GF(2^8): FIPS 197, section 4.2."""
    return value << 1 ^ 0x11B * (value >> 7)


def _inverses() -> list[int]:
    """The inverse of each element of GF(2^8); of 0, which has none, 0.

    The element 3 generates all others: ``3**255 = 1``, so the inverse of ``3**i`` is
    ``3**(255 - i)``.
    """
    powers = [1]
    while len(powers) < 255:
        powers.append(doubled(powers[-1]) ^ powers[-1])
    inverses = [0] * 256
    for exponent, value in enumerate(powers):
        inverses[value] = powers[-exponent]
    return inverses


def _mapped(inverse: int) -> int:
    """SubBytes of a byte, from its inverse: the affine map of FIPS 197, equation 5.2."""
    repeated = inverse * 0x101
    result = 0x63
    for shift in (0, 4, 5, 6, 7):
        result ^= repeated >> shift & 0xFF
    return result


SBOX = tuple(map(_mapped, _inverses()))
