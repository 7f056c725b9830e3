"""Modulus and transform of ML-KEM (FIPS 203) and ML-DSA (FIPS 204)."""

from __future__ import annotations

from dataclasses import dataclass

N, ADDRESS_BITS = 256, 8


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A modulus and its transform.

    modulus : q = factor * 2**digit_bits + 1
    root : zeta, of order 256 (ML-KEM, which leaves pairs) or 512 (ML-DSA)
    last_bit : butterflies pair addresses that differ in bits 7 down to this one
    scale : of the inverse transform, the number of coefficients mixed, inverted
    """

    modulus: int
    factor: int
    digit_bits: int
    root: int
    last_bit: int
    scale: int

    @property
    def bits(self) -> int:
        """Width of a coefficient."""
        return self.modulus.bit_length()

    @property
    def layers(self) -> int:
        """Layers of 128 butterflies."""
        return ADDRESS_BITS - self.last_bit

    @property
    def zetas(self) -> list[int]:
        """Powers of the root in bit-reversed order: FIPS 203 and 204, appendices A and B."""
        size = self.layers
        return [
            pow(self.root, int(f"{i:0{size}b}"[::-1], 2), self.modulus) for i in range(1 << size)
        ]


SCHEMES = {
    "ml_kem": Scheme(modulus=3329, factor=13, digit_bits=8, root=17, last_bit=1, scale=3303),
    "ml_dsa": Scheme(
        modulus=8380417, factor=1023, digit_bits=13, root=1753, last_bit=0, scale=8347681
    ),
}
