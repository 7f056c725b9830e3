"""Reference of `aes_sbox`: a round of AES as FIPS 197 defines it; words, work and clock cycles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chipdse_hdl.aes_sbox.parameters import AesSboxParameters, AesSboxWorkload
from chipdse_hdl.aes_sbox.sbox import SBOX, doubled
from chipdse_hdl.block import Work


def sub_bytes(state: Sequence[int]) -> list[int]:
    """SubBytes: FIPS 197, section 5.1.1."""
    return [SBOX[value] for value in state]


def shift_rows(state: Sequence[int]) -> list[int]:
    """ShiftRows, of byte ``row + 4 column``: FIPS 197, section 5.1.2."""
    return [state[(n + 4 * (n % 4)) % 16] for n in range(16)]


def mix_columns(state: Sequence[int]) -> list[int]:
    """MixColumns: FIPS 197, section 5.1.3."""
    result = []
    for start in range(0, 16, 4):
        column = state[start : start + 4]
        for n in range(4):
            a, b, c, d = (column[(n + k) % 4] for k in range(4))
            result.append(doubled(a) ^ doubled(b) ^ b ^ c ^ d)
    return result


def reference(parameters: AesSboxParameters, text: int, key: int) -> int:
    """What the hardware must output for a word; the first byte of each is in the low bits."""
    state = sub_bytes((text ^ key).to_bytes(parameters.bytes, "little"))
    if parameters.unit == "round":
        state = mix_columns(shift_rows(state))
    return int.from_bytes(bytes(state), "little")


def words(parameters: AesSboxParameters, workload: AesSboxWorkload) -> tuple[list[int], int]:
    """The words of a workload, and its key."""
    random = np.random.default_rng(workload.seed)
    size = parameters.bytes
    key = int.from_bytes(random.bytes(size), "little")
    data = random.bytes(size * workload.length)
    starts = range(0, len(data), size)
    return [int.from_bytes(data[n : n + size], "little") for n in starts], key


def work(parameters: AesSboxParameters, workload: AesSboxWorkload) -> Work:
    """One operation is the substitution of one byte, in a round with what follows it.

    Each share of a bit crosses the ports; random bits come from a generator beside the block.
    """
    count = workload.length * parameters.bytes
    bits = 8 * count * parameters.shares
    return Work(count=count, unit="byte", input_bits=2 * bits, output_bits=bits)


def cycles(parameters: AesSboxParameters, workload: AesSboxWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    return workload.length + parameters.latency_cycles
