"""Every verb of the main job by the installed program; its other answers in this process.

`installed` starts the program as a user does, once for each of these verbs. Runs under conditions
of their own have a process from `programs`; `call` runs a verb here, where everything is loaded.
"""

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from chipdse.tools import run_yosys
from tests.support import kernels, programs
from tests.support.small_sweep import call

pytestmark = pytest.mark.tools

SMALL = ["rows=1", "columns=1", "operand_bits=2", "accumulator_bits=8"]
SWEEP = """
question = "<b>bold</b> & brave?"
block = "mac_array"
[hardware]
rows = 1
columns = 1
operand_bits = 2
accumulator_bits = 8
pipeline_stages = [0, 1]
[workload]
length = 32
depth = 8
[library]
name = "sky130"
[operating]
clock_frac = [0.5, 1.0]
[package]
tiles = 10000
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
[search]
trials = 4
harvest = false
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, with a store of its own."""
    folder = tmp_path_factory.mktemp("home")
    kernels.lend(folder / "cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIPDSE_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        (folder / "small.toml").write_text(SWEEP)
        yield folder


def installed(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [str(programs.INSTALLED), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done


@pytest.fixture(scope="module")
def study(home: Path) -> Path:
    done = installed("sweep", "small.toml", "--workers", 1, "--no-report")
    assert "Pareto front: " in done.stdout
    assert "4/4 evaluations, 0 failed" in done.stderr
    assert "chipdse export studies/small --knee --to DIR" in done.stdout
    return home / "studies" / "small"


def test_help_of_every_verb_shows_an_example() -> None:
    verbs = ["blocks", "sim", "eval", "sweep", "front", "report", "export", "sta", "power"]
    for verb in [*verbs, "package", "library"]:
        assert "example" in call(verb, "--help").stdout, verb
    assert installed("--version").stdout.startswith("chipdse ")


def test_blocks_lists_parameters_ranges_and_ports(home: Path) -> None:
    text = installed("blocks").stdout
    assert "mac_array: " in text and "fir: " in text
    assert "rows = 4  rows of elements" in call("blocks", "mac_array").stdout
    (block,) = json.loads(call("blocks", "fir", "--json").stdout)
    assert {one["name"] for one in block["parameters"]} >= {"taps", "form", "samples_per_cycle"}
    assert {one["direction"] for one in block["ports"]} == {"in", "out"}


def test_sim_compares_every_output_with_the_reference(home: Path) -> None:
    done = installed("sim", "mac_array", "--set", *SMALL, "--workload", "length=32")
    assert "passed: every output of mac_array equals the reference" in done.stdout
    found = json.loads(
        call("sim", "mac_array", "--set", *SMALL, "--workload", "length=32", "--json").stdout
    )
    assert found["passed"] is True
    assert found["work"] == 32


def test_sim_writes_waves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a bench that ships starts without pytest, which is two fifths of what others load."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    name = "waves.fst" if shutil.which("iverilog") else "waves.vcd"
    call("sim", "mac_array", "--set", *SMALL, "--workload", "length=32", "--waves", name)
    assert (home / name).stat().st_size > 100
    logs = [log.read_text() for log in (home / "cache").glob("stages/simulate/*/simulation.log")]
    (loaded,) = [text for text in logs if "import time:" in text]
    assert " cocotb.preview\n" in loaded and " _pytest.outcomes\n" in loaded
    assert " pytest\n" not in loaded and " _pytest.config\n" not in loaded


def test_eval_prints_every_metric_and_what_counts(home: Path) -> None:
    done = installed("eval", "mac_array", "--set", *SMALL, "--workload", "length=32")
    assert "energy_per_op_j" in done.stdout
    assert "Counted: wires" in done.stdout and "glitches (standard error" in done.stdout
    metrics = json.loads(
        call(
            *("eval", "mac_array", "--set", *SMALL, "--workload", "length=32", "--clock", "20ns"),
            "--json",
        ).stdout
    )
    assert metrics["clock_frequency_hz"] == pytest.approx(50e6)
    assert metrics["annotated_frac"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["eval", "mac_aray"], "did you mean 'mac_array'?"),
        (["eval", "mac_array", "--set", "rowz=2"], "did you mean 'rows'?"),
        (["eval", "mac_array", "--set", "rows"], "'rows' is not name=value"),
        (["eval", "mac_array", "--set", "rows=99"], "rows=99 is too large; use <= 64"),
        (["eval", "mac_array", "--clock", "20"], "--clock '20' has no unit; write e.g. 10ns"),
        (["eval", "mac_array", "--library", "sky99"], "library 'sky99' is not known"),
        (["eval", "mac_array", "--liberty", "no.lib"], "no.lib"),
        (["sweep", "none.toml"], "No such file"),
        (["sweep", "small.toml", "--trials", "0"], "trials=0 must be at least 1"),
        (["sweep", "small.toml", "--workers", "x"], "invalid int value"),
        (["front", "nothing"], "nothing is not a study"),
        (["frnt"], "'frnt' is not a verb; did you mean 'front'?"),
        (["sim", "fir", "--simulator", "vcs"], "invalid choice: 'vcs'"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(home: Path, arguments: list[str], says: str) -> None:
    done = call(*arguments, code=2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_a_supply_that_no_table_covers_is_refused_before_any_tool_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path))
    assert "9 V at 25 °C" in call("eval", "mac_array", "--vdd", "9V", code=2).stderr
    assert not (tmp_path / "stages").exists()


def test_front_in_three_formats(study: Path) -> None:
    rows = json.loads(installed("front", study, "--json").stdout)
    table = pd.read_csv(study / "points.csv")
    assert len(table) == 4
    assert {row["trial"] for row in rows} == set(table[table["on_front"]]["trial"])
    text = call("front", study, "--format", "csv", "--all").stdout
    assert text == (study / "points.csv").read_text()


def test_the_front_of_the_points_that_satisfy_a_condition(study: Path) -> None:
    """A point that only points outside the condition dominate is on this front."""
    table = pd.read_csv(study / "points.csv")
    rest = table[~table["on_front"]]
    names = "trial,energy_per_op_j"
    assert len(rest)
    conditions = [
        word
        for trial in table.loc[table["on_front"], "trial"]
        for word in ("--where", f"trial != {trial}")
    ]
    options = ("front", study, *conditions, "--sort", "trial", "--descending")
    rows = json.loads(call(*options, "--columns", names, "--json").stdout)
    assert rows and {row["trial"] for row in rows} <= set(rest["trial"])
    assert [row["trial"] for row in rows] == sorted((r["trial"] for r in rows), reverse=True)
    assert [list(row) for row in rows] == [["trial", "energy_per_op_j"]] * len(rows)
    shown = call(*options, "--columns", names).stdout
    assert f"{len(rows)} of {len(rest)} points" in shown
    wrong = call("front", study, "--where", "vdd <= 1", code=2).stderr
    assert "'vdd' is not a column; did you mean 'vdd_v'?" in wrong
    assert "--descending needs --sort" in call("front", study, "--descending", code=2).stderr


def test_report_shows_names_as_text(study: Path, home: Path) -> None:
    done = installed("report", study, "-o", home / "r.html", "--details")
    assert done.stdout.strip() == str(home / "r.html")
    page = (home / "r.html").read_text()
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; brave?" in page
    assert "<b>bold" not in page
    assert 'src="http' not in page.split('id="plotly"')[0]


def test_export_is_read_by_icarus_and_yosys(study: Path, home: Path) -> None:
    trial = json.loads(call("front", study, "--json").stdout)[0]["trial"]
    target = home / "bundle"
    installed("export", study, "--trial", trial, "--to", target)
    assert {path.name for path in target.iterdir()} > {
        *("rtl.v", "netlist.v", "constraints.sdc", "metrics.json", "README.md"),
    }
    assert "signed" not in (target / "netlist.v").read_text()
    for name in ("rtl.v", "netlist.v"):
        script = f"read_verilog {target / name}\nhierarchy -top top\n"
        run_yosys(script, home, f"read_{name}")
    if shutil.which("iverilog"):
        for name, ignored in (("rtl.v", ""), ("netlist.v", "-i")):
            command = ["iverilog", "-g2005", *ignored.split(), "-s", "top", "-t", "null", name]
            subprocess.run(command, cwd=target, check=True)
    metrics = json.loads((target / "metrics.json").read_text())
    assert metrics["energy_per_op_j"]["unit"] == "J/MAC"
    (command_line,) = [
        line.strip()
        for line in (target / "README.md").read_text().splitlines()
        if line.startswith("    chipdse eval")
    ]
    repeated = programs.chipdse(*shlex.split(command_line)[1:], "--json")
    again = json.loads(repeated.stdout)
    assert again.pop("violations") == {}
    assert again.pop("evidence") == {name: one["evidence"] for name, one in metrics.items()}
    stated = {
        name: one["measured_error"] for name, one in metrics.items() if "measured_error" in one
    }
    assert again.pop("measured_errors").keys() == stated.keys()
    assert again == pytest.approx({name: one["value"] for name, one in metrics.items()})


def test_export_refuses_what_it_would_overwrite(study: Path, home: Path) -> None:
    (home / "full").mkdir()
    (home / "full" / "mine.txt").write_text("mine")
    error = call("export", study, "--trial", 0, "--to", home / "full", code=2).stderr
    assert "is not an empty folder" in error
    assert (
        "no finished trial 99"
        in call("export", study, "--trial", 99, "--to", home / "x", code=2).stderr
    )
    assert [path.name for path in (home / "full").iterdir()] == ["mine.txt"]


def test_eval_says_which_own_figure_nothing_reads(home: Path) -> None:
    figures = ["grids.intensity.united_kingdom=50 g/kWh", "cost.wafer_price.n7=9000 USD"]
    done = call("eval", "mac_array", "--set", *SMALL, "--constants", *figures)
    assert "own figure: grids.intensity.united_kingdom = 50 gCO2e/kWh" in done.stdout
    assert "own figure not used: cost.wafer_price.n7; no model of this" in done.stderr
    assert "not used: grids" not in done.stderr


def test_eval_says_that_a_limit_is_missed(home: Path) -> None:
    command = ["eval", "mac_array", "--set", *SMALL, "--workload", "length=32", "--clock", "1ps"]
    assert "limit missed: clock faster than the logic" in programs.chipdse(*command, code=1).stdout
    assert json.loads(call(*command, "--json", code=1).stdout)["violations"]["timing"] > 0


def test_eval_fails_where_a_limit_of_the_users_is_missed(home: Path) -> None:
    command = ["eval", "mac_array", "--set", *SMALL, "--workload", "length=32"]
    done = call(*command, "--limit", "f_max_hz >= 1MHz", "--limit", "block_area_m2 < 1")
    assert "limit missed" not in done.stdout
    done = call(*command, "--limit", "energy_per_op_j <= 1 fJ/MAC", "--only", "f_max_hz", code=1)
    assert "limit missed: --limit 'energy_per_op_j <= 1 fJ/MAC': energy_per_op_j is " in done.stdout
    done = call(*command, "--limit", "f_max_hz < 1 Hz", "--json", code=1)
    assert json.loads(done.stdout)["violations"] == {}
    assert done.stderr.endswith("Hz\n")
    for wrong, says in (("f_max > 1", "did you mean 'f_max_hz'"), ("f_max_hz > 1 s", "1 s")):
        assert says in call(*command, "--limit", wrong, code=2).stderr


def test_verilator_alone_is_enough(home: Path, lend_verilator: Callable[[Path], None]) -> None:
    lend_verilator(home / "cache" / "stages")
    small = ["--set", *SMALL, "--workload", "length=32"]
    done = programs.chipdse("sim", "mac_array", *small, "--simulator", "verilator")
    assert "(verilator " in done.stdout


def test_a_machine_that_cannot_run_anything_stops_the_sweep(
    study: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("CHIPDSE_CACHE", str(home / "file"))
    command = ["sweep", "small.toml", "--study", "broken", "--workers", 1, "--no-report"]
    error = programs.chipdse(*command, code=1).stderr
    assert "cannot be written" in error.splitlines()[-1]
    monkeypatch.setenv("CHIPDSE_CACHE", "cache")  # repaired, and relative to this folder
    assert "4/4 evaluations, 0 failed" in programs.chipdse(*command).stderr


@pytest.mark.parametrize(
    ("storage", "why"),
    [("foo://x", "is not supported"), ("sqlite:////nowhere/x.db", "cannot be opened")],
)
def test_a_storage_that_cannot_be_opened_is_named(home: Path, storage: str, why: str) -> None:
    command = ["sweep", "small.toml", "--study", "stored", "--storage", storage]
    error = call(*command, code=2).stderr
    assert f"storage '{storage}' {why}" in error
    assert error.count("\n") == 1
    assert not (home / "stored").exists()


def test_a_damaged_kernel_is_compiled_again(study: Path, home: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no C compiler is installed")
    kernels.keep_own(home / "cache", "kernels")
    libraries = list((home / "cache" / "kernels").glob("*/*.so"))
    assert libraries
    for path in libraries:
        path.write_bytes(path.read_bytes()[:3000])
    command = ["eval", "mac_array", "--set", *SMALL, "--workload", "length=48", "depth=16"]
    assert "energy_per_op_j" in programs.chipdse(*command).stdout
