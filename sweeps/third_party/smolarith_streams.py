"""What the benches of smolarith's blocks share: words through a pair of streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chipdse_hdl.bench.testbench import RESET_CYCLES, passed, reset, start
from cocotb.triggers import FallingEdge, ReadOnly

PATIENCE_CYCLES = 1000


async def run_stream(dut: Any, jobs: Sequence[int]) -> list[int]:
    """Give every job to `inp`, take as many results from `outp`, and report the window."""
    edge = FallingEdge(dut.clk)
    await start(dut)
    await reset(dut, ["inp__payload", "inp__valid", "outp__ready"], 0)
    dut.outp__ready.value = 1
    results: list[int] = []
    given, cycle, idle = 0, 0, 0
    while len(results) < len(jobs):
        dut.inp__valid.value = int(given < len(jobs))
        if given < len(jobs):
            dut.inp__payload.value = jobs[given]
        await ReadOnly()  # what the next rising edge sees
        taken = given < len(jobs) and int(dut.inp__ready.value)
        if int(dut.outp__valid.value):
            results.append(int(dut.outp__payload.value))
            idle = 0
        given += taken
        idle += 1
        assert idle < PATIENCE_CYCLES, f"no result in {idle} cycles; {len(results)} came"
        cycle += 1
        await edge
    await edge
    passed(first_cycle=RESET_CYCLES, cycles=cycle)
    return results


def packed(fields: Sequence[tuple[int, int]]) -> int:
    """(value, bits) in order, the first in the low bits."""
    word = place = 0
    for value, bits in fields:
        word |= (value % 2**bits) << place
        place += bits
    return word
