"""Workload of `rv32`: a program, by its name or as an ELF file."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from chipdse_hdl.block import (
    check_parameters,
    file_parameter,
    named_file,
    parameter,
    seed_parameter,
)
from chipdse_hdl.riscv.program import MEMORY_BYTES, PROGRAMS, Execution, execute, run_elf
from chipdse_hdl.rv32.programs import RESULT, SOURCES, program


@dataclass(frozen=True, kw_only=True)
class Rv32Workload:
    """A program and its data; an ELF file contains both: `length` and `seed` do not apply."""

    program: str = file_parameter(
        "crc32",
        "crc32: of bytes, bit by bit; sort: words by insertion; dot: product of signed bytes, "
        "multiplied by shifting and adding; compiled from C: aes128, fir, quicksort, sha256; or a "
        "static ELF file of RV32I or RV32E",
        suffix=".elf",
        folder=PROGRAMS,
        choices=tuple(SOURCES),
    )
    length: int = parameter(
        32, "bytes, words or pairs of crc32, sort and dot", minimum=1, maximum=10**5
    )
    seed: int = seed_parameter("data of crc32, sort and dot")
    memory_bytes: int = parameter(
        MEMORY_BYTES, "memory of an ELF file's program, from address 0", minimum=4, maximum=2**32
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.is_elf:
            self.execution(32)

    @property
    def is_elf(self) -> bool:
        """Whether the program comes from an ELF file."""
        return named_file(self, "program") is not None

    def execution(self, registers: int) -> Execution:
        """What the program does on a core with so many registers; its result is checked."""
        path = named_file(self, "program")
        if path is None:
            return _assembled(self.program, self.length, self.seed)
        done = run_elf(path, self.memory_bytes)
        done.check_registers(registers, path.name)
        return done


@functools.lru_cache(maxsize=16)
def _assembled(name: str, length: int, seed: int) -> Execution:
    words, result = program(name, length, seed)
    return checked(execute(words, name), result)


def checked(done: Execution, result: int) -> Execution:
    """The execution; ValueError unless it left a result."""
    stored = done.final_memory.get(RESULT // 4, 0)
    if stored != result:
        raise ValueError(f"the program leaves {stored:#x}, not {result:#x}")
    return done
