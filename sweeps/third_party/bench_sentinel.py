"""cocotb bench of Sentinel: every write of the sorting program, in order."""

from __future__ import annotations

from typing import Any

import cocotb
from chipdse_hdl.bench.testbench import RESET_CYCLES, passed, records, reset, start
from cocotb.triggers import FallingEdge
from sentinel_blocks import (
    DATA,
    DONE,
    Parameters,
    Workload,
    machine_code,
    program,
    reference,
    words,
)

PATIENCE = 50  # clock cycles an instruction may take


@cocotb.test()
async def sorts(dut: Any) -> None:
    _, workload = records(Parameters, Workload)
    count, expected = reference(workload)
    memory = {4 * n: word for n, word in enumerate(machine_code(program(workload.length)))}
    memory |= {DATA + 4 * n: word for n, word in enumerate(words(workload))}
    edge = FallingEdge(dut.clk)
    await start(dut)
    await reset(dut, ["bus__ack", "bus__dat_r", "irq"], 0)
    writes: list[tuple[int, int]] = []
    cycle, waited = 0, False
    while not writes or writes[-1][0] != DONE:
        asked = int(dut.bus__cyc.value) and int(dut.bus__stb.value)
        answers = asked and waited  # as a memory with a registered acknowledge does
        waited = bool(asked) and not answers
        dut.bus__ack.value = int(answers)
        if answers:
            address = 4 * int(dut.bus__adr.value)
            if int(dut.bus__we.value):
                assert int(dut.bus__sel.value) == 15, "the program writes whole words only"
                memory[address] = int(dut.bus__dat_w.value)
                writes.append((address, memory[address]))
                at = len(writes) - 1
                assert at < len(expected) and writes[at] == expected[at], (
                    f"write {at} is {writes[at][1]:#x} to {writes[at][0]:#x}; see the reference"
                )
            else:
                dut.bus__dat_r.value = memory[address]
        cycle += 1
        assert cycle < PATIENCE * count, f"not done in {cycle} cycles"
        await edge
    assert len(writes) == len(expected)
    passed(first_cycle=RESET_CYCLES, cycles=cycle)
