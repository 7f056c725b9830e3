"""cocotb bench of `ntt`: every coefficient of every transform, and when it comes.

First hard polynomials (all coefficients the largest, only extremes, random), with pauses, and
resets in each phase; then the workload at full pace.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import Run, pack, play_runs, records, unpack
from chipdse_hdl.ntt.model import Job, jobs, reference
from chipdse_hdl.ntt.parameters import NttParameters, NttWorkload
from chipdse_hdl.ntt.schemes import N

Traffic = tuple[dict[str, list[int]], dict[str, np.ndarray]]
WATCH = ["in_ready", "out_valid", "out_data"]


def hard_jobs(p: NttParameters) -> list[Job]:
    """Transforms that are hard to get right."""
    random = np.random.default_rng(p.butterflies)
    q = p.ring.modulus
    ends = random.choice([0, 1, (q - 1) // 2, q - 1], N)
    rows = [np.full(N, q - 1), ends, random.integers(0, q, N)]
    transforms = [(row.tolist(), False) for row in rows]
    if p.inverse:
        transforms += [(row.tolist(), True) for row in rows]
    return transforms


def traffic(p: NttParameters, given: Sequence[Job], gaps: Sequence[int] = (0,)) -> Traffic:
    """Input words and expected outputs by cycle, until the last coefficient has left.

    `gaps[n]` cycles pass before word n, over and over.
    """
    size = 2 * p.butterflies
    wait = p.ring.layers * p.layer_cycles
    pauses = np.resize(gaps, (len(given), p.groups))
    # Each word after the one before it and its own pause; between polynomials the whole transform.
    steps = 1 + pauses
    steps[1:, 0] += wait + p.groups
    steps[0, 0] -= 1
    accepted = np.cumsum(steps).reshape(len(given), p.groups)
    first_out = accepted[:, -1] + 2 + wait
    length = int(first_out[-1]) + p.groups

    cycle = np.arange(length)
    word = np.searchsorted(accepted.ravel(), cycle).clip(max=accepted.size - 1)
    coefficients = np.array([row for row, _ in given]).reshape(-1, size)
    inverse = np.repeat([int(inverse) for _, inverse in given], p.groups)
    ready = np.zeros(length, bool)
    ready[: accepted[0, -1] + 1] = True
    for before, after in zip(accepted, [*accepted[1:, -1], length - 1], strict=True):
        ready[before[-1] + 1 + wait + p.groups : after + 1] = True
    # A word waits at the port, where it must not count, while the transform runs.
    valid = np.isin(cycle, accepted) | ~ready
    inputs = {
        "in_data": pack(coefficients[word], p.ring.bits),
        "in_valid": valid.astype(int).tolist(),
    }
    if p.inverse:
        last = np.isin(cycle, accepted[:, -1])
        inputs["inverse"] = np.where(last, inverse[word], 1 - inverse[word]).tolist()

    leaves = (first_out[:, None] + np.arange(p.groups)).ravel()
    out_valid = np.isin(cycle, leaves)
    transformed = [reference(p.ring, row, inverse) for row, inverse in given]
    return inputs, {
        "in_ready": ready,
        "out_valid": out_valid,
        "out_data": np.array(transformed).reshape(-1, size),
    }


def check(p: NttParameters, expected: dict[str, np.ndarray], seen: dict[str, list[int]]) -> None:
    """Raise AssertionError unless every output was right and came when it should, so far."""
    for name in ("in_ready", "out_valid"):
        wrong = np.flatnonzero(np.array(seen[name], bool) != expected[name][: len(seen[name])])
        if len(wrong):
            raise AssertionError(f"{name} differs {len(wrong)} times, first in cycle {wrong[0]}")
    pairs = zip(seen["out_data"], expected["out_valid"], strict=False)
    values = unpack([word for word, valid in pairs if valid], p.ring.bits, 2 * p.butterflies, False)
    wrong = np.argwhere(values != expected["out_data"][: len(values)])
    if len(wrong):
        where = tuple(wrong[0])
        polynomial, place = divmod(int(where[0]), p.groups)
        raise AssertionError(
            f"{len(wrong)} coefficients differ; the first, {place * values.shape[1] + where[1]} of "
            f"polynomial {polynomial}, is {values[where]}, not {expected['out_data'][where]}"
        )


@cocotb.test()
async def transforms_match(dut: Any) -> None:
    p, workload = records(NttParameters, NttWorkload)

    def run(traffic: Traffic, cut: int | None = None) -> Run:
        inputs, expected = traffic
        return Run(stimulus=inputs, check=partial(check, p, expected), cut=cut)

    hard = traffic(p, hard_jobs(p), gaps=(0, 1, 0, 0, 2))
    job = traffic(p, jobs(p, workload))
    # Reset while loading, in the midst of a layer, while the coefficients leave.
    leaving = int(np.argmax(hard[1]["out_valid"]))
    cuts = (p.groups // 2 + 1, leaving - p.layer_cycles - p.groups // 2, leaving + 2)
    runs = [run(hard, cut) for cut in (*cuts, None)]
    await play_runs(dut, [*runs, run(job)], WATCH)
