"""Static timing against numbers worked by hand and a plain recursive re-implementation."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.netlist.library.join import join_corners
from chipdse.netlist.library.tables import TableSet
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.paths import clock_outputs, critical_path, endpoints
from chipdse.netlist.timing.slack import pin_slacks
from chipdse.netlist.timing.timing import MAX, MIN, Timing, Wires, analyse_timing
from tests.support.netlist_cases import CELLS, liberty_text, netlist_of, tiny_library

NS, FF = 1e-9, 1e-15
LIBRARY = tiny_library()
PERIOD = 5 * NS


def timed(netlist: Netlist, clock: str | None = "clk", **options: float) -> Timing:
    graph = build_timing_graph(netlist, clock)
    return analyse_timing(graph, netlist.library.at(), PERIOD, **options)


def edges(timing: Timing, net: str, which: int = MAX) -> dict[str, list[float]]:
    number = timing.netlist.nets_by_name[net]
    span = slice(2 * number, 2 * number + 2)
    return {
        "arrival": (timing.arrival_s[which, 0, 0, span] / NS).tolist(),
        "slew": (timing.slew_s[which, 0, span] / NS).tolist(),
    }


def test_two_inverters_by_hand() -> None:
    # n drives INV/A (2 fF = 0.002 pF); slew in 0: rise delay 0.1 + 2 * 0.002, fall 0.08 + 0.004
    timing = timed(netlist_of("wire n; INV i (.A(a), .Y(n)); INV j (.A(n), .Y(y));"))
    n = edges(timing, "n")
    assert n["arrival"] == pytest.approx([0.104, 0.084])
    assert n["slew"] == pytest.approx([0.054, 0.044])
    # y has no load: rise from n's fall: 0.084 + 0.1 + 0.2 * 0.044; fall: 0.104 + 0.08 + 0.2 * 0.054
    y = edges(timing, "y")
    assert y["arrival"] == pytest.approx([0.1928, 0.1948])
    assert timing.critical_path_s == pytest.approx(0.1948 * NS)
    assert timing.worst_hold_slack_s == pytest.approx(0.1928 * NS)
    end, stages = critical_path(timing)
    assert end == "y"
    assert [(stage.pin, stage.edge) for stage in stages] == [
        ("a", "fall"),
        ("i/A", "fall"),
        ("i/Y", "rise"),
        ("j/A", "rise"),
        ("j/Y", "fall"),
        ("y", "fall"),
    ]
    assert stages[2].load_f == pytest.approx(2 * FF)


def test_a_register_path_by_hand() -> None:
    timing = timed(
        netlist_of(
            "wire n, m; DFF r (.CK(clk), .D(m), .Q(n)); INV i (.A(n), .Y(m)); BUF o (.A(n), .Y(y));"
        )
    )
    # Q drives INV (2 fF) and BUF (3 fF): launch 0.3 + 0.01 rise, 0.35 + 0.01 fall
    assert edges(timing, "n")["arrival"] == pytest.approx([0.31, 0.36])
    # m drives D (2 fF): rise 0.36 + 0.1 + 0.2 * (0.175 + 0.01) + 0.004, slew half of it all
    m = edges(timing, "m")
    assert m["arrival"][0] == pytest.approx(0.36 + 0.1 + 0.2 * 0.185 + 0.004)
    slew = 0.05 + 0.2 * 0.185 + 0.004
    assert m["slew"][0] == pytest.approx(slew)
    # setup 0.05 + 0.2 * data slew; the clock's slew is 0
    setup = 0.05 + 0.2 * slew
    arrival = 0.501
    assert timing.critical_path_s == pytest.approx((arrival + setup) * NS)
    assert timing.worst_setup_slack_s == pytest.approx(PERIOD - (arrival + setup) * NS)
    assert timing.f_max_hz == pytest.approx(1 / ((arrival + setup) * NS))
    # hold: earliest arrival (fall of m from rise of n) less hold time of the falling data
    early = 0.31 + 0.08 + 0.2 * (0.15 + 0.01) + 0.004
    hold = 0.02 + 0.2 * (0.04 + 0.2 * 0.16 + 0.004)
    assert timing.worst_hold_slack_s == pytest.approx((early - hold) * NS)
    assert endpoints(timing)[0].name == "r/D"
    assert critical_path(timing)[1][0].pin == "r/CK"
    slacks = pin_slacks(timing)[0]
    pin = timing.netlist.pin_start[timing.netlist.cell_names.index("r")]
    assert slacks[2 * pin] == pytest.approx(timing.worst_setup_slack_s[0])  # through its CK


# What drives port y from the clock, and by hand: the delays of the path that clk's rise launches
# and of the one that its fall does [ns], and the edge of y that the latter ends in.
# GATE's CK is 3 fF, so BUF before it leaves a slew of half its delay at no load, and 2 * 0.003.
CLOCK_OUTPUTS = {
    "assign y = clk;": (0.0, 0.0, "fall"),
    "BUF o (.A(clk), .Y(y));": (0.12, 0.13, "fall"),
    "INV o (.A(clk), .Y(y));": (0.08, 0.1, "rise"),
    "wire c; BUF o (.A(clk), .Y(c)); GATE g (.CK(c), .EN(a), .GCK(y));": (
        0.12 + 2 * 0.003 + 0.15 + 0.2 * (0.06 + 2 * 0.003),
        0.13 + 2 * 0.003 + 0.16 + 0.2 * (0.065 + 2 * 0.003),
        "fall",
    ),
}


@pytest.mark.parametrize("body", list(CLOCK_OUTPUTS))
def test_a_clock_at_an_output_port_by_hand(body: str) -> None:
    rise, fall, edge = CLOCK_OUTPUTS[body]
    timing = timed(netlist_of(body))
    # The next rise of the clock comes a period after its rise, half a period after its fall.
    assert timing.output_slack_s[MAX, 0, 0] == pytest.approx(PERIOD / 2 - fall * NS)
    assert timing.output_slack_s[MIN, 0, 0] == pytest.approx(rise * NS)  # it ends before the fall
    if "GATE" not in body:  # whose enable has a setup check
        assert timing.min_period_s[0] == pytest.approx(2 * fall * NS)
    assert clock_outputs(timing) == ["y"]
    port = next(each for each in endpoints(timing) if each.name == "y")
    assert (port.edge, port.slack_s) == (edge, pytest.approx(PERIOD / 2 - fall * NS))
    end, stages = critical_path(timing)
    assert end == "y" and stages[0].pin == "clk" and stages[0].edge == "fall"
    assert stages[-1].arrival_s == pytest.approx(fall * NS)
    if timing.netlist.cell_count:
        assert pin_slacks(timing)[0].min() == pytest.approx(timing.worst_setup_slack_s[0])


def test_a_clock_at_a_port_leaves_the_registers_alone() -> None:
    body = "wire n; DFF r (.CK(clk), .D(a), .Q(n)); INV i (.A(n), .Y({}));"
    ports = "clk, a, y"
    alone = timed(netlist_of("wire m;" + body.format("m"), ports=ports.replace(", y", "")))
    also = timed(netlist_of("wire m;" + body.format("m") + "BUF o (.A(clk), .Y(y));", ports=ports))
    assert clock_outputs(alone) == [] and alone.graph.launch_classes == 1
    assert also.check_slack_s == pytest.approx(alone.check_slack_s)
    assert edges(also, "m")["arrival"] == pytest.approx(edges(alone, "m")["arrival"])


def test_extrapolation_goes_on_linearly_and_slews_stay_positive() -> None:
    steep = CELLS.replace('"0.05, 2.05"', '"-0.5, 1.5"')  # slew table of INV's rise
    library = tiny_library(liberty_text(steep))
    timing = timed(netlist_of("INV i (.A(a), .Y(y));", library), output_load_f=3000 * FF)
    # load 3 pF on a grid that ends at 1 pF: 0.1 + 2 * 3
    assert edges(timing, "y")["arrival"][0] == pytest.approx(6.1)
    timing = timed(netlist_of("INV i (.A(a), .Y(y));", library))
    assert edges(timing, "y")["slew"][0] == 0.0  # -0.5 is clamped


def test_tables_by_hand() -> None:
    operating = LIBRARY.at()
    table = int(LIBRARY.arcs.rise_delay[0])
    tables = TableSet.of(operating, np.array([table]))
    for slew, load in ((0.0, 0.0), (0.5, 0.25), (-0.1, 2.0), (3.0, -1.0)):
        value = tables.lookup(
            np.zeros(1, dtype=int), np.array([slew * NS]), np.array([load * 1e-12])
        )
        assert value[0, 0] / NS == pytest.approx(0.1 + 0.2 * slew + 2 * load)


def test_conditional_arcs_all_count() -> None:
    timing = timed(netlist_of("XOR2 x (.A(a), .B(b), .Y(y));"))
    # rise: the slower of 0.2 (positive) and 0.21 (negative); earliest 0.2
    assert edges(timing, "y")["arrival"] == pytest.approx([0.21, 0.19])
    assert edges(timing, "y", MIN)["arrival"] == pytest.approx([0.2, 0.18])


def test_constants_switch_arcs_off() -> None:
    timing = timed(netlist_of("XOR2 x (.A(a), .B(1'b0), .Y(y));"))
    assert edges(timing, "y")["arrival"] == pytest.approx([0.2, 0.19])  # only `when : "!B"`
    timing = timed(
        netlist_of(
            "wire t, n; TIEHI h (.Y(t)); NAND2 g (.A(a), .B(t), .Y(n));"
            "NAND2 k (.A(n), .B(1'b0), .Y(y));"
        )
    )
    assert edges(timing, "n")["arrival"] == pytest.approx([0.11 + 0.004, 0.09 + 0.004])
    assert timing.arrival_s[MAX, 0, 0, 2 * timing.netlist.nets_by_name["y"]] == -np.inf
    assert timing.graph.constant[timing.netlist.nets_by_name["y"]] == 1


@pytest.mark.parametrize(
    ("level", "rise_ns", "fall_ns"),
    [
        (0, 0.118 + 0.2 + 0.2 * 0.063, 0.098 + 0.19 + 0.2 * 0.053),
        (1, 0.098 + 0.21 + 0.2 * 0.053, 0.118 + 0.18 + 0.2 * 0.063),
    ],
)
def test_a_constant_leaves_an_xor_one_sense(level: int, rise_ns: float, fall_ns: float) -> None:
    """Both senses of an XOR may be stated without `when`, as in the shipped library.

    A constant input makes it a buffer (0) or an inverter (1), so that only one of them is left. At
    its other input, which loads the NAND gate with 4 fF, an edge rises at 0.118 ns with a slew of
    0.063 ns and falls at 0.098 ns with one of 0.053 ns.
    """
    text, count = re.subn(r'(timing_sense : \w+; )when : "[^"]*";', r"\1", CELLS)
    library = tiny_library(liberty_text(text))
    assert count == 4
    assert (library.arcs.condition == -1).all()
    body = f"wire n; NAND2 g (.A(a), .B(1'b1), .Y(n)); XOR2 x (.A(n), .B(1'b{level}), .Y(y));"
    timing = timed(netlist_of(body, library))
    assert edges(timing, "n")["arrival"] == pytest.approx([0.118, 0.098])
    assert edges(timing, "y")["arrival"] == pytest.approx([rise_ns, fall_ns])
    assert edges(timing, "y", MIN)["arrival"] == pytest.approx([rise_ns, fall_ns])


def test_wires_add_capacitance_and_delay() -> None:
    netlist = netlist_of("wire n; INV i (.A(a), .Y(n)); INV j (.A(n), .Y(y));", LIBRARY)
    capacitance = np.zeros(netlist.net_count)
    capacitance[netlist.nets_by_name["n"]] = 10 * FF
    delay = np.zeros(len(netlist.pin_net))
    delay[netlist.pin_start[1]] = 0.03 * NS  # j/A
    graph = build_timing_graph(netlist)
    timing = analyse_timing(
        graph, LIBRARY.at(), PERIOD, wires=Wires(net_capacitance_f=capacitance, pin_delay_s=delay)
    )
    assert edges(timing, "n")["arrival"] == pytest.approx([0.124, 0.104])
    fall_slew = 0.04 + 2 * 0.012
    assert edges(timing, "y")["arrival"][0] == pytest.approx(0.104 + 0.03 + 0.1 + 0.2 * fall_slew)
    path = critical_path(timing)[1]
    assert path[3].pin == "j/A" and path[3].arrival_s == pytest.approx(
        path[2].arrival_s + 0.03 * NS
    )
    assert pin_slacks(timing)[0].min() == pytest.approx(timing.worst_setup_slack_s[0])


def test_the_wire_to_an_output_port_delays_its_arrival() -> None:
    """As in OpenSTA, where a port is a load of its net like any pin."""
    body = "wire n; INV i (.A(a), .Y(n)); DFF r (.CK(clk), .D(n), .Q(y));"
    netlist = netlist_of(body, LIBRARY)
    graph = build_timing_graph(netlist, "clk")
    loads, pins = np.zeros(netlist.net_count), np.zeros(len(netlist.pin_net))
    wires = Wires(net_capacitance_f=loads, pin_delay_s=pins, port_delay_s=np.array([0.25 * NS]))
    timing, bare = (analyse_timing(graph, LIBRARY.at(), PERIOD, wires=w) for w in (wires, None))
    # the slower edge of Q: 0.35 ns after the clock
    assert timing.critical_path_s / NS == pytest.approx([0.6])
    assert timing.min_period_s == pytest.approx(timing.critical_path_s)
    late, early = timing.output_slack_s[:, 0, 0] - bare.output_slack_s[:, 0, 0]
    assert (late, early) == (pytest.approx(-0.25 * NS), pytest.approx(0.25 * NS))
    end, path = critical_path(timing)
    assert end == "y" and path[-1].arrival_s == pytest.approx(0.6 * NS)
    assert path[-2].arrival_s == pytest.approx(0.35 * NS)
    assert pin_slacks(timing)[0].min() == pytest.approx(timing.worst_setup_slack_s[0])
    worst = {end.name: end.slack_s for end in endpoints(timing)}
    assert worst["y"] == pytest.approx(PERIOD - 0.6 * NS)


# A second implementation: plain recursion over net edges with the formula of the small library.
_DELAYS = {
    "INV": {"A": [(1, 0, 0.1), (0, 1, 0.08)]},
    "NAND2": {"A": [(1, 0, 0.11), (0, 1, 0.09)], "B": [(1, 0, 0.1), (0, 1, 0.085)]},
    "XOR2": {pin: [(0, 0, 0.2), (1, 1, 0.19), (1, 0, 0.21), (0, 1, 0.18)] for pin in ("A", "B")},
}
_CAPACITANCE = {("INV", "A"): 2.0, ("NAND2", "A"): 2.0, ("NAND2", "B"): 2.5,
                ("XOR2", "A"): 4.0, ("XOR2", "B"): 4.0}  # fmt: skip
Gate = tuple[str, int, int]  # cell, and which earlier nets its pins read


@st.composite
def circuits(draw: st.DrawFn) -> list[Gate]:
    gates: list[Gate] = []
    for number in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["INV", "NAND2", "XOR2"]))
        nets = st.integers(0, 1 + number)
        gates.append((kind, draw(nets), draw(nets)))
    return gates


def build(gates: list[Gate]) -> Netlist:
    names = ["a", "b"] + [f"n{number}" for number in range(len(gates) - 1)] + ["y"]
    body = "".join(f"wire n{number};" for number in range(len(gates) - 1))
    for number, (kind, one, two) in enumerate(gates):
        second = "" if kind == "INV" else f".B({names[two]}), "
        body += f"{kind} g{number} (.A({names[one]}), {second}.Y({names[number + 2]}));\n"
    return netlist_of(body, LIBRARY)


def plain(gates: list[Gate], slew_in: float) -> list[tuple[list[float], list[float]]]:
    """Latest arrival and largest slew of each net's edges [ns], by recursion's closed form."""
    loads = [0.0] * (len(gates) + 2)
    for kind, one, two in gates:
        loads[one] += _CAPACITANCE[kind, "A"] / 1000
        if kind != "INV":
            loads[two] += _CAPACITANCE[kind, "B"] / 1000
    nets = [([0.0, 0.0], [slew_in, slew_in])] * 2
    for number, (kind, one, two) in enumerate(gates):
        arrival, slew = [-np.inf, -np.inf], [-np.inf, -np.inf]
        for pin, source in zip("AB", (one, two), strict=True):
            for into, out, base in _DELAYS[kind].get(pin, []):
                more = 0.2 * nets[source][1][into] + 2 * loads[number + 2]
                arrival[out] = max(arrival[out], nets[source][0][into] + base + more)
                slew[out] = max(slew[out], base / 2 + more)
        nets = [*nets, (arrival, slew)]
    return nets


@pytest.mark.slow
@settings(max_examples=60)
@given(circuits(), st.floats(0, 0.3))
def test_random_circuits_equal_the_plain_recursion(gates: list[Gate], slew: float) -> None:
    timing = timed(build(gates), None, input_slew_s=slew * NS)
    expected = plain(gates, slew)
    for number in range(len(gates)):
        name = "y" if number == len(gates) - 1 else f"n{number}"
        found = edges(timing, name)
        assert found["arrival"] == pytest.approx(expected[number + 2][0])
        assert found["slew"] == pytest.approx(expected[number + 2][1])


@pytest.mark.slow
@settings(max_examples=30)
@given(circuits())
def test_early_is_before_late_and_slacks_agree(gates: list[Gate]) -> None:
    timing = timed(build(gates), None)
    early, late = timing.arrival_s[MIN, 0, 0], timing.arrival_s[MAX, 0, 0]
    arrives = np.isfinite(late)
    assert (early[arrives] <= late[arrives] * (1 + 1e-12)).all()
    # The worst slack of all pins is the worst slack of the endpoints.
    assert pin_slacks(timing)[0].min() == pytest.approx(timing.worst_setup_slack_s[0])
    path = critical_path(timing)[1]
    assert path[-1].arrival_s == pytest.approx(timing.critical_path_s[0])
    assert all(a.arrival_s <= b.arrival_s for a, b in zip(path, path[1:], strict=False))
    slower = timed(build(gates), None, output_load_f=5 * FF)
    assert slower.critical_path_s[0] >= timing.critical_path_s[0]


def test_many_corners_at_once_equal_one_at_a_time() -> None:
    library = join_corners(
        [LIBRARY, tiny_library(liberty_text(CELLS.replace('"0.1, 2.1"', '"0.3, 2.3"'), 0.8))]
    )
    body = "wire n, m; DFF r (.CK(clk), .D(m), .Q(n)); INV i (.A(n), .Y(m)); BUF o (.A(n), .Y(y));"
    graph = build_timing_graph(netlist_of(body, library), "clk")
    volts = [0.8, 0.85, 0.9, 1.0]
    together = analyse_timing(graph, library.at(volts, 25), [1e-9, 2e-9, 3e-9, 4e-9])
    assert together.arrival_s.shape[2] == 4
    for point, supply in enumerate(volts):
        alone = analyse_timing(graph, library.at(supply, 25), (point + 1) * NS)
        for name in ("worst_setup_slack_s", "worst_hold_slack_s", "critical_path_s", "f_max_hz"):
            assert getattr(alone, name)[0] == pytest.approx(
                getattr(together, name)[point], rel=1e-12
            )
        np.testing.assert_allclose(alone.slew_s[:, 0], together.slew_s[:, point], rtol=1e-12)
        slacks = pin_slacks(together)[point]
        np.testing.assert_allclose(pin_slacks(alone)[0], slacks, rtol=1e-9)
