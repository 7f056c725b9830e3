"""Ascon in Python, as NIST SP 800-232 has it: the permutation, Ascon-AEAD128 and Ascon-Hash256."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WORD, LONG, SHORT = 64, 12, 8  # bits of a state word; rounds at the ends and between blocks
AEAD_IV, HASH_IV = 0x00001000808C0001, 0x0000080100CC0002
AFTER_DATA = 1 << 63  # domain separation between associated data and text, in the last word
ROTATIONS = ((19, 28), (61, 39), (1, 6), (10, 17), (7, 41))
DIGEST_WORDS = 4


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message; `text` is the ciphertext if it is to be decrypted. Hashing needs only `text`."""

    text: bytes
    associated: bytes = b""
    key: bytes = bytes(16)
    nonce: bytes = bytes(16)
    decrypt: bool = False


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


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[n : n + 8], "little") for n in range(0, len(data), 8)]


def _blocks(data: bytes, size: int) -> list[tuple[bytes, bytes]]:
    """Blocks and the same padded; the last one is never full."""
    blocks = [data[n : n + size] for n in range(0, len(data) + 1, size)]
    return [(b, (b + b"\1" + bytes(size))[:size] if len(b) < size else b) for b in blocks]


def reference_hash(message: bytes) -> bytes:
    """Ascon-Hash256: SP 800-232, section 5.1."""
    state = list(HASH_START)
    for _, padded in _blocks(message, 8):
        state[0] ^= _words(padded)[0]
        state = permute(state, LONG)
    digest = b""
    for _ in range(DIGEST_WORDS):
        digest += state[0].to_bytes(8, "little")
        state = permute(state, LONG)
    return digest


def reference_aead(message: Message) -> tuple[bytes, bytes]:
    """Ascon-AEAD128: the other text (cipher of plain, plain of cipher) and the tag; section 4.

    Whoever decrypts compares the tag with the one that came with the message.
    """
    key, output = _words(message.key), b""
    state = permute([AEAD_IV, *key, *_words(message.nonce)], LONG)
    state = [*state[:3], state[3] ^ key[0], state[4] ^ key[1]]
    if message.associated:
        for _, padded in _blocks(message.associated, 16):
            low, high = _words(padded)
            state = permute([state[0] ^ low, state[1] ^ high, *state[2:]], SHORT)
    state[4] ^= AFTER_DATA
    blocks = _blocks(message.text, 16)
    for number, (block, padded) in enumerate(blocks):
        stream = b"".join(word.to_bytes(8, "little") for word in state[:2])
        other = bytes(a ^ b for a, b in zip(block, stream, strict=False))
        output += other
        low, high = _words(other + padded[len(other) :] if message.decrypt else padded)
        state = [state[0] ^ low, state[1] ^ high, *state[2:]]
        if number < len(blocks) - 1:
            state = permute(state, SHORT)
    state = permute([*state[:2], state[2] ^ key[0], state[3] ^ key[1], state[4]], LONG)
    tag = (state[3] ^ key[0]).to_bytes(8, "little") + (state[4] ^ key[1]).to_bytes(8, "little")
    return output, tag
