"""A core of someone's own, described in TOML with a program, as a part of a chip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse.api.chip import evaluate_chips
from chipdse.api.chip_parts import block_of, read_chip_file
from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import read_sweep
from tests.riscv.elf_files import EXIT, with_code

VERILOG = """
module adds(input clk, input rst, input [31:0] instruction, output reg [7:0] pc,
            output reg [7:0] sum);
  always @(posedge clk)
    if (rst) begin pc <= 0; sum <= 0; end
    else if (instruction[6:0] == 7'h13) begin
      pc <= pc + 4;
      sum <= sum + instruction[27:20];
    end
endmodule
"""
BENCH = '''
"""cocotb bench: the core adds the constants of a program of addi to one register."""
import json
import os

import cocotb
from chipdse_hdl.bench.testbench import passed, start
from chipdse_hdl.riscv.named import named_program
from cocotb.triggers import FallingEdge, RisingEdge


@cocotb.test()
async def adds_constants(dut):
    program = named_program(json.loads(os.environ["HDL_WORKLOAD"])["program"])
    edge, total = FallingEdge(dut.clk), 0
    await start(dut)
    dut.instruction.value = 0
    dut.rst.value = 1
    for _ in range(2):
        await RisingEdge(dut.clk)
        await edge
    dut.rst.value = 0
    for step in program.steps:
        assert int(dut.pc.value) == step.pc and int(dut.sum.value) == total
        word = program.memory[step.pc >> 2]
        dut.instruction.value = word
        total += word >> 20 if word & 0x7F == 0x13 else 0
        await edge
    passed(first_cycle=2, cycles=len(program.steps))
'''
CORE = """
summary = "a core that adds constants"
sources = ["adds.v"]
top = "adds"
reset = "rst"
bench = "bench_adds"
cycles = "instructions"
[program]
default = "x.elf"
[work]
unit = "instruction"
count = "instructions"
input_bits = "32 * instructions"
output_bits = "8 * instructions"
"""
CHIP = """
[parts.array]
block = "mac_array"
hardware = { rows = 1, columns = 2, operand_bits = 2, accumulator_bits = 10, signed = false }
workload = { length = 32, depth = 8 }
[parts.control]
block = "cores/adds.toml"
workload = { program = "y.elf" }
[application]
network = "net.csv"
runs = { control = 3 }
"""


@pytest.fixture
def chip_file(tmp_path: Path) -> Path:
    cores = tmp_path / "cores"
    cores.mkdir()
    (cores / "adds.v").write_text(VERILOG)
    (cores / "bench_adds.py").write_text(BENCH)
    (cores / "adds.toml").write_text(CORE)
    (cores / "x.elf").write_bytes(with_code(EXIT).write())
    adds = "".join(f"addi x5, x5, {number}\n" for number in (3, 17, 8, 21))
    (tmp_path / "y.elf").write_bytes(with_code(adds + EXIT).write())
    (tmp_path / "net.csv").write_text("m,n,k\n6,2,8\n")
    path = tmp_path / "chip.toml"
    path.write_text(CHIP)
    return path


def test_blocks_and_programs_are_found_beside_the_file(chip_file: Path) -> None:
    part = read_chip_file(chip_file).parts[1]
    block = block_of(part)
    workload = block.workload(**part.workload)
    assert workload.program == str(chip_file.parent / "y.elf")
    assert block.work(block.parameters(), workload).count == 6
    swept = CHIP.replace("columns = 2", "columns = [1, 2]")
    chip_file.write_text(f'{swept}[objectives]\nlatency_s = "minimize"\ncost_usd = "minimize"\n')
    chip = read_sweep(chip_file).chip
    assert chip is not None
    (design,) = chip.parts[1].designs({})
    assert design.workload.program == workload.program


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("adds.toml", "add.toml", "chip.toml: [parts.control]: "),
        ("y.elf", "z.elf", "z.elf' does not exist"),
        ("control = 3", "core = 3", "[application.runs]: 'core' is not known here"),
        ("control = 3", "control = 0", "[application.runs] control"),
    ],
)
def test_mistakes_are_one_line(chip_file: Path, old: str, new: str, message: str) -> None:
    chip_file.write_text(CHIP.replace(old, new))
    with pytest.raises(DesignError) as error:
        evaluate_chips(chip_file)
    assert message in str(error.value)
    assert str(error.value).startswith(str(chip_file)) and "\n" not in str(error.value)


@pytest.mark.tools
def test_a_core_with_a_program_is_a_part(chip_file: Path, warm_store: Path) -> None:
    chips = evaluate_chips(chip_file, store=warm_store / "stages")
    control = chips.parts[1].points[0].metrics
    assert (control["work_per_run"], control["cycles_per_run"]) == (6, 6)
    dynamic_j = control["block_energy_per_run_j"]
    dynamic_j -= control["block_leakage_power_w"] * control["time_per_run_s"]
    assert chips.metrics["operations_energy_j"][0] == pytest.approx(3 * dynamic_j)
    alone_s = sum(layer["latency_s"] for layer in chips.layers(0))
    latency_s = alone_s + 3 * control["time_per_run_s"]
    assert chips.metrics["latency_s"][0] == pytest.approx(latency_s)
    chip_file.write_text(CHIP.replace("runs = { control = 3 }", "operations = { control = 18 }"))
    same = evaluate_chips(chip_file, store=warm_store / "stages")
    for name, column in chips.metrics.items():
        assert same.metrics[name] == pytest.approx(column, rel=1e-12), name


@pytest.mark.tools
def test_a_page_has_every_characterised_supply(
    chip_file: Path,
    warm_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A chip of the core alone, without wires, for which a supply is quick to measure."""
    array = CHIP[CHIP.index("[parts.array]") : CHIP.index("[parts.control]")]
    text = CHIP.replace(array, "").replace('network = "net.csv"\n', "")
    plain = (
        'physical = { wires = "none", clock_tree = false, added_cells = false, glitches = false }'
    )
    operating = "operating = { vdd_v = [1.4, 1.8] }"
    chip_file.write_text(text.replace("[application]", f"{plain}\n{operating}\n[application]"))
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    page = chip_file.parent / "chips.html"
    words = ["chip", str(chip_file), "--json", "--report", str(page), "--supplies"]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "supply 1 of 10: control at 0.5 V\n" in printed.err
    result = json.loads(printed.out)
    shown = json.loads(page.read_text().partition('id="data">')[2].partition("</script>")[0])
    supply = shown["chips"][0]["inside"]["supply"]
    assert len(supply["vdd_v"]) == 12 and (supply["vdd_v"][0], supply["vdd_v"][-1]) == (0.5, 1.95)
    assert supply["latency_s"] == sorted(supply["latency_s"], reverse=True)
    for chip in result["all"]:
        place = supply["vdd_v"].index(chip["parts"]["control"]["vdd_v"])
        assert supply["latency_s"][place] == pytest.approx(chip["latency_s"])
        energy_j = sum(column[place] for column in supply["energies_j"].values())
        assert energy_j == pytest.approx(chip["energy_per_task_j"])
    assert main(["chip", str(chip_file), "--supplies"]) == 2
    assert "--supplies is for the page; add --report FILE.html" in capsys.readouterr().err
