"""An assembler of RV32I for the programs of this block."""

from __future__ import annotations

import re

from chipdse_hdl.riscv.instructions import (
    ALU,
    AUIPC,
    BRANCH,
    BRANCHES,
    JAL,
    JALR,
    LOAD,
    LOADS,
    LUI,
    MASK,
    OP,
    OP_IMM,
    STORE,
    STORES,
    SYSTEM,
)


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
