"""cocotb bench of SERV: every store of a program, in order, and the memory at its end."""

from __future__ import annotations

import json
import os
from typing import Any

import cocotb
from chipdse_hdl.bench.testbench import passed, start
from chipdse_hdl.riscv.machine import stored
from chipdse_hdl.riscv.named import named_program
from cocotb.triggers import FallingEdge, RisingEdge

RESET_CYCLES = 2
INPUTS = ("timer_irq", "ext_rd", "ext_ready", "ibus_rdt", "ibus_ack", "dbus_rdt", "dbus_ack")
PATIENCE = 150  # clock cycles an instruction may take


@cocotb.test()
async def runs_the_program(dut: Any) -> None:
    program = named_program(json.loads(os.environ["HDL_WORKLOAD"])["program"])
    expected = [step.write for step in program.steps if step.write is not None]
    memory, end = dict(program.memory), program.steps[-1].pc
    edge = FallingEdge(dut.clk)
    await start(dut)
    for name in INPUTS:
        dut[f"i_{name}"].value = 0
    dut.i_rst.value = 1
    for _ in range(RESET_CYCLES):
        await RisingEdge(dut.clk)
        await edge
    dut.i_rst.value = 0
    stores = fetched = cycle = 0
    while fetched < len(program.steps):
        fetches, asks = (int(dut[f"o_{bus}_cyc"].value) for bus in ("ibus", "dbus"))
        # A memory answers one cycle after it is asked, and once.
        fetches &= not int(dut.i_ibus_ack.value)
        asks &= not int(dut.i_dbus_ack.value)
        dut.i_ibus_ack.value, dut.i_dbus_ack.value = fetches, asks
        if fetches:
            address = int(dut.o_ibus_adr.value)
            assert address == program.steps[fetched].pc, f"fetch {fetched} is of {address:#x}"
            dut.i_ibus_rdt.value = memory.get(address >> 2, 0)
            fetched += 1
        if asks:
            word = int(dut.o_dbus_adr.value) >> 2
            if int(dut.o_dbus_we.value):
                mask, data = int(dut.o_dbus_sel.value), int(dut.o_dbus_dat.value)
                memory[word] = stored(memory.get(word, 0), data, mask)
                at, right, bytes_written = expected[stores]
                assert (word, mask, stored(0, data, mask)) == (
                    at >> 2,
                    bytes_written,
                    stored(0, right, bytes_written),
                ), f"store {stores} differs: {data:#x} to {4 * word:#x}, not {right:#x}"
                stores += 1
            else:
                dut.i_dbus_rdt.value = memory.get(word, 0)
        cycle += 1
        assert cycle < PATIENCE * len(program.steps), f"not done in {cycle} cycles"
        await edge
    assert address == end and stores == len(expected)
    assert {at: word for at, word in memory.items() if word} == {
        at: word for at, word in program.final_memory.items() if word
    }
    passed(first_cycle=RESET_CYCLES, cycles=cycle)
