"""Programs of ELF files on the model: how they are entered and end, and the ones that ship."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from chipdse_hdl.riscv.elf import read_elf
from chipdse_hdl.riscv.program import (
    PROGRAMS,
    SHOWN,
    Execution,
    registers_cleared,
    registers_shown,
    run_elf,
)
from elftools.elf.elffile import ELFFile

from tests.riscv.elf_files import EXIT, GOOD, Elf, Part, code, with_code

ROOT = Path(__file__).parents[2]


def run(elf: Elf, folder: Path, memory_bytes: int = 65536) -> Execution:
    path = folder / "x.elf"
    path.write_bytes(elf.write())
    return run_elf(path, memory_bytes)


def sha256() -> bytes:
    # FIPS 180-4's example of two blocks; its digest begins with 248d6a61 d20638b8.
    text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    digest = hashlib.sha256(text).digest()
    assert digest.hex().startswith("248d6a61d20638b8")
    return struct.pack("<8I", *struct.unpack(">8I", digest))


def aes128() -> bytes:
    return bytes.fromhex("3925841d02dc09fbdc118597196a0b32")  # FIPS 197, appendix B


def fir() -> bytes:
    taps = [-5, 12, 70, 127, 127, 70, 12, -5]
    samples = [(n * 37 & 255) - 128 for n in range(16)]
    sums = [
        sum(tap * samples[n - k] for k, tap in enumerate(taps) if k <= n)
        for n in range(len(samples))
    ]
    return struct.pack("<16i", *sums)


def quicksort() -> bytes:
    words, word = [], 2463534242
    for _ in range(64):
        word ^= word << 13 & 0xFFFFFFFF
        word ^= word >> 17
        word ^= word << 5 & 0xFFFFFFFF
        words.append(word)
    return struct.pack("<64I", *sorted(words))


@pytest.mark.slow
@pytest.mark.parametrize("reference", [aes128, fir, quicksort, sha256])
def test_programs_that_ship_find_their_result(reference: Callable[[], bytes]) -> None:
    path = PROGRAMS / f"{reference.__name__}.elf"
    done, expected = run_elf(path, 2**14), reference()
    symbols = ELFFile(io.BytesIO(path.read_bytes())).get_section_by_name(".symtab")
    (symbol,) = symbols.get_symbol_by_name("result")
    address, size = symbol["st_value"], symbol["st_size"]
    words = [done.final_memory.get(at, 0) for at in range(address // 4, -(-(address + size) // 4))]
    found = struct.pack(f"<{len(words)}I", *words)[address % 4 :][:size]
    assert found == expected
    assert done.upper_register is None  # they run on 16 registers too


@pytest.mark.tools
def test_the_compiler_makes_the_files_that_ship(tmp_path: Path) -> None:
    if not shutil.which("riscv64-unknown-elf-gcc"):
        pytest.skip("the RISC-V compiler is not installed")
    script = ROOT / "tools" / "compile_riscv_programs.py"
    subprocess.run([sys.executable, script, "--to", tmp_path], check=True, capture_output=True)
    made = sorted(path.name for path in tmp_path.glob("*.elf"))
    assert made == sorted(path.name for path in PROGRAMS.glob("*.elf"))
    version = subprocess.run(
        ["riscv64-unknown-elf-gcc", "-dumpversion"], capture_output=True, text=True, check=True
    )
    if version.stdout.strip() == "12.2.0":  # the one that made them
        for name in made:
            ours, theirs = (
                read_elf((folder / name).read_bytes(), name) for folder in (PROGRAMS, tmp_path)
            )
            assert ours == theirs


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("on:\njal x0, on", "has no exit: the instruction at 0x0 jumps to itself"),
        ("on:\nfence\njal x0, on", "has no exit within 3000 instructions"),
        ("fence", "0x00000000 at 0x4 is no instruction of RV32I"),
        ("li x10, 3\necall", r"ends with exit code 3 \(a0 at 0x4\); it must be 0"),
        ("lw x5, 2(x0)", "the load at 0x0 takes 4 bytes from 0x2"),
        ("li x5, 0x10000\nsb x0, 0(x5)", "reaches 0x10000, outside the memory of 65536 bytes"),
        ("li x5, 6\njalr x0, 0(x5)", "there is no instruction at 0x6"),
        ("jal x0, 0x10000", "there is no instruction at 0x10000"),
    ],
)
def test_programs_without_an_end(
    source: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipdse_hdl.riscv.program.MOST_INSTRUCTIONS", 3000)
    with pytest.raises(ValueError, match=reason) as caught:
        run(with_code(source), tmp_path)
    assert str(caught.value).startswith("x.elf") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (0x02B50533, "it multiplies or divides"),  # mul a0, a0, a1
        (0x30001073, "privileged or reads a control register"),  # csrw mstatus, zero
        (0x00000001, "a compressed one"),  # c.nop
        (0x0000100F, "is no instruction of RV32I"),  # fence.i
        (0x00003003, "is no instruction of RV32I"),  # ld
        (0x40001013, "is no instruction of RV32I"),  # slli with a high bit
    ],
)
def test_other_extensions_are_refused(word: int, reason: str, tmp_path: Path) -> None:
    part = Part(content=word.to_bytes(4, "little") + code(EXIT))
    with pytest.raises(ValueError, match=f"x.elf: {word:#010x} at 0x0 is no instruction") as caught:
        run(replace(GOOD, parts=(part,)), tmp_path)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("entry", "jumps"), [(0, 0), (0x100, 1), (0x20000800, 2)])
def test_a_program_begins_at_its_entry(entry: int, jumps: int, tmp_path: Path) -> None:
    elf = Elf(parts=(Part(address=entry, content=code(EXIT)),), entry=entry)
    done = run(elf, tmp_path, 2**32)
    assert len(done.steps) == jumps + 2
    assert done.steps[jumps].pc == entry
    assert done.registers[5] == (0x20001000 if jumps == 2 else 0)


def test_an_entry_behind_something_else_at_0(tmp_path: Path) -> None:
    parts = (Part(address=0, content=b"data"), Part(address=0x100, content=code(EXIT)))
    with pytest.raises(ValueError, match="link the entry to 0, or leave bytes 0 to 3 free"):
        run(Elf(parts=parts, entry=0x100), tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file or directory; name an ELF file"):
        run_elf(tmp_path / "missing.elf")


def test_a_changed_file_is_run_again(tmp_path: Path) -> None:
    assert len(run(GOOD, tmp_path).steps) == 2
    assert len(run(with_code("fence\n" + EXIT), tmp_path).steps) == 3


def test_registers_beyond_those_of_a_core(tmp_path: Path) -> None:
    done = run(with_code("fence\naddi x17, x0, 1\n" + EXIT), tmp_path)
    done.check_registers(32, "x.elf")
    with pytest.raises(ValueError, match="x.elf uses x17 at 0x4, and the core has x0 to x15"):
        done.check_registers(16, "x.elf")


def test_every_register_is_stored_at_the_end(tmp_path: Path) -> None:
    lines = [f"li x{n}, {0x01234567 * n}" for n in range(1, 32) if n != 10]
    done = run(with_code("\n".join([*lines, EXIT])), tmp_path)
    shown = registers_shown(done, 32)
    assert shown is not None
    base = (SHOWN & 0xFFFFFFFF) >> 2
    assert [shown.final_memory[base + n] for n in range(1, 32)] == list(done.registers[1:])
    assert registers_cleared(32).registers == (0,) * 32
    # Where the program reads its own end there is no other program with that end.
    assert registers_shown(run(with_code("lw x5, 8(x0)\n" + EXIT), tmp_path), 32) is None
