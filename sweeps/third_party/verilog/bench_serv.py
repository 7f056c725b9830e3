"""cocotb bench of SERV: every write of a program that adds up words, in order."""

from __future__ import annotations

import json
import os
from typing import Any

import cocotb
import numpy as np
from chipdse_hdl.bench.testbench import passed, start
from cocotb.triggers import FallingEdge, RisingEdge

RESET_CYCLES = 2
DATA, DONE = 0x400, 0x200  # addresses of the words, and of the mark at the end
INPUTS = ("timer_irq", "ext_rd", "ext_ready", "ibus_rdt", "ibus_ack", "dbus_rdt", "dbus_ack")
PATIENCE = 100  # clock cycles an instruction may take


def program(length: int) -> list[int]:
    """Running sums in the place of the words: RV32I, encoded after its specification.

    Five instructions around a loop of six, counted in `serv.toml`.
    """

    def immediate(value: int, rs1: int, funct: int, rd: int, opcode: int) -> int:
        return (value & 0xFFF) << 20 | rs1 << 15 | funct << 12 | rd << 7 | opcode

    def store(rs2: int, rs1: int, value: int) -> int:
        return value >> 5 << 25 | rs2 << 20 | rs1 << 15 | 2 << 12 | (value & 31) << 7 | 0x23

    back = -20  # from the branch to the head of the loop, in bytes
    branch = (back >> 12 & 1) << 31 | (back >> 5 & 63) << 25 | 2 << 20 | 1 << 15 | 6 << 12
    branch |= (back >> 1 & 15) << 8 | (back >> 11 & 1) << 7 | 0x63
    return [
        immediate(DATA, 0, 0, 1, 0x13),  # addi x1, x0, DATA
        immediate(DATA + 4 * length, 0, 0, 2, 0x13),  # addi x2, x0, end
        immediate(0, 0, 0, 3, 0x13),  # addi x3, x0, 0
        immediate(0, 1, 2, 4, 0x03),  # lw x4, 0(x1)
        4 << 20 | 3 << 15 | 3 << 7 | 0x33,  # add x3, x3, x4
        store(3, 1, 0),  # sw x3, 0(x1)
        immediate(4, 1, 0, 1, 0x13),  # addi x1, x1, 4
        immediate(0, 0, 0, 0, 0x13),  # addi x0, x0, 0
        branch,  # bltu x1, x2, the lw
        immediate(1, 0, 0, 7, 0x13),  # addi x7, x0, 1
        store(7, 0, DONE),  # sw x7, DONE(x0)
    ]


@cocotb.test()
async def adds_up(dut: Any) -> None:
    workload = json.loads(os.environ["HDL_WORKLOAD"])
    length = workload["length"]
    words = np.random.default_rng(workload["seed"]).integers(0, 2**32, length).tolist()
    sums = (np.cumsum(words, dtype=np.uint64) % 2**32).tolist()
    expected = [(DATA + 4 * n, value) for n, value in enumerate(sums)] + [(DONE, 1)]
    memory = {4 * n: word for n, word in enumerate(program(length))}
    memory |= {DATA + 4 * n: word for n, word in enumerate(words)}
    edge = FallingEdge(dut.clk)
    await start(dut)
    for name in INPUTS:
        dut[f"i_{name}"].value = 0
    dut.i_rst.value = 1
    for _ in range(RESET_CYCLES):
        await RisingEdge(dut.clk)
        await edge
    dut.i_rst.value = 0
    writes: list[tuple[int, int]] = []
    fetched = cycle = 0
    while not writes or writes[-1][0] != DONE:
        fetches, loads = (int(dut[f"o_{bus}_cyc"].value) for bus in ("ibus", "dbus"))
        # A memory answers one cycle after it is asked, and once.
        fetches &= not int(dut.i_ibus_ack.value)
        loads &= not int(dut.i_dbus_ack.value)
        dut.i_ibus_ack.value, dut.i_dbus_ack.value = fetches, loads
        if fetches:
            dut.i_ibus_rdt.value = memory[int(dut.o_ibus_adr.value)]
            fetched += 1
        if loads:
            address = int(dut.o_dbus_adr.value)
            if int(dut.o_dbus_we.value):
                writes.append((address, int(dut.o_dbus_dat.value)))
                at = len(writes) - 1
                assert int(dut.o_dbus_sel.value) == 15 and writes[at] == expected[at], (
                    f"write {at} is {writes[at][1]:#x} to {writes[at][0]:#x}; see the program"
                )
            else:
                dut.i_dbus_rdt.value = memory[address]
        cycle += 1
        assert cycle < PATIENCE * (6 * length + 5), f"not done in {cycle} cycles"
        await edge
    assert len(writes) == len(expected) and fetched == 6 * length + 5
    passed(first_cycle=RESET_CYCLES, cycles=cycle)
