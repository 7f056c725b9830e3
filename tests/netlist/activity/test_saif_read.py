"""SAIF files as power tools take them: of other writers, of our own, and damaged ones."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.activity.saif import write_saif
from chipdse.netlist.activity.waveform.saif import read_saif, read_saif_activity
from chipdse.netlist.activity.waveform.trace import read_activity
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.netlist_cases import liberty_text, tiny_library

ROOT = Path(__file__).parents[3]
LIBRARY = tiny_library()
TEXT = r"""module top (clk, a, v, y); input clk, a; input [2:-1] v; output [0:0] y;
  wire \u.n ; wire \w[3] ; wire m;
  NAND2 g (.A(a), .B(v[2]), .Y(\u.n )); INV i (.A(v[-1]), .Y(\w[3] ));
  NAND2 h (.A(v[0]), .B(v[1]), .Y(m)); XOR2 k (.A(\w[3] ), .B(m), .Y());
  DFF r (.CK(clk), .D(\u.n ), .Q(y[0])); endmodule"""
# As Synopsys' and Cadence's tools write them: ports and nets, quoted types, escapes, floats.
SAIF = r"""/* (SAIFILE of nothing */
(SAIFILE
(SAIFVERSION "2.0")
(DIRECTION "backward")
(DESIGN )
(DATE "today ) (")
(VENDOR "x (y)")
(DIVIDER / )
(TIMESCALE 1 ns)
(DURATION 400.00)
(INSTANCE tb (NET (clk (T0 200) (T1 200) (TX 0) (TC 80) (IG 0)))
  (INSTANCE "top" dut // the netlist
    (PORT
      (clk (T0 200) (T1 200) (TX 0) (TZ 0) (TB 0) (TC 80) (IG 0) (IK 0))
      (a (T0 100.5) (T1 299.5) (TX 0) (TC 7) (IG 1))
      (v\[2\] (T0 300) (T1 100) (TX 0) (TC 8))
      (v[1] (T0 390) (T1 10) (TC 9))
      (v\[0\] (T1 0) (TC 0) (T0 400))
      (v\[-1\] (T1 400) (T0 0) (TC 0) (COND a (T1 3) (TC 4)))
    )
    (NET
      (y (T0 150) (T1 250) (TX 0) (TC 5) (IG 0))
      (u\.n (T0 0) (T1 300) (TX 100) (TC 6) (IG 0))
      (w\[3\] (T0 400) (TC 0))
    )
    (LEAKAGE (x (y 3)))
    (INSTANCE h (PORT (A (T0 1) (T1 2) (TC 999)) (Y (T0 240) (T1 160) (TX 0) (TC 11))))
  )
)
)
"""
# Toggles and time at 1 [ns], read off the text above; a glitch (IG) is not counted.
EXPECTED = {
    "clk": (80, 200),
    "a": (7, 299.5),
    "v[2]": (8, 100),
    "v[1]": (9, 10),
    "v[0]": (0, 0),
    "v[-1]": (0, 400),
    "y[0]": (5, 250),
    "u.n": (6, 300),
    "w[3]": (0, 0),
    "m": (11, 160),
}


def netlist(text: str = TEXT) -> Netlist:
    return read_verilog(Path("n.v"), LIBRARY, text=text)


@pytest.mark.parametrize("form", ["plain", "gzip", "dots", "slashes", "one line"])
def test_what_other_tools_write(form: str, tmp_path: Path) -> None:
    path, text, scope = tmp_path / "t.saif", SAIF, "tb.dut"
    if form == "dots":
        text = SAIF.replace("(DIVIDER / )", "(DIVIDER .)")
    elif form == "slashes":
        scope, text = "tb/dut/", SAIF.replace("1 ns", "1.0ns")
    elif form == "one line":
        text = SAIF.replace("// the netlist", "").replace("\n", " ")
    path.write_bytes(gzip.compress(text.encode()) if form == "gzip" else text.encode())
    found = read_activity(path, scope, netlist(), clock_period_s=10e-9, states=True)
    assert found.origin == "saif" and found.states == {} and found.annotated.all()
    assert found.duration_s == pytest.approx(400e-9) and found.cycles == pytest.approx(40)
    for net, name in list(enumerate(netlist().net_names))[2:]:
        toggles, high = EXPECTED[name]
        assert found.toggles[net] == toggles
        assert found.high_fraction[net] == pytest.approx(high / 400)


def test_power_from_saif_is_power_from_the_waveform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    Path("tiny.lib").write_text(liberty_text())
    Path("n.v").write_text(TEXT)
    names = ["clk", "a", "v[2]", "v[1]", "v[0]", "v[-1]", r"\u.n", r"\w[3]", "m", "y[0]"]
    rng = np.random.default_rng(3)
    lines = ["$timescale 1ns $end", "$scope module tb $end", "$scope module dut $end"]
    lines += [f"$var wire 1 {chr(97 + i)} {name} $end" for i, name in enumerate(names)]
    lines += ["$upscope $end", "$upscope $end", "$enddefinitions $end"]
    for step in range(80):
        lines.append(f"#{5 * step}")
        lines += [f"{rng.integers(2)}{chr(97 + i)}" for i in range(1, len(names))]
        lines.append(f"{step % 2}a")
    Path("t.vcd").write_text("\n".join([*lines, "#400", ""]))
    plain = read_activity(Path("t.vcd"), "tb.dut", netlist(), clock_period_s=10e-9)
    write_saif(plain, netlist(), Path("t.saif"), "tb/dut")
    back = read_activity(Path("t.saif"), "tb.dut", netlist(), clock_period_s=10e-9)
    np.testing.assert_array_equal(back.toggles, plain.toggles)
    np.testing.assert_allclose(back.high_fraction, plain.high_fraction, rtol=1e-12)
    given = ["power", "n.v", "--liberty", "tiny.lib", "--clock", "clk=10ns", "--scope", "tb.dut"]
    results = []
    for trace in ("t.vcd", "t.saif"):
        options = ["--state-probability", "independent", "--json"]
        assert main([*given, "--trace", trace, *options]) == 0
        results.append(json.loads(capsys.readouterr().out))
    for key in ("internal_w", "switching_w", "leakage_w", "total_w"):
        assert results[1][key] == pytest.approx(results[0][key], rel=1e-9)
    assert results[1]["annotated_fraction"] == results[0]["annotated_fraction"] == 1.0
    assert results[0]["notes"] == [] and "no joint states" in results[1]["notes"][0]
    # The default, joint, is not possible: it says what it took.
    assert main([*given, "--trace", "t.saif", "--json"]) == 0
    joint = json.loads(capsys.readouterr().out)
    assert joint["state_probability"] == "independent" and joint["total_w"] == results[1]["total_w"]


def test_nets_that_are_missing_count_as_missing(tmp_path: Path) -> None:
    text = SAIF.replace(r"(w\[3\] (T0 400) (TC 0))", "").replace("(TC 11)", "")
    (tmp_path / "t.saif").write_text(text)
    found = read_saif_activity(tmp_path / "t.saif", "tb.dut", netlist(), 10e-9)
    missing = [netlist().net_names[net] for net in np.flatnonzero(~found.annotated)]
    assert missing == ["w[3]", "m"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(SAIFILE\n", "(SAIFFILE\n", "t.saif:1: expected '(SAIFILE'"),
        ('"backward"', '"forward"', "t.saif:4: a SAIF file of direction 'forward' has no activ"),
        ("(TIMESCALE 1 ns)", "", "the file has no TIMESCALE"),
        ("(TIMESCALE 1 ns)", "(TIMESCALE 1 year)", "t.saif:9: timescale '1 year'"),
        ("(DURATION 400.00)", "", "DURATION does not stand before it"),
        ("(DURATION 400.00)", "(DURATION -3)", "t.saif:10: expected a number that is not neg"),
        ("(DURATION 400.00)", "(DURATION 1e999)", "expected a number that is not neg"),
        ("(DURATION 400.00)", "(DURATION 300)", "times of net 'clk' add up to 400, more than"),
        ("(TC 7)", "(TC 1.2.3)", "t.saif:15: expected a number that is not negative"),
        ("(INSTANCE tb ", "(INSTANCE ( ", "expected an instance's name, found '('"),
        ("(NET\n      (y", "(NET\n      y (y", "expected '(' or ')', found 'y'"),
        ("(LEAKAGE", "(LEAKAGE (((", "the end of file"),
        ("(LEAKAGE", '(LEAKAGE "', "a string or a name has no end"),
        (")\n)\n", "", "found 'the end of file'"),
        ("(LEAKAGE", "(INSTANCE x " * 300 + "(LEAKAGE", "nested more than 256 deep"),
    ],
)
def test_damage_is_named_with_its_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in SAIF
    (tmp_path / "t.saif").write_text(SAIF.replace(old, new, 1))
    with pytest.raises(DesignError) as caught:
        read_saif_activity(tmp_path / "t.saif", "tb.dut", netlist(), 10e-9)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("time", ["(T1 200)", "(T0 200)"])
def test_a_duration_behind_the_nets(time: str, tmp_path: Path) -> None:
    """The time at 1 is given, or cannot be computed yet and is not taken as 0."""
    net = f"(NET (clk {time} (TC 80)))"
    text = f"(SAIFILE (TIMESCALE 1 ns) (INSTANCE top {net}) (DURATION 400))"
    (tmp_path / "t.saif").write_text(text)
    if "T1" in time:
        assert read_saif(tmp_path / "t.saif").nets["top.clk"].high == 200
        return
    with pytest.raises(DesignError, match="t.saif:1: net 'clk' has no T1 and the file's DURATION"):
        read_saif(tmp_path / "t.saif")


def test_a_wrong_scope_or_another_netlist(tmp_path: Path) -> None:
    (tmp_path / "t.saif").write_text(SAIF)
    with pytest.raises(DesignError, match=r"no net in instance 'tb.x'; the file has tb, tb.dut"):
        read_saif_activity(tmp_path / "t.saif", "tb.x", netlist(), 10e-9)
    other = netlist("module top (input q, output z); INV g (.A(q), .Y(z)); endmodule")
    with pytest.raises(DesignError, match="but no net of 'top'"):
        read_saif_activity(tmp_path / "t.saif", "tb.dut", other, 10e-9)


@pytest.mark.slow
def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.saif.gz").write_bytes(gzip.compress(b"(SAIFILE" + b" " * (80 << 20)))
    with pytest.raises(DesignError, match="unpacks to more than"):
        read_activity(tmp_path / "t.saif.gz", "tb", netlist(), clock_period_s=10e-9)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("opening", ["/*", "(", '"', "\\", "(NET (a (T0 1)", "(INSTANCE a "])
def test_openings_without_end_are_refused_at_once(opening: str, tmp_path: Path) -> None:
    (tmp_path / "t.saif").write_text("(SAIFILE (INSTANCE tb (X " + opening * 100_000)
    with pytest.raises(DesignError, match=r"t\.saif:1:"):
        read_saif(tmp_path / "t.saif")


@pytest.mark.slow
@settings(max_examples=200)
@given(st.integers(0, len(SAIF) - 1), st.text('()"\\/* 01TCe.', max_size=5), st.integers(0, 40))
def test_fuzzing_gives_errors_not_crashes(at: int, instead: str, drop: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name, contextlib.suppress(DesignError):
        path = Path(name) / "t.saif"
        path.write_text(SAIF[:at] + instead + SAIF[at + drop :])
        found = read_saif_activity(path, "tb.dut", netlist(), 10e-9)
        assert (found.toggles >= 0).all()


CELLS = """
module NAND2(input A, B, output Y); assign Y = ~(A & B); endmodule
module INV(input A, output Y); assign Y = ~A; endmodule
module DFF(input CK, D, output reg Q); initial Q = 0; always @(posedge CK) Q <= D; endmodule
"""
GATES = r"""module top (clk, a, v, y); input clk; input a; input [2:-1] v; output [0:1] y;
  wire \u.n ; wire [0:1] m;
  NAND2 g (.A(a), .B(v[2]), .Y(\u.n )); INV i (.A(v[-1]), .Y(m[0]));
  NAND2 h (.A(v[0]), .B(v[1]), .Y(m[1])); NAND2 k (.A(m[0]), .B(m[1]), .Y(y[1]));
  DFF r (.CK(clk), .D(\u.n ), .Q(y[0])); endmodule
"""
DRIVER = """
#include "Vtop.h"
#include "verilated.h"
#include "verilated_saif_c.h"
int main() {
  VerilatedContext context; context.traceEverOn(true);
  Vtop top{&context}; VerilatedSaifC trace; top.trace(&trace, 99); trace.open("t.saif");
  for (int i = 0; i < 400; i++) {
    top.clk = i & 1; if (!(i & 1)) { top.a = (i >> 2) & 1; top.v = (i * i / 6 + i / 2) & 15; }
    top.eval(); trace.dump(context.time()); context.timeInc(5000);
  }
  top.eval(); trace.dump(context.time()); trace.close(); return 0;
}
"""
BENCH = """`timescale 1ps/1ps
module tb;
  reg clk, a; reg [2:-1] v; wire [0:1] y; integer i; top dut (clk, a, v, y);
  initial begin
    $dumpfile("t.vcd"); $dumpvars(0, dut);
    for (i = 0; i < 400; i = i + 1) begin
      clk = i & 1; if (!(i & 1)) begin a = i >> 2; v = i * i / 6 + i / 2; end
      #5000;
    end
    $finish;
  end
endmodule
"""


KEPT = ROOT / "tests" / "support" / "traces" / "verilator.saif"
"""What Verilator 5.48 wrote for `DRIVER`."""


@pytest.mark.tools
@pytest.mark.parametrize("is_kept", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_verilators_saif_is_icarus_vcd(is_kept: bool, tmp_path: Path) -> None:
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is not installed")
    for name, text in (("t.v", CELLS + GATES), ("m.cpp", DRIVER), ("tb.v", BENCH)):
        (tmp_path / name).write_text(text)
    if is_kept:
        shutil.copy(KEPT, tmp_path / "t.saif")
    else:
        write_with_verilator(tmp_path)
    run = {"cwd": tmp_path, "check": True, "capture_output": True}
    subprocess.run(["iverilog", "-g2005", "-o", "t.vvp", "tb.v", "t.v"], **run)
    subprocess.run(["vvp", "-n", "t.vvp"], **run)
    gates = netlist(GATES)
    saif = read_activity(tmp_path / "t.saif", "TOP.top", gates, clock_period_s=10e-9)
    vcd = read_activity(tmp_path / "t.vcd", "tb.dut", gates, clock_period_s=10e-9)
    assert saif.annotated.all() and saif.duration_s == pytest.approx(vcd.duration_s)
    # Verilator counts the bits from 0 whatever the range, and a net that begins at 1 as if it rose
    # at time 0: with all inputs 0, the outputs of g, i and h.
    rises = [gates.net_names[net] in ("u.n", "m[0]", "m[1]") for net in range(gates.net_count)]
    np.testing.assert_array_equal(saif.toggles, vcd.toggles + rises)
    np.testing.assert_allclose(saif.high_fraction, vcd.high_fraction, atol=1e-12)
    assert len(set(saif.toggles.tolist())) >= 8


def write_with_verilator(tmp_path: Path) -> None:
    """Leave the SAIF file of a simulation in a folder that has its sources."""
    verilator = shutil.which("verilator-cli", path=str(Path(sys.executable).parent))
    if not (verilator and shutil.which("make")):
        pytest.skip("Verilator or make is not installed")
    # A machine may have no `python`; g++ takes longer to optimise than so short a run saves.
    make = {"MAKEFLAGS": f"PYTHON3={sys.executable} OPT_GLOBAL=-O0 OPT_FAST=-O0"}
    run = {"cwd": tmp_path, "check": True, "capture_output": True, "env": os.environ | make}
    options = "--cc --exe --build -Wno-fatal --trace-saif -O0 -CFLAGS -O0 --top-module top -o sim"
    subprocess.run([verilator, *options.split(), "t.v", "m.cpp"], **run)
    subprocess.run([tmp_path / "obj_dir" / "sim"], **run)
