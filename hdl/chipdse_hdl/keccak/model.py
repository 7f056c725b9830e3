"""Reference of `keccak`: SHA3 and SHAKE; messages, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.keccak.parameters import MODES, KeccakParameters, KeccakWorkload
from chipdse_hdl.keccak.permutation import ROUNDS, permute


def reference(mode: str, message: bytes, output_bytes: int) -> bytes:
    """The digest: FIPS 202, sections 4 and 6, for messages of whole bytes."""
    rate, _, suffix = MODES[mode]
    padded = bytearray(message + bytes([suffix]))
    padded += bytes(-len(padded) % rate)
    padded[-1] ^= 0x80
    state = [0] * 25
    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            state[lane] ^= int.from_bytes(padded[start + 8 * lane :][:8], "little")
        state = permute(state)
    output = b""
    while True:
        output += b"".join(lane.to_bytes(8, "little") for lane in state)[:rate]
        if len(output) >= output_bytes:
            return output[:output_bytes]
        state = permute(state)


def messages(workload: KeccakWorkload) -> list[bytes]:
    """The messages of a workload."""
    data = np.random.default_rng(workload.seed).bytes(workload.length)
    size = workload.message_bytes
    return [data[start : start + size] for start in range(0, workload.length, size)]


def output_bytes(parameters: KeccakParameters, workload: KeccakWorkload) -> int:
    """Bytes of one digest."""
    return MODES[parameters.mode][1] or workload.output_bytes


def work(parameters: KeccakParameters, workload: KeccakWorkload) -> Work:
    """A byte of work is a byte of message absorbed or of digest given out.

    Each share of a bit crosses the ports; random bits come from a generator beside the block.
    """
    output = len(messages(workload)) * output_bytes(parameters, workload)
    return Work(
        count=workload.length + output,
        unit="byte",
        input_bits=8 * parameters.shares * workload.length,
        output_bits=8 * parameters.shares * output,
    )


def random_bits(parameters: KeccakParameters, workload: KeccakWorkload) -> int:
    """Fresh random bits that a workload uses: `parameters.random_bits` in each round."""
    p = parameters
    later = -(-output_bytes(p, workload) * 8 // p.bus_bits) - 1
    blocks = [len(message) * 8 // p.bus_bits // p.rate_words for message in messages(workload)]
    permutations = sum(1 + count + later // p.rate_words for count in blocks)
    return permutations * ROUNDS * p.random_bits


def cycles(parameters: KeccakParameters, workload: KeccakWorkload) -> int:
    """Clock cycles of a workload at full pace; with an input buffer no more than these."""
    p = parameters
    output_words = -(-output_bytes(p, workload) * 8 // p.bus_bits)
    after = (output_words - 1) // p.rate_words * p.permutation_cycles + output_words
    total = 0
    for message in messages(workload):
        blocks, rest = divmod(len(message) * 8 // p.bus_bits, p.rate_words)
        if p.input_buffer:  # the first block is not overlapped with anything before it
            total += p.rate_words + blocks * p.block_cycles + 1 + p.permutation_cycles + after
        else:
            total += blocks * p.block_cycles + rest + 1 + p.permutation_cycles + after
    return total
