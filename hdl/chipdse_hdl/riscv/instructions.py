"""The instructions of RV32I as numbers: opcodes, functions, and what a step of a program is.

After "The RISC-V Instruction Set Manual, Volume I", RV32I and RV32E 2.x.
"""

from __future__ import annotations

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
