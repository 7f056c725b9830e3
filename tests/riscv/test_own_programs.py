"""The table `[program]` of a description of Verilog: what it adds, and every mistake in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.blocks.verilog import read_verilog_block
from chipdse.errors import DesignError
from tests.riscv.elf_files import EXIT, with_code

CORE = """
summary = "a core"
sources = ["core.v"]
top = "core"
bench = "bench_core"
cycles = "3 * instructions + loads"
[parameters]
REGISTERS = { default = 16, choices = [16, 32] }
[program]
default = "x.elf"
registers = "REGISTERS"
[work]
unit = "instruction"
count = "instructions"
input_bits = "32 * (instructions + loads)"
output_bits = "32 * stores"
"""


@pytest.fixture
def description(tmp_path: Path) -> Path:
    (tmp_path / "core.v").write_text("module core(input clk); endmodule\n")
    (tmp_path / "x.elf").write_bytes(with_code(f"sw x5, 0x100(x0)\n{EXIT}").write())
    path = tmp_path / "core.toml"
    path.write_text(CORE)
    return path


def test_a_program_beside_the_description(description: Path) -> None:
    block = read_verilog_block(description)
    p, workload = block.parameters(), block.workload()
    assert workload.program == str(description.parent / "x.elf")
    instructions = block.work(p, workload).count
    assert block.cycles(p, workload) == 3 * instructions
    assert block.work(p, workload).output_bits == 32
    with pytest.raises(ValueError, match="'y.elf' does not exist"):
        block.workload(program="y.elf")


def test_registers_that_the_core_has_not(description: Path) -> None:
    path = description.parent / "x.elf"
    path.write_bytes(with_code(f"addi x17, x0, 1\n{EXIT}").write())
    block = read_verilog_block(description)
    with pytest.raises(ValueError, match="x.elf uses x17 at 0x0, and the core has x0 to x15"):
        block.work(block.parameters(), block.workload())
    assert block.work(block.parameters(REGISTERS=32), block.workload()).count > 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"x.elf"', '"quick"', "program.default = 'quick' must be an ELF file"),
        ('"x.elf"', "3", "program.default = 3 must be an ELF file"),
        ('"REGISTERS"', '"REGS"', "program.registers speaks of 'REGS'; known: REGISTERS"),
        ("registers =", "register =", "program.register is not known; use default, registers"),
        ("[program]", "[program]\nstart_at_entry = 1", "start_at_entry = 1 must be true or false"),
        ("[program]", "[program]\nmemory_bytes = 2", "memory_bytes = 2 must be from 4"),
        ("[program]", "[workload]\nprogram = 1\n[program]", "is the field of [program]"),
        ('bench = "bench_core"\n', "", "program is given without a bench"),
        ("[program]\n", "[programs]\n", "programs is not known here"),
        ('"instructions"\n', '"program"\n', "speaks of 'program'; known: REGISTERS, instructions"),
    ],
)
def test_mistakes_are_one_line(description: Path, old: str, new: str, message: str) -> None:
    assert old in CORE
    description.write_text(CORE.replace(old, new, 1))
    with pytest.raises(DesignError) as error:
        read_verilog_block(description)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
