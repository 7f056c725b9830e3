"""The reader of ELF files: what it loads, and one line for each file that cannot run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chipdse_hdl.riscv.elf import MOST_FILE_BYTES, read_elf
from chipdse_hdl.riscv.program import PROGRAMS
from hypothesis import given
from hypothesis import strategies as st

from tests.riscv.elf_files import GOOD, Elf, Part, code


def test_segments_become_words() -> None:
    parts = (
        Part(address=0, content=code("ecall")),
        Part(address=0x101, content=b"\xaa\xbb", memory_bytes=64),
        Part(address=0x103, content=b"\xcc"),
        Part(address=0x200, content=b"\x01\x02\x03\x04", run_address=0x8000),  # copied at the start
    )
    image = read_elf(Elf(parts=parts, flags=8).write(), "x.elf")
    assert image.words == {0: 0x73, 0x40: 0xCCBBAA00, 0x80: 0x04030201}
    assert image.is_rv32e and image.entry == 0


SEGMENT = GOOD.parts[0]


@pytest.mark.parametrize(
    ("elf", "reason"),
    [
        (replace(GOOD, machine=62), "is for EM_X86_64, not for RISC-V"),
        (replace(GOOD, order=2), "is big-endian"),
        (replace(GOOD, kind=1), "of type ET_REL, not an executable"),
        (replace(GOOD, kind=3), "of type ET_DYN, not an executable"),
        (replace(GOOD, flags=1), "has compressed instructions; compile it with -march=rv32i"),
        (replace(GOOD, flags=4), "floating-point registers"),
        (replace(GOOD, flags=0x100), "unknown extension"),
        (replace(GOOD, entry=2), "its entry 0x2 is no instruction"),
        (replace(GOOD, entry=0x1000), "its entry 0x1000 is no instruction"),
        (replace(GOOD, parts=()), "has no instructions to load"),
        (replace(GOOD, parts=(SEGMENT, Part(kind=3))), "needs a dynamic linker"),
        (replace(GOOD, parts=(SEGMENT,) * 2), "two segments are loaded at 0x0"),
        (replace(GOOD, parts=(SEGMENT,) * 65), "65 segments, more than 64"),
        (
            replace(GOOD, parts=(replace(SEGMENT, address=0x80000000),), entry=0x80000000),
            "from 0x80000000 to 0x80000008 lies outside the memory of 65536 bytes",
        ),
        (
            replace(GOOD, parts=(replace(SEGMENT, memory_bytes=65537),)),
            "memory_bytes=65537 or more",
        ),
        (
            replace(GOOD, parts=(replace(SEGMENT, memory_bytes=4),)),
            "8 bytes in the file and only 4 in memory",
        ),
        (replace(GOOD, parts=(replace(SEGMENT, file_bytes=9),)), "the file is cut short"),
    ],
)
def test_one_line_for_a_file_that_cannot_run(elf: Elf, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_elf(elf.write(), "x.elf", 65536)
    assert str(caught.value).startswith("x.elf") and "\n" not in str(caught.value)


def test_a_64_bit_program_is_refused_with_the_option_to_compile_it() -> None:
    # The header of ELFCLASS64: entry and offsets of 8 bytes.
    content = bytearray(64)
    content[:8] = b"\x7fELF\x02\x01\x01\x00"
    content[16:20] = b"\x02\x00\xf3\x00"
    with pytest.raises(ValueError, match="x.elf is a 64-bit program; compile it with -march=rv32i"):
        read_elf(bytes(content), "x.elf")


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fEL", b"int main(void);"])
def test_no_elf_file(content: bytes) -> None:
    with pytest.raises(ValueError, match="x.elf is not an ELF file; name a linked program"):
        read_elf(content, "x.elf")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes, more than"):
        read_elf(bytes(MOST_FILE_BYTES + 1), "x.elf")


@pytest.mark.slow
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    content = bytearray((PROGRAMS / "quicksort.elf").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        try:
            image = read_elf(damaged, "x.elf", 2**14)
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert max(image.words) < 2**12
