"""Wires: lengths, capacitance, Elmore delays, buffers for large loads, and the clock tree."""

from pathlib import Path

import numpy as np
import pytest

from chipdse.design import PhysicalOptions
from chipdse.errors import DesignError
from chipdse.netlist.layout.buffers import Repeater, repeaters, stage_delay_s
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
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.records import Wires
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.technology.constants import Sources
from chipdse.technology.wires import process_of, wire_data

HD = "sky130_fd_sc_hd__"
UM = 1e-6


@pytest.fixture(scope="module")
def library():
    return resolve("sky130").load()


@pytest.fixture(scope="module")
def at(library: CellLibrary):
    return library.at([1.8], [25.0])


@pytest.fixture(scope="module")
def data(library: CellLibrary):
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


def routes_of(netlist: Netlist, net_length_m, pin_distance_m, port_distance_m=None) -> Routes:
    none = np.zeros(0)
    if port_distance_m is None:
        port_distance_m = np.zeros(len(netlist.output_nets))
    return Routes(
        level="placed",
        net_length_m=net_length_m,
        pin_distance_m=pin_distance_m,
        port_distance_m=port_distance_m,
        core_width_m=1e-4,
        core_height_m=1e-4,
        cell_x_m=none,
        cell_y_m=none,
        overflow=0.0,
    )


@pytest.mark.slow
def test_constants_of_a_wire(data) -> None:
    # 0.165 fF/um as extracted from routed designs, 1.206 ohm/um as the platform's set_wire_rc says.
    assert data.signal_f_per_m * 100 * UM == pytest.approx(16.5e-15, rel=1e-9, abs=0)
    assert data.signal_ohm_per_m * 100 * UM == pytest.approx(120.6)


def test_elmore_by_hand(library: CellLibrary, at: OperatingLibrary, data, tmp_path: Path) -> None:
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


def test_the_wire_to_an_output_port_by_hand(
    library: CellLibrary, at: OperatingLibrary, data, tmp_path: Path
) -> None:
    # A port is a load like a pin, of no capacitance: 20 um of 24.12 ohm and 3.44 fF give
    # R C / 2 = 41.5 fs.
    text = f"module top(input clk, input a, output q); {HD}dfxtp_1 r (.CK(clk), .D(a), .Q(q));"
    netlist = read(text.replace(".CK", ".CLK") + " endmodule", library, tmp_path)
    net = netlist.nets_by_name["q"]
    length, pins = np.zeros(netlist.net_count), np.zeros(len(netlist.pin_net))
    length[net] = 20 * UM
    graph = build_timing_graph(netlist, "clk")
    routes = routes_of(netlist, length, pins, np.array([20 * UM]))
    wires = wires_of(routes, graph, at, data).timing
    assert wires.port_delay_s == pytest.approx([24.12 * 1.72e-15])
    beside = Wires(net_capacitance_f=wires.net_capacitance_f, pin_delay_s=wires.pin_delay_s)
    behind, before = (analyse_timing(graph, at, 1e-8, wires=part) for part in (wires, beside))
    later = behind.critical_path_s - before.critical_path_s
    assert later == pytest.approx(24.12 * 1.72e-15, rel=1e-3)
    assert behind.min_period_s - before.min_period_s == pytest.approx(later)
    hold = behind.output_slack_s[1, 0] - before.output_slack_s[1, 0]
    assert hold == pytest.approx(later)


@pytest.mark.slow
@pytest.mark.parametrize("make", [formula_routes, placed_routes])
def test_a_port_of_a_net_lies_as_far_as_its_wire_goes(
    library: CellLibrary, tmp_path: Path, make
) -> None:
    cells = "".join(f"{HD}dfxtp_1 r{i} (.CLK(clk), .D(a[{i}]), .Q(q[{i}]));" for i in range(6))
    text = f"module top(input clk, input [5:0] a, output [5:0] q); {cells} endmodule"
    netlist = read(text, library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    routes = make(netlist, graph.clock, Sources())
    length = routes.net_length_m[netlist.output_nets]
    assert (routes.port_distance_m > 0).all() and (routes.port_distance_m <= length).all()
    if make is formula_routes:  # two ends of one wire: the port is where the wire ends
        assert routes.port_distance_m == pytest.approx(length)
    else:  # the length has the escapes from both pins too, and is drawn to the mean of such nets
        assert routes.port_distance_m.min() > 0.2 * length.min()


def test_a_port_behind_a_tree_of_buffers_waits_for_them(
    library: CellLibrary, at: OperatingLibrary, data, tmp_path: Path
) -> None:
    text = fan(300).replace("input a)", "input a, output q0)").replace("wire q0;", "")
    netlist = read(text, library, tmp_path)
    graph = build_timing_graph(netlist, "clk")
    net = netlist.nets_by_name["q0"]
    length = np.zeros(netlist.net_count)
    length[net] = 2000 * UM
    loads = wires_of(routes_of(netlist, length, np.zeros(len(netlist.pin_net))), graph, at, data)
    assert loads.buffers[net] > 0
    pins = np.flatnonzero((netlist.pin_net == net) & netlist.pin_is_load)
    assert loads.timing.port_delay_s == pytest.approx(loads.timing.pin_delay_s[pins[:1]])
    assert loads.timing.port_delay_s[0] > 10e-12


def test_wire_slows_the_path_by_its_delay_and_its_load(
    library: CellLibrary, at: OperatingLibrary, data, tmp_path: Path
) -> None:
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


def test_a_large_load_is_driven_through_buffers(
    library: CellLibrary, at: OperatingLibrary, data, tmp_path: Path
) -> None:
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


def test_levels_of_buffers_by_hand() -> None:
    # Best load 40, input 4: a gain of 10. A load of 4000 is 100 last buffers, behind 10: two
    # levels and 110 buffers; one of 39 needs none.
    levels, count = Repeater(cell="b", input_f=4.0, load_f=40.0).tree(np.array([4000.0, 39.0]))
    assert levels.tolist() == [2, 0]
    assert count == pytest.approx([110, 0])


def test_the_best_buffer_is_faster_than_twice_its_load(
    library: CellLibrary, at: OperatingLibrary
) -> None:
    """Its load minimises delay for the gain in load: twice and half of it gain less."""
    best = repeaters(library)

    def cost(factor: float) -> float:
        tried = Repeater(cell=best.cell, input_f=best.input_f, load_f=factor * best.load_f)
        return stage_delay_s(tried, at) / np.log(tried.load_f / best.input_f)

    assert cost(1.0) <= 1.1 * min(cost(0.5), cost(2.0))


def test_formula_by_hand(library: CellLibrary, tmp_path: Path) -> None:
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


def test_steiner_factors(library: CellLibrary) -> None:
    factor = steiner_factor(np.array([2, 3, 4, 5, 8, 9, 16, 100]), Sources())
    assert factor == pytest.approx([1, 1, 1.01, 1.07, 1.19, 1.26, 1.68, 4.2])
    assert (np.diff(steiner_factor(np.arange(2, 200), Sources())) >= 0).all()


@pytest.mark.slow
def test_placed_wires_shorten_with_utilisation(library: CellLibrary, tmp_path: Path) -> None:
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


def test_degrees_count_ports(library: CellLibrary, tmp_path: Path) -> None:
    netlist = read(fan(3), library, tmp_path)
    degree = net_degrees(netlist)
    assert degree[netlist.nets_by_name["q0"]] == 4
    assert degree[netlist.nets_by_name["a"]] == 2
    assert degree[netlist.nets_by_name["clk"]] == 5


def test_processes_by_their_cells() -> None:
    assert process_of(["sky130_fd_sc_hd__inv_1"]) == "sky130"
    assert process_of(["sg13g2_inv_1"]) == "ihp-sg13g2"
    assert process_of(["INVx1_ASAP7_75t_R"]) == "asap7"
    assert process_of(["gt2_6t_inv_x1_w31_svt"]) == "gt2n"
    assert process_of(["my_inverter"]) is None


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
def test_options_are_refused(given, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        PhysicalOptions(**given)
