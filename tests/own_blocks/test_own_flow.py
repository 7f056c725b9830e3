"""Blocks of the user's own through every verb, from any folder, in worker processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from chipdse_hdl.block import Block

from chipdse.design import find_block
from chipdse.errors import DesignError, ToolError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import simulate
from chipdse.metrics import METRICS, evidence_of
from chipdse.store.store import Store
from chipdse.study.results.points import basis_of
from tests.support.own_projects import BENCH_COUNTER, COUNTER, COUNTER_TOML, run, write_project

pytestmark = pytest.mark.tools

SWEEP = """
block = "{block}"
[hardware]
{axis}
[workload]
length = 60
[library]
name = "sky130"
[physical]
wires = "none"
clock_tree = false
glitches = false
[objectives]
energy_per_op_j = "minimize"
silicon_area_m2 = "minimize"
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def json_of(folder: Path, *words: str, cache: Path) -> Any:
    done = run(folder, *words, "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_verilog_through_the_whole_flow(project: Path, cache: Path) -> None:
    words = ["../counter.toml", "--set", "WIDTH=5", "STEP=3", "--workload", "length=80"]
    plain = ["--physical", "wires=none", "clock_tree=false", "glitches=false"]
    found = json_of(project / "rtl", "eval", *words, *plain, cache=cache)
    # The count is all there is of registers, and replay knew every net from them.
    assert found["block_flip_flop_count"] == 5
    assert found["annotated_frac"] == 1
    assert found["ops_per_cycle"] == pytest.approx(1, rel=0.05)
    simulated = json_of(project / "rtl", "sim", *words, cache=cache)
    assert simulated["passed"] and simulated["checked"]
    # The window starts when the reset ends; the last edge's outcome is not seen any more.
    assert simulated["cycles"] == 79
    about = json_of(project, "blocks", "counter.toml", cache=cache)[0]
    assert about["ports"] == [
        {"name": "en", "direction": "in", "bits": 1},
        {"name": "count", "direction": "out", "bits": 8},
    ]


def test_a_component_without_a_bench_is_an_estimate(project: Path, cache: Path) -> None:
    words = ["acme.blocks:Summer", "--set", "width=4", "--workload", "length=100"]
    done = run(project, "sim", *words, cache=cache)
    assert done.returncode == 0, done.stderr
    assert "nothing was checked" in done.stdout and "100 clock cycle in 100 cycles" in done.stdout


def sweep_of(block: Block) -> Any:
    """What is asked of a sweep of a block by those who state its evidence."""
    return SimpleNamespace(chip=None, template=SimpleNamespace(block=block))


def test_what_rests_on_random_inputs_is_estimated(project: Path) -> None:
    path = list(sys.path)
    block = find_block("acme.blocks:Summer", project)
    sys.path[:] = path
    basis = basis_of(
        sweep_of(block), pd.DataFrame({"block_memory_area_m2": [0.0], "wire_level": [2]})
    )
    found = {name: evidence_of(name, "modelled", basis) for name in METRICS}
    assert found["block_power_w"] == found["energy_per_op_j"] == "estimated"
    assert found["peak_temperature_c"] == found["carbon_per_op_kgco2e"] == "estimated"
    assert found["block_area_m2"] == found["ops_per_cycle"] == "measured"
    assert found["f_max_hz"] == "modelled"  # wires are a part of it
    assert found["cost_usd"] == "modelled"
    memories = pd.DataFrame({"block_memory_area_m2": [0.0, 1e-8]})
    checked = basis_of(sweep_of(find_block("fir")), memories)
    assert evidence_of("block_area_m2", "modelled", checked) == "modelled"  # a macro among cells
    assert evidence_of("block_power_w", "estimated", checked) == "modelled"


def test_sweeps_find_it_in_worker_processes_and_afterwards(
    project: Path, cache: Path, tmp_path: Path
) -> None:
    (project / "asks").mkdir(exist_ok=True)
    verilog = project / "asks" / "verilog.toml"
    verilog.write_text(SWEEP.format(block="../counter.toml", axis="WIDTH = [4, 6]"))
    words = ["sweep", str(verilog), "--study", "asked", "--workers", "2", "--no-report"]
    found = json_of(tmp_path, *words, cache=cache)
    assert found["trials"] == 2 and len(found["front"]) == 1, found
    # The study is opened again where its copy of the sweep file has other neighbours.
    again = json_of(tmp_path, "front", "asked", "--all", cache=cache)
    assert sorted(row["WIDTH"] for row in again) == [4, 6]
    assert all(row["state"] == "feasible" for row in again)
    done = run(tmp_path, "export", "asked", "--trial", "0", "--to", "out", cache=cache)
    assert done.returncode == 0, done.stderr
    constraints = (tmp_path / "out" / "constraints.sdc").read_text()
    assert "[get_ports clk_i]" in constraints and "clk]" not in constraints
    assert "clk_i" in (tmp_path / "out" / "netlist.v").read_text()


LATCH = COUNTER.partition("  always_ff")[0] + "  always @* if (en) count = '1;\nendmodule\n"
GATED = COUNTER.replace(
    "  always_ff @(posedge clk_i", "  wire slow = clk_i & en;\n  always_ff @(posedge slow"
)
WRONG_BENCH = BENCH_COUNTER.replace('p["STEP"]', "2")
UNCHECKED_TOML = COUNTER_TOML.replace('bench = "bench_counter"\n', "").partition("[workload]")[0]
UNCHECKED_TOML = UNCHECKED_TOML.replace('cycles = "length"\n', "")
BROKEN: dict[str, tuple[dict[str, str], type[Exception], str]] = {
    "latch": ({"rtl/counter.sv": LATCH}, DesignError, "count is a latch"),
    "gated": ({"rtl/counter.sv": GATED}, DesignError, "clocked by 'slow', not by 'clk_i'"),
    "bench": ({"bench_counter.py": WRONG_BENCH}, ToolError, "failed in counts: count in cycle"),
    "syntax": (
        {"rtl/counter.sv": COUNTER.replace("endmodule", "end")},
        DesignError,
        "counter.sv:.*syntax error",
    ),
    "top": (
        {"counter.toml": COUNTER_TOML.replace('top = "counter"', 'top = "count"')},
        DesignError,
        "top = 'count' is not a module in counter.sv",
    ),
    "parameter": (
        {"counter.toml": COUNTER_TOML.replace("[parameters]", "[parameters]\nWIDHT = 4")},
        DesignError,
        "WIDHT is not a parameter of module 'counter'",
    ),
    "clock": (
        {"counter.toml": UNCHECKED_TOML.replace('"clk_i"', '"clk"')},
        DesignError,
        "clock = 'clk' is not an input of the top, which has clk_i, en, rst_n",
    ),
    "no bench": (
        {"counter.toml": COUNTER_TOML.replace('"bench_counter"', '"bench_missing"')},
        ToolError,
        "ended without a result: ModuleNotFoundError: No module named 'bench_missing'",
    ),
    "no words": (  # pytest says what was compared, in files of the project
        {
            "bench_counter.py": BENCH_COUNTER.replace(
                "import cocotb\n", "import cocotb, checks\n", 1
            )
            .replace(', f"count in cycle {cycle}"', "")
            .replace("assert int(dut.count.value) == ", "checks.same(int(dut.count.value), ")
            .replace("expected\n", "expected)\n", 1),
            "checks.py": "def same(found, right):\n    assert found + 1 == right\n",
        },
        ToolError,
        r"failed in counts: assert \(0 \+ 1\) == 0",
    ),
    "of libraries": (
        {
            "bench_counter.py": BENCH_COUNTER
            + "\nimport numpy\nraise ValueError(numpy.__spec__.loader)"
        },
        ToolError,
        "_frozen_importlib_external.SourceFileLoader",
    ),
    "no test": (
        {"bench_counter.py": "x = 1\n"},
        ToolError,
        "ended without a result: RuntimeError: No tests were discovered",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_measured_is_refused(kind: str, tmp_path: Path) -> None:
    changed, error, message = BROKEN[kind]
    project = write_project(tmp_path / "project", **changed)
    path = list(sys.path)
    try:
        block, store = find_block("counter.toml", project), Store(root=tmp_path / "stages")
        with pytest.raises(error, match=message):
            rtl = elaborate(block, block.parameters(), store)
            simulate(block, block.parameters(), block.workload(), rtl, store)
    finally:
        sys.path[:] = path


def test_logic_without_a_clock_is_refused(project: Path, cache: Path) -> None:
    done = run(project, "sim", "acme.blocks:Logic", cache=cache)
    assert done.returncode == 2 and "has no clock: it is only logic" in done.stderr
