"""cocotb bench of Sentinel: every store of a program, in order, and all registers at its end."""

from __future__ import annotations

from typing import Any

import cocotb
from chipdse_hdl.bench.testbench import RESET_CYCLES, passed, records, reset, start
from chipdse_hdl.riscv.machine import stored
from chipdse_hdl.riscv.program import Execution, registers_cleared, registers_shown
from cocotb.triggers import FallingEdge
from sentinel_programs import Parameters, Workload

PATIENCE = 50  # clock cycles an instruction may take


async def run(dut: Any, program: Execution) -> int:
    """Run a program until its last instruction is fetched; how many clock cycles that takes."""
    await reset(dut, ["bus__ack", "bus__dat_r", "irq"], 0)
    expected = [step.write for step in program.steps if step.write is not None]
    memory, end = dict(program.memory), program.steps[-1].pc
    edge = FallingEdge(dut.clk)
    stores = cycle = 0
    waited = ended = False
    while not ended:
        asked = int(dut.bus__cyc.value) and int(dut.bus__stb.value)
        answers = asked and waited  # as a memory with a registered acknowledge does
        waited = bool(asked) and not answers
        dut.bus__ack.value = int(answers)
        if answers:
            word = int(dut.bus__adr.value)
            if int(dut.bus__we.value):
                mask, data = int(dut.bus__sel.value), int(dut.bus__dat_w.value)
                memory[word] = stored(memory.get(word, 0), data, mask)
                assert stores < len(expected), f"store {stores} to {4 * word:#x} is one too many"
                address, right, bytes_written = expected[stores]
                wanted = stored(0, right, bytes_written)
                assert (word, mask, stored(0, data, mask)) == (
                    address >> 2,
                    bytes_written,
                    wanted,
                ), f"store {stores} differs: {data:#x} to {4 * word:#x}, not {right:#x}"
                stores += 1
            else:
                dut.bus__dat_r.value = memory.get(word, 0)
                ended = word == end >> 2 and stores == len(expected)
        cycle += 1
        assert cycle < PATIENCE * len(program.steps), f"not done in {cycle} cycles"
        await edge
    assert {at: word for at, word in memory.items() if word} == {
        at: word for at, word in program.final_memory.items() if word
    }
    return cycle


@cocotb.test()
async def runs_the_program(dut: Any) -> None:
    _, workload = records(Parameters, Workload)
    zero, program = registers_cleared(32), workload.execution
    shown = registers_shown(program, 32)
    ahead = [zero] if shown is None else [zero, shown, zero]
    await start(dut)
    cycle = 0
    for each in ahead:
        cycle += RESET_CYCLES + await run(dut, each)
    taken = await run(dut, program)
    passed(first_cycle=cycle + RESET_CYCLES, cycles=taken)
