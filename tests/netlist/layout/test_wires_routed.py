"""Wires before layout against the extracted parasitics of routed designs of the same netlists."""

import csv
import dataclasses
import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from chipdse.netlist.layout.wires import drawn_to_mean, placed_routes, wires_of
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.technology.constants import Sources
from chipdse.technology.wires import routed_over_placed, wire_data

LIBRARIES = {
    "sky130hd": "pdk/sky130hd/sky130_fd_sc_hd__tt_025C_1v80.lib.gz",
    "gf180mcu": "pdk/gf180mcu/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib.gz",
}
CLOCKS = {"sky130hd": "clk", "gf180mcu": "wb_clk_i"}
_NO_LOGIC = re.compile(
    r"^\s*\w*(?:decap|fill|tap|antenna|diode|endcap)\w*\s+(?:\\\S+|\w+)\s*\(.*?\);", re.S | re.M
)


def routed_netlist(shared, technology, design):
    """A routed netlist without the cells that do not switch."""
    file = shared / "reference/routed/designs" / f"{technology}__{design}.v.gz"
    with gzip.open(file, "rt") as text:
        logic = _NO_LOGIC.sub("", text.read())
    return read_verilog(file, resolve([shared / LIBRARIES[technology]]).load(), design, text=logic)


def rows(file):
    with file.open(newline="") as table:
        return list(csv.DictReader(table))


@pytest.mark.few_cases(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("technology", "design", "capacitance", "path", "rank"),
    [
        ("sky130hd", "tt_um_4bit_cpu_with_fsm", 0.10, 0.04, 0.70),
        ("sky130hd", "tt_um_ja1tye_tiny_cpu", 0.10, 0.04, 0.62),
        ("gf180mcu", "diceroll", 0.15, 0.11, 0.75),
        ("sky130hd", "tt_um_koconnor_kstep", 0.10, 0.04, 0.70),
    ],
)
def test_wires_are_those_of_the_routed_design(
    shared: Path, technology: str, design: str, capacitance: float, path: float, rank: float
) -> None:
    """Before, capacitance was 0.45 to 0.75 of the extracted one."""
    netlist = routed_netlist(shared, technology, design)
    graph = build_timing_graph(netlist, CLOCKS[technology])
    library = netlist.library.at(netlist.library.supply_v[:1], netlist.library.temperature_c[:1])
    data = wire_data((cell.name for cell in netlist.library.cells), Sources())
    loads = wires_of(placed_routes(netlist, graph.clock, Sources()), graph, library, data)
    folder = shared / "reference/routed"
    nets = rows(folder / "nets" / f"{technology}__{design}.csv")
    ours_f = loads.wire_f[[netlist.nets_by_name[net["net"]] for net in nets]]
    extracted_f = np.array([float(net["spef_total_fF"]) for net in nets]) * 1e-15
    assert ours_f.sum() / extracted_f.sum() == pytest.approx(1.0, abs=capacitance)
    assert spearmanr(ours_f, extracted_f)[0] > rank
    truth = next(row for row in rows(folder / "routed_truth.csv") if row["design"] == design)
    period_s = float(analyse_timing(graph, library, 2e-8, wires=loads.timing).min_period_s[0])
    reference_s = float(truth["opensta_spef_ideal_crit_ns"]) * 1e-9
    assert period_s / reference_s == pytest.approx(1.0, abs=path)
    # A netlist whose large loads the flow has repaired is not slowed by buffers of ours.
    routes_only = dataclasses.replace(loads.power, pin_delay_s=loads.timing.pin_delay_s)
    plain = analyse_timing(graph, library, 2e-8, wires=routes_only).min_period_s[0]
    assert period_s < 1.01 * float(plain)


def test_nets_are_drawn_to_the_mean_of_their_degree() -> None:
    # Two pins: mean 2; three pins: mean 6, and 0.35 of the way there. One net of 50 pins stays.
    length = np.array([1.0, 3.0, 4.0, 8.0, 100.0])
    drawn = drawn_to_mean(length, np.array([2, 2, 3, 3, 50]))
    assert drawn == pytest.approx([1.35, 2.65, 4.7, 7.3, 100.0])
    assert drawn.sum() == pytest.approx(length.sum())
    assert drawn_to_mean(np.zeros(0), np.zeros(0, dtype=np.int64)).shape == (0,)


def test_processes_without_measured_layouts_have_the_common_factor() -> None:
    sources = Sources()
    assert routed_over_placed("sky130", sources) == 1.27
    common = routed_over_placed("gt2n", sources)
    assert common == routed_over_placed(None, sources)
    assert 1.0 < common < routed_over_placed("gf180", sources)
