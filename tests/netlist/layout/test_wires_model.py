"""Wires: lengths, capacitance, Elmore delays, buffers for large loads, and the clock tree."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.design import PhysicalOptions
from chipdse.errors import DesignError
from chipdse.netlist.layout.buffers import Repeater, repeaters, stage_delay_s
from chipdse.netlist.layout.clock_tree import (
    build_clock_tree,
    enabled_fraction,
    gate_loads_f,
    tree_energy_j,
)
from chipdse.netlist.layout.wires import (
    Routes,
    elmore_s,
    formula_routes,
    net_degrees,
    placed_routes,
    published_length_m,
    steiner_factor,
    wires_of,
)
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.layout import counted
from chipdse.technology.constants import Sources
from chipdse.technology.wires import process_of, wire_data

HD = "sky130_fd_sc_hd__"
UM = 1e-6


@pytest.fixture(scope="module")
def library():
    return resolve("sky130").load()


@pytest.fixture(scope="module")
def at(library):
    return library.at([1.8], [25.0])


@pytest.fixture(scope="module")
def data(library):
    return wire_data((cell.name for cell in library.cells), Sources())


def read(text: str, library, folder: Path) -> Netlist:
    file = folder / "top.v"
    file.write_text(text)
    return read_verilog(file, library, "top")


def fan(loads: int) -> str:
    """A flip-flop that drives a number of flip-flops."""
    lines = [
        f"{HD}dfxtp_1 r{i} (.CLK(clk), .D({'a' if i == 0 else 'q0'}), .Q(q{i}));"
        for i in range(loads + 1)
    ]
    wires = "".join(f"wire q{i};" for i in range(loads + 1))
    return f"module top(input clk, input a); {wires}\n" + "\n".join(lines) + "\nendmodule\n"


def routes_of(netlist: Netlist, net_length_m, pin_distance_m) -> Routes:
    none = np.zeros(0)
    return Routes(
        level="placed",
        net_length_m=net_length_m,
        pin_distance_m=pin_distance_m,
        core_width_m=1e-4,
        core_height_m=1e-4,
        cell_x_m=none,
        cell_y_m=none,
        overflow=0.0,
    )


def test_constants_of_a_wire(data):
    # 0.165 fF/um as extracted from routed designs, 1.206 ohm/um as the platform's set_wire_rc says.
    assert data.signal_f_per_m * 100 * UM == pytest.approx(16.5e-15, rel=1e-9, abs=0)
    assert data.signal_ohm_per_m * 100 * UM == pytest.approx(120.6)


def test_elmore_by_hand(library, at, data, tmp_path):
    # 20 um from one flip-flop to another: R = 24.12 ohm and 13.75 ohm of vias at each end,
    # C = 3.3 fF, and the pin behind it: delay = R (C / 2 + pin).
    netlist = read(fan(1), library, tmp_path)
    net = netlist.nets_by_name["q0"]
    pin = int(np.flatnonzero((netlist.pin_net == net) & netlist.pin_is_load)[0])
    length, distance = np.zeros(netlist.net_count), np.zeros(len(netlist.pin_net))
    length[net] = distance[pin] = 20 * UM
    graph = build_timing_graph(netlist, "clk")
    loads = wires_of(routes_of(netlist, length, distance), graph, at, data)
    pin_f = loads.pins_f[net]
    assert 1e-15 < pin_f < 3e-15
    delay_s = 51.62 * (1.65e-15 + pin_f)
    assert loads.timing.pin_delay_s[pin] == pytest.approx(delay_s, rel=1e-9, abs=0)
    assert loads.timing.net_capacitance_f[net] == pytest.approx(3.3e-15, rel=1e-9, abs=0)
    assert elmore_s(1000.0, 2e-15, 3e-15) == pytest.approx(4e-12)


def test_wire_slows_the_path_by_its_delay_and_its_load(library, at, data, tmp_path):
    netlist = read(fan(1), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    lengths = []
    for um in (0, 50, 100, 200):
        length = np.zeros(netlist.net_count)
        length[netlist.nets_by_name["q0"]] = um * UM
        distance = np.where(netlist.pin_is_load, um * UM, 0.0)
        wires = wires_of(routes_of(netlist, length, distance), graph, at, data).timing
        lengths.append(float(analyse_timing(graph, at, 1e-8, wires=wires).min_period_s[0]))
    assert all(a < b for a, b in zip(lengths, lengths[1:], strict=False))
    plain = analyse_timing(graph, at, 1e-8)
    assert lengths[0] == pytest.approx(float(plain.min_period_s[0]), rel=1e-9)


def test_a_large_load_is_driven_through_buffers(library, at, data, tmp_path):
    netlist = read(fan(300), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    net = netlist.nets_by_name["q0"]
    length = np.zeros(netlist.net_count)
    length[net] = 2000 * UM
    routes = routes_of(netlist, length, np.where(netlist.pin_is_load, 100 * UM, 0.0))
    loads = wires_of(routes, graph, at, data)
    chosen = repeaters(library)
    # The driver sees one buffer's load, what switches is everything.
    assert loads.timing.net_capacitance_f[net] + loads.pins_f[net] == pytest.approx(chosen.load_f)
    total = loads.pins_f[net] + loads.wire_f[net]
    assert loads.buffers[net] > total / chosen.load_f
    assert loads.power.net_capacitance_f[net] > loads.wire_f[net]
    buffered = analyse_timing(graph, at, 1e-8, wires=loads.timing).min_period_s[0]
    plain = analyse_timing(graph, at, 1e-8, wires=loads.power).min_period_s[0]
    assert buffered < plain


def test_levels_of_buffers_by_hand():
    # Best load 40, input 4: a gain of 10. A load of 4000 is 100 last buffers, behind 10: two
    # levels and 110 buffers; one of 39 needs none.
    levels, count = Repeater(cell="b", input_f=4.0, load_f=40.0).tree(np.array([4000.0, 39.0]))
    assert levels.tolist() == [2, 0]
    assert count == pytest.approx([110, 0])


def test_the_best_buffer_is_faster_than_twice_its_load(library, at):
    """Its load minimises delay for the gain in load: twice and half of it gain less."""
    best = repeaters(library)

    def cost(factor: float) -> float:
        tried = Repeater(cell=best.cell, input_f=best.input_f, load_f=factor * best.load_f)
        return stage_delay_s(tried, at) / np.log(tried.load_f / best.input_f)

    assert cost(1.0) <= 1.1 * min(cost(0.5), cost(2.0))


def test_formula_by_hand(library, tmp_path):
    # 10,000 cells of 5 um2: 3.557 * 10000^1.129 * sqrt(5) um = 0.261 m.
    by_hand = 3.557 * 10 ** (4 * 1.129) * 5**0.5 * UM
    assert published_length_m(10_000, 5e4 * UM**2, Sources()) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.261, rel=0.01)
    netlist = read(fan(20), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    routes = formula_routes(netlist, graph.clock, Sources())
    whole = published_length_m(netlist.cell_count, netlist.area_m2, Sources())
    assert routes.wire_length_m == pytest.approx(whole)
    # The clock has no signal wire, the net with 20 loads the longest.
    assert routes.net_length_m[netlist.nets_by_name["clk"]] == 0
    assert int(np.argmax(routes.net_length_m)) == netlist.nets_by_name["q0"]


def test_steiner_factors(library):
    factor = steiner_factor(np.array([2, 3, 4, 5, 8, 9, 16, 100]), Sources())
    assert factor == pytest.approx([1, 1, 1.01, 1.07, 1.19, 1.26, 1.68, 4.2])
    assert (np.diff(steiner_factor(np.arange(2, 200), Sources())) >= 0).all()


@pytest.mark.slow
def test_placed_wires_shorten_with_utilisation(library, tmp_path):
    netlist = read(fan(60), library, tmp_path)
    clock = build_timing_graph(netlist, "clk").clock
    long, short = (
        placed_routes(netlist, clock, Sources(), utilisation=u).wire_length_m for u in (0.3, 0.8)
    )
    assert short < long
    wide = placed_routes(netlist, clock, Sources(), aspect=0.25)
    assert wide.core_width_m == pytest.approx(4 * wide.core_height_m)
    with pytest.raises(DesignError, match="utilisation"):
        placed_routes(netlist, clock, Sources(), utilisation=1.2)


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


def test_groups_of_the_clock_tree_by_hand(library, data, tmp_path):
    # 6.2 sinks a buffer. Root: 10 registers and 2 gates, 12 sinks, 2 buffers. A gate of 5 drives
    # them itself; one of 20 would need 4 buffers, is one of them itself: 3.
    netlist = read(gated([5, 20], free=10), library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    tree = build_clock_tree(netlist, graph.clock, data.clock_tree, 1e-8)
    assert sorted(zip(tree.sinks.tolist(), tree.buffers.tolist(), strict=True)) == [
        (5, 0), (12, 2), (20, 3),
    ]  # fmt: skip
    assert tree.sinks[0] == 12
    # All wire: sqrt(37 sinks * area).
    assert tree.wire_m.sum() == pytest.approx((37 * 1e-8) ** 0.5)
    toggles = np.zeros(netlist.net_count)
    toggles[tree.net] = [2000, *(1000 if s == 20 else 0 for s in tree.sinks[1:])]
    enabled = enabled_fraction(tree, toggles, 1000)
    # Half the cycles for the group of 20: (2 + 3 / 2) buffers of 345 fJ.
    energy = tree_energy_j(tree, data.clock_tree, 1.8, enabled)
    assert energy == pytest.approx(3.5 * 345e-15)
    assert tree_energy_j(tree, data.clock_tree, 0.9, enabled) == pytest.approx(energy / 4)
    pins = np.full(netlist.net_count, 10e-15)
    extra = gate_loads_f(tree, netlist, data, pins)
    assert np.flatnonzero(extra).tolist() == sorted(tree.net[1:].tolist())
    assert extra[tree.net[tree.sinks == 5][0]] > 0  # its own wire
    assert extra[tree.net[tree.sinks == 20][0]] > -10e-15  # most of its pins hang on buffers


@pytest.mark.slow
@given(st.integers(1, 12))
@settings(max_examples=6)
def test_clock_energy_grows_with_sinks(tmp_path_factory, count):
    library = resolve("sky130").load()
    data = wire_data((cell.name for cell in library.cells), Sources())
    energies = []
    for registers in (10 * count, 20 * count):
        folder = tmp_path_factory.mktemp("clock")
        netlist = read(gated([], free=registers), library, folder)
        graph = build_timing_graph(netlist, "clk")
        tree = build_clock_tree(netlist, graph.clock, data.clock_tree, 1e-8)
        assert abs(tree.buffer_count - registers / 6.2) < 1
        energies.append(tree_energy_j(tree, data.clock_tree, 1.8, np.ones(1)))
    assert energies[1] == pytest.approx(2 * energies[0], abs=346e-15)


def test_degrees_count_ports(library, tmp_path):
    netlist = read(fan(3), library, tmp_path)
    degree = net_degrees(netlist)
    assert degree[netlist.nets_by_name["q0"]] == 4
    assert degree[netlist.nets_by_name["a"]] == 2
    assert degree[netlist.nets_by_name["clk"]] == 5


def test_processes_by_their_cells():
    assert process_of(["sky130_fd_sc_hd__inv_1"]) == "sky130"
    assert process_of(["sg13g2_inv_1"]) == "ihp-sg13g2"
    assert process_of(["INVx1_ASAP7_75t_R"]) == "asap7"
    assert process_of(["gt2_6t_inv_x1_w31_svt"]) == "gt2n"
    assert process_of(["my_inverter"]) is None


class _Unknown:
    """A library of a process without wire constants."""

    name = "mine"
    cells = ()


def test_unknown_processes_are_refused_or_left_out():
    auto = counted(PhysicalOptions(), _Unknown())
    assert (auto.wires, auto.clock_tree) == ("none", False)
    with pytest.raises(DesignError, match='set wires="none"'):
        counted(PhysicalOptions(wires="placed"), _Unknown())


def test_a_process_without_clock_trees_refuses_them(shared):
    gt2n = resolve([shared / "pdk/gt2n/gt2_6t_w31_svt_tt_0p7v25c.lib.gz"]).load()
    assert counted(PhysicalOptions(), gt2n).wires == "placed"
    assert not counted(PhysicalOptions(), gt2n).clock_tree
    with pytest.raises(DesignError, match="set clock_tree=false"):
        counted(PhysicalOptions(wires="formula"), gt2n)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"wires": "real"}, "auto, none, formula, placed"),
        ({"utilisation": 0.99}, "utilisation"),
        ({"aspect": 0}, "aspect"),
        ({"glitches": 1}, "true or false"),
        ({"glitch_cycles": -1}, "glitch_cycles"),
    ],
)
def test_options_are_refused(given, message):
    with pytest.raises(DesignError, match=message):
        PhysicalOptions(**given)
