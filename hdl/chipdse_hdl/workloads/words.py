"""Words as they travel between blocks: random, addresses, activations."""

from __future__ import annotations

import numpy as np

VALUES = ("uniform", "counter", "sparse", "activations")
VALUES_DOC = (
    "uniform: random bits; counter: consecutive numbers, like addresses; sparse: half the bytes "
    "zero, as behind a rectifier; activations: signed gaussian bytes, an eighth of the range wide"
)


def word_stream(values: str, count: int, bits: int, seed: int) -> list[int]:
    """`count` words of `bits` bits, of one of the kinds of VALUES."""
    random = np.random.default_rng(seed)
    mask = (1 << bits) - 1
    if values == "counter":
        return [n & mask for n in range(count)]
    shape = (count, -(-bits // 8))
    if values == "activations":
        data = random.normal(0, 256 / 8, shape).round().clip(-128, 127).astype(np.int8)
    else:
        data = random.integers(0, 256, shape, dtype=np.uint8)
    if values == "sparse":
        data[random.random(shape) < 0.5] = 0
    return [int.from_bytes(row.tobytes(), "little") & mask for row in data]
