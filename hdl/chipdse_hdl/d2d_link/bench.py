"""cocotb bench of `d2d_link`: every wire and every flit, and when they come.

First flits that are hard on the coding, with pauses and with an error on every wire in turn; resets
with frames under way; then the workload, all of whose flits must arrive.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import Run, compared, play_runs, records
from chipdse_hdl.d2d_link.model import Traffic, errors, flits, pace, reference
from chipdse_hdl.d2d_link.parameters import D2dLinkParameters, D2dLinkWorkload

Case = tuple[list[int], list[int], list[int]]


def hard_cases(p: D2dLinkParameters) -> list[Case]:
    """Flits, gaps and errors: none at first, then on single wires, then on several at once."""
    random = np.random.default_rng(p.flit_bits)
    ones = (1 << p.flit_bits) - 1
    alternating = int("01" * p.flit_bits, 2) & ones
    data = [0, ones, alternating, ones ^ alternating, 1, ones, ones, 0]
    data += [int.from_bytes(random.bytes(p.flit_bits // 8 + 1), "little") & ones for _ in range(12)]
    gaps = random.integers(0, 3, len(data)).tolist()
    single = []
    for wire in range(p.wires):  # far apart and close together
        single += [0] * int(random.integers(0, 3 * p.latency_cycles)) + [1 << wire]
    single += [0] * 20 * p.latency_cycles  # a frame gets through, whatever its length
    several = [
        int(random.integers(0, 1 << min(p.wires, 62)))
        * int(random.random() < 0.3 / (5 + p.serialisation))
        for _ in range(997)
    ]
    return [(data, gaps, [0]), (data, gaps[::-1], single), (data, [0] * len(data), several)]


def watched(p: D2dLinkParameters) -> list[str]:
    """The outputs there are."""
    bad = ["bad"] if p.protection != "none" else []
    return ["in_ready", "wires", *bad, "out_valid", "out_data"]


def stimulus(traffic: Traffic) -> dict[str, list[int]]:
    """Input words."""
    return {"in_data": traffic.in_data, "in_valid": traffic.in_valid, "flip": traffic.flip}


def outputs(p: D2dLinkParameters, traffic: Traffic) -> dict[str, list[int | None]]:
    """What the outputs must be."""
    return {name: getattr(traffic, name) for name in watched(p)}


def check_all_arrive(p: D2dLinkParameters, sent: list[int], traffic: Traffic) -> None:
    """Raise AssertionError if the link loses or changes a flit: it would not do its work."""
    arrived = [flit for flit in traffic.out_data if flit is not None]
    if arrived != sent:
        raise AssertionError(
            f"with errors on the wires, {len(arrived)} of {len(sent)} flits arrive, not all of "
            f"them right; use replay=True and a stronger protection than {p.protection!r}"
        )


@cocotb.test()
async def flits_arrive(dut: Any) -> None:
    p, workload = records(D2dLinkParameters, D2dLinkWorkload)
    hard = [reference(p, *case) for case in hard_cases(p)]
    sent = flits(p, workload)
    job = reference(p, sent, pace(workload), errors(p, workload))
    check_all_arrive(p, sent, job)
    # Reset with frames under way, and while some are sent again.
    first_bad = hard[1].bad.index(1) if 1 in hard[1].bad else 5
    full = reference(p, flits(p, D2dLinkWorkload(length=9, values="uniform")), [0] * 9, [0])

    def run(traffic: Traffic, cut: int | None = None) -> Run:
        return compared(stimulus(traffic), outputs(p, traffic), cut)

    runs = [run(full, 2 * p.latency_cycles), run(hard[0])]
    runs += [run(hard[1], first_bad + p.serialisation + 2), run(hard[1]), run(hard[2])]
    await play_runs(dut, [*runs, run(job)], watched(p))
