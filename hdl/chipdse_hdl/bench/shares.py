"""Benches of masked blocks: every word enters in random shares, and outputs are recombined.

The traffic of such a block is that of its plain values; what is masked about it is added here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipdse_hdl.bench.testbench import Run
from chipdse_hdl.shares import RANDOM, share_name, share_names


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Which ports of a block are in shares.

    shares : of each value; with 1 nothing is masked
    inputs : width of each such input
    outputs : names of such outputs
    random_bits : width of the port of random bits
    """

    shares: int
    inputs: Mapping[str, int]
    outputs: Sequence[str]
    random_bits: int

    def watch(self, names: Sequence[str]) -> list[str]:
        """The ports to watch for these outputs."""
        return [
            port
            for name in names
            for port in (share_names(name, self.shares) if name in self.outputs else [name])
        ]

    def run(self, run: Run, seed: int) -> Run:
        """The run with its words in shares and with random bits; its check sees plain words."""
        if self.shares == 1:
            return run
        random = np.random.default_rng(seed)
        cycles = len(next(iter(run.stimulus.values())))
        stimulus = {RANDOM: random_words(random, self.random_bits, cycles)}
        for name, words in run.stimulus.items():
            if name not in self.inputs:
                stimulus[name] = list(words)
                continue
            masks = random_words(random, self.inputs[name], cycles)
            pairs = zip(words, masks, strict=True)
            stimulus[share_name(name, 0, 2)] = [int(word) ^ mask for word, mask in pairs]
            stimulus[share_name(name, 1, 2)] = masks
        check = run.check

        def recombined(seen: dict[str, list[int]]) -> None:
            assert check is not None
            check(self.recombined(seen))

        return dataclasses.replace(
            run, stimulus=stimulus, check=None if check is None else recombined
        )

    def recombined(self, seen: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
        """What watched ports were, with outputs in shares XORed."""
        if self.shares == 1:
            return {name: list(words) for name, words in seen.items()}
        parts = {share for name in self.outputs for share in share_names(name, 2)}
        plain = {name: list(words) for name, words in seen.items() if name not in parts}
        for name in self.outputs:
            pairs = zip(*(seen[share] for share in share_names(name, 2)), strict=True)
            plain[name] = [first ^ second for first, second in pairs]
        return plain


def random_words(random: np.random.Generator, bits: int, count: int) -> list[int]:
    """Uniform words of any width."""
    size = -(-bits // 8)
    data = random.bytes(size * count)
    cut = 8 * size - bits
    return [
        int.from_bytes(data[start : start + size], "little") >> cut
        for start in range(0, size * count, size)
    ]
