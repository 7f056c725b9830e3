"""cocotb bench of `keccak`: every digest, and when words are accepted and given out.

First messages of every awkward length (empty, a byte more or less than words and blocks), with
pauses on both sides, junk where nothing counts, and a reset at work; then the workload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.shares import Shared
from chipdse_hdl.bench.testbench import compared, play_runs, records
from chipdse_hdl.keccak.model import messages, output_bytes, reference
from chipdse_hdl.keccak.parameters import MODES, KeccakParameters, KeccakWorkload

Traffic = tuple[dict[str, list[int]], dict[str, list[Any]]]
WATCH = ["in_ready", "out_valid", "out_data"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Messages, bytes of digest wanted of each, and the pace of both sides.

    gaps : cycles before each input word, over and over
    ready : whether the consumer takes a word, by cycle, over and over
    """

    messages: Sequence[bytes]
    digest_bytes: Sequence[int]
    gaps: Sequence[int] = (0,)
    ready: Sequence[bool] = (True,)


def hard_case(p: KeccakParameters) -> Case:
    """Messages around the limits of words and blocks; SHAKE with more than a block of output."""
    random = np.random.default_rng(p.rounds_per_cycle)
    rate, limit, _ = MODES[p.mode]
    word = p.bus_bits // 8
    sizes = [0, rate - 1, rate, word, rate - word, 2 * rate - word - 1, *range(1, word)]
    wanted = [limit or 1 + size % (2 * rate + 1) for size in sizes]
    return Case(
        messages=[random.bytes(size) for size in sizes],
        digest_bytes=wanted,
        gaps=random.integers(0, 3, 101).tolist(),
        ready=[True, *(random.random(97) < 0.6).tolist()],
    )


def input_words(p: KeccakParameters, message: bytes) -> list[tuple[int, int, int]]:
    """(data, bytes, last) of each word; the last one is never full."""
    size = p.bus_bits // 8
    count = len(message) // size
    words = [
        int.from_bytes(message[n * size : n * size + size], "little") for n in range(count + 1)
    ]
    return [(word, 0, 0) for word in words[:-1]] + [(words[-1], len(message) % size, 1)]


def traffic(p: KeccakParameters, case: Case) -> Traffic:
    """Input words and expected outputs (None: anything) of each cycle until the last digest."""
    incoming = [word for message in case.messages for word in input_words(p, message)]
    size = p.bus_bits // 8
    outgoing = []
    for message, count in zip(case.messages, case.digest_bytes, strict=True):
        digest = reference(p.mode, message, -(-count // size) * size)
        words = [digest[n : n + size] for n in range(0, len(digest), size)]
        outgoing.append([int.from_bytes(word, "little") for word in words])

    inputs: dict[str, list[int]] = {
        name: [] for name in ("in_data", "in_bytes", "in_last", "in_valid", "out_ready", "out_last")
    }
    expected: dict[str, list[Any]] = {name: [] for name in WATCH}
    phase, steps, ending = "absorb", 0, False
    sent = place = digests = out_words = cycle = 0
    buffered = buffer_ends = False
    wait = case.gaps[0]
    while digests < len(outgoing):
        offers = sent < len(incoming) and wait == 0
        accepts = not buffered if p.input_buffer else phase == "absorb"
        takes = bool(case.ready[cycle % len(case.ready)])
        digest = outgoing[digests]
        wanted = phase == "squeeze" and out_words == len(digest) - 1
        data, count, last = incoming[min(sent, len(incoming) - 1)]
        row = (data, count, last, offers, takes, wanted or (phase != "squeeze" and cycle % 2))
        for words, value in zip(inputs.values(), row, strict=True):
            words.append(int(value))
        given = digest[out_words] if phase == "squeeze" else None
        for column, value in zip(
            expected.values(), (accepts, given is not None, given), strict=True
        ):
            column.append(value)

        # What the edge at the end of this cycle does.
        complete = False
        if offers and accepts:
            sent += 1
            wait = case.gaps[sent % len(case.gaps)]
            complete = last or place == p.rate_words - 1
            place = 0 if complete else place + 1
        elif wait:
            wait -= 1
        if phase == "absorb" and (buffered if p.input_buffer else complete):
            ending = buffer_ends if p.input_buffer else bool(last)
            phase, steps, buffered = "permute", p.permutation_cycles, False
        elif phase == "permute":
            steps -= 1
            if steps == 0:
                phase = "squeeze" if ending else "absorb"
        elif phase == "squeeze" and takes:
            out_words += 1
            if wanted:
                phase, digests, out_words = "absorb", digests + 1, 0
            elif out_words % p.rate_words == 0:
                phase, steps = "permute", p.permutation_cycles
        if complete and p.input_buffer:
            buffered, buffer_ends = True, bool(last)
        cycle += 1
    return inputs, expected


def in_shares(p: KeccakParameters) -> Shared:
    """Which ports are in shares."""
    return Shared(
        shares=p.shares,
        inputs={"in_data": p.bus_bits},
        outputs=("out_data",),
        random_bits=p.random_bits,
    )


def workload_case(p: KeccakParameters, workload: KeccakWorkload) -> Case:
    """The workload, at full pace."""
    given = messages(workload)
    return Case(messages=given, digest_bytes=[output_bytes(p, workload)] * len(given))


@cocotb.test()
async def digests_match(dut: Any) -> None:
    p, workload = records(KeccakParameters, KeccakWorkload)
    hard = traffic(p, hard_case(p))
    job = traffic(p, workload_case(p, workload))
    # Reset at work: while the permutation runs, and while a digest leaves.
    ready, valid = hard[1]["in_ready"], hard[1]["out_valid"]
    cuts = [valid.index(True) - 1, valid.index(True) + 2, ready.index(False, valid.index(True)) + 1]
    runs = [*(compared(*hard, cut) for cut in (*cuts, None)), compared(*job)]
    shared = in_shares(p)
    runs = [shared.run(run, seed) for seed, run in enumerate(runs)]
    await play_runs(dut, runs, shared.watch(WATCH))
