"""Exports of every kind of block: complete in an empty folder, the same twice, read by others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block
from chipdse.evaluate import evaluate
from chipdse.export.bundle import export_point
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.store.store import Store
from chipdse.tools import run_yosys
from tests.support.own_projects import BENCH_COUNTER, write_project

pytestmark = pytest.mark.tools
TESTS = Path(__file__).parents[1]
THIRD_PARTY = TESTS.parent / "sweeps" / "third_party"
PLAIN = PhysicalOptions(wires="none", clock_tree=False, glitches=False)
# A bench in parts: a sibling module, a package of the project, and our own testbench.
SPLIT_BENCH = {
    "bench_counter.py": "from counting.model import step\nimport counter_edges\n"
    + BENCH_COUNTER.replace("FallingEdge(dut.clk_i)", "counter_edges.fall(dut)").replace(
        'expected + enabled * p["STEP"]', "step(expected, enabled, p)"
    )
    + "    from chipdse_hdl.bench.testbench import passed\n"
    + "    passed(first_cycle=3, cycles=length - 1)\n",
    "counter_edges.py": "from cocotb.triggers import FallingEdge\n\n"
    "def fall(dut):\n    return FallingEdge(dut.clk_i)\n",
    "counting/__init__.py": "from .model import step\n",
    "counting/model.py": "from . import widths\n\n"
    "def step(count, enabled, p):\n    return count + enabled * widths.step_of(p)\n",
    "counting/widths.py": 'def step_of(p):\n    return p["STEP"]\n',
}


def of(
    reference: str, folder: Path, parameters: dict[str, Any], load: dict[str, Any], **more: Any
) -> Design:
    block = find_block(reference, folder)
    return Design(
        block=block,
        parameters=block.parameters(**parameters),
        workload=block.workload(**load),
        library=LibraryChoice(name="sky130"),
        **({"physical": PLAIN} | more),
    )


def verilog(folder: Path) -> Design:
    return of("counter.toml", write_project(folder, **SPLIT_BENCH), {"STEP": 3}, {"length": 40})


def unchecked(folder: Path) -> Design:
    return of("acme.blocks:Summer", write_project(folder), {"width": 4}, {"length": 40})


def with_macro(folder: Path) -> Design:
    options = SynthesisOptions(memory_macro_bits=512)
    small = {"words": 64, "bits": 16}
    return of(
        "tests.support.designs.memories:TABLE",
        TESTS.parent,
        small,
        {"length": 40},
        synthesis=options,
    )


def gated(folder: Path) -> Design:
    options = SynthesisOptions(clock_gating=4)
    small = {"rows": 1, "columns": 2, "operand_bits": 3, "accumulator_bits": 9}
    return of("mac_array", folder, small, {"length": 24, "depth": 8}, synthesis=options)


def third_party(folder: Path) -> Design:
    pytest.importorskip("smolarith", reason="pip install chipdse[third-party]")
    return of("smolarith_blocks:MULTIPLIER", THIRD_PARTY, {"width": 4}, {"length": 12})


FAMILIES = (verilog, unchecked, with_macro, gated, third_party)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(root=tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.__name__)
def bundle(
    request: pytest.FixtureRequest, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The folder, in a place of its own; beside it the same again."""
    make: Callable[[Path], Design] = request.param
    before, folder = list(sys.path), tmp_path_factory.mktemp(make.__name__)
    design = make(folder / "project")
    metrics = evaluate(design, store)
    evidence = metrics.system.evidence

    def export(name: str) -> None:
        export_point(design, metrics.flat(), store, folder / name, system_evidence=evidence)

    export("point")
    if make is FAMILIES[0] or "not exhaustive" not in request.config.option.markexpr:
        export("again")
    (folder / "evidence.json").write_text(json.dumps(metrics.evidence()))
    yield folder / "point"
    sys.path[:] = before


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.few_cases(1)
def test_the_same_point_is_the_same_bytes(bundle: Path) -> None:
    files = sorted(p.relative_to(bundle) for p in bundle.rglob("*") if p.is_file())
    assert len(files) > 15
    for name in files:
        assert (bundle / name).read_bytes() == (bundle.parent / "again" / name).read_bytes(), name


@pytest.mark.few_cases(2)
def test_it_passes_with_python_and_icarus_alone(bundle: Path, tmp_path: Path) -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")
    moved = shutil.copytree(bundle, tmp_path / "elsewhere")
    done = run([sys.executable, "-I", "-S", "check.py"], moved)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rtl: PASS" in done.stdout and "netlist: PASS" in done.stdout


@pytest.mark.few_cases(1)
def test_its_bench_runs_on_what_is_in_the_folder(bundle: Path, tmp_path: Path) -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")
    moved = shutil.copytree(bundle, tmp_path / "elsewhere")
    module = (moved / "bench" / "bench.json").read_text().split('"module": "')[1].split('"')[0]
    bench = moved / "bench" / (module.replace(".", "/") + ".py")
    # No module of the bench may come from this checkout, or from the project it was made in.
    others = tuple(map(str, (TESTS.parent / "hdl", TESTS, THIRD_PARTY, bundle.parent)))
    bench.write_text(
        bench.read_text() + "\nimport sys\n"
        "files = [str(getattr(m, '__file__', '')) for m in list(sys.modules.values())]\n"
        f"print('OUTSIDE', [file for file in files if file.startswith({others!r})])\n"
    )
    done = run([sys.executable, "-P", "check.py", "--cocotb"], moved)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "PASS=1 FAIL=0" in said, said
    assert "OUTSIDE []" in said


@pytest.mark.few_cases(2)
def test_strict_readers_take_rtl_and_netlist(bundle: Path, tmp_path: Path) -> None:
    driver = pytest.importorskip("pyslang.driver", reason="pyslang is not installed")
    for name in ("rtl.f", "netlist.f"):
        files = [str(bundle / line) for line in (bundle / name).read_text().split()]
        read = driver.Driver()
        read.addStandardArgs()
        assert read.parseCommandLine(" ".join(["slang", "--std", "1364-2005", *files]))
        assert read.processOptions() and read.parseAllSources()
        made = read.createCompilation()
        wrong = [one for one in made.getAllDiagnostics() if one.isError()]
        assert not wrong, [str(one.code) for one in wrong]
    assert "signed" not in (bundle / "netlist.v").read_text()
    memories = f"read_verilog -lib {bundle / 'memories.v'}\n"
    run_yosys(
        f"read_liberty -lib {bundle / 'cells.lib'}\n"
        + (memories if (bundle / "memories.v").exists() else "")
        + f"read_verilog {bundle / 'netlist.v'}\nhierarchy -check -top top\ncheck -assert\n",
        tmp_path,
        "netlist",
    )


@pytest.mark.few_cases(2)
def test_the_evidence_is_that_of_eval(bundle: Path) -> None:
    described = json.loads((bundle / "metrics.json").read_text())
    found = {name: about["evidence"] for name, about in described.items()}
    assert found == json.loads((bundle.parent / "evidence.json").read_text())
    family = bundle.parent.name.rstrip("0123456789")
    # Random inputs make power an estimate; a macro makes area and timing a model.
    assert found["block_power_w"] == {"unchecked": "estimated", "with_macro": "modelled"}.get(
        family, "measured"
    )
    assert found["f_max_hz"] == ("modelled" if family == "with_macro" else "measured")
