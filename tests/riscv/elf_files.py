"""ELF files by hand, for the tests of their reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from chipdse_hdl.riscv.assembler import assemble

HEADER, PROGRAM_HEADER = 52, 32


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program header and its content; None: as long as the content."""

    address: int = 0
    content: bytes = b""
    memory_bytes: int | None = None
    file_bytes: int | None = None
    run_address: int | None = None
    kind: int = 1  # PT_LOAD


@dataclass(frozen=True, kw_only=True)
class Elf:
    """The fields of an ELF header, after the generic ABI and that of RISC-V."""

    parts: tuple[Part, ...]
    entry: int = 0
    flags: int = 0
    machine: int = 243
    kind: int = 2  # ET_EXEC
    bits: int = 1  # ELFCLASS32
    order: int = 1  # ELFDATA2LSB

    def write(self) -> bytes:
        """The file."""
        end = ">" if self.order == 2 else "<"
        ident = b"\x7fELF" + bytes([self.bits, self.order, 1]) + bytes(9)
        offset = HEADER + PROGRAM_HEADER * len(self.parts)
        where, rows, data = offset, b"", b""
        for part in self.parts:
            size = len(part.content) if part.file_bytes is None else part.file_bytes
            memory = size if part.memory_bytes is None else part.memory_bytes
            run = part.address if part.run_address is None else part.run_address
            rows += struct.pack(f"{end}8I", part.kind, where, run, part.address, size, memory, 7, 4)
            data += part.content
            where += len(part.content)
        head = struct.pack(
            f"{end}HHIIIIIHHHHHH",
            *(self.kind, self.machine, 1, self.entry, HEADER, 0, self.flags),
            *(HEADER, PROGRAM_HEADER, len(self.parts), 40, 0, 0),
        )
        return ident + head + rows + data


def code(source: str) -> bytes:
    """Instructions as bytes."""
    return b"".join(word.to_bytes(4, "little") for word in assemble(source))


EXIT = "addi x10, x0, 0\necall"
GOOD = Elf(parts=(Part(content=code(EXIT)),))


def with_code(source: str, **fields: int) -> Elf:
    """A program that starts at 0."""
    return replace(GOOD, parts=(Part(content=code(source)),), **fields)
