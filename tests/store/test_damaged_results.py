"""A damaged result of any stage is never used: `cache verify` counts it, and it is built again."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

from chipdse.cli import main
from chipdse.design import Design, LibraryChoice, OperatingPoint, PhysicalOptions, find_block
from chipdse.evaluate import STAGES, evaluate
from chipdse.hardware import simulators
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.stages.build import build_hardware
from chipdse.stages.trace_figures import trace_figures
from chipdse.store.care import entries, verify
from chipdse.store.folder import is_whole
from chipdse.store.place import Place
from chipdse.store.reads import read_again
from chipdse.store.store import Store
from chipdse.store.variants import known_reads, variant
from chipdse.trace_metrics import TRACE_METRICS, Traced, TraceOptions
from tests.support import stale_projects
from tests.support.designs.memories import TABLE, TableParameters, TableWorkload

pytestmark = pytest.mark.tools
NAMES = [stage.name for stage in STAGES]
SIMULATED = "verilator-runtime"


def flip(file: Path, other: Path) -> None:
    content = bytearray(file.read_bytes() or b"x")
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def truncate(file: Path, other: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path, other: Path) -> None:
    os.truncate(file, 0)


def replace(file: Path, other: Path) -> None:
    shutil.copyfile(other, file)


def remove(file: Path, other: Path) -> None:
    file.unlink()


DAMAGE: tuple[Callable[[Path, Path], None], ...] = (flip, truncate, empty, replace, remove)
"""What happens to a file, which is given with a file of another stage."""


PAIR = """
module half (input clk, input [7:0] x, input [7:0] k, output reg [15:0] y);
  always @(posedge clk) y <= x * k + y;
endmodule
module pair (input clk, input [7:0] x, output [15:0] left, output [15:0] right);
  half l(.clk(clk), .x(x), .k(right[7:0] ^ 8'd3), .y(left));
  half r(.clk(clk), .x(x), .k(left[7:0] ^ 8'd5), .y(right));
endmodule
"""


def write_pair(folder: Path) -> Path:
    """The description of a design that has a module with two copies."""
    (folder / "pair.v").write_text(PAIR)
    file = folder / "pair.toml"
    file.write_text('summary = "two halves"\nsources = ["pair.v"]\ntop = "pair"\nclock = "clk"\n')
    return file


def answers(root: Path, project: Path) -> tuple[list[dict[str, float]], list[str]]:
    """Metrics of designs which take all stages between them, and what was built."""
    store = Store(root=root)
    found = find_block("b:B", project / "blocks")
    guaranteed = Design(
        block=found,
        parameters=found.parameters(),
        workload=found.workload(length=20),
        library=LibraryChoice(name="sky130"),
        operating=OperatingPoint(view="guaranteed"),
    )
    with_memory = Design(
        block=TABLE,
        parameters=TableParameters(),
        workload=TableWorkload(),
        library=LibraryChoice(name="sky130"),
        synthesis=SynthesisOptions(memory_macro_bits=1024),
        physical=PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    )
    pair = find_block(str(write_pair(project)))
    with_copies = Design(
        block=pair,
        parameters=pair.parameters(),
        workload=pair.workload(),
        library=LibraryChoice(name="sky130"),
        synthesis=SynthesisOptions(hierarchy="shared"),
        physical=PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    )
    designs = (guaranteed, with_memory, with_copies)
    metrics = [evaluate(design, store).flat() for design in designs]
    secret = BLOCKS["aes_sbox"]
    with_secrets = Design(
        block=secret,
        parameters=secret.parameters(),
        workload=secret.workload(length=20),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    )
    _, hardware = build_hardware(with_secrets, store)
    traced = Traced(names=tuple(TRACE_METRICS), options=TraceOptions(traces=512))
    figures = trace_figures(traced, with_secrets, hardware, store, [OperatingPoint()])
    metrics += [dataclasses.asdict(each) for each in figures]
    if SIMULATED in {path.name for path in root.iterdir()}:
        tool = simulators.pick("verilator", 0, 0)
        simulators._verilator_runtime(tool, store, waves=False)
    return metrics, store.built


@dataclasses.dataclass(frozen=True, kw_only=True)
class Warm:
    """A store with results of every stage, the project, and its metrics."""

    root: Path
    project: Path
    metrics: list[dict[str, float]]

    def results(self, stage: str) -> list[Path]:
        found = entries(self.root)
        return sorted(e.path for e in found if e.stage == stage and e.kind == "result")


@pytest.fixture(scope="module")
def warm(
    tmp_path_factory: pytest.TempPathFactory, lend_verilator: Callable[[Path], None]
) -> Iterator[Warm]:
    folder, path = tmp_path_factory.mktemp("damaged"), list(sys.path)
    project = stale_projects.write(folder / "project")
    sys.path.insert(0, str(project / "elsewhere"))
    (folder / "store").mkdir()
    if shutil.which("g++") and shutil.which("make"):
        lend_verilator(folder / "store")
    metrics, _ = answers(folder / "store", project)
    yield Warm(root=folder / "store", project=project, metrics=metrics)
    sys.path[:] = path


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("stage", NAMES)
def test_a_damaged_result_is_built_again(
    warm: Warm, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results = warm.results(stage)
    if stage == SIMULATED and not results:
        pytest.skip("Verilator needs g++ and make")
    assert results, f"no design of this test has the stage {stage!r}: add one"
    inputs = sorted(warm.root.glob("*/*/inputs.json"))
    other = next(path for path in inputs if path.parts[-3] != stage)
    kinds = random.Random(stage)
    for folder in results:
        for file in files_of(folder):
            before = file.read_bytes()
            for damage in DAMAGE:
                damage(file, other)
                damaged = not file.exists() or file.read_bytes() != before
                assert damaged != is_whole(folder), f"{damage.__name__} of {file.name}"
                file.write_bytes(before)
        assert is_whole(folder)
    for folder in results:
        file = kinds.choice([path for path in files_of(folder) if path.stat().st_size])
        kinds.choice(DAMAGE)(file, other)
    assert verify(warm.root) == results
    assert main(["cache", "verify", "--store", str(warm.root)]) == 1
    assert f"{len(results)} damaged" in capsys.readouterr().out
    metrics, built = answers(warm.root, warm.project)
    assert set(built) <= {stage}
    if not built:  # the results of later stages are enough, so these are not even read
        for later in NAMES[NAMES.index(stage) + 1 :]:
            for folder in warm.results(later):
                shutil.rmtree(folder)
        assert metrics == warm.metrics
        metrics, built = answers(warm.root, warm.project)
    assert built.count(stage) == len(results)
    assert metrics == warm.metrics
    assert verify(warm.root) == [] and warm.results(stage) == results


ODD_LISTS = (
    "",
    "[",
    "5",
    "[[[1, 2], [3, 4]]]",
    '[["file", "name"]]',
    '[[["file", "a\\u0000b"], ["module", ""], ["module", "."], ["other", "x"]]]',
)


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("content", ODD_LISTS)
def test_a_damaged_list_names_nothing_that_is_reused(tmp_path: Path, content: str) -> None:
    place, base = Place.of(tmp_path), tmp_path / "stage" / "key"
    base.parent.mkdir()
    base.with_name("key.reads").write_text(content)
    for names in known_reads(base):
        assert not variant(base, {}, read_again(names, place)).exists()


def test_damaged_lists_of_what_results_read_are_written_again(warm: Warm) -> None:
    lists = sorted(warm.root.glob("*/*.reads"))
    assert len(lists) > 1
    for file, damage in zip(lists, itertools.cycle(DAMAGE)):
        damage(file, warm.results("measure")[0] / "inputs.json")
    metrics, built = answers(warm.root, warm.project)
    assert metrics == warm.metrics
    assert set(built) <= {"elaborate", "simulate"}
    assert answers(warm.root, warm.project) == (metrics, [])


def test_the_folder_of_another_result_is_not_used(warm: Warm) -> None:
    """Results that were copied to other keys, whole: their inputs are not those of the keys."""
    pairs = [warm.results(stage)[:2] for stage in NAMES]
    copies = [pair for pair in pairs if len(pair) == 2]
    assert len(copies) > 2
    for target, source in copies:
        shutil.rmtree(target)
        shutil.copytree(source, target)
    assert verify(warm.root) == sorted(target for target, _ in copies)
    metrics, built = answers(warm.root, warm.project)
    assert metrics == warm.metrics
    assert sorted(built) == sorted(target.parent.name for target, _ in copies)
