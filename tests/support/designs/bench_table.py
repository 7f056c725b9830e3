"""cocotb bench of `designs.memories.Table`: what its read port holds after every cycle."""

from __future__ import annotations

from typing import Any

import cocotb
from chipdse_hdl.bench.testbench import RESET_CYCLES, passed, play, records, reset, start

from tests.support.designs.memories import TableParameters, TableWorkload, accesses, table_reference

LATENCY = 3  # the inputs' registers, the read port, the output's register


@cocotb.test()
async def reads_match(dut: Any) -> None:
    p, load = records(TableParameters, TableWorkload)
    given = accesses(p, load)
    words = {name: [*values, *[0] * LATENCY] for name, values in given.items()}
    await start(dut)
    await reset(dut, list(words), 0)
    expected, first = table_reference(p, given), given["re"].index(1)
    for seen in await play(dut, words, ["rd"]):
        found = seen["rd"][LATENCY:]
        wrong = [n for n in range(first, len(expected)) if found[n] != expected[n]]
        assert not wrong, (
            f"{len(wrong)} of {len(expected)} reads differ; the first, in cycle {wrong[0]}, is "
            f"{found[wrong[0]]:#x}, not {expected[wrong[0]]:#x}"
        )
    passed(first_cycle=RESET_CYCLES, cycles=len(words["we"]))
