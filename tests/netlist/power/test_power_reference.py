"""OpenSTA's power on two technologies: every component of every instance, through the verbs too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipdse.cli import main
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.power.nets import net_activity
from chipdse.netlist.power.power import Power, analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import Timing, analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from tests.support import kernels

KINDS = ("internal", "switching", "leakage")
Case = tuple[Path, dict[str, Any], Timing, Activity, Power]


@pytest.fixture(scope="module", params=["sky130hd", "ihp-sg13g2"])
def case(request: pytest.FixtureRequest, shared: Path) -> Case:
    folder = shared / "reference/timing-power" / request.param
    expected = json.loads((folder / "expected.json").read_text())
    library = load_library([shared / expected["liberty"]])
    netlist = read_verilog(folder / "mac8.v", library, expected["top"])
    timing = analyse_timing(
        build_timing_graph(netlist, expected["clock_port"]),
        library.at(),
        expected["clock_period_s"],
    )
    activity = read_vcd_activity(
        folder / "mac8.vcd.gz",
        expected["trace_scope"],
        netlist,
        clock_period_s=expected["clock_period_s"],
    )
    power = analyse_power(timing, activity, state_probability="independent")
    return folder, expected, timing, activity, power


@pytest.mark.slow
def test_total_power_is_the_references(case: Case) -> None:
    _, expected, _, _, power = case
    for kind in KINDS:
        own = float(getattr(power, f"{kind}_w")[0].sum())
        assert own == pytest.approx(expected["power_w"][kind], rel=2e-6)
    assert power.total_w[0] == pytest.approx(expected["power_w"]["total"], rel=2e-6)
    assert power.annotated_fraction == 1.0 and power.limited_nets[0] == 0


@pytest.mark.slow
def test_power_of_each_group_is_the_references(case: Case) -> None:
    folder, _, _, _, power = case
    wanted = json.loads((folder / "power.json").read_text())
    for name, kinds in power.by_group().items():
        for kind in KINDS:
            own = float(kinds[f"{kind}_w"][0])
            assert own == pytest.approx(wanted[name.capitalize()][kind], rel=2e-6, abs=1e-15)


@pytest.mark.slow
def test_every_instance(case: Case) -> None:
    folder, _, _, _, power = case
    wanted = {each["name"]: each for each in json.loads((folder / "power_inst.json").read_text())}
    assert sorted(wanted) == sorted(power.netlist.cell_names)
    for kind in KINDS:
        own = getattr(power, f"{kind}_w")[0]
        reference = np.array([wanted[name][kind] for name in power.netlist.cell_names])
        np.testing.assert_allclose(own, reference, rtol=5e-7, atol=1e-17)


def test_density_and_duty_of_every_pin(case: Case) -> None:
    folder, _, timing, activity, _ = case
    netlist = timing.netlist
    density, high, _ = net_activity(timing, activity)
    numbers = {netlist.pin_name(pin): pin for pin in range(len(netlist.pin_net))}
    for line in (folder / "pins.tsv").read_text().splitlines()[1:]:
        name, *columns = line.split("\t")
        if name in numbers:
            net = netlist.pin_net[numbers[name]]
            assert density[0, net] == pytest.approx(float(columns[6]), rel=1e-5), name
            assert high[net] == pytest.approx(float(columns[7]), abs=6e-4), name


def test_energy_a_cycle_gives_power_at_any_clock(case: Case) -> None:
    _, expected, timing, activity, power = case
    faster = analyse_timing(timing.graph, timing.library, expected["clock_period_s"] / 2)
    again = analyse_power(
        faster,
        Activity(**(vars(activity) | {"duration_s": activity.duration_s / 2})),
        state_probability="independent",
    )
    assert power.at_clock(2 / expected["clock_period_s"]) == pytest.approx(again.total_w, rel=1e-9)


@pytest.mark.slow
def test_the_verbs_print_the_references_slack_and_power(
    case: Case, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    folder, expected, *_ = case
    common = [
        *(str(folder / "mac8.v"), "--top", "mac8", "--clock", "clk=10ns"),
        *("--liberty", str(shared / expected["liberty"])),
    ]
    assert main(["sta", *common, "--json"]) == 0
    sta = json.loads(capsys.readouterr().out)
    assert set(sta) == {
        *("critical_path_s", "worst_setup_slack_s", "worst_hold_slack_s", "f_max_hz"),
        *("endpoint", "path", "notes", "clock_outputs"),
    }
    assert sta["critical_path_s"] == pytest.approx(expected["critical_path_s"], rel=2e-6)
    assert set(sta["path"][0]) == {"pin", "edge", "arrival_s", "slew_s"}
    assert main(["sta", *common]) == 0
    assert "critical path" in capsys.readouterr().out
    trace = ["--trace", str(folder / "mac8.vcd.gz"), "--scope", "tb.dut"]
    arguments = ["power", *common, *trace, "--state-probability", "independent"]
    assert main([*arguments, "--json", "--instances"]) == 0
    power = json.loads(capsys.readouterr().out)
    assert power["total_w"] == pytest.approx(expected["power_w"]["total"], rel=2e-6)
    assert power["annotated_fraction"] == 1
    assert set(power["groups"]) == {"sequential", "combinational", "clock", "macro"}
    assert {"name", "cell", "internal_w", "switching_w", "leakage_w", "total_w"} == set(
        power["instances"][0]
    )
    assert main([*arguments, "--modules", "1"]) == 0
    assert "no glitches" in capsys.readouterr().out
    wrong = [each.replace("10ns", "5ns") for each in arguments]
    assert main(wrong) == 2
    assert "has a period of 10 ns" in capsys.readouterr().err
    assert main([*arguments[:-2], "--clock", "clk=10"]) == 2
    assert "has no unit" in capsys.readouterr().err


@pytest.mark.slow
def test_exact_states_of_the_reference(case: Case) -> None:
    folder, expected, timing, activity, independent = case
    netlist = timing.netlist
    exact = read_vcd_activity(
        folder / "mac8.vcd.gz",
        expected["trace_scope"],
        netlist,
        clock_period_s=expected["clock_period_s"],
        states=True,
    )
    assert len(exact.states) >= len(netlist.instances_of) - 1  # tie cells have no state
    for kind, states in exact.states.items():
        np.testing.assert_allclose(states.sum(axis=1), 1)
        cell = netlist.cells[kind]
        inputs = netlist.pins_of_type(kind)[:, list(cell.inputs)]
        rows = np.arange(states.shape[1])
        for place, nets in enumerate(inputs.T):  # each pin's duty is in the joint states
            duty = states[:, (rows >> place & 1) == 1].sum(axis=1)
            np.testing.assert_allclose(duty, activity.high_fraction[nets], atol=1e-12)
    power = analyse_power(timing, exact)
    assert power.state_probability == "joint"
    np.testing.assert_allclose(power.switching_w, independent.switching_w)
    # Correlation matters: single cells leak up to a fifth more or less, the total far less.
    ratio = power.leakage_w[0] / independent.leakage_w[0]
    assert 0.05 < np.abs(ratio - 1).max() < 0.3
    assert power.total_w[0] == pytest.approx(independent.total_w[0], rel=0.005)
