"""cocotb bench of `ascon`: every word of output, and when it comes.

First messages of every awkward length, with pauses, junk where nothing counts, and a reset at
work; then the workload at full pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.ascon.model import Message, messages, reference_aead, reference_hash
from chipdse_hdl.ascon.parameters import AsconParameters, AsconWorkload
from chipdse_hdl.ascon.permutation import DIGEST_WORDS
from chipdse_hdl.bench.shares import Shared
from chipdse_hdl.bench.testbench import compared, play_runs, records

WATCH = ["in_ready", "out_valid", "out_data"]
Traffic = tuple[dict[str, list[int]], dict[str, list[Any]]]
Row = tuple[dict[str, int], int, list[tuple[int, int]]]  # ports, cycles busy, (cycles later, word)


def hard_messages(p: AsconParameters) -> list[Message]:
    """Text and associated data around the ends of blocks; decrypted ones too, if possible."""
    random = np.random.default_rng(p.rounds_per_cycle)
    size = p.block_bytes
    # Every number of bytes a last word can have; none, one and two whole words before it.
    lengths = [0, size, *range(1, size), 2 * size + 1]
    associated = [*range(size), 2 * size, size]
    return [
        Message(
            text=random.bytes(text),
            associated=b"" if p.hashes else random.bytes(data),
            key=random.bytes(16),
            nonce=random.bytes(16),
            decrypt=p.function == "decrypt" or (p.function == "both" and n % 3 != 1),
        )
        for n, (text, data) in enumerate(zip(lengths, associated, strict=True))
    ]


def rows(p: AsconParameters, message: Message) -> list[Row]:
    """The input words of a message and what follows each."""
    size = p.block_bytes

    def word(data: bytes, last: bool, counted: int = 0) -> dict[str, int]:
        # Bytes that do not count are ones: they must not matter.
        filled = data + b"\xff" * (size - len(data))
        return {
            "in_data": int.from_bytes(filled, "little"),
            "in_last": int(last),
            "in_bytes": counted if last else size - 1,
            "decrypt": int(message.decrypt),
        }

    def stream(data: bytes) -> list[dict[str, int]]:
        full_words = len(data) // size
        words = [word(data[n * size : n * size + size], False) for n in range(full_words)]
        return [*words, word(data[full_words * size :], True, len(data) % size)]

    def numbers(data: bytes) -> list[int]:
        parts = [data[n : n + size] for n in range(0, len(data) + size, size)]
        return [int.from_bytes(part, "little") for part in parts]

    if p.hashes:
        text = stream(message.text)
        digest = numbers(reference_hash(message.text))[:DIGEST_WORDS]
        gives = [(1 + (n + 1) * p.long_cycles, value) for n, value in enumerate(digest)]
        return [(ports, p.long_cycles, []) for ports in text[:-1]] + [
            (text[-1], 1 + DIGEST_WORDS * p.long_cycles, gives)
        ]
    output, tag = reference_aead(message)
    message_rows: list[Row] = [(word(message.key, False), 0, [])]
    message_rows.append((word(message.nonce, not message.associated), p.long_cycles, []))
    if message.associated:
        message_rows += [(ports, p.short_cycles, []) for ports in stream(message.associated)]
    text = stream(message.text)
    answers = numbers(output)
    message_rows += [
        (ports, p.short_cycles, [(1, answer)])
        for ports, answer in zip(text[:-1], answers, strict=False)
    ]
    tagged = 1 + p.long_cycles, int.from_bytes(tag, "little")
    message_rows.append((text[-1], p.long_cycles, [(1, answers[len(text) - 1]), tagged]))
    return message_rows


def traffic(p: AsconParameters, given: Sequence[Message], gaps: Sequence[int] = (0,)) -> Traffic:
    """Input words and expected outputs (None: anything) by cycle, until the last output.

    The sender waits `gaps[n]` cycles before word n, over and over, once it would be accepted.
    """
    flat = [row for message in given for row in rows(p, message)]
    accepted, ready, outputs, free = [], [], {}, 0
    for n, (_, busy, gives) in enumerate(flat):
        cycle = free + gaps[n % len(gaps)]
        accepted.append(cycle)
        ready += [True] * (cycle + 1 - free) + [False] * busy
        outputs |= {cycle + later: value for later, value in gives}
        free = cycle + 1 + busy
    length = max(outputs) + 1
    ready += [True] * (length - len(ready))
    names = ["in_data", "in_last", "in_bytes", *(["decrypt"] if p.function == "both" else [])]
    inputs: dict[str, list[int]] = {name: [] for name in names}
    inputs["in_valid"] = [0] * length
    start = 0
    for (ports, _, _), cycle in zip(flat, accepted, strict=True):
        # The word waits at the port until it is accepted, the last one longer.
        end = cycle + 1 if cycle != accepted[-1] else length
        for name in names:
            inputs[name] += [ports[name]] * (end - start)
        inputs["in_valid"][cycle] = 1
        start = end
    # While nothing is accepted `in_valid` must not matter.
    inputs["in_valid"] = [
        int(valid or not free) for valid, free in zip(inputs["in_valid"], ready, strict=True)
    ]
    valid = [int(cycle in outputs) for cycle in range(length)]
    data = [outputs.get(cycle) for cycle in range(length)]
    return inputs, {"in_ready": ready[:length], "out_valid": valid, "out_data": data}


def phases(p: AsconParameters, given: Sequence[Message]) -> dict[int, str]:
    """What enters and is processed, by the cycle of its first word, at full pace."""
    marks, free, before = {}, 0, ""
    for message in given:
        words = len(message.text) // p.block_bytes + 1
        names = ["text"] * words
        if not p.hashes:
            data = len(message.associated) // p.block_bytes + 1 if message.associated else 0
            associated = ["associated data"] * data
            names = [*["key and nonce"] * 2, *associated, *["text"] * (words - 1), "text and tag"]
        for name, (_, busy, _) in zip(names, rows(p, message), strict=True):
            if name != before:
                marks[free] = before = name
            free += 1 + busy
    return marks


def in_shares(p: AsconParameters) -> Shared:
    """Which ports are in shares."""
    return Shared(
        shares=p.shares,
        inputs={"in_data": 8 * p.block_bytes},
        outputs=("out_data",),
        random_bits=p.random_bits,
    )


@cocotb.test()
async def outputs_match(dut: Any) -> None:
    p, workload = records(AsconParameters, AsconWorkload)
    hard = traffic(p, hard_messages(p), gaps=(0, 2, 1, 0, 0))
    jobs = messages(p, workload)
    job = traffic(p, jobs)
    # Reset at work: at the end of a permutation, and just when an output comes.
    first_output = hard[1]["out_valid"].index(1)
    first_busy = hard[1]["in_ready"].index(False)
    cuts = first_busy + p.long_cycles - 1, first_output, first_output + 2
    workload_run = compared(*job, phases=phases(p, jobs))
    runs = [*(compared(*hard, cut) for cut in (*cuts, None)), workload_run]
    shared = in_shares(p)
    runs = [shared.run(run, seed) for seed, run in enumerate(runs)]
    await play_runs(dut, runs, shared.watch(WATCH))
