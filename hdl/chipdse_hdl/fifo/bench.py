"""cocotb bench of `fifo`: every port in every cycle.

First the queue is filled to the brim and emptied, several times over so that pointers go round,
with junk at its input whenever nothing is offered, and reset while full; then the workload.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import Run, compared, play_runs, records
from chipdse_hdl.fifo.model import Traffic, pace, reference, words
from chipdse_hdl.fifo.parameters import FifoParameters, FifoWorkload

WATCH = ["w_ready", "r_valid", "r_data"]
Case = tuple[list[int], list[int], list[bool]]


def hard_cases(p: FifoParameters) -> list[Case]:
    """Words, gaps and readiness that are hard to get right.

    Fill it while nobody reads, drain it; then in lockstep; then at random. Words are numbers
    that differ and their complements, so that every bit is seen as 0 and as 1.
    """
    random = np.random.default_rng(p.depth)
    count = 2 * p.depth + 3
    mask = (1 << p.width) - 1
    data = [int.from_bytes(random.bytes(-(-p.width // 8)), "little") & mask for _ in range(count)]
    data = [word ^ (mask * (n % 2)) for n, word in enumerate(data)]
    brim = [False] * (p.depth + 2) + [True] * (p.depth + 2)
    random_pace = (random.random(97) < 0.5).tolist()
    random_pace[0] = True
    return [
        (data, [0] * count, brim),
        (data, [0] * count, [True]),
        (data, random.integers(0, 3, count).tolist(), random_pace),
    ]


def stimulus(p: FifoParameters, traffic: Traffic, junk: bool) -> dict[str, list[int]]:
    """Input words; with `junk` the complement of the next word stands there until it is valid."""
    mask = (1 << p.width) - 1
    data = traffic.w_data
    if junk:
        pairs = zip(data, traffic.w_valid, strict=True)
        data = [word if valid else word ^ mask for word, valid in pairs]
    return {"w_data": data, "w_valid": traffic.w_valid, "r_ready": traffic.r_ready}


def outputs(traffic: Traffic) -> dict[str, list[int | None]]:
    """What the outputs must be."""
    return {name: getattr(traffic, name) for name in WATCH}


def run(p: FifoParameters, case: Case, *, junk: bool, cut: int | None = None) -> Run:
    """Play it, whole or until a reset at work."""
    traffic = reference(p, *case)
    return compared(stimulus(p, traffic, junk), outputs(traffic), cut)


@cocotb.test()
async def words_come_out_in_order(dut: Any) -> None:
    p, workload = records(FifoParameters, FifoWorkload)
    hard = hard_cases(p)
    # Reset when full: nothing of it may be left.
    runs = [run(p, hard[0], junk=True, cut=p.depth + 1)]
    runs += [run(p, case, junk=True) for case in hard]
    job = words(p, workload), *pace(workload)
    await play_runs(dut, [*runs, run(p, job, junk=False)], WATCH)
