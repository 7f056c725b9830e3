"""The Keccak permutation and its constants, as in FIPS 202."""

from __future__ import annotations

ROUNDS, LANE = 24, 64


def permute(state: list[int]) -> list[int]:
    """Keccak-p[1600, 24] on 25 lanes, lane x + 5 y: FIPS 202, section 3."""
    a = list(state)
    for constant in ROUND_CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[(x - 1) % 5] ^ _rotated(c[(x + 1) % 5], 1) for x in range(5)]
        b = [0] * 25
        for x in range(5):
            for y in range(5):
                moved = _rotated(a[x + 5 * y] ^ d[x], ROTATIONS[x + 5 * y])
                b[y + 5 * ((2 * x + 3 * y) % 5)] = moved
        a = [
            b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y])
            for y in range(0, 25, 5)
            for x in range(5)
        ]
        a[0] ^= constant
    return a


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (LANE - by)) & (2**LANE - 1)


def round_constant(number: int) -> int:
    """Iota's constant of a round: FIPS 202, algorithms 5 and 6."""
    constant = 0
    for j in range(7):
        register = 1
        for _ in range((j + 7 * number) % 255):
            register <<= 1
            register ^= 0x171 * (register >> 8)
        constant |= (register & 1) << (2**j - 1)
    return constant


ROUND_CONSTANTS = tuple(round_constant(number) for number in range(ROUNDS))


def rotations() -> list[int]:
    """Rho's offsets, by lane x + 5 y: FIPS 202, algorithm 2."""
    offsets = [0] * 25
    x, y = 1, 0
    for t in range(24):
        offsets[x + 5 * y] = (t + 1) * (t + 2) // 2 % LANE
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


ROTATIONS = tuple(rotations())
