"""Blocks of the user's own through every verb, from any folder, in worker processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from own_projects import BENCH_COUNTER, COUNTER, run, write_project

pytestmark = pytest.mark.tools

SWEEP = """
block = "{block}"
[hardware]
{axis}
[workload]
length = 60
[library]
name = "sky130"
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
    found = json_of(project / "rtl", "eval", *words, cache=cache)
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
    done = run(project, "eval", *words, cache=cache)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "estimated" in rows["block_power_w"] and "estimated" in rows["energy_per_op_j"]
    assert "measured" in rows["block_area_m2"] and "measured" in rows["f_max_hz"]
    done = run(project, "sim", *words, cache=cache)
    assert "nothing was checked" in done.stdout


def test_sweeps_find_it_in_worker_processes_and_afterwards(
    project: Path, cache: Path, tmp_path: Path
) -> None:
    (project / "asks").mkdir(exist_ok=True)
    verilog = project / "asks" / "verilog.toml"
    verilog.write_text(SWEEP.format(block="../counter.toml", axis="WIDTH = [4, 6]"))
    words = ["sweep", str(verilog), "--study", "asked", "--workers", "2"]
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
BROKEN = {
    "latch": ({"rtl/counter.sv": LATCH}, 2, "count is a latch"),
    "gated": ({"rtl/counter.sv": GATED}, 2, "count is clocked by 'slow', not by 'clk_i'"),
    "bench": ({"bench_counter.py": WRONG_BENCH}, 1, "failed in counts: count in cycle"),
    "syntax": ({"rtl/counter.sv": COUNTER.replace("endmodule", "end")}, 2, "counter.sv"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_measured_is_refused(kind: str, cache: Path, tmp_path: Path) -> None:
    changed, code, message = BROKEN[kind]
    project = write_project(tmp_path / "project", **changed)
    done = run(project, "sim", "counter.toml", cache=cache)
    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_logic_without_a_clock_is_refused(project: Path, cache: Path) -> None:
    done = run(project, "eval", "acme.blocks:Logic", cache=cache)
    assert done.returncode == 2 and "has no clock 'clk'" in done.stderr
