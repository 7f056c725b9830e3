"""Verb `trace`: the same power as `eval`, in every cycle, and the files that it writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from chipdse.cli import main

pytestmark = pytest.mark.tools
POINT = [
    *("adder", "--set", "bits=8", "--workload", "length=64"),
    *("--physical", "wires=formula", "glitch_cycles=16"),
]


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_mean_is_the_power_of_the_evaluation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [tmp_path / f"power.{suffix}" for suffix in ("csv", "npz", "vcd", "svg")]
    evaluated = run_json(capsys, "eval", *POINT, "--only", "block_power_w", "clock_frequency_hz")
    phased = ["--phase", "valid", "--window", "4", "--to", *map(str, names)]
    trace = run_json(capsys, "trace", *POINT, *phased)
    assert trace["mean_w"] == pytest.approx(evaluated["block_power_w"], rel=1e-6)
    assert trace["clock_period_s"] == pytest.approx(1 / evaluated["clock_frequency_hz"])
    assert trace["glitches_spread"]
    assert trace["mean_w"] < trace["peak_power_w"] < trace["percentile_w"]
    phases = trace["phases"].values()
    energy_j = trace["mean_w"] * trace["cycles"] * trace["clock_period_s"]
    assert sum(phase["cycles"] for phase in phases) == trace["cycles"]
    assert sum(phase["energy_j"] for phase in phases) == pytest.approx(energy_j)
    # The three tables have the same numbers.
    with names[0].open() as file:
        rows = list(csv.DictReader(file))
    power_w = np.array([float(row["power_w"]) for row in rows])
    assert power_w.mean() == pytest.approx(trace["mean_w"])
    stored = np.load(names[1])
    assert (stored["power_w"] == power_w).all()
    parts_w = stored["group_power_w"].sum(axis=1) + stored["clock_tree_w"] + stored["leakage_w"]
    assert parts_w == pytest.approx(power_w)
    values, lines = [], names[2].read_text().splitlines()
    last = 0.0
    for line in lines:
        if line.startswith("r") and line.endswith(" !"):
            last = float(line[1:].split()[0])
        elif line.startswith("#") and line != "#0":
            values.append(last)
    assert values == power_w.tolist()
    assert "<svg" in names[3].read_text()


def test_all_cycles_with_delays_have_the_power_of_the_evaluation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Glitches of each cycle, summed over all cycles, are those that the timed replay counts."""
    point = [*POINT[:-1], "glitch_cycles=0"]
    trace = run_json(capsys, "trace", *point)
    drawn = run_json(capsys, "trace", *point, "--glitch-cycles", str(trace["cycles"]))
    power_w = np.array(drawn["drawn_power_w"])
    assert drawn["drawn_cycles"] == list(range(trace["cycles"]))
    assert power_w.mean() == pytest.approx(trace["mean_w"], rel=1e-6)
    spread_w = trace["peak_power_w"]
    assert power_w.max() != pytest.approx(spread_w, rel=1e-3)  # glitches differ from cycle to cycle


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--glitch-cycles", "999"], "999 cycles with glitches: the run has"),
        (["--to", "power.txt"], "--to 'power.txt': write .csv, .npz, .vcd, .png, .svg or .pdf"),
        (["--phase", "nothing"], "phases by 'nothing': no such port or register"),
        (["--window", "0"], "a window of 0 cycles does not fit the trace; use 1 to"),
        (["--depth", "-1"], "modules down to depth -1; use 0 or more"),
    ],
)
def test_refused(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", *POINT, *words]) == 2
    assert message in capsys.readouterr().err
