"""The clock tree: groups, levels, choice of buffers, and its energy from the library's tables."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.design import PhysicalOptions
from chipdse.errors import DesignError
from chipdse.netlist.layout.clock_buffers import clock_buffers
from chipdse.netlist.layout.clock_tree import (
    buffer_counts,
    build_clock_tree,
    enabled_fraction,
    gate_loads_f,
    group_levels,
    tree_wire_m,
)
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.clock_tree import clock_tree_power, levels_power, with_clock_slews
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.layout import layout_effects
from chipdse.technology.calibration import calibration_of
from chipdse.technology.constants import Sources
from tests.support.fuzzing.examples import examples
from tests.support.netlist_cases import tiny_library

HD = "sky130_fd_sc_hd__"


@pytest.fixture(scope="module")
def library():
    return resolve("sky130").load()


@pytest.fixture(scope="module")
def at(library: CellLibrary):
    return library.at([1.8], [25.0])


def read(text: str, library, folder: Path) -> Netlist:
    file = folder / "top.v"
    file.write_text(text)
    return read_verilog(file, library, "top")


def gated(groups: list[int], free: int) -> str:
    """Registers without a clock gate, and groups of them behind one each."""
    lines, wires = [], ["wire d;"]
    for i in range(free):
        lines.append(f"{HD}dfxtp_1 f{i} (.CLK(clk), .D(a), .Q(f{i}q));")
        wires.append(f"wire f{i}q;")
    for g, count in enumerate(groups):
        lines.append(f"{HD}dlclkp_1 g{g} (.CLK(clk), .GATE(a), .GCLK(g{g}c));")
        wires.append(f"wire g{g}c;")
        for i in range(count):
            lines.append(f"{HD}dfxtp_1 g{g}_{i} (.CLK(g{g}c), .D(a), .Q(g{g}_{i}q));")
            wires.append(f"wire g{g}_{i}q;")
    body = "".join(wires) + "\n" + "\n".join(lines)
    return f"module top(input clk, input a);\n{body}\nendmodule\n"


SKY130 = dataclasses.replace(
    calibration_of("sky130"), sinks_per_region=7.0, buffer_area=3.7, leaf_area=2.0
)
F_PER_M = 0.2e-9


@pytest.mark.parametrize(
    ("sinks", "buffers"),
    [
        # Regions are halved until fewer than 7 sinks are in each: 12/2 = 6, 13/2 -> 7, 13/4 -> 4.
        (2, [1, 2]),
        (12, [1, 2]),
        (13, [1, 4]),
        (96, [1, 16]),
        (192, [1, 16, 32]),
        # Clusters of 17: 12 of them in 2 regions of 6, 64 in 16 regions of 4.
        (204, [1, 2, 12]),
        (1088, [1, 16, 64]),
    ],
)
def test_levels_of_a_tree_by_hand(sinks: int, buffers: list[int]) -> None:
    one = dataclasses.replace(SKY130, sinks_per_cluster=17.0)
    assert buffer_counts(sinks, one) == buffers


def test_groups_of_the_clock_tree_by_hand(
    library: CellLibrary, at: OperatingLibrary, tmp_path: Path
) -> None:
    # Fewer than 7 sinks per leaf. Root: 10 registers and 2 gates, 12 sinks, 2 leaves behind a root.
    # A gate of 5 drives a root with 2 leaves; a gate of 20 one with 4.
    netlist = read(gated([5, 20], free=10), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-8, F_PER_M)
    counts = [[level.count for level in levels] for levels in tree.levels]
    assert tree.sinks[0] == 12 and counts[0] == [1, 2] and tree.gated.tolist() == [0, 1, 1]
    behind = sorted(zip(tree.sinks[1:].tolist(), counts[1:], strict=True))
    assert behind == [(5, [1, 2]), (20, [1, 4])]
    assert tree.buffer_count == 11
    # A buffer of clkbuf_8's size drives 6 pins and a sixth of the Steiner tree of their group.
    root, last = tree.levels[0]
    assert library.cells[last.cell].name == f"{HD}clkbuf_8" and last.sinks == 6
    reached = 1e-8 * 12 / 37  # of 37 sinks
    assert tree_wire_m(1e-8, 100) == pytest.approx(0.76e-3)
    assert last.wire_f == pytest.approx(F_PER_M * 0.76 * (reached * 12) ** 0.5 / 2)
    assert root.fanout == 2
    pins = np.full(netlist.net_count, 10e-15)
    extra = gate_loads_f(tree, netlist.net_count, pins)
    assert np.flatnonzero(extra).tolist() == sorted(tree.net[1:].tolist())
    assert extra[tree.net[tree.sinks == 20][0]] == pytest.approx(
        tree.driven_f[tree.sinks == 20][0] - 10e-15
    )


INVERTED = f"""module top(input clk, input a, output [9:0] q);
{HD}dfxtp_1 f0 (.CLK(clk), .D(a), .Q(q[0]));
{HD}buf_1 b (.A(clk), .X(c));
{HD}inv_1 i0 (.A(c), .Y(n0));
{HD}inv_1 i1 (.A(c), .Y(n1));
{HD}dfxtp_1 f1 (.CLK(n0), .D(a), .Q(q[1]));
{HD}dfxtp_1 f2 (.CLK(n1), .D(a), .Q(q[2]));
endmodule
"""


def test_a_cell_in_the_clock_is_the_root_of_a_tree(
    library: CellLibrary, at: OperatingLibrary, tmp_path: Path
) -> None:
    """A buffer with two inverters behind it has a tree; an inverter drives its one register."""
    netlist = read(INVERTED, library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-9, F_PER_M)
    found = {
        netlist.net_names[net]: (int(sinks), sum(level.count for level in levels))
        for net, sinks, levels in zip(tree.net, tree.sinks, tree.levels, strict=True)
    }
    assert found == {"clk": (2, 3), "c": (2, 3), "n0": (1, 0), "n1": (1, 0)}
    # Behind no gate every net has its edges in every cycle, whatever is known of its transitions.
    assert enabled_fraction(tree, np.zeros(netlist.net_count), 10).tolist() == [1.0] * 4
    extra = gate_loads_f(tree, netlist.net_count, np.full(netlist.net_count, 1e-15))
    wire_f = F_PER_M * tree_wire_m(1e-9 / 6, 1)
    assert extra[netlist.nets_by_name["n0"]] == pytest.approx(wire_f)


def test_registers_have_the_edges_of_the_last_buffers(
    library: CellLibrary, at: OperatingLibrary, tmp_path: Path
) -> None:
    """Power looks its tables up at real edges; arrivals and slacks remain those without any."""
    netlist = read(gated([1], free=9), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-9, F_PER_M)
    timing = analyse_timing(graph, at, 1e-8)
    seen = with_clock_slews(tree, timing)
    clk = netlist.port_of["clk"].nets[0]
    edges = seen.slew_s[:, 0, 2 * clk : 2 * clk + 2]
    assert (edges > 10e-12).all() and (edges < 200e-12).all()
    others = np.delete(np.arange(2 * netlist.net_count), [2 * clk, 2 * clk + 1])
    assert (seen.slew_s[:, :, others] == timing.slew_s[:, :, others]).all()
    assert seen.check_slack_s is timing.check_slack_s
    # More load behind the same buffers makes slower edges.
    far = build_clock_tree(netlist, graph.clock, SKY130, 4e-9, F_PER_M)
    assert (with_clock_slews(far, timing).slew_s[:, 0, 2 * clk : 2 * clk + 2] > edges).all()


def test_energy_of_a_tree_by_hand(
    library: CellLibrary, at: OperatingLibrary, tmp_path: Path
) -> None:
    # A root with two leaves: what the tables give, and C V^2 of outputs, inputs, pins and wires.
    netlist = read(gated([], free=5), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-9, F_PER_M)
    ((root, leaf),) = tree.levels
    power = clock_tree_power(tree, netlist, at, np.ones(1))

    def pin_f(cell: int, direction: str) -> float:
        pins = library.cells[cell].pins
        pin = next(i for i, pin in enumerate(pins) if pin.direction == direction)
        return float(at.pin_capacitance_f[0, library.pin_start[cell] + pin].max())

    load_f = root.wire_f + pin_f(root.cell, "output") + 2 * pin_f(leaf.cell, "input")
    load_f += tree.sink_f(at, netlist)[0] + 2 * (leaf.wire_f + pin_f(leaf.cell, "output"))
    assert power.energy_j - power.internal_energy_j == pytest.approx(load_f * 1.8**2, rel=1e-6)
    assert 0.1 < power.internal_energy_j / power.energy_j < 0.8
    assert power.leakage_w > 0
    half = clock_tree_power(tree, netlist, at, np.full(1, 0.5))
    assert half.energy_j == pytest.approx(power.energy_j / 2)
    low = clock_tree_power(tree, netlist, library.at([0.9], [25.0]), np.ones(1))
    # Charge goes with V^2; what the buffer takes inside goes with it to a third.
    assert low.energy_j == pytest.approx(power.energy_j / 4, rel=0.3)


def test_gated_cycles_cost_no_energy_behind_the_gate(
    library: CellLibrary, at: OperatingLibrary, tmp_path: Path
) -> None:
    netlist = read(gated([20], free=10), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-8, F_PER_M)
    toggles = np.zeros(netlist.net_count)
    toggles[tree.net] = [2000, 1000]
    enabled = enabled_fraction(tree, toggles, 1000)
    assert enabled.tolist() == [1.0, 0.5]
    every, half, none = (
        clock_tree_power(tree, netlist, at, np.array([1.0, share])).energy_j
        for share in (1.0, enabled[1], 0.0)
    )
    assert half == pytest.approx((every + none) / 2)
    assert none < 0.7 * every


@pytest.mark.slow
@given(st.integers(2, 8))
@examples(6)
def test_clock_energy_grows_with_sinks(
    tmp_path_factory: pytest.TempPathFactory, count: int
) -> None:
    library, shipped = resolve("sky130").load(), calibration_of("sky130")
    energies = []
    for registers in (12 * count, 24 * count):
        folder = tmp_path_factory.mktemp("clock")
        netlist = read(gated([], free=registers), library, folder)
        graph = build_timing_graph(netlist, "clk")
        tree = build_clock_tree(netlist, graph.clock, shipped, registers * 50e-12, F_PER_M)
        energies.append(
            clock_tree_power(tree, netlist, library.at([1.8], [25.0]), np.ones(1)).energy_j
        )
    # Twice the sinks have twice the leaves; from 16 leaves on these are smaller buffers.
    assert 1.2 * energies[0] < energies[1] < 2.4 * energies[0]


LIBRARIES = {
    "sky130hd": "pdk/sky130hd/sky130_fd_sc_hd__tt_025C_1v80.lib.gz",
    "gf180": "pdk/gf180mcu/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib.gz",
    "ihp": "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz",
    "gt2n": "pdk/gt2n/gt2_6t_w31_svt_tt_0p7v25c.lib.gz",
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_with_buffers_has_a_tree(name, shared: Path) -> None:
    library = resolve([shared / LIBRARIES[name]]).load()
    buffers = clock_buffers(library)
    assert (np.diff(buffers.area) >= 0).all() and buffers.area[0] == 1
    names = [library.cells[cell].name for cell in buffers.cells]
    assert not any("dly" in one or "lsbuf" in one for one in names)
    effects = layout_effects(PhysicalOptions(), library)
    assert effects.clock_tree and effects.added_cells
    levels = group_levels(100, 1e-15, 1e-9, buffers, effects.calibration, effects.tree_wire_f_per_m)
    at = library.at(library.supply_v[:1], library.temperature_c[:1])
    power = levels_power([levels], np.array([1e-15]), at, np.ones(1))
    assert 0 < power.internal_energy_j < power.energy_j


def test_larger_loads_take_larger_buffers(library: CellLibrary) -> None:
    buffers = clock_buffers(library)
    chosen = [buffers.driving(load, 1.0) for load in (1e-15, 10e-15, 30e-15, 80e-15, 1e-12)]
    assert chosen == sorted(chosen) and chosen[0] == 0
    assert buffers.ohm[chosen[-1]] == buffers.ohm.min()
    assert buffers.driving(1e-15, float(buffers.area[-1])) == len(buffers.cells) - 1


def test_a_process_without_constants_has_a_tree_but_no_wires(tmp_path: Path) -> None:
    mine = tiny_library()
    auto = layout_effects(PhysicalOptions(), mine)
    assert auto.wires == "none" and auto.calibration.process == "any"
    assert auto.clock_tree == (clock_buffers(mine) is not None)
    assert auto.tree_wire_f_per_m == Sources()("wires.clock_capacitance_any")
    with pytest.raises(DesignError, match='set wires="none"'):
        layout_effects(PhysicalOptions(wires="placed"), mine)
    none = layout_effects(PhysicalOptions(wires="none"), mine)
    assert not none.clock_tree and not none.added_cells
