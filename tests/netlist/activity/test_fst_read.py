"""FST traces give the activity that the same run's VCD gives."""

import base64
import gzip
import shutil
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from chipdse.netlist.activity.waveform.fst import is_fst, open_fst
from chipdse.netlist.activity.waveform.fst_hierarchy import read_hierarchy
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.netlist_cases import tiny_library

pytestmark = pytest.mark.tools

INVERTER = "sky130_fd_sc_hd__inv_1"
NETLIST = f"""
module top(input clk, input [2:0] a, output [2:0] y);
  wire \\u.n ;
  {INVERTER} i0 (.A(a[0]), .Y(\\u.n ));
  {INVERTER} i1 (.A(\\u.n ), .Y(y[0]));
  {INVERTER} i2 (.A(a[1]), .Y(y[1]));
  {INVERTER} i3 (.A(a[2]), .Y(y[2]));
endmodule
"""
BENCH = f"""
`timescale 1ns/1ps
module {INVERTER}(input A, output Y); assign Y = ~A; endmodule
module tb;
  reg clk = 0; reg [2:0] a; wire [2:0] y;
  top dut(clk, a, y);
  always #5 clk = ~clk;
  initial begin
    $dumpfile("NAME"); $dumpvars(0, tb);
    #12 a = 3'b010; #10 a = 3'b1x1; #10 a = 3'b101; #10 a = 3'b000; #31 $finish;
  end
endmodule
"""


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is not installed")
    folder = tmp_path_factory.mktemp("fst")
    (folder / "top.v").write_text(NETLIST)
    for name, option in (("t.vcd", "-vcd"), ("t.fst", "-fst")):
        (folder / "tb.v").write_text(BENCH.replace("NAME", name))
        subprocess.run(
            ["iverilog", "-g2005", "-o", "t.vvp", "tb.v", "top.v"], cwd=folder, check=True
        )
        subprocess.run(["vvp", "t.vvp", option], cwd=folder, check=True, capture_output=True)
    return folder


def test_fst_equals_vcd(traces: Path, shared: Path) -> None:
    liberty = shared / "pdk" / "sky130hd" / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
    netlist = read_verilog(traces / "top.v", load_library([liberty]), "top")
    vcd, fst = (
        read_vcd_activity(traces / name, "tb.dut", netlist, clock_period_s=10e-9, states=True)
        for name in ("t.vcd", "t.fst")
    )
    # a[0] goes x 0 1 1 0: a half to leave x, then two changes.
    assert fst.toggles[netlist.net_names.index("a[0]")] == 2.5
    np.testing.assert_array_equal(fst.toggles, vcd.toggles)
    np.testing.assert_allclose(fst.high_fraction, vcd.high_fraction)
    np.testing.assert_array_equal(fst.annotated, vcd.annotated)
    assert fst.annotated[netlist.net_names.index("u.n")]
    assert fst.duration_s == pytest.approx(vcd.duration_s)
    for kind, states in vcd.states.items():
        np.testing.assert_allclose(fst.states[kind], states)


@pytest.mark.parametrize("keep", [30, 200, 0.5, 0.9])
def test_a_damaged_trace_is_refused(
    traces: Path, shared: Path, tmp_path: Path, keep: float
) -> None:
    liberty = shared / "pdk" / "sky130hd" / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
    netlist = read_verilog(traces / "top.v", load_library([liberty]), "top")
    data = (traces / "t.fst").read_bytes()
    size = int(keep * len(data)) if isinstance(keep, float) else keep
    (tmp_path / "cut.fst").write_bytes(data[:size])
    with pytest.raises(DesignError, match="cut.fst"):
        read_vcd_activity(tmp_path / "cut.fst", "tb.dut", netlist, clock_period_s=10e-9)


# ---- ranges, escaped names, pauses, packed files

DIALECTS = r"""module top (clk, a, b, s, y);
  input clk; input [1:-2] a; input [0:2] b; input [0:0] s; output y;
  wire \u.n[3] ; wire \u.n[1] ; wire \w[0] ;
  NAND2 g (.A(a[-2]), .B(a[1]), .Y(\u.n[3] )); NAND2 h (.A(b[0]), .B(b[2]), .Y(\u.n[1] ));
  NAND2 i (.A(\u.n[3] ), .B(\u.n[1] ), .Y(\w[0] )); NAND2 j (.A(\w[0] ), .B(s[0]), .Y(y));
  NAND2 k (.A(a[0]), .B(b[1]), .Y()); INV l (.A(a[-1]), .Y()); INV m (.A(clk), .Y()); endmodule
"""
DIALECT_BENCH = """`timescale 1ns/1ps
module NAND2(input A, B, output Y); assign Y = ~(A & B); endmodule
module INV(input A, output Y); assign Y = ~A; endmodule
module tb;
  reg clk = 0; reg [1:-2] a = 5; reg [0:2] b = 3; reg [0:0] s = 1; wire y; integer i;
  event done; real level = 0.5; string word = "a b"; reg [7:0] memory [0:3];
  top \\d.ut (clk, a, b, s, y);
  always #5 clk = ~clk;
  initial begin
    $dumpfile("NAME"); $dumpvars(0, tb);
    for (i = 0; i < 40; i = i + 1) begin
      #7 a = i * i; b = i * 3; s = i >> 2; level = i; if (i == 20) -> done;
    end
    #3 $finish;
  end
  initial begin #101 $dumpoff; #44 $dumpon; #50 $dumpoff; #9 $dumpon; end
endmodule
"""


def dialects() -> Netlist:
    return read_verilog(Path("n.v"), tiny_library(), text=DIALECTS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is not installed")
    folder = tmp_path_factory.mktemp("dialects")
    (folder / "top.v").write_text(DIALECTS)
    run = {"cwd": folder, "check": True, "capture_output": True}
    for name, option in (("t.vcd", "-vcd"), ("t.fst", "-fst"), ("small.fst", "-fst-space")):
        (folder / "tb.v").write_text(DIALECT_BENCH.replace("NAME", name))
        subprocess.run(["iverilog", "-g2012", "-o", "t.vvp", "tb.v", "top.v"], **run)
        subprocess.run(["vvp", "-n", "t.vvp", option], **run)
    return folder


@pytest.mark.parametrize("name", ["t.fst", "small.fst"])
def test_ranges_escaped_names_and_pauses_as_in_the_vcd(runs: Path, name: str) -> None:
    first = (runs / name).read_bytes()[0]
    assert first == (254 if name == "small.fst" else 0)  # packed as a whole
    netlist = dialects()
    vcd, fst = (
        read_vcd_activity(runs / each, "tb.d.ut", netlist, clock_period_s=10e-9, states=True)
        for each in ("t.vcd", name)
    )
    assert fst.annotated.all() and vcd.annotated.all()
    # 40 steps of 7 ns and 3 ns, less the pauses of 44 and 9 ns
    assert fst.duration_s == pytest.approx(230e-9) and vcd.duration_s == pytest.approx(230e-9)
    np.testing.assert_array_equal(fst.toggles, vcd.toggles)
    np.testing.assert_allclose(fst.high_fraction, vcd.high_fraction)
    for kind, states in vcd.states.items():
        np.testing.assert_allclose(fst.states[kind], states)
    assert len(set(fst.toggles.tolist())) > 5


# Written by Verilator 5.48 (--trace-fst --trace-structs, names packed with LZ4, a fresh handle for
# each alias) from a loop of i = 0..39 every 5 ns: clk = i & 1, d = i >> 2, n = 7 * i, up = i;
# y is {d, ~d}, and top also has a structure, a packed array and a memory.
VERILATOR = """
eNq9k89PFFkQx7+vuhgaItiDOBjF3eeiLIs6dvegEBIznd1Eo4m7bTSaTWc2gjNR5NcIowMaZC6c1EjCbU8YY9ZkD85pbwRM
vHEhXjbqhRuezGDWg8lkZouxN274A6yXT9frqlf1Xr0fQE3UGfxfjCZv6HLr/cblOm/r1/zi+a8b26bVP6czY5mJgVwmrQen
9aXMxNDI1s+pyRy+jlwYyOmfx29rt0+7Tr9zot91tGu7Jxq/0vzhztA323cy7Dw92xKb+u3PZ/pbu/Di0R1zJz59r6/HerqS
iDChyY+wNKDFCttWsnpqpt3UTh3UTQ71UZJO0Tm6SAEN0hBlKU/3aI4e0AL9To/pGT2nv2iJXtIqvaLXtE4b9J4+UpkMaqSo
X5WcZJEmmzzy6YokKNA8LVKRVmhNhpdIo82veQDPLJjbqC2Jd3MHO5zkcxzwEOd5jhf4MT/nJV7l17zBH9ng6OeqIxZrtk2P
fb7CWS7wPC+aRV7hNV7nEoOt7gpL0qwMsNkS0xoXZZAFv2boKos3otmT8AIvSuD6VhD8mklcS6pDQaHFMOGWknUN6IDXgFZT
sIRWYY/QLmjhO+Gg0Cl0Cd3CESEu2IIjuA0oJry6zwX0eMb+tifqLWZn7k7nD/+N+lWcPFk/M6tm8uER7516c/Wd/0ecETzc
92toPB/qplD/YISd+PYHpJTJVPuYJrMh1YhQJHxW4e1VNzYbKrj4iw9Y6urIsJRsqbQO7H47tQMljOkg0X+0JyW30FK3sntR
SKTAsGh6B5aPOikQKsiNZ39Ed6m5rNTg+K2x9CRUJTaaGQXaICqwUzrofYBdZhQxJ4qfqmVFxzFfELEqsexwHw5khzthJXrR
ImeA0zAsbFK1bJCED2YmJkGVyGQuAVsH7jGsGJL4piy1amDiA4oYT6fjYwOjmcDdqVYquHZNppSCkO+EsrDHseCOxKei0Gog
qSKHlE+oVqv/AgMYs1w=
"""
VERILATED = r"""module top (clk, d, n, up, y);
  input clk; input [0:0] d; input [3:-4] n; input [0:3] up; output [0:-1] y;
  wire \odd.name[2] ; wire \l.x[1].a ; assign y[0] = d; INV i (.A(d), .Y(y[-1]));
  INV j (.A(y[-1]), .Y(\odd.name[2] )); INV k (.A(clk), .Y()); NAND2 l (.A(n[-4]), .B(n[3]), .Y());
  NAND2 m (.A(up[0]), .B(up[3]), .Y()); endmodule
"""


def verilators() -> bytes:
    return zlib.decompress(base64.b64decode(VERILATOR))


def test_verilators_trace(tmp_path: Path) -> None:
    (tmp_path / "v.fst").write_bytes(verilators())
    netlist = read_verilog(Path("n.v"), tiny_library(), text=VERILATED)
    found = read_vcd_activity(tmp_path / "v.fst", "TOP.top", netlist, clock_period_s=10e-9)
    steps = np.arange(40)
    expected = {"clk": steps & 1, "d[0]": steps >> 2 & 1, "y[-1]": ~(steps >> 2) & 1}
    expected |= {f"n[{bit - 4}]": 7 * steps >> bit & 1 for bit in range(8)}
    expected |= {f"up[{3 - bit}]": steps >> bit & 1 for bit in range(4)}
    expected |= {"odd.name[2]": steps >> 2 & 1}
    for name, values in expected.items():
        net = netlist.nets_by_name[name]
        assert found.toggles[net] == np.abs(np.diff(values)).sum(), name
        assert found.high_fraction[net] == pytest.approx(values.mean()), name
    paths = {(*each.scope, each.name) for each in read_hierarchy(tmp_path / "v.fst").variables}
    assert {("TOP", "top", "st", "p"), ("TOP", "top", "pk", "pk[1]")} <= paths


# ---- damaged and hostile files


def hierarchy(text: bytes) -> bytes:
    """A file of a header and declarations alone."""
    head = struct.pack(">BQQQ", 0, 329, 0, 100) + bytes(48) + b"\xf7" + bytes(256)
    packed = gzip.compress(text)
    body = struct.pack(">Q", len(text)) + packed
    return head + struct.pack(">BQ", 4, 8 + len(body)) + body


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xfe\0a\0\0" * 300, "nested more than 256 deep"),
        (b"\x10\0v\0\x80\x80\x04\0" * 100, "bits are declared"),
        (b"\x10\0v [3:0]\0\x05\0", "'v [3:0]' is declared with 5 bits"),
        (b"\x10\0v\0\x01\x05", "is an alias of a signal of another width"),
        (b"\x10\0v\0" + b"\xff" * 20, "a number is too long"),
        (b"\x10\0v", "damaged FST trace"),
        (b"\xff", "a scope ends that has not begun"),
    ],
)
def test_hostile_declarations(text: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "h.fst").write_bytes(hierarchy(text))
    assert is_fst(tmp_path / "h.fst")
    with pytest.raises(DesignError) as caught:
        open_fst(tmp_path / "h.fst")
    assert message in str(caught.value) and "h.fst" in str(caught.value)


def test_a_bomb_of_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h.fst").write_bytes(hierarchy(bytes(80 << 20)))
    with pytest.raises(DesignError, match="unpacks to more than"):
        open_fst(tmp_path / "h.fst")


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1186), st.binary(min_size=1, max_size=4), st.integers(0, 4))
def test_a_mutated_file_is_read_or_refused_in_one_line(at: int, noise: bytes, drop: int) -> None:
    data = verilators()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "m.fst"
        path.write_bytes(data[:at] + noise + data[at + drop :])
        try:
            for _ in open_fst(path).changes() if is_fst(path) else ():
                pass
        except DesignError as error:
            assert "m.fst" in str(error) and "\n" not in str(error)
