"""Programs of ELF files on hardware, in stored results and in sweeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from chipdse_hdl.rv32 import BLOCK, Rv32Parameters, Rv32Workload
from chipdse_hdl.rv32.model import cycles, work

from chipdse.api.chip import evaluate_chips
from chipdse.design import Design, LibraryChoice, find_block
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import simulate
from chipdse.store.store import Store
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage.fingerprint import comparable, differences, parts_of
from tests.riscv.elf_files import EXIT, Elf, with_code
from tests.support.hdl_runs import bench_passes

THIRD_PARTY = Path(__file__).parents[2] / "sweeps" / "third_party"
SHORT = f"li x5, 0x123\nsw x5, 0x100(x0)\nlbu x6, 0x101(x0)\nslli x7, x6, 4\n{EXIT}"
# It puts two instructions behind itself, which leave 5 in x8, and calls them.
COPIES = f"""
    li x5, 0x00500413
    sw x5, 0x100(x0)
    li x5, 0x00008067
    sw x5, 0x104(x0)
    li x6, 0x100
    jalr x1, 0(x6)
    sw x8, 0x200(x0)
    {EXIT}
"""
FEW, MANY = Rv32Parameters(registers=16), Rv32Parameters()


def written(folder: Path, elf: Elf, name: str = "x.elf") -> Rv32Workload:
    """The workload of a program that is written as a file."""
    (folder / name).write_bytes(elf.write())
    return Rv32Workload(program=str(folder / name))


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("source", [SHORT, COPIES], ids=["short", "copies"])
@pytest.mark.parametrize(
    "parameters", [MANY, Rv32Parameters(registers=16, stages=2, shifter="serial")], ids=str
)
def test_the_bench_runs_a_program_of_the_user(
    parameters: Rv32Parameters, source: str, tmp_path: Path
) -> None:
    workload = written(tmp_path, with_code(source))
    result = bench_passes(BLOCK, parameters, workload, tmp_path)
    assert result["cycles"] == cycles(parameters, workload)


def test_instructions_and_words_are_counted_as_by_hand(tmp_path: Path) -> None:
    workload = written(tmp_path, with_code(SHORT))
    done = work(MANY, workload)
    assert (done.count, done.input_bits, done.output_bits) == (6, 32 * (6 + 1), 32)
    assert cycles(MANY, workload) == 6 + 1 + MANY.stages  # a load takes one more


def test_a_program_that_needs_more_registers(tmp_path: Path) -> None:
    workload = written(tmp_path, with_code(f"addi x17, x0, 1\n{EXIT}"))
    with pytest.raises(ValueError, match="x.elf uses x17 at 0x0, and the core has x0 to x15"):
        cycles(FEW, workload)


@pytest.mark.tools
def test_results_depend_on_the_content_of_the_program(tmp_path: Path) -> None:
    store = Store(root=tmp_path / "store")
    rtl = elaborate(BLOCK, FEW, store)
    first = simulate(BLOCK, FEW, written(tmp_path, with_code(SHORT)), rtl, store)
    moved = simulate(BLOCK, FEW, written(tmp_path, with_code(SHORT), "y.elf"), rtl, store)
    assert first.folder == moved.folder
    changed = simulate(BLOCK, FEW, written(tmp_path, with_code(f"fence\n{SHORT}")), rtl, store)
    assert changed.folder != first.folder
    assert changed.cycles == first.cycles + 1
    with pytest.raises(DesignError, match="rv32: x.elf uses x17 at 0x0"):
        workload = written(tmp_path, with_code(f"addi x17, x0, 1\n{EXIT}"))
        simulate(BLOCK, FEW, workload, rtl, store)


SWEEP = """
question = "Which?"
block = "rv32"
[hardware]
registers = [16, 32]
[workload]
program = ["sort", "sha256", "programs/x.elf"]
[library]
name = "sky130"
[objectives]
block_energy_per_run_j = "minimize"
time_per_run_s = "minimize"
[limits]
cycles_per_run = { max = 100000 }
"""


def sweep_in(folder: Path, elf: Elf) -> Path:
    """A sweep file, with a program in a folder beside it."""
    (folder / "programs").mkdir(exist_ok=True)
    (folder / "programs" / "x.elf").write_bytes(elf.write())
    (folder / "s.toml").write_text(SWEEP)
    return folder / "s.toml"


@pytest.mark.slow
def test_programs_in_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sweep_in(tmp_path, with_code(SHORT))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the path starts at the sweep file
    sweep = read_sweep(path)
    assert sweep.space.size == 6
    design = sweep.template.design({"registers": 16, "program": "programs/x.elf"})
    assert design.workload.program == str(tmp_path / "programs" / "x.elf")
    parts = parts_of(sweep)
    named = {name for name in parts if name.startswith("workload ")}
    assert named == {"workload sha256", "workload programs/x.elf"}
    sweep_in(tmp_path, with_code(f"fence\n{SHORT}"))
    changed = parts_of(sweep)
    assert {name for name in parts if parts[name] != changed[name]} == {"workload programs/x.elf"}


@pytest.mark.parametrize(
    ("elf", "reason"),
    [
        (with_code(SHORT, flags=1), "x.elf has compressed instructions"),
        (with_code("on:\njal x0, on"), "x.elf has no exit"),
    ],
)
def test_a_wrong_program_is_refused_when_the_sweep_is_read(
    elf: Elf, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DesignError, match=rf"s.toml: \[workload\]: {reason}") as caught:
        read_sweep(sweep_in(tmp_path, elf))
    assert "\n" not in str(caught.value)


def test_a_sweep_of_more_programs_is_of_the_same_version(tmp_path: Path) -> None:
    path = sweep_in(tmp_path, with_code(SHORT))
    before = parts_of(read_sweep(path))
    text = path.read_text()
    path.write_text(text.replace('"sort", "sha256"', '"sort", "fir", "sha256"'))
    more = parts_of(read_sweep(path))
    assert differences(before, more) == ["workload fir"]
    assert differences(*comparable(before, more)) == []
    assert differences(*comparable(more, before)) == []
    # A program that both name must be the same.
    sweep_in(tmp_path, with_code(f"fence\n{SHORT}"))
    changed = parts_of(read_sweep(path))
    assert differences(*comparable(before, changed)) == ["workload programs/x.elf"]


CHIP = """
[parts.control]
block = "rv32"
workload = { program = "x.elf" }
[parts.array]
block = "mac_array"
[application]
network = "resnet8"
"""


def test_a_chip_file_names_a_program_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.toml").write_text(CHIP)
    (tmp_path / "x.elf").write_bytes(with_code(SHORT, flags=1).write())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(DesignError, match="control. workload: x.elf has compressed instructions"):
        evaluate_chips(tmp_path / "c.toml")


def test_names_that_are_no_program() -> None:
    with pytest.raises(ValueError, match="program='aes' is not one of .*'aes128'.* end with .elf"):
        Rv32Workload(program="aes")
    with pytest.raises(ValueError, match="program='aes.elf' does not exist; name a file"):
        Rv32Workload(program="aes.elf")


@pytest.mark.tools
def test_energy_of_a_program(tmp_path: Path) -> None:
    design = Design(
        block=BLOCK,
        parameters=FEW,
        workload=written(tmp_path, with_code(SHORT)),
        library=LibraryChoice(name="sky130"),
    )
    report = evaluate(design, Store(root=tmp_path / "store")).block
    assert (report.work_per_run, report.cycles_per_run) == (6, 8)
    assert report.time_per_run_s == pytest.approx(8 / report.clock_frequency_hz)
    assert report.block_energy_per_run_j == pytest.approx(6 * report.block_energy_per_op_j)
    power_times_time = report.block_power_w * report.time_per_run_s
    assert report.block_energy_per_run_j == pytest.approx(power_times_time)


@pytest.mark.exhaustive  # as the core that is described in TOML, below
@pytest.mark.tools
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")  # of its macro processor
def test_a_core_of_someone_else_runs_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentinel_cpu", reason="pip install chipdse[third-party]")
    monkeypatch.syspath_prepend(THIRD_PARTY)
    program = tmp_path / "x.elf"
    program.write_bytes(with_code(SHORT).write())
    block = find_block("sentinel_programs:CORE", THIRD_PARTY)
    store, p = Store(root=tmp_path / "store"), block.parameters()
    workload = block.workload(program=str(program))
    rtl = elaborate(block, p, store)
    run = simulate(block, p, workload, rtl, store)
    count = block.work(p, workload).count
    assert count == 6
    assert 4 * count < run.cycles < 12 * count
    assert simulate(block, p, workload, rtl, store).folder == run.folder
    program.write_bytes(with_code(f"fence\n{SHORT}").write())
    assert simulate(block, p, workload, rtl, store).folder != run.folder


@pytest.mark.tools
def test_a_core_described_in_toml_runs_a_program(tmp_path: Path) -> None:
    pytest.importorskip("pythondata_cpu_serv", reason="pip install chipdse[third-party]")
    block = find_block("verilog/serv_programs.toml", THIRD_PARTY)
    assert block.workload().program == "quicksort"
    program = tmp_path / "x.elf"
    program.write_bytes(with_code(SHORT).write())
    p, workload = block.parameters(), block.workload(program=str(program))
    done = block.work(p, workload)
    assert (done.count, done.unit) == (6, "instruction")
    assert (done.input_bits, done.output_bits) == (32 * (6 + 1), 32)
    assert block.cycles(p, workload) == 50 * 6
    store = Store(root=tmp_path / "store")
    run = simulate(block, p, workload, elaborate(block, p, store), store)
    assert 32 * 6 < run.cycles < 64 * 6  # a bit per cycle, and some around it
