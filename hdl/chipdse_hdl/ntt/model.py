"""The number-theoretic transforms of FIPS 203 and 204 in Python, as the standards write them."""

from __future__ import annotations

from collections.abc import Sequence
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


def reference(scheme: Scheme, coefficients: Sequence[int], inverse: bool) -> list[int]:
    """The transform: FIPS 203, algorithms 9 and 10; FIPS 204, algorithms 41 and 42."""
    f, q, zetas = list(coefficients), scheme.modulus, scheme.zetas
    lengths = [1 << bit for bit in range(scheme.last_bit, ADDRESS_BITS)]
    if not inverse:
        i = 1
        for length in reversed(lengths):
            for start in range(0, N, 2 * length):
                for j in range(start, start + length):
                    t = zetas[i] * f[j + length] % q
                    f[j], f[j + length] = (f[j] + t) % q, (f[j] - t) % q
                i += 1
        return f
    i = len(zetas) - 1
    for length in lengths:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % q, zetas[i] * (f[j + length] - t) % q
            i -= 1
    return [value * scheme.scale % q for value in f]
