"""Mismatch of one stage of a chain of inverters against a simulation by other hands.

`mismatch_mc.jsonl` draws the transistors of ten chains of eight inverters (0.65 and 1.0 um wide,
8.5 fF per stage) in ngspice and states the relative deviation of a stage within 20 %. A stage is
taken as the mean of its two edges, whose transistors are different ones. The reference does not say
so, but of 150 chains that `tools/characterise` drew at 0.8 V such means have a deviation of 12.4 %
(stated: 12.5 %), single edges one of 18.5 %.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.sigmas import arc_moments
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import MAX, Timing, Wires, analyse_timing, arc_slopes
from chipdse.netlist.verilog.reader import read_verilog

STAGES = 12
COMPARED = range(4, 12)  # eight stages after the slews have settled
WIRE_F = 8.5e-15


def chain(supply_v: float, slew_s: float) -> Timing:
    library = resolve("sky130").load()
    gates = "\n".join(
        f"sky130_fd_sc_hd__inv_1 g{i} (.A(n{i}), .Y(n{i + 1}));" for i in range(STAGES)
    )
    wires = "".join(f"wire n{i}; " for i in range(1, STAGES))
    ports = f"module top (n0, n{STAGES}); input n0; output n{STAGES}; "
    netlist = read_verilog(Path("c.v"), library, text=f"{ports}{wires}{gates}\nendmodule")
    return analyse_timing(
        build_timing_graph(netlist),
        library.at([supply_v], [25.0]),
        1.0,
        input_slew_s=slew_s,
        wires=Wires(
            net_capacitance_f=np.full(netlist.net_count, WIRE_F),
            pin_delay_s=np.zeros(len(netlist.pin_net)),
        ),
    )


def stage_deviation(timing: Timing) -> float:
    """Deviation of a stage's delay, the mean of both edges, over the mean of all chips.

    A stage varies by its own transistors and by those of the stage before it, which shape the slew
    of its input. At 0.5 V the mean of all chips is a fifth above the delay of a nominal one.
    """
    graph, arcs = timing.graph, arc_slopes(timing)
    moments = arc_moments(
        timing.library,
        graph.delay_tables,
        graph.slew_tables,
        graph.kind,
        arcs.input_slew_s,
        arcs.load_f,
    )
    row_of = {int(sink): row for row, sink in enumerate(graph.sink)}
    nets = [timing.netlist.nets_by_name[f"n{i}"] for i in range(STAGES + 1)]
    variance, mean = np.zeros(STAGES + 1), np.zeros(STAGES + 1)
    for first in (0, 1):
        slew_s2, flatter_s = 0.0, 0.0
        for i in range(1, STAGES + 1):
            edges = [2 * nets[j] + (j + first) % 2 for j in (i - 1, i)]
            row = row_of[edges[1]]
            eta, tau = arcs.delay_slope[MAX][0, row], arcs.slew_slope[MAX][0, row]
            before, after = timing.arrival_s[MAX, 0, 0, edges]
            mean[i] += (after - before + moments.shift_s[MAX][0, row] + eta * flatter_s) / 2
            variance[i] += (eta**2 * slew_s2 + moments.delay[MAX][0, row]) / 4
            slew_s2 = tau**2 * slew_s2 + moments.slew[MAX][0, row]
            flatter_s = tau * flatter_s + moments.slew_shift_s[MAX][0, row]
    at = list(COMPARED)
    return float(np.sqrt(np.mean(variance[at])) / np.mean(mean[at]))


@pytest.mark.slow
@pytest.mark.parametrize("supply_v", [1.8, 1.0, 0.8, 0.5])
def test_a_stage_of_inverters(shared: Path, supply_v: float) -> None:
    file = shared / "reference" / "corners" / "mismatch_mc.jsonl"
    rows = {row["vdd"]: row for row in map(json.loads, file.read_text().splitlines())}
    timing = chain(supply_v, rows[supply_v]["nominal_stage"])
    assert stage_deviation(timing) == pytest.approx(rows[supply_v]["stage_cv"], rel=0.20)
