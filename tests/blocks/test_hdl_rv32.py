"""The processor against its model, the model against the RISC-V tests' values; planted faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from chipdse_hdl.bench.testbench import check_ports
from chipdse_hdl.riscv.assembler import assemble
from chipdse_hdl.riscv.instructions import MASK
from chipdse_hdl.riscv.machine import Machine
from chipdse_hdl.riscv.program import execute
from chipdse_hdl.rv32 import BLOCK, Rv32, Rv32Parameters, Rv32Workload
from chipdse_hdl.rv32.bench import WATCH, hard_case, hard_program
from chipdse_hdl.rv32.model import cycles, work
from chipdse_hdl.rv32.programs import SOURCES, program
from chipdse_hdl.rv32.workload import checked

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth


def run(source: str, memory: dict[int, int] | None = None, registers: int = 7) -> int:
    """Run a program on the model; what is in x7 (or another register) when it halts."""
    machine = Machine((memory or {}) | dict(enumerate(assemble(source + "\nebreak"))))
    while not machine.step().halts:
        pass
    return machine.registers[registers]


# What objdump prints for code that every compiler makes.
@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("addi x0, x0, 0", 0x00000013),
        ("addi x2, x2, -32", 0xFE010113),
        ("sw x8, 28(x2)", 0x00812E23),
        ("addi x8, x2, 32", 0x02010413),
        ("sw x15, -20(x8)", 0xFEF42623),
        ("lw x15, -20(x8)", 0xFEC42783),
        ("lbu x15, 0(x15)", 0x0007C783),
        ("lui x10, 0x12345", 0x12345537),
        ("auipc x3, 0x2", 0x00002197),
        ("add x15, x14, x15", 0x00F707B3),
        ("sub x15, x14, x15", 0x40F707B3),
        ("slli x15, x15, 2", 0x00279793),
        ("srai x15, x15, 0x1f", 0x41F7D793),
        ("andi x15, x15, 255", 0x0FF7F793),
        ("jalr x0, 0(x1)", 0x00008067),
        ("ecall", 0x00000073),
        ("ebreak", 0x00100073),
        ("fence", 0x0FF0000F),
    ],
)
def test_instructions_are_encoded_as_the_manual_does(source: str, word: int) -> None:
    assert assemble(source) == [word]


def test_branch_and_jump_offsets() -> None:
    # bne x14, x15, -4: fef71ee3; jal x0, -8: ff9ff06f; jal x1, +8: 008000ef; beq x0, x0, +8.
    words = assemble("top:\nfence\nbne x14, x15, top\njal x0, top\njal x1, on\nfence\non:\nfence")
    assert words[1:4] == [0xFEF71EE3, 0xFF9FF06F, 0x008000EF]
    assert assemble("beq x0, x0, on\nfence\non:\nfence")[0] == 0x00000463


# From riscv-tests (github.com/riscv-software-src/riscv-tests, isa/rv64ui, as used for rv32ui).
@pytest.mark.parametrize(
    ("name", "a", "b", "result"),
    [
        ("add", 3, 7, 10),
        ("add", 0, 0xFFFF8000, 0xFFFF8000),
        ("add", 0x80000000, 0xFFFF8000, 0x7FFF8000),
        ("add", 0x7FFFFFFF, 0x7FFF, 0x80007FFE),
        ("sub", 3, 7, 0xFFFFFFFC),
        ("sub", 0x80000000, 0xFFFF8000, 0x80008000),
        ("sll", 0x21212121, 0xFFFFFFC7, 0x90909080),
        ("sll", 1, 31, 0x80000000),
        ("slt", 0x80000000, 0, 1),
        ("slt", 0x7FFFFFFF, 0xFFFF8000, 0),
        ("sltu", 0x80000000, 0, 0),
        ("sltu", 0, 0xFFFF8000, 1),
        ("xor", 0xFF00FF00, 0x0F0F0F0F, 0xF00FF00F),
        ("srl", 0x21212121, 7, 0x00424242),
        ("srl", 0xFFFFFFFF, 31, 1),
        ("sra", 0x80000000, 31, 0xFFFFFFFF),
        ("sra", 0x81818181, 7, 0xFF030303),
        ("sra", 0x81818181, 14, 0xFFFE0606),
        ("or", 0xFF00FF00, 0x0F0F0F0F, 0xFF0FFF0F),
        ("and", 0xFF00FF00, 0x0F0F0F0F, 0x0F000F00),
    ],
)
def test_register_instructions(name: str, a: int, b: int, result: int) -> None:
    assert run(f"li x5, {a}\nli x6, {b}\n{name} x7, x5, x6") == result


@pytest.mark.parametrize(
    ("line", "a", "result"),
    [
        ("addi x7, x5, -2048", 0x80000000, 0x7FFFF800),
        ("slti x7, x5, 2047", 0x80000000, 1),
        ("sltiu x7, x5, -1", 0x7FFFFFFF, 1),
        ("xori x7, x5, -241", 0x00FF0F00, 0xFF00F00F),
        ("ori x7, x5, -241", 0xFF00FF00, 0xFFFFFF0F),
        ("andi x7, x5, -241", 0xFF00FF00, 0xFF00FF00),
        ("slli x7, x5, 14", 0x21212121, 0x48484000),
        ("srai x7, x5, 1", 0x81818181, 0xC0C0C0C0),
        ("lui x7, 0x80000", 0, 0x80000000),
    ],
)
def test_immediate_instructions(line: str, a: int, result: int) -> None:
    assert run(f"li x5, {a}\n{line}") == result


@pytest.mark.parametrize(
    ("line", "result"),
    [
        # riscv-tests' data for lb: 0xff, 0x00, 0xf0, 0x0f.
        ("lb x7, 0(x5)", MASK),
        ("lb x7, 1(x5)", 0),
        ("lb x7, 2(x5)", 0xFFFFFFF0),
        ("lb x7, 3(x5)", 0x0F),
        ("lbu x7, 2(x5)", 0xF0),
        ("lh x7, 0(x5)", 0x00FF),
        ("lh x7, 2(x5)", 0x0FF0),
        ("lhu x7, 2(x5)", 0x0FF0),
        ("lw x7, 0(x5)", 0x0FF000FF),
    ],
)
def test_loads_extend_what_they_read(line: str, result: int) -> None:
    assert run(f"li x5, 0x400\n{line}", {0x100: 0x0FF000FF}) == result


def test_stores_and_calls() -> None:
    assert (
        run("li x5, 0x400\nli x6, 0xAABBCCDD\nsw x6, 0(x5)\nsb x0, 1(x5)\nlw x7, 0(x5)")
        == 0xAABB00DD
    )
    assert (
        run("li x5, 0x400\nli x6, 0x1234\nsw x0, 0(x5)\nsh x6, 2(x5)\nlw x7, 0(x5)") == 0x12340000
    )
    # A call leaves the address behind it, and jumps to even addresses only.
    assert run("jal x7, on\nebreak\non:\nfence") == 4
    assert run("li x5, 13\njalr x7, 0(x5)\nebreak\nfence") == 8
    assert run("addi x0, x0, 5\nadd x7, x0, x0") == 0


@pytest.mark.parametrize("name", list(SOURCES))
@pytest.mark.parametrize("length", [1, 2, 13])
def test_programs_find_the_result(name: str, length: int) -> None:
    """`execution` raises unless the result is zlib's, or NumPy's."""
    done = Rv32Workload(program=name, length=length).execution(32).steps
    assert done[-1].halts
    # All fit the 16 registers of RV32E.
    words, result = program(name, length, 1)
    with pytest.raises(ValueError, match="the program leaves"):
        checked(execute(words, name), result ^ 1)
    assert {step.instruction >> 7 & 31 for step in done if step.instruction & 0x7F == 0x33} <= set(
        range(16)
    )


def test_the_hard_program_has_every_instruction() -> None:
    words = hard_program(Rv32Parameters())
    opcodes = {word & 0x7F for word in words}
    assert len(opcodes) == 11
    kinds = {(word & 0x7F, word >> 12 & 7) for word in words}
    assert {kind for code, kind in kinds if code == 0x63} == {0, 1, 4, 5, 6, 7}
    assert {kind for code, kind in kinds if code == 0x03} == {0, 1, 2, 4, 5}


def test_cycles_by_hand() -> None:
    source = "li x5, 0x400\nlw x6, 0(x5)\nslli x6, x6, 3\njal x0, on\nfence\non:\nebreak"
    words = dict(enumerate(assemble(source)))
    done = execute(words, "loads").steps
    for stages, shifter, expected in [
        (1, "parallel", 1 + 2 + 1 + 1 + 1),
        (1, "serial", 1 + 2 + 5 + 1 + 1),
        (2, "parallel", 1 + 2 + 1 + 2 + 1),
    ]:
        p = Rv32Parameters(stages=stages, shifter=shifter)
        assert sum(map(p.cycles_of, done)) == expected


def test_work_and_words_are_counted_as_by_hand() -> None:
    workload = Rv32Workload(program="dot", length=4)
    done = work(Rv32Parameters(), workload)
    assert (done.count, done.unit) == (len(workload.execution(32).steps), "instruction")
    assert done.output_bits == 32  # the result
    assert done.input_bits == 32 * (done.count + 8)  # two loads a pair


@pytest.mark.slow
@pytest.mark.parametrize(
    ("registers", "stages", "shifter"),
    [(16, 1, "serial"), (32, 2, "parallel")],
)
def test_hardware_is_the_model(registers: int, stages: int, shifter: str) -> None:
    p = Rv32Parameters(registers=registers, stages=stages, shifter=shifter)
    inputs, expected = hard_case(p)
    check_ports(expected, play_in_amaranth(Rv32(p), inputs, WATCH))


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="registers=8 is not one of 16, 32"):
        Rv32Parameters(registers=8)
    with pytest.raises(ValueError, match="'mul x1 x2 x3' is no instruction of RV32I"):
        assemble("mul x1, x2, x3")
    with pytest.raises(ValueError, match="0xffffffff at 0x0 is no instruction"):
        Machine({0: MASK}).step()


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("parameters", "workload"),
    [
        (Rv32Parameters(), Rv32Workload(length=4)),
        (
            Rv32Parameters(registers=16, stages=2, shifter="serial"),
            Rv32Workload(program="sort", length=8),
        ),
        (Rv32Parameters(stages=2), Rv32Workload(program="dot", length=4)),
        (Rv32Parameters(registers=16, shifter="serial"), Rv32Workload(program="dot", length=3)),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(
    parameters: Rv32Parameters, workload: Rv32Workload, tmp_path: Path
) -> None:
    result = bench_passes(BLOCK, parameters, workload, tmp_path)
    assert result["cycles"] == cycles(parameters, workload)


FAULTS = {
    "a comparison without signs": (r"rs1\[31\] \^ b\[31\]", "1'b0"),
    "a shift without the sign": (r"instruction\[30\] & rs1\[31\]", "1'b0"),
    "x0 that is not zero": (r"rs1 = (\w+) \? port__data : 32'd0", "rs1 = port__data"),
    "a byte that goes elsewhere": (r"<< total\[1:0\]", "<< total[1]"),
    "a jump to an odd address": (r"total\[31:1\], 1'h0", "total[31:0]"),
    "a branch that takes the other way": (r"instruction\[13\] \? below", "1'b0 ? below"),
}


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    p = Rv32Parameters(registers=16)
    bench_catches(BLOCK, p, Rv32Workload(program="dot", length=1), FAULTS[fault], tmp_path)
