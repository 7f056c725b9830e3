"""Verb `trace`: the same power as `eval`, in every cycle, and the files that it writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from chipdse.cli import main
from tests.support.counter_project import counter_project

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


BENCH = """
import cocotb
from chipdse_hdl.bench.testbench import Run, play_runs

@cocotb.test()
async def counts(dut):
    words = {"en": [0] * 8 + [1] * 12 + [0] * 4}
    stated = {2: "still", 8: "counting", 20: "still"}
    await play_runs(dut, [Run(stimulus=words, check=None, phases=stated)], ["count"])
"""


def test_phases_that_a_bench_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their cycles by hand; only while it counts do more nets than those of the clock change."""
    counter_project(tmp_path)
    source = (tmp_path / "counter.v").read_text().replace("input en,", "input rst, input en,")
    (tmp_path / "counter.v").write_text(
        source.replace("if (en)", "if (rst) count <= 0; else if (en)")
    )
    (tmp_path / "bench_counter.py").write_text(BENCH)
    stated = 'reset = "rst"\nbench = "bench_counter"\ncycles = "24"\n[parameters]'
    work = '[work]\nunit = "count"\ncount = "12"\ninput_bits = "24"\noutput_bits = "96"\n'
    described = (tmp_path / "counter.toml").read_text().replace("[parameters]", stated)
    (tmp_path / "counter.toml").write_text(described + work)
    point = ["counter.toml", "--set", "WIDTH=4", "--physical", "wires=none", "glitches=false"]
    trace = run_json(capsys, "trace", *point, "--to", str(tmp_path / "power.csv"))
    phases = trace["phases"]
    cycles = {name: phase["cycles"] for name, phase in phases.items()}
    # The recording ends with the last edge, so that the last word has no cycle.
    assert cycles == {"before": 2, "still": 9, "counting": 12}
    power_w = {name: phase["energy_j"] / phase["cycles"] for name, phase in phases.items()}
    assert power_w["counting"] > 1.1 * power_w["still"]
    with (tmp_path / "power.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["phase"] for row in rows] == (
        ["before"] * 2 + ["still"] * 6 + ["counting"] * 12 + ["still"] * 3
    )
    signal = run_json(capsys, "trace", *point, "--phase", "en")  # a signal goes first
    assert {name: phase["cycles"] for name, phase in signal["phases"].items()} == {"0": 11, "1": 12}


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


def test_a_trace_is_summed_up_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", *POINT, "--phase", "valid", "--glitch-cycles", "3"]) == 0
    text = capsys.readouterr().out
    for part in (
        "mean power",
        "99.9 % below",
        "largest step",
        "with delays",
        "(top) comb",
        "valid",
    ):
        assert part in text


def test_the_supply_drop_is_drawn_and_of_millivolts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    point = [*POINT[:-2], "wires=placed", "glitches=false", "--supply-drop", "drop.svg"]
    drop = run_json(capsys, "trace", *point)
    # Millivolts; the worst cycle has the highest power, but not at the same places.
    assert 1e-4 < drop["supply_drop_v"]["average_v"] < 1e-2
    assert 1e-4 < drop["supply_drop_v"]["worst_v"] < 1e-2
    assert drop["supply_drop_v"]["cycle"] == drop["peak_cycle"]
    assert "drop of VDD" in (tmp_path / "drop.svg").read_text()
    assert main(["trace", *POINT, "--supply-drop", "drop.svg"]) == 2
    assert "the supply drop needs a placement" in capsys.readouterr().err


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


def test_a_library_of_an_unknown_process_node(capsys: pytest.CaptureFixture[str]) -> None:
    """The node belongs to the models of packages, of which a trace needs none."""
    assert main(["library", "export", "sky130", "--supply", "1.8V", "--to", "mine.lib"]) == 0
    capsys.readouterr()
    mine = run_json(capsys, "trace", *POINT, "glitches=false", "--liberty", "mine.lib")
    shipped = run_json(capsys, "trace", *POINT, "glitches=false")
    assert mine["mean_w"] == pytest.approx(shipped["mean_w"], rel=0.05)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--glitch-cycles", "999"], "999 cycles with glitches: the run has"),
        (["--to", "power.txt"], "--to 'power.txt': write .csv, .npz, .vcd, .png, .svg or .pdf"),
        (["--phase", "nothing"], "phases by 'nothing': no such port or register"),
        (["--window", "9999"], "a window of 9999 cycles does not fit the trace; use 1 to"),
        (["--depth", "-1"], "modules down to depth -1; use 0 or more"),
    ],
)
def test_wrong_options_of_a_trace_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", *POINT, *words]) == 2
    assert message in capsys.readouterr().err
