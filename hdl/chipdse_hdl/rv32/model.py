"""RV32I in Python: what each instruction does, and an assembler for programs by hand.

After "The RISC-V Instruction Set Manual, Volume I", RV32I and RV32E 2.x. No hardware is described
here: the model executes instructions, one after another, on whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MASK = 0xFFFFFFFF
LOAD, FENCE, OP_IMM, AUIPC, STORE, OP = 0x03, 0x0F, 0x13, 0x17, 0x23, 0x33
LUI, BRANCH, JALR, JAL, SYSTEM = 0x37, 0x63, 0x67, 0x6F, 0x73


def signed(word: int) -> int:
    """A word as two's complement."""
    return word - (1 << 32) if word >> 31 else word


ALU: dict[str, tuple[int, int, Callable[[int, int], int]]] = {  # funct3, funct7, what it does
    "add": (0, 0x00, lambda a, b: a + b),
    "sub": (0, 0x20, lambda a, b: a - b),
    "sll": (1, 0x00, lambda a, b: a << (b & 31)),
    "slt": (2, 0x00, lambda a, b: int(signed(a) < signed(b))),
    "sltu": (3, 0x00, lambda a, b: int(a < b)),
    "xor": (4, 0x00, lambda a, b: a ^ b),
    "srl": (5, 0x00, lambda a, b: a >> (b & 31)),
    "sra": (5, 0x20, lambda a, b: signed(a) >> (b & 31)),
    "or": (6, 0x00, lambda a, b: a | b),
    "and": (7, 0x00, lambda a, b: a & b),
}
BRANCHES: dict[str, tuple[int, Callable[[int, int], bool]]] = {
    "beq": (0, lambda a, b: a == b),
    "bne": (1, lambda a, b: a != b),
    "blt": (4, lambda a, b: signed(a) < signed(b)),
    "bge": (5, lambda a, b: signed(a) >= signed(b)),
    "bltu": (6, lambda a, b: a < b),
    "bgeu": (7, lambda a, b: a >= b),
}
LOADS = {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}
STORES = {"sb": 0, "sh": 1, "sw": 2}
_ALU_BY_CODE = {(f3, f7): function for f3, f7, function in ALU.values()}
_BRANCH_BY_CODE = dict(BRANCHES.values())


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one instruction did, as its surroundings see it.

    taken : the next instruction is not the one behind
    shift : places, of a shift instruction
    read, write : address of a load; address, data and byte mask of a store
    value : the whole word that was read
    """

    pc: int
    instruction: int
    taken: bool = False
    shift: int | None = None
    read: int | None = None
    value: int = 0
    write: tuple[int, int, int] | None = None
    halts: bool = False


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


def assemble(source: str) -> list[int]:
    """Words of a program that starts at address 0.

    One instruction or ``label:`` a line, ``#`` begins a comment; registers x0 to x31. Offsets of
    branches and jumps are labels. ``li`` takes any constant and becomes one or two instructions.
    """
    lines: list[list[str]] = []
    labels: dict[str, int] = {}
    for line in source.splitlines():
        text = line.partition("#")[0].strip()
        if text.endswith(":"):
            labels[text[:-1]] = 4 * len(lines)
        elif text:
            words = re.findall(r"[-\w]+", text)
            lines += _load_immediate(words) if words[0] == "li" else [words]
    return [_encode(words, 4 * n, labels) for n, words in enumerate(lines)]


def _load_immediate(words: list[str]) -> list[list[str]]:
    register, value = words[1], int(words[2], 0) & MASK
    low = (value & 0xFFF ^ 0x800) - 0x800
    high = (value - low & MASK) >> 12
    if not high:
        return [["addi", register, "x0", str(low)]]
    return [["lui", register, str(high)], ["addi", register, register, str(low)]]


def _encode(words: list[str], pc: int, labels: dict[str, int]) -> int:
    name, *rest = words
    values = [int(word[1:]) if re.fullmatch(r"x\d+", word) else labels.get(word) for word in rest]
    number = [
        int(word, 0) if value is None else value for word, value in zip(rest, values, strict=True)
    ]
    if name in ALU:
        f3, f7, _ = ALU[name]
        rd, rs1, rs2 = number
        return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | OP
    if name.removesuffix("i") in ALU or name == "sltiu":
        f3, f7, _ = ALU["sltu" if name == "sltiu" else name[:-1]]
        rd, rs1, imm = number
        return (f7 << 5 | imm & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | OP_IMM
    if name in LOADS or name == "jalr":
        rd, imm, rs1 = number
        f3, opcode = (0, JALR) if name == "jalr" else (LOADS[name], LOAD)
        return (imm & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode
    if name in STORES:
        rs2, imm, rs1 = number
        high, low = imm >> 5 & 127, imm & 31
        return high << 25 | rs2 << 20 | rs1 << 15 | STORES[name] << 12 | low << 7 | STORE
    if name in BRANCHES:
        rs1, rs2, target = number
        offset = target - pc
        high = (offset >> 12 & 1) << 6 | offset >> 5 & 63
        low = (offset >> 1 & 15) << 1 | offset >> 11 & 1
        return high << 25 | rs2 << 20 | rs1 << 15 | BRANCHES[name][0] << 12 | low << 7 | BRANCH
    if name == "jal":
        rd, target = number
        offset = target - pc
        places = (offset >> 20 & 1) << 19 | (offset >> 1 & 1023) << 9
        places |= (offset >> 11 & 1) << 8 | offset >> 12 & 255
        return places << 12 | rd << 7 | JAL
    if name in ("lui", "auipc"):
        return (number[1] & 0xFFFFF) << 12 | number[0] << 7 | (LUI if name == "lui" else AUIPC)
    fixed = {"ecall": SYSTEM, "ebreak": 1 << 20 | SYSTEM, "fence": 0x0FF0000F}
    if name in fixed:
        return fixed[name]
    raise ValueError(f"{' '.join(words)!r} is no instruction of RV32I")
