"""Netlists as layout tools and synthesisers write them, and files that would fill the memory."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from tests.support import kernels
from tests.support.netlist_cases import CELLS, liberty_text, tiny_library

LIBRARY = tiny_library()
POWERED = tiny_library(
    liberty_text(
        CELLS.replace(
            "cell (INV) {",
            "cell (INV) { pg_pin (VDD) { pg_type : primary_power; voltage_name : VDD; }"
            " pg_pin (VSS) { pg_type : primary_ground; voltage_name : VSS; }",
        )
    )
)


def read(text: str, top: str | None = None) -> Netlist:
    return read_verilog(Path("n.v"), LIBRARY, top, text=text)


def refusal(text: str) -> str:
    with pytest.raises(DesignError) as caught:
        read(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def nets_of(netlist: Netlist, instance: str) -> list[str]:
    place = netlist.cell_names.index(instance)
    pins = netlist.pin_net[netlist.pin_start[place] : netlist.pin_start[place + 1]]
    return [netlist.net_names[net] if net >= 0 else "-" for net in pins.tolist()]


def critical_path_s(netlist: Netlist) -> float:
    timing = analyse_timing(build_timing_graph(netlist), netlist.library.at(), 10e-9)
    return float(timing.critical_path_s[0])


# ---- cells of a layout that no library describes


@pytest.mark.parametrize(
    "cells",
    [
        "TAP t (.VDD(VDD), .VSS(VSS)); FILL2 f (.VDD(VDD), .VSS(VSS), .VNW(VDD), .VPW(VSS));",
        "TAP t (); FILL2 f ();",
        "TAP t (.VPWR(), .VGND()); FILL2 f (VSS, VDD);",
        "TAP t (.VDD(1'b1), .VSS(1'b0)); FILL2 f (.GND(VSS), .VPB(VDD));",
    ],
)
def test_cells_that_touch_only_supplies_are_left_out_with_a_note(cells: str) -> None:
    netlist = read(
        f"module top (a, y, VDD, VSS); input a; output y; inout VDD, VSS; {cells}"
        " INV g (.A(a), .Y(y), .VDD(VDD), .VSS(VSS)); FILL2 h (); endmodule"
    )
    assert netlist.cell_names == ["g"]
    (note,) = netlist.notes
    assert note.startswith("3 instances touch only supplies") and "2 FILL2, 1 TAP" in note
    assert critical_path_s(netlist) == pytest.approx(0.1e-9)


def test_a_supply_is_known_by_the_library_cells_that_it_feeds() -> None:
    # Neither CORE nor EARTH says what it is; the supply pins of INV do.
    text = (
        "module top (a, y, CORE, EARTH); input a; output y; inout CORE, EARTH;"
        " INV g (.A(a), .Y(y), .VDD(CORE), .VSS(EARTH)); CAP c (.P(CORE), .M(EARTH)); {} endmodule"
    )
    netlist = read_verilog(Path("n.v"), POWERED, text=text.format(""))
    assert netlist.cell_names == ["g"] and "1 CAP" in netlist.notes[0]
    with pytest.raises(DesignError, match=r"instance 'd' is of 'CAP'.*its pin 'M' is a signal"):
        read_verilog(Path("n.v"), POWERED, text=text.format("CAP d (.P(CORE), .M(a));"))


@pytest.mark.parametrize(
    ("cell", "pin"),
    [
        ("DIODE d (.ANODE(a), .VDD(VDD))", "its pin 'ANODE' is a signal"),
        ("NAND3 d (.A(1'b0), .B(1'b0), .C(1'b0), .Y(), .VDD(VDD))", "its pin 'A' is a signal"),
        ("SPARE d (.Y())", "its pin 'Y' is a signal"),
        ("SPARE d (a, VDD)", "it has a signal pin"),
        ("HEADER d (.VDD(y))", "its pin 'VDD' is a signal"),
        ("SPARE d (.VDD_EN(a), .VDD(VDD))", "its pin 'VDD_EN' is a signal"),
    ],
)
def test_a_signal_pin_without_a_library_cell_is_refused(cell: str, pin: str) -> None:
    message = refusal(
        "module top (a, y, VDD); input a; output y; inout VDD; INV g (.A(a), .Y(y));\n"
        f"{cell}; endmodule"
    )
    assert message.startswith("n.v:2: instance 'd'") and pin in message


def test_the_note_reaches_people_and_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    Path("tiny.lib").write_text(liberty_text())
    Path("n.v").write_text(
        "module top (input a, output y, output [1:0] u); assign u = 2'hx; FILL f ();\n"
        "INV g (.A(a), .Y(y)); endmodule"
    )
    given = ["sta", "n.v", "--liberty", "tiny.lib", "--clock", "2ns"]
    assert main([*given, "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert len(notes) == 2 and "1 FILL" in notes[0] and "u[0], u[1]" in notes[1]
    assert main(given) == 0
    out = capsys.readouterr().out
    assert all(f"note: {note}\n" in out for note in notes)


# ---- undefined outputs


@pytest.mark.parametrize(
    "undefined",
    [
        "assign p = 4'hx;",
        "assign p = 4'bzzzz;",
        "assign p = 'x;",
        "assign p = {4{1'bx}};",
        "wire [3:0] w; assign p = w; assign w = 4'dx;",
        "assign p[3:1] = 3'bx; assign p[0] = 1'bx;",
        "hole h (.y(p));",
        "",
    ],
)
def test_undefined_outputs_are_left_out_with_a_note(undefined: str) -> None:
    netlist = read(
        "module hole (output [3:0] y); assign y = 4'bxxxx; endmodule\n"
        f"module top (input a, output [3:0] p, output y); {undefined}"
        " INV g (.A(a), .Y(y)); endmodule",
        "top",
    )
    (note,) = netlist.notes
    assert note.startswith("4 output bits are undefined") and "p[0], p[1], p[2], p[3]" in note
    assert netlist.port_of["p"].nets == (0, 0, 0, 0)
    assert critical_path_s(netlist) == pytest.approx(0.1e-9)


def test_an_undefined_input_of_a_cell_stays_refused() -> None:
    for pin in ("1'bx", "n"):
        netlist = read(
            "module top (input a, output y); wire n; assign n = 1'bx;"
            f" NAND2 g (.A(a), .B({pin}), .Y(y)); endmodule"
        )
        with pytest.raises(DesignError, match="unconnected input pins: g/B"):
            build_timing_graph(netlist)
    driven = "module top (input a, output y); assign y = 1'bx; INV g (.A(a), .Y(y)); endmodule"
    assert "'y' of 'top' is assigned x and driven as well" in refusal(driven)
    # z is no value: what drives the net counts
    assert read(driven.replace("1'bx", "1'bz")).notes == ()


# ---- ranges


def test_ranges_may_be_negative_ascending_or_of_one_bit() -> None:
    netlist = read(
        "module top (a, b, c, y); input signed [1:-2] a; input [-3:-1] b; input [5:5] c;\n"
        "output [0:0] y; wire [-1:-1] n; wire [2:-1] w; assign w = {b, c};\n"
        "NAND2 g (.A(a[-2]), .B(b[-3]), .Y(n[-1])); NAND2 h (.A(n), .B(w[-1]), .Y(y[0]));\n"
        "NAND2 i (.A(a[1:1]), .B(w[0]), .Y()); endmodule"
    )
    assert netlist.port_of["a"].bit_names() == ["a[-2]", "a[-1]", "a[0]", "a[1]"]
    assert netlist.port_of["b"].bit_names() == ["b[-1]", "b[-2]", "b[-3]"]
    assert nets_of(netlist, "g") == ["a[-2]", "b[-3]", "n[-1]"]
    # w is {b, c}: its lowest bit is c[5], the next the last written of b
    assert nets_of(netlist, "h") == ["n[-1]", "c[5]", "y[0]"]
    assert nets_of(netlist, "i") == ["a[1]", "b[-1]", "-"]
    # Simulators dump a vector of one bit with or without its range.
    assert netlist.nets_by_name["y"] == netlist.nets_by_name["y[0]"]
    assert netlist.nets_by_name["c"] == netlist.nets_by_name["c[5]"]
    message = refusal("module top (input [1:-2] a); INV g (.A(a[-3]), .Y()); endmodule")
    assert "a[-3:-3] lies outside the declared [1:-2]" in message


def test_a_port_of_no_bits_is_no_port() -> None:
    # Yosys writes the range of no bits as [-1:0], and never the name.
    text = (
        "module sub (e, a, y); input [-1:0] e; input a; output y; INV g (.A(a), .Y(y)); endmodule\n"
        "module top (a, e, f, y); input a; input [-1:0] e; wire [-1:0] e; output [-1:0] f;\n"
        "output y; sub s (.e({0{1'b0}}), .a(a), .y(y)); endmodule"
    )
    netlist = read(text)
    assert [port.name for port in netlist.ports] == ["a", "y"] and netlist.notes == ()
    assert critical_path_s(netlist) == pytest.approx(0.1e-9)
    # Where its bits are used, the range is what Verilog says: two bits, ascending.
    netlist = read(
        "module top (input [-1:0] e, output y); NAND2 g (.A(e[-1]), .B(e[0]), .Y(y)); endmodule"
    )
    assert netlist.port_of["e"].bit_names() == ["e[0]", "e[-1]"]


# ---- constants, supplies, positions, directives


@pytest.mark.parametrize(
    ("constant", "bits"),
    [
        ("4'b0101", "0101"),
        ("4'hA", "1010"),
        ("4'sd3", "0011"),
        ("4 'o 17", "1111"),
        ("'1", "1111"),
        ("'0", "0000"),
        ("5", "0101"),
        ("'h3", "0011"),
        ("{2'b10, {2{1'b1}}}", "1011"),
        ("{0{1'b1}}", None),
        ("17", None),
        ("4'b0_1_0_1", "0101"),
    ],
)
def test_constants_of_all_forms(constant: str, bits: str | None) -> None:
    text = f"module top (output [3:0] y); assign y = {constant}; endmodule"
    if bits is None:
        assert "widths must agree" in refusal(text) or "does not fit" in refusal(text)
    else:
        assert read(text).port_of["y"].nets == tuple(int(bit) for bit in reversed(bits))


def test_supply_nets_and_chains_of_assigns() -> None:
    chain = "".join(f"wire n{i}; assign n{i + 1} = n{i};" for i in reversed(range(1, 3000)))
    netlist = read(
        "module top (input a, output y, output [1:0] z); supply1 [1:0] high; supply0 low;\n"
        f"{chain} wire n3000; assign n1 = a; assign z = high;"
        " NAND2 g (.A(n3000), .B(high[1]), .Y(y)); NAND2 h (.A(a), .B(low), .Y()); endmodule"
    )
    assert nets_of(netlist, "g") == ["a", "1'b1", "y"]
    assert nets_of(netlist, "h") == ["a", "1'b0", "-"] and netlist.port_of["z"].nets == (1, 1)


MODEL = """
`timescale 1ns / 1ps
`celldefine
module NAND2 (Y, A, B); output Y; input A, B; nand (Y, A, B);
  specify (A => Y) = 1; endspecify
endmodule
`endcelldefine
"""


def test_pins_by_position_where_the_order_is_known() -> None:
    body = (
        "module inner (output y, input a, input b); NAND2 g (.A(a), .B(b), .Y(y)); endmodule\n"
        "module top (input a, input b, output y); inner i (y, b, a); {} endmodule"
    )
    assert nets_of(read(body.format(""), "top"), "i.g") == ["b", "a", "y"]
    # A cell of one pin needs no order; a model of the cell in the same file states it.
    netlist = read(MODEL + body.format("wire t; TIEHI k (t); NAND2 h (, a, t);"), "top")
    assert nets_of(netlist, "h") == ["a", "t", "-"]
    message = refusal(body.format("wire t; NAND2 h (t, a, b);"))
    assert "connects the pins of cell 'NAND2' by position" in message and "by name" in message
    assert "connect all pins by name" in refusal(body.format("NAND2 h (.A(a), b);"))
    message = refusal(body.format("inner j (y, a, b, a);"))
    assert "instance 'j' connects 4 pins; 'inner' has 3" in message


def test_directives_attributes_and_comments() -> None:
    netlist = read(
        "`timescale 1ns/1ps\n`default_nettype none\n`celldefine module top (input a, output y);\n"
        '(* src = "a*)b.v:1", keep *) wire /* ( */ n; // `endif\n'
        "INV g /* x */ ( .A( a ) /* .Y(a) */ , .Y (n) ); (* k *) INV h (.A(n), .Y(y));\n"
        "endmodule `endcelldefine\n`resetall"
    )
    assert nets_of(netlist, "g") == ["a", "n"] and nets_of(netlist, "h") == ["n", "y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("`ifdef FAST\nmodule top (); endmodule\n`endif", "n.v:1: directive or macro '`ifdef'"),
        ('module top ();\n`include "x.v"\nendmodule', "n.v:2: directive or macro '`include'"),
        ("module top (output y); assign y = `ONE; endmodule", "n.v:1: directive or macro '`ONE'"),
        ("module top (\n`ifdef P\ninout v,\n`endif\ninput a); endmodule", "n.v:2: directive or"),
        ("module top (input a\n`ifdef P\n, inout v\n`endif\n); endmodule", "n.v:2: directive or"),
        (
            "module top (input a); INV g (\n`ifdef P\n.V(v),\n`endif\n.A(a)); endmodule",
            "n.v:2: directive or macro '`ifdef' is not read; preprocess the file first",
        ),
        (
            "module top (input a); INV g (.A(a),\n`ifdef P\n.V(v)\n`endif\n); endmodule",
            "n.v:2: directive or macro '`ifdef'",
        ),
        ("module top (output y); nand n (y, a, b); endmodule", "gate primitive 'nand' has no tim"),
        ("module top (); tri0 n; endmodule", "a 'tri0' net keeps or is pulled to a value"),
        ("module top (); defparam g.W = 3; endmodule", "'defparam' is not part of a mapped"),
        ("module top (); specify endspecify endmodule", "'specify' is not part of a mapped"),
        ("module top (input a); INV g (.*); endmodule", "'.*' in instance 'g' names no pins"),
        ("module top (output y); assign y = a & b; endmodule", "is not a net, a constant"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(text: str, message: str) -> None:
    assert message in refusal(text)


# ---- files that would fill the memory or take for ever


def doubling(levels: int) -> str:
    text = "module m0 (input a); INV g (.A(a), .Y()); endmodule\n"
    for level in range(1, levels):
        inner = f"m{level - 1}"
        text += f"module m{level} (input a); {inner} x (.a(a)); {inner} y (.a(a)); endmodule\n"
    return text


def test_hierarchy_is_counted_before_it_is_expanded() -> None:
    netlist = read(doubling(11))
    assert netlist.cell_count == 1 << 10
    message = refusal(doubling(30))
    # 2^29 cells, and 2^30 - 2 instances of modules around them
    assert re.search(r"'m29' expands to 1,610,612,734 instances; at most 2,\d+,\d+ are", message)
    ring = "module a (); b x (); b y (); endmodule module b (); a x (); a y (); endmodule"
    with pytest.raises(DesignError, match="contains itself"):
        read(ring, "a")
    deep = "".join(f"module d{i} (); d{i + 1} x (); endmodule\n" for i in range(70))
    assert "nested more than 64 deep" in refusal(deep + "module d70 (); endmodule")


def test_declared_bits_are_counted_before_they_are_made() -> None:
    wires = "".join(f"wire [65535:0] w{i};\n" for i in range(3000))
    assert "expands to 196,608,000 net bits" in refusal(f"module top ();\n{wires}endmodule")
    wide = "{" + ",".join(["w"] * 4000) + "}"
    text = f"module top (); wire [65535:0] w; wire v; assign v = {wide}; endmodule"
    assert "a concatenation of 131072 bits is not plausible" in refusal(text)


@pytest.mark.slow
@pytest.mark.parametrize("opening", ["/*", "(*", '(*"\\"', "{", "/*/", "(* (", "//"])
def test_openings_without_end_are_refused_at_once(opening: str) -> None:
    # Each opening is searched to the end of the file once, not once per opening.
    refusal("module top (input a); INV g (.A(" + opening * 100_000)


@pytest.mark.slow
def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"module top ();" + b" " * (80 << 20))
    (tmp_path / "n.v.gz").write_bytes(packed)
    with pytest.raises(DesignError, match="unpacks to more than"):
        read_verilog(tmp_path / "n.v.gz", LIBRARY)


LAYOUT = MODEL + (
    "module inner (output y, input [-1:0] e, input a, input b);\n"
    " NAND2 g (.A(a), .B(b), .Y(y)); endmodule\n"
    "module top (input [1:-2] a, input [0:0] b, output [3:0] p, output y, inout VDD, VSS);\n"
    " (* keep *) wire n; supply0 s; assign p = {1'bx, 'h3, a[-2], 1'bz}; inner i (n, , a[1], b);\n"
    " NAND2 h (y, n, s); TAP t (.VDD(VDD)); FILL f (); endmodule\n"
).replace("'h3", "1'h1")


def test_the_text_that_is_damaged_below_is_read_whole() -> None:
    netlist = read(LAYOUT, "top")
    assert netlist.cell_names == ["i.g", "h"] and len(netlist.notes) == 2


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(LAYOUT) - 1),
    st.integers(0, 20),
    st.text("(){}[].,;:'`*/\\\" -x01", max_size=5),
)
def test_damage_anywhere_is_read_or_refused_in_one_line(at: int, drop: int, instead: str) -> None:
    with contextlib.suppress(DesignError):
        read(LAYOUT[:at] + instead + LAYOUT[at + drop :], "top")
