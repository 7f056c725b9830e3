"""Reference of `fifo`, cycle by cycle; words, pace, useful work and clock cycles of a workload."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.fifo.parameters import FifoParameters, FifoWorkload
from chipdse_hdl.workloads.words import word_stream


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A queue's ports, a row per cycle. `r_data` is None where there is nothing to read."""

    w_data: list[int]
    w_valid: list[int]
    r_ready: list[int]
    w_ready: list[int]
    r_valid: list[int]
    r_data: list[int | None]


def reference(
    parameters: FifoParameters, words: list[int], gaps: list[int], ready: list[bool]
) -> Traffic:
    """What happens in each cycle until the last word is taken.

    The producer waits `gaps[n]` cycles, then offers word n until it is accepted; the consumer is
    ready in the cycles that `ready` says, over and over.
    """
    seen = Traffic(w_data=[], w_valid=[], r_ready=[], w_ready=[], r_valid=[], r_data=[])
    stored: deque[int] = deque()
    fetched: deque[int] = deque()  # the output register: none or one; without prefetch: `stored`
    source = fetched if parameters.organisation == "prefetch" else stored
    sent = taken = cycle = 0
    wait = gaps[0]
    while taken < len(words):
        offers = sent < len(words) and wait == 0
        accepts = len(stored) < parameters.memory_words
        wants = ready[cycle % len(ready)]
        seen.w_data.append(words[min(sent, len(words) - 1)])
        seen.w_valid.append(int(offers))
        seen.w_ready.append(int(accepts))
        seen.r_ready.append(int(wants))
        seen.r_valid.append(int(bool(source)))
        seen.r_data.append(source[0] if source else None)
        if source and wants:
            source.popleft()
            taken += 1
        if source is fetched and not fetched and stored:
            fetched.append(stored.popleft())
        if offers and accepts:
            stored.append(words[sent])
            sent += 1
            wait = gaps[sent] if sent < len(words) else 0
        elif wait:
            wait -= 1
        cycle += 1
    return seen


def words(parameters: FifoParameters, workload: FifoWorkload) -> list[int]:
    """The words of a workload."""
    return word_stream(workload.values, workload.length, parameters.width, workload.seed)


def pace(workload: FifoWorkload) -> tuple[list[int], list[bool]]:
    """Cycles the producer waits before each word, and whether the consumer is ready, by cycle.

    Bursts and the gaps between them are of random (geometric) length; the consumer's pattern
    starts over after some thousand cycles.
    """
    random = np.random.default_rng([workload.seed, 1])
    gaps = np.zeros(workload.length, int)
    starts = random.random(workload.length) < 1 / workload.burst
    mean_gap = workload.burst * (1 / workload.load - 1)  # after a burst, so that `load` results
    gaps[starts] = random.geometric(1 / (1 + mean_gap), starts.sum()) - 1
    ready = random.random(4099) < workload.service
    ready[0] = True
    return gaps.tolist(), ready.tolist()


def work(parameters: FifoParameters, workload: FifoWorkload) -> Work:
    """One word is written and read once."""
    bits = workload.length * parameters.width
    return Work(count=workload.length, unit="word", input_bits=bits, output_bits=bits)


def cycles(parameters: FifoParameters, workload: FifoWorkload) -> int:
    """Clock cycles of a workload, on average: the slower side sets the pace."""
    rate = min(workload.load, workload.service)
    return round(workload.length / rate) + parameters.latency_cycles
