"""A metric is declared in one place: with it alone, every output has the metric."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEFORE = "    wire_level: Count = metric("
DECLARED = '    block_novelty_w: Number = metric("a number of this test", "W", "modelled", 0.25)\n'
PROGRAM = """
import dataclasses, importlib, sys
from pathlib import Path

import chipdse
from chipdse.cli.design import _print_metrics
from chipdse.metrics import BlockReport, BlockValues, Metrics
from chipdse.report.page.data import _columns
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.points import points_table
from chipdse.system.metrics import SystemMetrics, SystemValues
from tests.support.report_cases import make_study

copy = Path(sys.argv[1])
assert Path(chipdse.__file__).is_relative_to(copy)

def output(title, text):
    print(title, "block_novelty_w" in text, "a number of this test" in text)

block = BlockReport(**{f.name: 1 for f in dataclasses.fields(BlockValues)} | {"block_novelty_w": 3})
system = SystemMetrics(
    **{f.name: 1.0 for f in dataclasses.fields(SystemValues)},
    bound_by="compute", constraints={}, evidence="modelled",
)
_print_metrics(Metrics(block=block, system=system))
study = make_study(copy / "study", 4)
table = points_table(study)
output("csv", table.to_csv() + "a number of this test")
shown = {column["name"]: column for column in _columns(study.sweep, table)}
output("report", str(shown["block_novelty_w"]))
sys.path.insert(0, str(copy / "docs"))
generate = importlib.import_module("generate")
output("docs", generate.metrics())
file = copy / "sweep.toml"
file.write_text((copy / "study.toml").read_text().replace("cost_usd", "block_novelty_w"))
output("objective", str(read_sweep(file).objectives) + "a number of this test")
"""


@pytest.mark.slow
def test_a_metric_that_is_declared_is_in_every_output(tmp_path: Path) -> None:
    """In a copy of the program in which one line of one file is new."""
    for name in ("chipdse", "hdl", "sweeps", "docs", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "*.svg", "*.ipynb", "reference")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    file = tmp_path / "chipdse" / "metrics.py"
    text = file.read_text()
    assert text.count(BEFORE) == 1
    file.write_text(text.replace(BEFORE, DECLARED + BEFORE))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{tmp_path / 'hdl'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    row = next(line for line in lines if line.startswith("block_novelty_w"))
    assert row.split()[1:] == ["3", "W", "modelled", *["a", "number", "of", "this", "test"]]
    for output in ("csv", "report", "docs", "objective"):
        assert f"{output} True True" in lines
