"""The instruction set as a model: RV32I, one instruction after another; all else is refused."""

from __future__ import annotations

from chipdse_hdl.riscv.instructions import (
    ALU,
    AUIPC,
    BRANCH,
    BRANCHES,
    FENCE,
    JAL,
    JALR,
    LOAD,
    LOADS,
    LUI,
    MASK,
    OP,
    OP_IMM,
    STORE,
    SYSTEM,
    Step,
    signed,
)

_ALU_BY_CODE = {(f3, f7): function for f3, f7, function in ALU.values()}
_BRANCH_BY_CODE = dict(BRANCHES.values())
_ENDS = (SYSTEM, 1 << 20 | SYSTEM)  # ecall, ebreak
_READS_RS1 = (JALR, BRANCH, LOAD, STORE, OP, OP_IMM)
_READS_RS2 = (BRANCH, STORE, OP)
_NO_RESULT = (BRANCH, STORE, FENCE, SYSTEM)


class Machine:
    """Registers, memory and program counter; x0 is always 0.

    memory : words by word address; what is missing was never written and reads as 0
    memory_bytes : its size, from address 0
    upper_register : address and number of the first use of a register beyond x15; None: none
    """

    def __init__(self, memory: dict[int, int], memory_bytes: int = 2**32) -> None:
        self.memory = dict(memory)
        self.memory_bytes = memory_bytes
        self.registers = [0] * 32
        self.pc = 0
        self.upper_register: tuple[int, int] | None = None

    def step(self) -> Step:
        """Execute one instruction.

        Raises
        ------
        ValueError : it is not of RV32I, not aligned, or reaches beyond memory
        """
        pc, word = self.pc, self.memory.get(self.pc >> 2, 0)
        if pc >= self.memory_bytes or pc % 4:
            raise ValueError(f"there is no instruction at {pc:#x}")
        opcode, rd, f3 = word & 0x7F, word >> 7 & 31, word >> 12 & 7
        a, b = self.registers[word >> 15 & 31], self.registers[word >> 20 & 31]
        upper, i_imm = word & 0xFFFFF000, signed(word) >> 20
        if self.upper_register is None:
            self._note_registers(pc, word, opcode)
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
        elif opcode == JALR and f3 == 0:
            result, self.pc = pc + 4, a + i_imm & MASK & ~1
            done["taken"] = True
        elif opcode == BRANCH and f3 in _BRANCH_BY_CODE:
            if _BRANCH_BY_CODE[f3](a, b):
                self.pc = pc + _branch_offset(word) & MASK
                done["taken"] = True
        elif opcode == LOAD and f3 in LOADS.values():
            address = self._checked(pc, a + i_imm & MASK, 1 << (f3 & 3), "load")
            value = self.memory.get(address >> 2, 0)
            done |= {"read": address, "value": value}
            result = _loaded(f3, value >> 8 * (address & 3))
        elif opcode == STORE and f3 < 3:
            address = self._checked(pc, a + _store_offset(word) & MASK, 1 << f3, "store")
            done["write"] = self._store(f3, address, b)
        elif opcode in (OP, OP_IMM):
            operand = b if opcode == OP else i_imm & MASK
            shifts = f3 in (1, 5)
            f7 = word >> 25 if opcode == OP or shifts else 0
            if shifts:
                done["shift"] = operand & 31
            if (f3, f7) not in _ALU_BY_CODE:
                raise ValueError(_refused(pc, word))
            result = _ALU_BY_CODE[f3, f7](a, operand)
        elif word in _ENDS:
            self.pc = pc
            done["halts"] = True
        elif opcode != FENCE or f3:
            raise ValueError(_refused(pc, word))
        if result is not None and rd:
            self.registers[rd] = result & MASK
        return Step(**done)  # type: ignore[arg-type]

    def _note_registers(self, pc: int, word: int, opcode: int) -> None:
        used = [word >> 7 & 31] if opcode not in _NO_RESULT else []
        used += [word >> 15 & 31] if opcode in _READS_RS1 else []
        used += [word >> 20 & 31] if opcode in _READS_RS2 else []
        if used and max(used) > 15:
            self.upper_register = pc, max(used)

    def _checked(self, pc: int, address: int, size: int, what: str) -> int:
        """The address of a load or store that is aligned and within memory."""
        if address % size:
            raise ValueError(
                f"the {what} at {pc:#x} takes {size} bytes from {address:#x}, which is not a "
                f"multiple of {size}"
            )
        if address >= self.memory_bytes:
            raise ValueError(
                f"the {what} at {pc:#x} reaches {address:#x}, outside the memory of "
                f"{self.memory_bytes} bytes from 0"
            )
        return address

    def _store(self, f3: int, address: int, value: int) -> tuple[int, int, int]:
        """Write; the data as on a bus: a byte or half word on all its places."""
        size = 1 << f3
        part = value & ((1 << 8 * size) - 1)
        data = sum(part << 8 * place for place in range(0, 4, size))
        mask = ((1 << size) - 1) << (address & 3)
        self.memory[address >> 2] = stored(self.memory.get(address >> 2, 0), data, mask)
        return address, data, mask


def stored(old: int, data: int, mask: int) -> int:
    """A word after a store to the bytes of a mask."""
    bits = sum(0xFF << 8 * place for place in range(4) if mask >> place & 1)
    return old & ~bits | data & bits


def _refused(pc: int, word: int) -> str:
    """Why a word is not executed."""
    text = f"{word:#010x} at {pc:#x} is no instruction of RV32I"
    if word & 3 != 3 and word:
        return f"{text}: a compressed one? Compile with -march=rv32i"
    if word & 0x7F == OP and word >> 25 == 1:
        return f"{text}: it multiplies or divides (M); compile with -march=rv32i"
    if word & 0x7F == SYSTEM:
        return f"{text}: it is privileged or reads a control register, and there are none"
    return text


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
