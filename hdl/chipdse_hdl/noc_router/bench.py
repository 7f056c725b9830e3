"""cocotb bench of `noc_router`: every flit at every output, and when it comes.

First short and long packets at all inputs, most for the same outputs, to receivers that pause, so
that buffers fill; resets with packets half way; then the workload.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import cocotb
import numpy as np

from chipdse_hdl.bench.testbench import Run, play_runs, records
from chipdse_hdl.noc_router.model import Traffic, reference
from chipdse_hdl.noc_router.parameters import NocRouterParameters, NocRouterWorkload
from chipdse_hdl.noc_router.traffic import Flit, packets, service

Case = tuple[list[list[Flit]], list[list[int]], list[list[bool]]]


def hard_case(p: NocRouterParameters) -> Case:
    """Packets from every input to every output, many at once to the same one."""
    random = np.random.default_rng(p.ports)
    keep = -(1 << p.port_bits)
    flits: list[list[Flit]] = []
    gaps = []
    for _ in range(p.ports):
        input_flits: list[Flit] = []
        for target in [*range(p.ports), 0, 0, *random.integers(0, p.ports, 3).tolist()]:
            size = int(random.choice([1, 1, 2, 3, 2 * p.buffer_flits]))
            words = [
                int.from_bytes(random.bytes(p.flit_bits // 8 + 1), "little") % 2**p.flit_bits
                for _ in range(size)
            ]
            words[0] = words[0] & keep | target
            input_flits += [(word, n == size - 1) for n, word in enumerate(words)]
        flits.append(input_flits)
        pauses = np.where(
            random.random(len(input_flits)) < 0.7, 0, random.integers(1, 6, len(input_flits))
        )
        gaps.append(pauses.tolist())
    takes = random.random((p.ports, 61)) < 0.6
    takes[:, 0] = True
    return flits, gaps, takes.tolist()


def watched(p: NocRouterParameters) -> list[str]:
    """The outputs there are."""
    back = "in_credit" if p.flow == "credit" else "in_ready"
    return [back, "out_valid", "out_tail", "out_data"]


def stimulus(p: NocRouterParameters, traffic: Traffic) -> dict[str, list[int]]:
    """Input words: the ports of a cycle side by side."""
    widths = {name: p.flit_bits if name == "in_data" else 1 for name in traffic.inputs}
    return {
        name: [sum(v << n * widths[name] for n, v in enumerate(row)) for row in rows]
        for name, rows in traffic.inputs.items()
    }


def check(p: NocRouterParameters, traffic: Traffic, seen: dict[str, list[int]]) -> None:
    """Raise AssertionError unless every output was right in every cycle, so far."""
    for name in watched(p):
        width = p.flit_bits if name == "out_data" else 1
        mask = (1 << width) - 1
        for cycle, (word, row) in enumerate(zip(seen[name], traffic.outputs[name], strict=False)):
            for port, right in enumerate(row):
                got = word >> port * width & mask
                if right is not None and got != right:
                    raise AssertionError(
                        f"{name} of port {port} differs in cycle {cycle}: {got:#x}, not {right:#x}"
                    )


def run(p: NocRouterParameters, traffic: Traffic, cut: int | None = None) -> Run:
    """Play it, whole or until a reset at work."""
    return Run(stimulus=stimulus(p, traffic), check=partial(check, p, traffic), cut=cut)


@cocotb.test()
async def flits_arrive(dut: Any) -> None:
    p, workload = records(NocRouterParameters, NocRouterWorkload)
    hard = reference(p, *hard_case(p))
    job = reference(p, *packets(p, workload), service(p, workload))
    length = len(hard.inputs["in_valid"])
    # Reset with packets half way: nobody may own an output afterwards.
    runs = [run(p, hard, cut) for cut in (7, length // 2, None)]
    await play_runs(dut, [*runs, run(p, job)], watched(p))
