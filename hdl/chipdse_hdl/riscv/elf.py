"""Static ELF files of RV32I and RV32E: what they put into memory, or why they cannot run."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

MOST_FILE_BYTES, MOST_LOADED_BYTES, MOST_SEGMENTS = 2**26, 2**22, 64
# "RISC-V ELF Specification" (riscv-non-isa/riscv-elf-psabi-doc), e_flags.
_COMPRESSED, _FLOAT_ABI, _RV32E, _TOTAL_STORE_ORDER = 1, 6, 8, 16
_COMPILE = "compile it with -march=rv32i -mabi=ilp32 (or rv32e, ilp32e)"
_LINK = "link it with -static -nostartfiles"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """What the file puts at an address, and where it stands while the program runs.

    address, data : bytes of the file, by physical address
    run_address, run_bytes : of the running program; what the file does not fill is 0
    """

    address: int
    data: bytes
    run_address: int
    run_bytes: int

    @property
    def ranges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First address and the address behind, of both."""
        return (
            (self.address, self.address + len(self.data)),
            (self.run_address, self.run_address + self.run_bytes),
        )


@dataclass(frozen=True, kw_only=True)
class Image:
    """A program as its file describes it.

    entry : address of its first instruction
    is_rv32e : it was compiled for 16 registers
    """

    entry: int
    segments: tuple[Segment, ...]
    is_rv32e: bool

    @property
    def words(self) -> dict[int, int]:
        """Memory, words by word address."""
        memory: dict[int, int] = {}
        for segment in self.segments:
            ahead = segment.address % 4
            data = bytes(ahead) + segment.data
            data += bytes(-len(data) % 4)
            first = segment.address // 4
            for at, word in enumerate(np.frombuffer(data, "<u4").tolist(), first):
                memory[at] = memory.get(at, 0) | word  # segments may share a word, but no byte
        return memory


def read_elf(content: bytes, name: str, memory_bytes: int = 2**32) -> Image:
    """The program of an ELF file.

    Parameters
    ----------
    name : of the file, for messages
    memory_bytes : size of the memory, which begins at address 0

    Raises
    ------
    ValueError : the file is not a static program of RV32I or RV32E within memory
    """
    if len(content) > MOST_FILE_BYTES:
        raise ValueError(
            f"{name} has {len(content)} bytes, more than {MOST_FILE_BYTES}; strip its symbols"
        )
    if not content.startswith(b"\x7fELF"):
        raise ValueError(f"{name} is not an ELF file; name a linked program")
    try:
        image = _read(content, name)
    except ValueError:
        raise
    except Exception as error:  # pyelftools has errors of many kinds for damaged headers
        raise ValueError(f"{name} is a damaged ELF file ({type(error).__name__})") from error
    _check_places(image, name, memory_bytes)
    return image


def _read(content: bytes, name: str) -> Image:
    elf = ELFFile(io.BytesIO(content))
    _check_kind(elf, name)
    if elf["e_phnum"] > MOST_SEGMENTS:
        raise ValueError(
            f"{name} has {elf['e_phnum']} segments, more than {MOST_SEGMENTS}; {_LINK}"
        )
    headers = [elf.get_segment(n).header for n in range(elf["e_phnum"])]
    for header in headers:
        if header["p_type"] in ("PT_INTERP", "PT_DYNAMIC"):
            raise ValueError(f"{name} needs a dynamic linker; {_LINK}")
    segments = [
        _segment(header, content, name)
        for header in headers
        if header["p_type"] == "PT_LOAD" and header["p_memsz"]
    ]
    return Image(
        entry=elf["e_entry"],
        segments=tuple(segments),
        is_rv32e=bool(elf["e_flags"] & _RV32E),
    )


def _check_kind(elf: ELFFile, name: str) -> None:
    """Raise ValueError unless the header states a program that RV32I or RV32E can run."""
    if elf["e_machine"] != "EM_RISCV":
        raise ValueError(f"{name} is for {elf['e_machine']}, not for RISC-V; {_COMPILE}")
    if elf.elfclass != 32:
        raise ValueError(f"{name} is a 64-bit program; {_COMPILE}")
    if not elf.little_endian:
        raise ValueError(f"{name} is big-endian; {_COMPILE} and -mlittle-endian")
    if elf["e_type"] != "ET_EXEC":
        raise ValueError(
            f"{name} is of type {elf['e_type']}, not an executable at fixed addresses; {_LINK}"
        )
    flags = elf["e_flags"]
    if flags & _COMPRESSED:
        raise ValueError(f"{name} has compressed instructions; {_COMPILE}")
    if flags & _FLOAT_ABI:
        raise ValueError(f"{name} passes numbers in floating-point registers; {_COMPILE}")
    if flags & ~(_COMPRESSED | _FLOAT_ABI | _RV32E | _TOTAL_STORE_ORDER):
        raise ValueError(f"{name} has e_flags {flags:#x}, of an unknown extension; {_COMPILE}")


def _segment(header: Any, content: bytes, name: str) -> Segment:
    offset, size = header["p_offset"], header["p_filesz"]
    where = f"{name}: the segment at {header['p_vaddr']:#x}"
    if size > header["p_memsz"]:
        raise ValueError(
            f"{where} has {size} bytes in the file and only {header['p_memsz']} in memory; {_LINK}"
        )
    if offset + size > len(content):
        raise ValueError(
            f"{where} ends at byte {offset + size} of a file of {len(content)}; the file is cut "
            "short: copy it again"
        )
    return Segment(
        address=header["p_paddr"],
        data=content[offset : offset + size],
        run_address=header["p_vaddr"],
        run_bytes=header["p_memsz"],
    )


def _check_places(image: Image, name: str, memory_bytes: int) -> None:
    """Raise ValueError unless all that is loaded has a place of its own in memory."""
    loaded = sum(len(segment.data) for segment in image.segments)
    if not loaded:
        raise ValueError(f"{name} has no instructions to load; {_LINK}")
    if loaded > MOST_LOADED_BYTES:
        raise ValueError(f"{name} loads {loaded} bytes, more than {MOST_LOADED_BYTES}")
    for segment in image.segments:
        for first, end in segment.ranges:
            if end > memory_bytes:
                raise ValueError(
                    f"{name}: the segment from {first:#x} to {end:#x} lies outside the memory of "
                    f"{memory_bytes} bytes from 0; link it lower, or set memory_bytes={end} or more"
                )
    in_file = sorted(segment.ranges[0] for segment in image.segments if segment.data)
    for (_, end), (first, _) in itertools.pairwise(in_file):
        if first < end:
            raise ValueError(f"{name}: two segments are loaded at {first:#x}; {_LINK}")
    ranges = [span for segment in image.segments for span in segment.ranges]
    if image.entry % 4 or not any(first <= image.entry < end for first, end in ranges):
        raise ValueError(
            f"{name}: its entry {image.entry:#x} is no instruction of it; name one by ENTRY(...) "
            "in the linker script"
        )
