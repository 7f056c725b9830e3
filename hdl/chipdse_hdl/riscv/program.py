"""Programs from ELF files, and their run on the model: how they are entered and how they end.

A program finds all registers 0. Cores that start at address 0 reach another entry over a jump at
address 0, of one instruction or two (then x5 is not 0), which count. The program ends with its
first ecall or ebreak; an ecall states the exit code in x10 (a0), which must be 0. Memory begins at
address 0, and what the file does not fill is 0.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chipdse_hdl.riscv.assembler import assemble
from chipdse_hdl.riscv.elf import Image, read_elf
from chipdse_hdl.riscv.instructions import SYSTEM, Step
from chipdse_hdl.riscv.machine import Machine

MEMORY_BYTES = 2**16
MOST_INSTRUCTIONS = 10**6
"""A program that runs for longer is taken for one that never ends."""
PROGRAMS = Path(__file__).parent / "programs"
"""ELF files that ship, with their C sources."""
EXIT_CODE = 10  # a0
SHOWN = -1024  # where `registers_shown` stores them: in reach of an offset from x0
_JUMP_REACH = 2**20


@dataclass(frozen=True, kw_only=True, eq=False)
class Execution:
    """What a program did from its entry to its end.

    memory : words by word address, before
    final_memory : ... and after
    registers : after
    upper_register : address and number of the first use of a register beyond x15; None: none
    """

    memory: Mapping[int, int]
    steps: tuple[Step, ...]
    final_memory: Mapping[int, int]
    registers: tuple[int, ...]
    upper_register: tuple[int, int] | None

    def check_registers(self, registers: int, name: str) -> None:
        """Raise ValueError if a core has fewer registers than the program uses."""
        if registers < 32 and self.upper_register is not None:
            pc, number = self.upper_register
            raise ValueError(
                f"{name} uses x{number} at {pc:#x}, and the core has x0 to x{registers - 1}; "
                "compile it with -march=rv32e -mabi=ilp32e, or use registers=32"
            )


def run_elf(
    path: Path, memory_bytes: int = MEMORY_BYTES, start_at_entry: bool = False
) -> Execution:
    """Run the program of an ELF file on the model.

    Parameters
    ----------
    memory_bytes : size of the memory, from address 0
    start_at_entry : the core starts at the file's entry; by default it starts at address 0

    Raises
    ------
    ValueError : it cannot be read, or run to its end
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; name an ELF file") from error
    return _run(content, path.name, memory_bytes, start_at_entry)


@functools.lru_cache(maxsize=16)
def _run(content: bytes, name: str, memory_bytes: int, start_at_entry: bool) -> Execution:
    image = read_elf(content, name, memory_bytes)
    memory = image.words
    if image.entry and not start_at_entry:
        memory |= _jump_to_entry(image, name)
    done = execute(memory, name, memory_bytes, image.entry if start_at_entry else 0)
    code, last = done.registers[EXIT_CODE], done.steps[-1]
    if last.instruction == SYSTEM and code:
        raise ValueError(f"{name} ends with exit code {code} (a0 at {last.pc:#x}); it must be 0")
    return done


def _jump_to_entry(image: Image, name: str) -> dict[int, int]:
    """Instructions from address 0 to the entry."""
    low = (image.entry & 0xFFF ^ 0x800) - 0x800
    high = (image.entry - low >> 12) & 0xFFFFF
    near, far = f"jal x0, {image.entry}", f"lui x5, {high}\njalr x0, {low}(x5)"
    words = assemble(near if image.entry < _JUMP_REACH else far)
    for first, end in (span for segment in image.segments for span in segment.ranges):
        if first < 4 * len(words) and end > first:
            raise ValueError(
                f"{name}: its entry is {image.entry:#x}, the core starts at 0, and the file has "
                f"something else there; link the entry to 0, or leave bytes 0 to "
                f"{4 * len(words) - 1} free"
            )
    return dict(enumerate(words))


def execute(
    memory: Mapping[int, int], name: str, memory_bytes: int = 2**32, entry: int = 0
) -> Execution:
    """Run a program on the model until its first ecall or ebreak.

    Parameters
    ----------
    memory : words by word address
    name : of the program, for messages
    memory_bytes : size of the memory, from address 0
    entry : address of the first instruction

    Raises
    ------
    ValueError : it does not end, or leaves RV32I or its memory
    """
    machine, done = Machine(dict(memory), memory_bytes), []
    machine.pc = entry
    while not done or not done[-1].halts:
        before = machine.pc
        try:
            done.append(machine.step())
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        if machine.pc == before and not done[-1].halts:
            raise ValueError(
                f"{name} has no exit: the instruction at {before:#x} jumps to itself; end it "
                "with ecall, and 0 in a0"
            )
        if len(done) > MOST_INSTRUCTIONS:
            raise ValueError(
                f"{name} has no exit within {MOST_INSTRUCTIONS} instructions; end it with ecall, "
                "and 0 in a0, or give it less to do"
            )
    return Execution(
        memory=dict(memory),
        steps=tuple(done),
        final_memory=machine.memory,
        registers=tuple(machine.registers),
        upper_register=machine.upper_register,
    )


def registers_cleared(registers: int) -> Execution:
    """A program that leaves 0 in every register, as programs of ELF files find them."""
    lines = [f"addi x{n}, x0, 0" for n in range(1, registers)]
    return execute(dict(enumerate(assemble("\n".join([*lines, "ebreak"])))), "registers_cleared")


def registers_shown(done: Execution, registers: int) -> Execution | None:
    """A program with another end, which stores every register where a bench sees it.

    A bench that compares every store compares so all registers with the model's, and memory too.
    None: the program reads the instruction at its end, which is replaced.
    """
    lines = [f"sw x{n}, {SHOWN + 4 * n}(x0)" for n in range(1, registers)]
    code = assemble("\n".join([*lines, "ebreak"]))
    end = done.steps[-1].pc
    read = {step.read >> 2 for step in done.steps if step.read is not None}
    if end >> 2 in read:
        return None
    used = read | done.memory.keys() | done.final_memory.keys()
    free = next(
        end + offset
        for offset in range(4, _JUMP_REACH - 4 * len(code), 4)
        if used.isdisjoint(range((end + offset) >> 2, ((end + offset) >> 2) + len(code)))
    )
    memory = {**done.memory, end >> 2: assemble(f"jal x0, {free - end}")[0]}
    again = execute(memory | dict(enumerate(code, free >> 2)), "registers_shown")
    if again.registers != done.registers:
        raise ValueError("the program depends on the instruction at its end")
    return again
