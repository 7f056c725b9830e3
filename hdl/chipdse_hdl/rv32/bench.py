"""cocotb bench of `rv32`: every address, every store, cycle by cycle.

First a program that uses every instruction on awkward operands and every register, from a state in
which no register is known; resets in its midst; then the workload. Memory answers as modelled.

The program of an ELF file runs twice, each time from registers that are 0: first with its end
replaced by stores of every register, and then, as the workload, as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import cocotb

from chipdse_hdl.bench.testbench import Run, compared, play_runs, records
from chipdse_hdl.riscv.assembler import assemble
from chipdse_hdl.riscv.instructions import ALU, BRANCHES, LOADS, STORES, Step
from chipdse_hdl.riscv.machine import stored
from chipdse_hdl.riscv.program import Execution, execute, registers_cleared, registers_shown
from chipdse_hdl.rv32.parameters import Rv32Parameters
from chipdse_hdl.rv32.workload import Rv32Workload

Traffic = tuple[dict[str, list[int]], dict[str, list[int | None]]]
WATCH = ["fetch_address", "read", "write_mask", "data_address", "write_data", "halted"]
IDLE_CYCLES = 3  # after it has halted nothing may happen
OPERANDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x8000, 0xA5A5F00F)
IMMEDIATES = (0, 1, -1, 2047, -2048)
PLACES = (0, 1, 7, 31)
OUT = -1024  # where results are stored: at the end of memory, in reach of an offset from x0


def hard_program(p: Rv32Parameters) -> list[int]:
    """A program with every instruction; each result is stored, so that the bench sees it."""
    lines = []

    def store(register: str = "x7") -> None:
        lines.append(f"sw {register}, {OUT + 4 * (len(lines) % 32)}(x0)")

    for n in range(1, p.registers):
        lines.append(f"li x{n}, {0x01234567 * n & 0xFFFFFFFF:#x}")
    for n in range(1, p.registers):
        store(f"x{n}")
    lines += ["addi x0, x1, 5", f"sw x0, {OUT}(x0)", "fence", "auipc x7, 0xfedcb"]
    store()
    pairs = [*itertools.product(OPERANDS[:5], OPERANDS[:5]), (0xA5A5F00F, 7), (0xA5A5F00F, 0x8000)]
    for n, (a, b) in enumerate(pairs):
        lines += [f"li x5, {a}", f"li x6, {b}"]
        for name in ALU:
            lines.append(f"{name} x7, x5, x6")
            store()
        for name in BRANCHES:
            lines += ["addi x7, x7, 3", f"{name} x5, x6, over_{name}_{n}", "addi x7, x7, 1"]
            lines.append(f"over_{name}_{n}:")
        store()
    for a in OPERANDS:
        lines.append(f"li x5, {a}")
        for name, immediate in itertools.product(
            ("addi", "slti", "sltiu", "xori", "ori", "andi"), IMMEDIATES
        ):
            lines.append(f"{name} x7, x5, {immediate}")
            store()
        for name, places in itertools.product(("slli", "srli", "srai"), PLACES):
            lines.append(f"{name} x7, x5, {places}")
            store()
    lines += [f"li x5, {OUT}", "li x6, 0x80c1a2f3"]
    for name, size in STORES.items():
        for offset in range(0, 8, 1 << size):
            lines.append(f"{name} x6, {offset - 4}(x5)")
            for load, kind in LOADS.items():
                if offset % (1 << (kind & 3)) == 0:
                    lines.append(f"{load} x7, {offset - 4}(x5)")
                    store()
    # Calls there and back, over a loop that is left in the end.
    lines += ["li x5, 3", "again:", "jal x1, sub", "addi x5, x5, -1", "bne x5, x0, again"]
    lines += ["jal x0, leave", "sub:", "addi x7, x1, 0", "jalr x8, 1(x1)", "leave:"]
    store()
    store("x8")
    return assemble("\n".join([*lines, "ecall"]))


def traffic(p: Rv32Parameters, words: Mapping[int, int], done: Sequence[Step]) -> Traffic:
    """Input words and expected outputs (None: anything) by cycle, until it has halted a while."""
    late = p.stages - 1
    length = late + sum(map(p.cycles_of, done)) + 1 + IDLE_CYCLES
    fetch: list[int] = [0] * late
    expected: dict[str, list[int | None]] = {
        "read": [0] * length,
        "write_mask": [0] * length,
        "data_address": [None] * length,
        "write_data": [None] * length,
        "halted": [0] * length,
    }
    read_data = [0x5A5A5A5A] * length  # must not matter
    for step in done:
        cycle, count = len(fetch), p.cycles_of(step)
        fetch += [step.pc + 4 * late] * count
        if late and step.taken:
            fetch[-1] = -1  # what is fetched then is the target: the next step's address
        if step.read is not None:
            expected["read"][cycle + 1] = 1
            expected["data_address"][cycle + 1] = step.read
            read_data[cycle + 1] = step.value
        if step.write is not None:
            address, data, mask = step.write
            expected["write_mask"][cycle + 1] = mask
            expected["data_address"][cycle + 1] = address
            expected["write_data"][cycle + 1] = data
    fetch += [fetch[-1]] * (length - len(fetch))
    targets = iter([after.pc for before, after in itertools.pairwise(done) if before.taken])
    fetch = [next(targets) if address == -1 else address for address in fetch]
    halted = length - 1 - IDLE_CYCLES
    expected["halted"][halted:] = [1] * (length - halted)
    inputs = {"instruction": _fetched(words, fetch, expected), "read_data": read_data}
    return inputs, {"fetch_address": [*fetch], **expected}


def _fetched(
    words: Mapping[int, int], fetch: Sequence[int], outputs: Mapping[str, Sequence[int | None]]
) -> list[int]:
    """The instruction at each cycle's address, with the stores until then."""
    memory, instructions = dict(words), []
    ports = [outputs[name] for name in ("data_address", "write_data", "write_mask")]
    for at, address, data, mask in zip(fetch, *ports, strict=True):
        instructions.append(memory.get(at >> 2, 0x13))
        if mask and address is not None and data is not None:
            memory[address >> 2] = stored(memory.get(address >> 2, 0), data, mask)
    return instructions


def program_runs(p: Rv32Parameters, done: Execution) -> list[Run]:
    """What comes before the program of an ELF file: it is run with all registers shown."""

    def case(of: Execution) -> Run:
        return compared(*traffic(p, of.memory, of.steps))

    zero, shown = case(registers_cleared(p.registers)), registers_shown(done, p.registers)
    return [zero, *([] if shown is None else [case(shown), zero])]


def hard_case(p: Rv32Parameters) -> Traffic:
    """The hard program, run."""
    words = dict(enumerate(hard_program(p)))
    return traffic(p, words, execute(words, "the hard program").steps)


@cocotb.test()
async def programs_run(dut: Any) -> None:
    p, workload = records(Rv32Parameters, Rv32Workload)
    hard, done = hard_case(p), workload.execution(p.registers)
    job = traffic(p, done.memory, done.steps)
    end = len(job[0]["instruction"]) - IDLE_CYCLES  # the workload ends when it has halted
    # Reset with a store at the port, in the midst of a load, and when it has halted.
    store = next(n for n, mask in enumerate(hard[1]["write_mask"]) if mask)
    load = hard[1]["read"].index(1)
    runs = [compared(*hard, cut) for cut in (store, load, None)]
    if workload.is_elf:
        runs += program_runs(p, done)
    await play_runs(dut, [*runs, compared(*job, end)], WATCH)
