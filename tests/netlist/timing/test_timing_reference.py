"""OpenSTA's numbers on two technologies: every slew, arrival and slack of every pin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipdse.netlist.library.cache import load_library
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.paths import critical_path, endpoints
from chipdse.netlist.timing.slack import pin_slacks
from chipdse.netlist.timing.timing import MAX, Timing, analyse_timing
from chipdse.netlist.verilog.reader import read_verilog

FAMILIES = ("sky130hd", "ihp-sg13g2")
NS = 1e-9


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest, shared: Path) -> tuple[Path, dict[str, Any], Timing]:
    folder = shared / "reference/timing-power" / request.param
    expected = json.loads((folder / "expected.json").read_text())
    library = load_library([shared / expected["liberty"]])
    netlist = read_verilog(folder / "mac8.v", library, expected["top"])
    timing = analyse_timing(
        build_timing_graph(netlist, expected["clock_port"]),
        library.at(),
        expected["clock_period_s"],
        input_slew_s=expected["input_slew_s"],
        output_load_f=expected["output_load_f"],
    )
    return folder, expected, timing


Case = tuple[Path, dict[str, Any], Timing]


@pytest.mark.slow
def test_worst_slacks(case: Case) -> None:
    _, expected, timing = case
    for name in ("critical_path_s", "worst_setup_slack_s", "worst_hold_slack_s"):
        assert getattr(timing, name)[0] == pytest.approx(expected[name], rel=2e-6)


@pytest.mark.slow
def test_every_pin(case: Case) -> None:
    folder, _, timing = case
    netlist = timing.netlist
    slacks = pin_slacks(timing)[0] / NS
    slew, arrival = timing.slew_s[MAX, 0] / NS, timing.arrival_s[MAX, 0, 0] / NS
    numbers = {netlist.pin_name(pin): pin for pin in range(len(netlist.pin_net))}
    compared = 0
    for line in (folder / "pins.tsv").read_text().splitlines()[1:]:
        name, *columns = line.split("\t")
        if name not in numbers:
            assert re.search(r"/IQ_?N?$", name)  # a flip-flop's inside
            continue
        pin = numbers[name]
        for edge in (0, 1):
            net_edge = 2 * netlist.pin_net[pin] + edge
            assert slew[net_edge] == pytest.approx(float(columns[edge]), abs=1e-6), name
            if np.isfinite(arrival[net_edge]):
                wanted = float(columns[2 + edge])
                assert arrival[net_edge] == pytest.approx(wanted, abs=2e-6), name
            slack = columns[4 + edge]
            if slack == "INF":
                assert slacks[2 * pin + edge] == np.inf, name
            else:
                assert slacks[2 * pin + edge] == pytest.approx(float(slack), abs=4e-6), name
            compared += 1
    assert compared > 3000


def test_the_path_stage_by_stage(case: Case) -> None:
    folder, _, timing = case
    end, stages = critical_path(timing)
    report = (folder / "path_max.rpt").read_text()
    rows = re.findall(
        r"([\d.]+)\s+([\d.]+)\s+([\d.]+) ([v^]) (_\w+_/\w+) ", report.split("library setup")[0]
    )[: len(stages)]
    assert end == stages[-1].pin == rows[-1][4]
    assert len(rows) == len(stages)
    for stage, (slew, _, time, mark, pin) in zip(stages, rows, strict=True):
        assert (stage.pin, stage.edge) == (pin, {"^": "rise", "v": "fall"}[mark])
        assert stage.arrival_s / NS == pytest.approx(float(time), abs=2e-6)
        assert stage.slew_s / NS == pytest.approx(float(slew), abs=2e-6)
    loads = re.findall(r"^ +\d+ +([\d.]+) ", report, re.MULTILINE)
    own = [stage.load_f for stage in stages if stage.load_f is not None]
    assert [load / 1e-15 for load in own] == pytest.approx(
        [float(each) for each in loads], rel=1e-6
    )


def test_every_endpoint(case: Case) -> None:
    folder, _, timing = case
    wanted = dict(
        re.findall(r"^(\S+) \(.*\) .* ([-\d.]+) \(", (folder / "endpoints.rpt").read_text(), re.M)
    )
    found = {each.name: each.slack_s / NS for each in endpoints(timing)}
    assert len(wanted) >= 50
    for name, slack in wanted.items():
        assert found[name] == pytest.approx(float(slack), abs=4e-6)
