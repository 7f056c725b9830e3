"""Every verb by the installed program, in the cheapest way that is of use.

A new interpreter imports in another order than a process in which other verbs ran before, and may
lack what these imported. `tests/test_cli.py` has the verbs of the main job.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from chipdse.cli import build_parser
from tests.support import programs
from tests.test_cli_start import verbs

pytestmark = pytest.mark.tools

MAIN_JOB = {"blocks", "sim", "eval", "sweep", "front", "report", "export"}
DESIGN = ["--set", "rows=1", "columns=1", "operand_bits=2", "accumulator_bits=10", "signed=false"]
WORKLOAD = ["--workload", "length=32", "depth=8", "sparsity=0.0"]
NETLIST = """
module two(input clk, input a, output q);
  wire n;
  sky130_fd_sc_hd__inv_1 inverter(.A(a), .Y(n));
  sky130_fd_sc_hd__dfxtp_1 register(.CLK(clk), .D(n), .Q(q));
endmodule
"""
TRACE = """$timescale 1ns $end
$scope module two $end
$var wire 1 ! clk $end
$var wire 1 " a $end
$var wire 1 # n $end
$var wire 1 $ q $end
$upscope $end
$enddefinitions $end
#0 0! 0" 1# 0$
#5 1! 1$
#10 0! 1" 0#
#15 1! 0$
#20 0!
"""
CHIP = """
question = "Does it start?"
[parts.array]
block = "mac_array"
library = "sky130"
hardware = { rows = 1, columns = 1, operand_bits = 2, accumulator_bits = 10, signed = false }
workload = { length = 32, depth = 8 }
[memories.main]
kind = "hbm2e"
[application]
network = "net.csv"
"""
LIBRARY = ["two.v", "--liberty", "sky130", "--clock"]
NIGHTLY = [pytest.mark.exhaustive]
CASES = [
    pytest.param(["new", "block", "counter_block"], "next:", id="new"),
    pytest.param(["completion", "bash"], "complete -o default", id="completion"),
    pytest.param(["mcp", "--list"], "cache_verify", id="mcp"),
    pytest.param(["stages"], "technology/data/", id="stages"),
    pytest.param(["library", "list"], "ships with chipdse", id="library"),
    pytest.param(["cache", "info"], "synthesis", id="cache"),
    pytest.param(["status", "study"], "amaranth", id="status"),
    pytest.param(["compare", "study", "study"], "as good", id="compare"),
    pytest.param(["package", "two_chiplets"], "evidence", id="package"),
    pytest.param(["map", "digits", "--ideal"], "MACs per task", id="map"),
    pytest.param(["sta", *LIBRARY, "clk=10ns"], "dfxtp_1", id="sta"),
    pytest.param(
        ["power", *LIBRARY, "clk=10ns", "--trace", "two.vcd", "--scope", "two"],
        "clock pins of registers",
        id="power",
    ),
    pytest.param(["place", *LIBRARY, "clk"], "2 cells, 3 ports", id="place"),
    pytest.param(
        ["import-results", "study", "--trial", "0", "6_report.json"],
        "estimate / flow - 1",
        id="import-results",
    ),
    pytest.param(
        ["plot", "study", "--kind", "history", "-o", "history.svg"], "history.svg", id="plot"
    ),
    pytest.param(["chip", "chip.toml"], "best in", id="chip", marks=NIGHTLY),
    pytest.param(
        ["trace", "mac_array", *DESIGN, *WORKLOAD, "--glitch-cycles", "0"],
        "(top) sequential",
        id="trace",
        marks=NIGHTLY,
    ),
    pytest.param(
        ["leakage", "mac_array", *DESIGN, "--secret", "a", "--traces", "64", "--cycles", "4"],
        "first order",
        id="leakage",
        marks=NIGHTLY,
    ),
]
"""Words, and what the answer contains. Verbs that need 2.5 s of processor time or more run at
night; their tests run in forked processes or in the test's own."""


@pytest.fixture(scope="module")
def home(warm_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study, a netlist with its trace, and a chip."""
    folder = tmp_path_factory.mktemp("every_verb")
    shutil.copytree(warm_store / "undisturbed", folder / "study")
    (folder / "two.v").write_text(NETLIST)
    (folder / "two.vcd").write_text(TRACE)
    (folder / "chip.toml").write_text(CHIP)
    (folder / "net.csv").write_text("name,m,n,k\nfirst,4,4,8\n")
    (folder / "6_report.json").write_text(json.dumps({"finish__timing__setup__ws": 1.0}))
    return folder


@pytest.fixture
def environment(warm_store: Path) -> dict[str, str]:
    return os.environ | {"CHIPDSE_CACHE": str(warm_store)}


@pytest.mark.few_cases(len(CASES))
@pytest.mark.parametrize(("words", "says"), CASES)
def test_a_new_process_answers(
    words: list[str], says: str, home: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [programs.INSTALLED, *words],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # The exit code of `leakage` says that the block leaks.
    assert done.returncode == int(words[0] == "leakage"), done.stderr
    assert says in done.stdout


@pytest.mark.exhaustive
def test_explore_serves_until_it_is_stopped(home: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [programs.INSTALLED, "explore", "study"],
        cwd=home,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stderr is not None
        assert any(line.startswith("http://127.0.0.1:") for line in served.stderr)
        served.terminate()
    assert served.returncode == -signal.SIGTERM


def test_no_verb_is_missing() -> None:
    started = {str(case.id) for case in CASES} | {"explore"}
    every = {words[0] for words in verbs(build_parser())}
    assert started | MAIN_JOB == every
    assert not started & MAIN_JOB
