"""Reference of `rv32`: instructions executed one after another; programs, work and cycles."""

from __future__ import annotations

import functools

from chipdse_hdl.block import Work
from chipdse_hdl.rv32.instructions import (
    ALU,
    AUIPC,
    BRANCH,
    BRANCHES,
    FENCE,
    JAL,
    JALR,
    LOAD,
    LUI,
    MASK,
    OP,
    OP_IMM,
    STORE,
    SYSTEM,
    Step,
    signed,
)
from chipdse_hdl.rv32.parameters import Rv32Parameters, Rv32Workload
from chipdse_hdl.rv32.programs import RESULT, program

_ALU_BY_CODE = {(f3, f7): function for f3, f7, function in ALU.values()}
_BRANCH_BY_CODE = dict(BRANCHES.values())


class Machine:
    """Registers, memory and program counter; x0 is always 0.

    memory : words by word address; what is missing was never written and reads as 0
    """

    def __init__(self, memory: dict[int, int]) -> None:
        self.memory = dict(memory)
        self.registers = [0] * 32
        self.pc = 0

    def step(self) -> Step:
        """Execute one instruction."""
        pc, word = self.pc, self.memory.get(self.pc >> 2, 0)
        opcode, rd, f3 = word & 0x7F, word >> 7 & 31, word >> 12 & 7
        a, b = self.registers[word >> 15 & 31], self.registers[word >> 20 & 31]
        upper, i_imm = word & 0xFFFFF000, signed(word) >> 20
        self.pc = pc + 4 & MASK
        result: int | None = None
        done = {"pc": pc, "instruction": word}
        if opcode == LUI:
            result = upper
        elif opcode == AUIPC:
            result = pc + upper
        elif opcode == JAL:
            result, self.pc = pc + 4, pc + _jump_offset(word) & MASK
            done["taken"] = True
        elif opcode == JALR:
            result, self.pc = pc + 4, a + i_imm & MASK & ~1
            done["taken"] = True
        elif opcode == BRANCH:
            if _BRANCH_BY_CODE[f3](a, b):
                self.pc = pc + _branch_offset(word) & MASK
                done["taken"] = True
        elif opcode == LOAD:
            address = a + i_imm & MASK
            value = self.memory.get(address >> 2, 0)
            done |= {"read": address, "value": value}
            result = _loaded(f3, value >> 8 * (address & 3))
        elif opcode == STORE:
            done["write"] = self._store(f3, a + _store_offset(word) & MASK, b)
        elif opcode in (OP, OP_IMM):
            operand = b if opcode == OP else i_imm & MASK
            shifts = f3 in (1, 5)
            f7 = word >> 25 if opcode == OP or shifts else 0
            if shifts:
                done["shift"] = operand & 31
            result = _ALU_BY_CODE[f3, f7](a, operand)
        elif opcode == SYSTEM:
            self.pc = pc
            done["halts"] = True
        elif opcode != FENCE:
            raise ValueError(f"{word:#010x} at {pc:#x} is no instruction of RV32I")
        if result is not None and rd:
            self.registers[rd] = result & MASK
        return Step(**done)  # type: ignore[arg-type]

    def _store(self, f3: int, address: int, value: int) -> tuple[int, int, int]:
        """Write; the data as on a bus: a byte or half word on all its places."""
        size = 1 << f3
        part = value & ((1 << 8 * size) - 1)
        data = sum(part << 8 * place for place in range(0, 4, size))
        mask = ((1 << size) - 1) << (address & 3)
        bits = sum(0xFF << 8 * place for place in range(4) if mask >> place & 1)
        old = self.memory.get(address >> 2, 0)
        self.memory[address >> 2] = old & ~bits | data & bits
        return address, data, mask


def _loaded(f3: int, value: int) -> int:
    size = 8 << (f3 & 3)
    value &= (1 << size) - 1
    return value - (1 << size) if f3 < 4 and value >> (size - 1) else value


def _store_offset(word: int) -> int:
    return signed(word) >> 25 << 5 | word >> 7 & 31


def _branch_offset(word: int) -> int:
    low = (word >> 8 & 15) << 1 | (word >> 25 & 63) << 5 | (word >> 7 & 1) << 11
    return low | (signed(word) >> 31) << 12


def _jump_offset(word: int) -> int:
    low = (word >> 21 & 1023) << 1 | (word >> 20 & 1) << 11 | (word >> 12 & 255) << 12
    return low | (signed(word) >> 31) << 20


def execute(words: dict[int, int], result: int | None = None) -> list[Step]:
    """Run a program on the model until it halts."""
    machine, done = Machine(words), []
    while not done or not done[-1].halts:
        done.append(machine.step())
    stored = machine.memory.get(RESULT // 4, 0)
    if result is not None and stored != result:
        raise ValueError(f"the program leaves {stored:#x}, not {result:#x}")
    return done


@functools.lru_cache(maxsize=16)
def steps(workload: Rv32Workload) -> tuple[Step, ...]:
    """What the workload's instructions do; its result is checked."""
    words, result = program(workload.program, workload.length, workload.seed)
    return tuple(execute(words, result))


def work(parameters: Rv32Parameters, workload: Rv32Workload) -> Work:
    """One instruction of work has been executed."""
    done = steps(workload)
    reads = sum(step.read is not None for step in done)
    writes = sum(step.write is not None for step in done)
    return Work(
        count=len(done),
        unit="instruction",
        input_bits=32 * (len(done) + reads),
        output_bits=32 * writes,
    )


def cycles(parameters: Rv32Parameters, workload: Rv32Workload) -> int:
    """Clock cycles from the first fetch until it has halted."""
    return sum(map(parameters.cycles_of, steps(workload))) + parameters.stages
