"""Ascon's permutation and its constants, as in NIST SP 800-232."""

from __future__ import annotations

from collections.abc import Sequence

WORD, LONG, SHORT = 64, 12, 8  # bits of a state word; rounds at the ends and between blocks
AEAD_IV, HASH_IV = 0x00001000808C0001, 0x0000080100CC0002
AFTER_DATA = 1 << 63  # domain separation between associated data and text, in the last word
ROTATIONS = ((19, 28), (61, 39), (1, 6), (10, 17), (7, 41))
DIGEST_WORDS = 4


def round_constant(number: int) -> int:
    """The constant of round 0 to 11 of 12; the permutation of 8 starts with round 4."""
    return (0xF - number) << 4 | number


def permute(state: Sequence[int], rounds: int) -> list[int]:
    """Ascon-p: SP 800-232, section 3."""
    x0, x1, x2, x3, x4 = state
    for number in range(LONG - rounds, LONG):
        x2 ^= round_constant(number)
        x0, x2, x4 = x0 ^ x4, x2 ^ x1, x4 ^ x3
        a = (x0, x1, x2, x3, x4)
        x0, x1, x2, x3, x4 = (a[i] ^ (~a[(i + 1) % 5] & a[(i + 2) % 5]) for i in range(5))
        x1, x3, x0, x2 = x1 ^ x0, x3 ^ x2, x0 ^ x4, x2 ^ (2**WORD - 1)
        x0, x1, x2, x3, x4 = (
            word ^ _rotated(word, left) ^ _rotated(word, right)
            for word, (left, right) in zip((x0, x1, x2, x3, x4), ROTATIONS, strict=True)
        )
    return [x0, x1, x2, x3, x4]


def _rotated(word: int, by: int) -> int:
    return (word >> by | word << (WORD - by)) & (2**WORD - 1)


HASH_START = tuple(permute([HASH_IV, 0, 0, 0, 0], LONG))
