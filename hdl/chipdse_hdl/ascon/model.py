"""Reference of `ascon`: Ascon-AEAD128 and Ascon-Hash256; messages, work and clock cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse_hdl.ascon.parameters import AsconParameters, AsconWorkload
from chipdse_hdl.ascon.permutation import (
    AEAD_IV,
    AFTER_DATA,
    DIGEST_WORDS,
    HASH_START,
    LONG,
    SHORT,
    permute,
)
from chipdse_hdl.block import Work


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message; `text` is the ciphertext if it is to be decrypted. Hashing needs only `text`."""

    text: bytes
    associated: bytes = b""
    key: bytes = bytes(16)
    nonce: bytes = bytes(16)
    decrypt: bool = False


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
        output_block = bytes(a ^ b for a, b in zip(block, stream, strict=False))
        output += output_block
        low, high = _words(
            output_block + padded[len(output_block) :] if message.decrypt else padded
        )
        state = [state[0] ^ low, state[1] ^ high, *state[2:]]
        if number < len(blocks) - 1:
            state = permute(state, SHORT)
    state = permute([*state[:2], state[2] ^ key[0], state[3] ^ key[1], state[4]], LONG)
    tag = (state[3] ^ key[0]).to_bytes(8, "little") + (state[4] ^ key[1]).to_bytes(8, "little")
    return output, tag


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


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[n : n + 8], "little") for n in range(0, len(data), 8)]


def _blocks(data: bytes, size: int) -> list[tuple[bytes, bytes]]:
    """Blocks and the same padded; the last one is never full."""
    blocks = [data[n : n + size] for n in range(0, len(data) + 1, size)]
    return [(b, (b + b"\1" + bytes(size))[:size] if len(b) < size else b) for b in blocks]


def messages(parameters: AsconParameters, workload: AsconWorkload) -> list[Message]:
    """The messages of a workload; with `both` every second one is decrypted."""
    random = np.random.default_rng(workload.seed)
    key, size = random.bytes(16), workload.message_bytes
    workload_messages = []
    for number, start in enumerate(range(0, workload.length, size)):
        decrypt = parameters.function == "decrypt" or (
            parameters.function == "both" and number % 2 == 1
        )
        workload_messages.append(
            Message(
                text=random.bytes(min(size, workload.length - start)),
                associated=b"" if parameters.hashes else random.bytes(workload.associated_bytes),
                key=key,
                nonce=random.bytes(16),
                decrypt=decrypt,
            )
        )
    return workload_messages


def work(parameters: AsconParameters, workload: AsconWorkload) -> Work:
    """A byte of work is a byte of text; keys, nonces and associated data are overhead.

    Each share of a bit crosses the ports; random bits come from a generator beside the block.
    """
    given = messages(parameters, workload)
    if parameters.hashes:
        bits_in, bits_out = 8 * workload.length, 256 * len(given)
    else:
        bits_in = 8 * (workload.length + len(given) * (32 + workload.associated_bytes))
        bits_out = 8 * workload.length + 128 * len(given)
    return Work(
        count=workload.length,
        unit="byte",
        input_bits=parameters.shares * bits_in,
        output_bits=parameters.shares * bits_out,
    )


def random_bits(parameters: AsconParameters, workload: AsconWorkload) -> int:
    """Fresh random bits that a workload uses, `parameters.random_bits` at a time.

    Once for each round, and once to refresh the state before the first.
    """
    p = parameters
    uses = 0
    for message in messages(p, workload):
        blocks = len(message.text) // p.block_bytes
        if p.hashes:
            uses += (blocks + 1 + DIGEST_WORDS - 1) * (1 + LONG)
        else:
            blocks += len(message.associated) // 16 + 1 if message.associated else 0
            uses += 2 * (1 + LONG) + blocks * (1 + SHORT)
    return uses * p.random_bits


def cycles(parameters: AsconParameters, workload: AsconWorkload) -> int:
    """Clock cycles of a workload at full pace, to the last word of output."""
    p = parameters
    total = 0
    for message in messages(p, workload):
        blocks = len(message.text) // p.block_bytes
        if p.hashes:
            total += blocks * (1 + p.long_cycles) + 2 + DIGEST_WORDS * p.long_cycles
        else:
            if message.associated:
                blocks += len(message.associated) // 16 + 1
            total += 3 + 2 * p.long_cycles + blocks * (1 + p.short_cycles)
    return total + (not p.hashes)
