"""Routed designs with their SPEF files, beside OpenSTA on the same."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chipdse.cli import main
from chipdse.netlist.layout.routed import without_physical
from chipdse.netlist.library.cache import load_corners
from chipdse.netlist.parasitics.annotate import annotate
from chipdse.netlist.parasitics.spef import read_spef
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.power.propagate import fill_unannotated, silent_activity
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog

LIBERTY = {"sky130hd": "*tt_025C_1v80*", "gf180mcu": "*tt_025C_5v00*"}
CLOCK = {"sky130hd": "clk", "gf180mcu": "wb_clk_i"}
DESIGNS = (
    "gf180mcu__diceroll",
    "gf180mcu__wrapped_ay8913",
    "sky130hd__tt_um_aiju_8080",
    "sky130hd__tt_um_4bit_cpu_with_fsm",
    "sky130hd__tt_um_ja1tye_tiny_cpu",
    "sky130hd__tt_um_koconnor_kstep",
)


def case(shared: Path, name: str) -> tuple[Path, Path, Path, dict[str, str]]:
    """Netlist, SPEF, Liberty file and the row of figures of a routed design."""
    folder, (tech, _, design) = shared / "reference" / "routed", name.partition("__")
    netlist = folder / "designs" / f"{name}.v.gz"
    if not netlist.is_file():
        pytest.skip(f"the reference has no {name}")
    liberty = next((shared / "pdk" / tech).glob(LIBERTY[tech]))
    with (folder / "routed_truth.csv").open(newline="") as table:
        row = next(row for row in csv.DictReader(table) if row["design"] == design)
    return netlist, netlist.with_name(f"{name}.spef.gz"), liberty, row


@pytest.mark.few_cases(2)
@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_timing_and_power_of_a_routed_design(name: str, shared: Path) -> None:
    netlist_file, spef_file, liberty, row = case(shared, name)
    library = load_corners([liberty], None)
    netlist = without_physical(read_verilog(netlist_file, library, None))
    graph = build_timing_graph(netlist, CLOCK[name.partition("__")[0]])
    spef = read_spef(spef_file)
    # No capacitance is lost: the file's own totals, net by net, and the tables' sum.
    assert spef.net_capacitance_f == pytest.approx(spef.net_total_f, rel=1e-4)
    annotated = annotate(spef, netlist, netlist.library.at(None, None))
    assert annotated.notes == ()
    total_f = (float(row["spef_signal_fF"]) + float(row["spef_clock_fF"])) * 1e-15
    assert annotated.total_f == pytest.approx(total_f, rel=1e-4)
    assert annotated.wires.net_capacitance_f.sum() == pytest.approx(total_f, rel=1e-4)
    period_s = float(row["period_ns"]) * 1e-9
    timing = analyse_timing(graph, netlist.library.at(None, None), period_s, wires=annotated.wires)
    path_ns = timing.critical_path_s[0] * 1e9
    assert path_ns == pytest.approx(float(row["full_spef_crit_ns"]), rel=1e-3)
    assert path_ns == pytest.approx(float(row["opensta_spef_ideal_crit_ns"]), rel=0.01)
    activity = dataclasses.replace(
        fill_unannotated(graph, silent_activity(netlist, period_s)),
        annotated=np.ones(netlist.net_count, dtype=bool),
    )
    power = analyse_power(timing, activity, state_probability="independent")
    by_group = power.by_group()
    for kind in ("internal", "switching", "leakage"):
        expected_w = float(row[f"full_spef_clock_{kind}_uW"]) * 1e-6
        assert by_group["clock"][f"{kind}_w"][0] == pytest.approx(expected_w, rel=1e-4, abs=1e-10)
    # Activity is propagated as OpenSTA does it; what is left are slews of the clock buffers, which
    # OpenSTA takes as 0 with an ideal clock.
    theirs_w = float(row["opensta_spef_Total_tot_uW"]) * 1e-6
    assert power.total_w[0] == pytest.approx(theirs_w, rel=0.06)
    slew_s = timing.slew_s.copy()
    assert graph.clock is not None
    on_clock = np.flatnonzero(graph.clock.polarity)
    slew_s[:, :, np.concatenate([2 * on_clock, 2 * on_clock + 1])] = 0.0
    ideal = dataclasses.replace(timing, slew_s=slew_s)
    power = analyse_power(ideal, activity, state_probability="independent")
    assert power.total_w[0] == pytest.approx(theirs_w, rel=0.006)
    for group in ("Sequential", "Combinational"):
        parts = power.by_group()[group.lower()]
        ours_w = sum(float(watts[0]) for watts in parts.values())
        expected_w = float(row[f"opensta_spef_{group}_tot_uW"]) * 1e-6
        assert ours_w == pytest.approx(expected_w, rel=0.03)


@pytest.mark.slow
def test_the_command_line_reads_a_spef_file(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netlist, spef, liberty, row = case(shared, "sky130hd__tt_um_4bit_cpu_with_fsm")
    given = ["sta", str(netlist), "--liberty", str(liberty), "--clock", "clk=20ns"]
    assert main([*given, "--spef", str(spef), "--json"]) == 0
    routed = json.loads(capsys.readouterr().out)
    assert main([*given, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    expected_s = float(row["opensta_spef_ideal_crit_ns"]) * 1e-9
    assert routed["critical_path_s"] == pytest.approx(expected_s, rel=0.01)
    assert plain["critical_path_s"] < 0.95 * routed["critical_path_s"]
    assert "wire_capacitance_f" not in plain
    total_f = (float(row["spef_signal_fF"]) + float(row["spef_clock_fF"])) * 1e-15
    assert routed["wire_capacitance_f"] == pytest.approx(total_f, rel=1e-4)
    assert main([*given, "--spef", str(spef)]) == 0
    assert "ideal clock, extracted wires of 2.4 pF" in capsys.readouterr().out
    # The wires of another design are refused with one line.
    other = case(shared, "sky130hd__tt_um_aiju_8080")[1]
    assert main([*given, "--spef", str(other)]) == 2
    error = capsys.readouterr().err
    assert "it belongs to another design or stage" in error and error.count("\n") == 1
