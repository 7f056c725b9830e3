"""What timing refuses, by name; and clocks: gates, inverters, both edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import Timing, analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.netlist_cases import netlist_of, tiny_library

NS = 1e-9
LIBRARY = tiny_library()


def timed(body: str, period: float = 5 * NS, clock: str | None = "clk") -> Timing:
    graph = build_timing_graph(netlist_of(body, LIBRARY), clock)
    return analyse_timing(graph, LIBRARY.at(), period)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("wire n; NAND2 g (.A(a), .B(y), .Y(n)); INV h (.A(n), .Y(y));", "loop through .*[gh]/Y"),
        ("wire n; INV g (.A(n), .Y(y));", "nets without a driver in 'top': n"),
        ("INV g (.A(a), .Y(y)); INV h (.A(b), .Y(y));", "nets with several drivers in 'top': y"),
        ("INV g (.A(), .Y(y));", "unconnected input pins: g/A"),
        ("INV g (.A(1'bx), .Y(y));", "unconnected input pins: g/A"),
        ("DFF r (.CK(a), .D(b), .Q(y));", "registers without a clock .*: r/CK on a"),
        ("LATCH l (.G(clk), .D(a), .Q(y));", r"latches are not timed: l \(LATCH\)"),
        ("TRI t (.A(a), .EN(b), .Y(y));", r"tri-state outputs are not timed: t \(TRI\)"),
        ("DFF r (.CK(clk), .D(clk), .Q(y));", "the clock is used as data at r/D"),
        (
            "wire n; NAND2 g (.A(clk), .B(a), .Y(n)); DFF r (.CK(n), .D(b), .Q(y));",
            r"the clock passes through g \(NAND2\) together with B",
        ),
    ],
)
def test_refused_by_name(body: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        timed(body)


def test_supplies_may_come_through_bidirectional_ports() -> None:
    plain = netlist_of("INV g (.A(a), .Y(y));", LIBRARY)
    text = "module top (a, y, vdd, vss); input a; output y; inout vdd, vss; {} endmodule"
    powered = read_verilog(Path("n.v"), LIBRARY, text=text.format("INV g (.A(a), .Y(y));"))
    paths = [
        analyse_timing(build_timing_graph(each), LIBRARY.at(), NS).critical_path_s
        for each in (plain, powered)
    ]
    assert paths[0] == paths[1]
    for cell in ("INV g (.A(vdd), .Y(y));", "INV g (.A(a), .Y(y)); INV h (.A(a), .Y(vdd));"):
        wrong = read_verilog(Path("n.v"), LIBRARY, text=text.format(cell))
        with pytest.raises(DesignError, match="vdd"):
            build_timing_graph(wrong)


def test_many_culprits_are_counted() -> None:
    body = "".join(f"wire q{i}; DFF r{i} (.CK(a), .D(b), .Q(q{i}));" for i in range(9))
    with pytest.raises(DesignError, match="r4/CK on a and 4 more"):
        timed(body + "INV g (.A(b), .Y(y));")


def test_missing_or_wrong_clock() -> None:
    body = "DFF r (.CK(clk), .D(a), .Q(y));"
    with pytest.raises(DesignError, match="registers without a clock .none is named.: r/CK"):
        timed(body, clock=None)
    with pytest.raises(DesignError, match="clock 'ck' is no input port of 'top'; it has clk, a, b"):
        timed(body, clock="ck")
    for period in (0.0, -1.0, float("nan")):
        with pytest.raises(DesignError, match="period must be positive"):
            timed(body, period)


def test_another_library_is_refused() -> None:
    graph = build_timing_graph(netlist_of("INV g (.A(a), .Y(y));", LIBRARY))
    with pytest.raises(DesignError, match="read with another library"):
        analyse_timing(graph, tiny_library().at(), 1e-9)


def test_the_falling_edge_has_half_a_period() -> None:
    # launched at the rise, caught at the fall, half a period later
    timing = timed("wire n; DFF r (.CK(clk), .D(a), .Q(n)); DFFN s (.CK(clk), .D(n), .Q(y));")
    arrival = 0.3 + 0.004, 0.35 + 0.004
    slew = 0.15 + 0.004, 0.175 + 0.004
    setup = 0.05 + 0.2 * slew[0], 0.06 + 0.2 * slew[1]
    need = max(arrival[0] + setup[0], arrival[1] + setup[1])
    assert timing.worst_setup_slack_s == pytest.approx((2.5 - need) * NS)
    assert timing.f_max_hz == pytest.approx(1 / (2 * need * NS))
    assert timing.critical_path_s == pytest.approx((2.5 + need) * NS)
    # y leaves s half a period after the rise: 2.5 + 0.35 of 5 ns
    assert timing.output_slack_s[0, 0, 0] == pytest.approx((2.5 - 0.35) * NS)


def test_an_inverted_clock_makes_it_the_falling_edge() -> None:
    both = "wire n, c; DFF r (.CK(clk), .D(a), .Q(n)); "
    inverted = timed(both + "INV i (.A(clk), .Y(c)); DFF s (.CK(c), .D(n), .Q(y));")
    # arrives at 0.354, setup 0.06 + 0.2 * slew 0.179, half a period of 5 ns
    assert inverted.worst_setup_slack_s == pytest.approx((2.5 - 0.354 - 0.0958) * NS)
    buffered = timed(both + "BUF i (.A(clk), .Y(c)); DFF s (.CK(c), .D(n), .Q(y));")
    # an ideal clock has no latency in its buffers
    assert buffered.worst_setup_slack_s == pytest.approx((5 - 0.354 - 0.0958) * NS)


def test_a_clock_gate_is_checked_and_passed() -> None:
    timing = timed(
        "wire n, g, e; INV i (.A(a), .Y(e)); GATE c (.CK(clk), .EN(e), .GCK(g));"
        "DFF r (.CK(g), .D(b), .Q(n)); BUF o (.A(n), .Y(y));"
    )
    network = timing.graph.clock
    assert network is not None
    net = timing.netlist.nets_by_name["g"]
    assert network.polarity[net] == 1 and network.gated[net]
    # EN: rise at 0.104 with slew 0.054, setup 0.1 + 0.2 * slew
    slacks = timing.check_slack_s[0, timing.graph.check_is_setup]
    assert np.isclose(slacks, (5 - 0.104 - 0.1 - 0.2 * 0.054) * NS).any()
    # the gated net's slew is a real one: load 1 fF, fall 0.08 + 0.002
    assert timing.slew_s[0, 0, 2 * net + 1] == pytest.approx(0.082 * NS)
