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
    build_clock_tree,
    enabled_fraction,
    gate_loads_f,
    group_levels,
    tree_wire_m,
)
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.clock_tree import clock_tree_power, levels_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.layout import counted
from chipdse.technology.calibration import calibration_of
from chipdse.technology.constants import Sources
from tests.support.fuzzing.examples import examples
from tests.support.netlist_cases import tiny_library

HD = "sky130_fd_sc_hd__"


@pytest.fixture(scope="module")
def library():
    return resolve("sky130").load()


@pytest.fixture(scope="module")
def at(library):
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


SKY130 = dataclasses.replace(calibration_of("sky130"), sinks_per_leaf=6.0, buffer_area=3.7)
F_PER_M = 0.2e-9


def test_groups_of_the_clock_tree_by_hand(library, at, tmp_path):
    # 6 sinks per last buffer. Root: 10 registers and 2 gates, 12 sinks, 2 buffers behind a root. A
    # gate of 5 drives them itself; a gate of 20 drives 4 buffers.
    netlist = read(gated([5, 20], free=10), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-8, F_PER_M)
    counts = [[level.count for level in levels] for levels in tree.levels]
    assert tree.sinks[0] == 12 and counts[0] == [1, 2]
    assert sorted(zip(tree.sinks[1:].tolist(), counts[1:], strict=True)) == [(5, []), (20, [4])]
    assert tree.buffer_count == 7
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
    assert extra[tree.net[tree.sinks == 5][0]] > 0  # the wire to its pins
    assert extra[tree.net[tree.sinks == 20][0]] == pytest.approx(
        tree.driven_f[tree.sinks == 20][0] - 10e-15
    )


def test_energy_of_a_tree_by_hand(library, at, tmp_path):
    # One buffer alone: what the tables give for it, and C V^2 of its output, pins and wire.
    netlist = read(gated([], free=5), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, SKY130, 1e-9, F_PER_M)
    ((level,),) = tree.levels
    power = clock_tree_power(tree, netlist, at, np.ones(1))
    kind = library.pin_start[level.cell]
    pins = library.cells[level.cell].pins
    output = next(i for i, pin in enumerate(pins) if pin.direction == "output")
    output_f = float(at.pin_capacitance_f[0, kind + output].max())
    load_f = tree.sink_f(at, netlist)[0] + level.wire_f + output_f
    assert power.energy_j - power.internal_energy_j == pytest.approx(load_f * 1.8**2, rel=1e-6)
    assert 0.1 < power.internal_energy_j / power.energy_j < 0.8
    assert power.leakage_w > 0
    half = clock_tree_power(tree, netlist, at, np.full(1, 0.5))
    assert half.energy_j == pytest.approx(power.energy_j / 2)
    low = clock_tree_power(tree, netlist, library.at([0.9], [25.0]), np.ones(1))
    # Charge goes with V^2; what the buffer takes inside goes with it to a third.
    assert low.energy_j == pytest.approx(power.energy_j / 4, rel=0.3)


def test_gated_cycles_cost_no_energy_behind_the_gate(library, at, tmp_path):
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
@given(st.integers(2, 12))
@examples(6)
def test_clock_energy_grows_with_sinks(tmp_path_factory, count):
    library = resolve("sky130").load()
    energies = []
    for registers in (12 * count, 24 * count):
        folder = tmp_path_factory.mktemp("clock")
        netlist = read(gated([], free=registers), library, folder)
        graph = build_timing_graph(netlist, "clk")
        tree = build_clock_tree(netlist, graph.clock, SKY130, registers * 50e-12, F_PER_M)
        energies.append(
            clock_tree_power(tree, netlist, library.at([1.8], [25.0]), np.ones(1)).energy_j
        )
    assert 1.4 * energies[0] < energies[1] < 2.4 * energies[0]


LIBRARIES = {
    "sky130hd": "pdk/sky130hd/sky130_fd_sc_hd__tt_025C_1v80.lib.gz",
    "gf180": "pdk/gf180mcu/gf180mcu_fd_sc_mcu7t5v0__tt_025C_5v00.lib.gz",
    "ihp": "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz",
    "gt2n": "pdk/gt2n/gt2_6t_w31_svt_tt_0p7v25c.lib.gz",
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_with_buffers_has_a_tree(name, shared):
    library = resolve([shared / LIBRARIES[name]]).load()
    buffers = clock_buffers(library)
    assert (np.diff(buffers.area) >= 0).all() and buffers.area[0] == 1
    names = [library.cells[cell].name for cell in buffers.cells]
    assert not any("dly" in one or "lsbuf" in one for one in names)
    what = counted(PhysicalOptions(), library)
    assert what.clock_tree and what.added_cells
    levels = group_levels(
        100, 1e-15, 1e-9, buffers, what.calibration, what.tree_wire_f_per_m, is_root=True
    )
    at = library.at(library.supply_v[:1], library.temperature_c[:1])
    power = levels_power([levels], np.array([1e-15]), at, np.ones(1))
    assert 0 < power.internal_energy_j < power.energy_j


def test_larger_loads_take_larger_buffers(library):
    buffers = clock_buffers(library)
    chosen = [buffers.driving(load, 1.0) for load in (1e-15, 10e-15, 30e-15, 80e-15, 1e-12)]
    assert chosen == sorted(chosen) and chosen[0] == 0
    assert buffers.ohm[chosen[-1]] == buffers.ohm.min()
    assert buffers.driving(1e-15, float(buffers.area[-1])) == len(buffers.cells) - 1


def test_a_process_without_constants_has_a_tree_but_no_wires(tmp_path):
    mine = tiny_library()
    auto = counted(PhysicalOptions(), mine)
    assert auto.wires == "none" and auto.calibration.process == "any"
    assert auto.clock_tree == (clock_buffers(mine) is not None)
    assert auto.tree_wire_f_per_m == Sources()("wires.clock_capacitance_any")
    with pytest.raises(DesignError, match='set wires="none"'):
        counted(PhysicalOptions(wires="placed"), mine)
    none = counted(PhysicalOptions(wires="none"), mine)
    assert not none.clock_tree and not none.added_cells
