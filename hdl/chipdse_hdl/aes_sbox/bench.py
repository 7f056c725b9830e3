"""cocotb bench of `aes_sbox`: every result, and when it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.aes_sbox.model import reference, words
from chipdse_hdl.aes_sbox.parameters import AesSboxParameters, AesSboxWorkload
from chipdse_hdl.bench.pipelines import Case, Stream, stream_runs
from chipdse_hdl.bench.shares import Shared, random_words
from chipdse_hdl.bench.testbench import play_runs, records


def stream(p: AesSboxParameters) -> Stream:
    """The timing of this block."""
    return Stream(latency_cycles=p.latency_cycles, out_valid="out_valid", outputs=("out",))


def in_shares(p: AesSboxParameters) -> Shared:
    """Which ports are in shares."""
    bits = 8 * p.bytes
    return Shared(
        shares=p.shares,
        inputs={"text": bits, "key": bits},
        outputs=("out",),
        random_bits=p.random_bits,
    )


def hard_cases(p: AesSboxParameters) -> list[Case]:
    """Every byte in some place, and each bit of the key alone; at full pace and with pauses."""
    random = np.random.default_rng(p.bytes)
    bits, ones = 8 * p.bytes, 2 ** (8 * p.bytes) - 1
    step = sum(n << 8 * n for n in range(p.bytes))
    repeated = ones // 255
    text = [(value * repeated + step) & ones for value in range(0, 256, p.bytes)]
    text += [0, *[ones] * bits]
    key = [*random_words(random, bits, len(text) - bits), *(1 << n for n in range(bits))]
    text[: -bits - 1] = [word ^ k for word, k in zip(text[: -bits - 1], key, strict=False)]
    pauses = random.random(len(text)) < 0.5
    return [_case(p, text, key, np.ones(len(text), bool)), _case(p, text, key, pauses)]


def _case(p: AesSboxParameters, text: Sequence[int], key: Sequence[int], valid: np.ndarray) -> Case:
    rows = zip(text, key, valid, strict=True)
    results = [reference(p, word, k) for word, k, counts in rows if counts]
    return Case(words={"text": text, "key": key}, valid=valid, expected={"out": results})


@cocotb.test()
async def results_match(dut: Any) -> None:
    p, workload = records(AesSboxParameters, AesSboxWorkload)
    text, key = words(p, workload)
    job = _case(p, text, [key] * len(text), np.ones(len(text), bool))
    shared, timing = in_shares(p), stream(p)
    runs = stream_runs(timing, hard_cases(p), job)
    runs = [shared.run(run, seed) for seed, run in enumerate(runs)]
    await play_runs(dut, runs, shared.watch(timing.watch))
