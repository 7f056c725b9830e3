"""VCD as simulators write it, each dialect against the plain form of the same run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from chipdse.netlist.activity.waveform.vcd import open_vcd
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.netlist_cases import tiny_library

LIBRARY = tiny_library()
TEXT = """module top (clk, d, v, y); input clk; input d; input [1:0] v; output y; wire n;
  NAND2 g (.A(d), .B(v[1]), .Y(n)); DFF r (.CK(clk), .D(n), .Q(y));
  NAND2 h (.A(v[0]), .B(y), .Y()); endmodule"""
VARIABLES = """$scope module tb $end
$scope module dut $end
$var wire 1 ! clk $end
$var wire 1 " d $end
$var wire 2 # v [1:0] $end
$var wire 1 $ y $end
$var wire 1 % n $end
$upscope $end
$upscope $end
"""
CHANGES = """#0
$dumpvars
0!
1"
b01 #
x$
1%
$end
#5
1!
1$
#10
0!
b11 #
0%
#15
1!
0$
#17
0"
1%
#20
0!
#25
1!
1$
#30
0!
1"
b0 #
#40
"""
HEADER = "$date today $end\n$timescale 1ns $end\n"
END = "$enddefinitions $end\n"


def netlist(text: str = TEXT) -> Netlist:
    return read_verilog(Path("n.v"), LIBRARY, text=text)


def activity(folder: Path, trace: str, text: str = TEXT, scope: str = "tb.dut") -> Activity:
    (folder / "t.vcd").write_text(trace)
    return read_vcd_activity(
        folder / "t.vcd", scope, netlist(text), clock_period_s=10e-9, states=True
    )


def by_name(found: Activity, text: str = TEXT) -> dict[str, tuple[float, float]]:
    names = netlist(text).net_names
    assert found.annotated.all()
    return {
        name: (float(found.toggles[net]), round(float(found.high_fraction[net]), 12))
        for net, name in enumerate(names)
    }


# Counted by hand over 40 ns. y leaves x (a half), is 1 in 5-15 and from 25 on.
BY_HAND = {
    "1'b0": (0.0, 0.0),
    "1'b1": (0.0, 1.0),
    "clk": (6.0, 15 / 40),
    "d": (2.0, (17 + 10) / 40),
    "v[0]": (1.0, 30 / 40),
    "v[1]": (2.0, 20 / 40),
    "y": (2.5, (10 + 15) / 40),
    "n": (2.0, (10 + 23) / 40),
}


def test_the_plain_form(tmp_path: Path) -> None:
    assert by_name(activity(tmp_path, HEADER + VARIABLES + END + CHANGES)) == BY_HAND


EVENT = "$var event 1 s done $end\n"
DIALECTS = {
    "event": (EVENT + VARIABLES, CHANGES.replace("#15\n", "1s\n#15\n1s\n")),
    "event inside": (VARIABLES.replace("$var wire 1 !", EVENT + "$var wire 1 !"), CHANGES),
    "string": (
        "$var string 1 s state $end\n" + VARIABLES,
        CHANGES.replace("$end\n", "sIDLE s\n$end\n").replace("#15\n", "s s\n#15\nsRUN 2 ! s\n"),
    ),
    "string of no width": (
        "$var string 0 s state $end\n" + VARIABLES,
        CHANGES.replace("#15\n", "s1! s\n#15\n"),
    ),
    "real": (
        "$var real 64 s level $end\n$var real_parameter 64 t P $end\n" + VARIABLES,
        CHANGES.replace("$end\n", "r0.5 s\nr1e-9 t\n$end\n").replace("#15\n", "rNaN s\n#15\n"),
    ),
    "real of no width": ("$var real 0 s l $end\n" + VARIABLES, CHANGES.replace("#5", "r1 s\n#5")),
    "no bits": (
        "$var wire 0 s none $end\n$var wire 0 t none2 [-1:0] $end\n" + VARIABLES,
        CHANGES.replace("#15\n", "b s\n0s\n#15\n").replace("b s\n", "b0 s\n"),
    ),
    "wide memory": (
        "$var reg 9999999 s memory $end\n" * 60 + VARIABLES,
        CHANGES.replace("#5\n", "b1 s\n#5\n"),
    ),
    "unnamed scopes": (
        "$scope module  $end\n"
        + VARIABLES.replace("$scope module dut", "$scope begin $end\n$scope module dut")
        + "$upscope $end\n" * 2,
        CHANGES,
    ),
    "scalars with ranges": (
        VARIABLES.replace("d $end", "d [0:0] $end").replace("y $end", "y[0] $end"),
        CHANGES,
    ),
    "range without blank": (VARIABLES.replace("v [1:0]", "v[1:0]"), CHANGES),
    "range with blanks": (VARIABLES.replace("v [1:0]", "v [ 1 : 0 ]"), CHANGES),
    "bits alone": (
        VARIABLES.replace("$var wire 2 # v [1:0]", "$var wire 1 & v [0] $end\n$var wire 1 # v [1]"),
        CHANGES.replace("b01 #", "1&\n0#").replace("b11 #", "1#").replace("b0 #", "0&\n0#"),
    ),
    "attributes": (
        "$attrbegin misc 02 state 1 $end\n"
        + VARIABLES.replace("$var wire 2", "$attrbegin pack packed 0 $end\n$var wire 2")
        + "$attrend $end\n",
        CHANGES,
    ),
    "comments": (
        "$comment $var wire 1 ! clk [3] \n $end\n" + VARIABLES + "$comment $end\n",
        CHANGES.replace("#15\n", "$comment #3 1! $end\n#15\n$comment\n1!\n$end\n"),
    ),
    "no dumpvars": (VARIABLES, CHANGES.replace("$dumpvars\n", "").replace("$end\n", "")),
    "values before the first time": (VARIABLES, CHANGES.removeprefix("#0\n")),
    "dumpall": (
        VARIABLES,
        CHANGES.replace("#17\n", '$dumpall\n1!\n1"\nb11 #\n0$\n0%\n$end\n#17\n'),
    ),
    "upper case": (VARIABLES, CHANGES.replace("x$", "X$").replace("b01", "B01")),
    "weak values": (VARIABLES, CHANGES.replace("x$", "U$").replace('0"', 'L"').replace("1!", "H!")),
    "carriage returns": (VARIABLES.replace("\n", "\r\n"), CHANGES.replace("\n", "\r\n")),
    "no final newline": (VARIABLES, CHANGES.rstrip("\n")),
    "same time twice": (VARIABLES, CHANGES.replace("#15\n", "#15\n#15\n")),
    "same value twice": (VARIABLES, CHANGES.replace("#15\n", "0!\n#15\n")),
    "shared code": (
        VARIABLES.replace("$var wire 1 %", "$var reg 1 ! tick $end\n$var wire 1 %"),
        CHANGES,
    ),
    "all on one line": (
        VARIABLES.replace("\n", " "),
        CHANGES.replace("\n", " ").replace(" #", "\n#"),
    ),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_means_the_same(dialect: str, tmp_path: Path) -> None:
    variables, changes = DIALECTS[dialect]
    found = activity(tmp_path, HEADER + variables + END + changes)
    # without a first time stamp the values count from the first there is
    if dialect == "values before the first time":
        assert found.toggles.tolist() == [toggles for toggles, _ in BY_HAND.values()]
    else:
        assert by_name(found) == BY_HAND


@pytest.mark.parametrize(
    "timescale", ["1ns", "1 ns", "\n\t1 NS\n", "1  ns", "1000 ps", "10ns", "1 Ns"]
)
def test_steps_are_those_of_the_timescale(timescale: str, tmp_path: Path) -> None:
    trace = f"$timescale {timescale} $end\n" + VARIABLES + END + CHANGES
    if timescale == "1000 ps":
        with pytest.raises(DesignError, match="timescale '1000 ps'; expected e.g. '1 ns'"):
            activity(tmp_path, trace)
    else:
        steps = 10 if timescale == "10ns" else 1
        assert activity(tmp_path, trace).duration_s == pytest.approx(steps * 40e-9)


def test_what_lies_between_dumpoff_and_dumpon_counts_as_neither_time_nor_change(
    tmp_path: Path,
) -> None:
    # The trace stops at 15 and goes on at 1015, where v and d have other values.
    off = '#15\n1!\n0$\n$dumpoff\nx!\nx"\nbx #\nx$\nx%\n$end\n'
    on = '#1015\n$dumpon\n1!\n1"\nb11 #\n0$\n0%\n$end\n#1017\n'
    later = CHANGES.partition("#17\n")[2]
    for step in (20, 25, 30, 40):
        later = later.replace(f"#{step}\n", f"#{step + 1000}\n")
    changes = CHANGES.partition("#15\n")[0] + off + on + later
    found = activity(tmp_path, HEADER + VARIABLES + END + changes)
    plain = activity(tmp_path, HEADER + VARIABLES + END + CHANGES)
    assert by_name(found) == BY_HAND and found.duration_s == plain.duration_s
    for kind, states in plain.states.items():
        np.testing.assert_allclose(found.states[kind], states)
    # A trace that ends while it is off ends where it was stopped.
    cut = CHANGES.partition("#15\n")[0] + off
    found = activity(tmp_path, HEADER + VARIABLES + END + cut + "#900\n")
    assert found.duration_s == pytest.approx(15e-9) and found.annotated.all()
    assert found.toggles[netlist().net_names.index("v[1]")] == 1


def test_negative_and_ascending_ranges_and_packed_arrays(tmp_path: Path) -> None:
    text = """module top (a, b, m, y); input [0:-1] a; input [-2:-1] b; input [3:0] m; output y;
      NAND2 g (.A(a[-1]), .B(b[-2]), .Y(y)); NAND2 h (.A(a[0]), .B(b[-1]), .Y());
      NAND2 i (.A(m[0]), .B(m[1]), .Y()); NAND2 j (.A(m[2]), .B(m[3]), .Y()); endmodule"""
    variables = """$scope module top $end
$var wire 2 ! a [0:-1] $end
$var wire 2 " b [-2:-1] $end
$var wire 4 # m [1:0][1:0] $end
$var wire 1 $ y $end
$upscope $end
"""
    changes = '#0\nb10 !\nb10 "\nb0001 #\n0$\n#10\n'
    found = by_name(activity(tmp_path, HEADER + variables + END + changes, text, "top"), text)
    high = {name for name, (_, value) in found.items() if value == 1}
    # The first written bit of a is a[0], of b it is b[-2].
    assert high == {"1'b1", "a[0]", "b[-2]", "m[0]"}


def test_one_bit_vectors_and_scalars_are_the_same_net(tmp_path: Path) -> None:
    vector = TEXT.replace("input d;", "input [0:0] d;").replace(".A(d)", ".A(d[0])")
    for name in ("d", "d [0:0]", "d[0]"):
        trace = HEADER + VARIABLES.replace("d $end", f"{name} $end") + END + CHANGES
        for text in (TEXT, vector):
            found = by_name(activity(tmp_path, trace, text), text)
            assert list(found.values()) == list(BY_HAND.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("$var wire 1 !", "$var port 1 !", "extended VCD"),
        ("$dumpvars", "$dumpports", "extended VCD"),
        ("#5\n", "r1.5 !\n#5\n", "a real number given for a net"),
        ("#5\n", "b101 #\n#5\n", "3 bits given for a signal of 2"),
        ("v [1:0]", "v [2:0]", "is declared with 2 bits"),
        ("$scope module tb", "$scope module a $end\n" * 300 + "$scope module tb", "more than 256"),
        ("wire 1 !", "wire -1 !", r"expected '\$var KIND WIDTH CODE NAME"),
        ("$end\n#5", "$end\n$comment x\n#5", r"'\$comment' has no '\$end'"),
        ("#5\n", "1" * (1 << 21) + "\n#5\n", "line or comment of more than|is not declared"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DesignError, match=message) as caught:
        activity(tmp_path, (HEADER + VARIABLES + END + CHANGES).replace(old, new, 1))
    assert "t.vcd" in str(caught.value) and "\n" not in str(caught.value)


def test_declared_bits_are_bounded_by_the_size_of_the_header(tmp_path: Path) -> None:
    header = "".join(f"$var wire 65536 a{i} v{i} $end\n" for i in range(300))
    tracemalloc.start()
    with pytest.raises(DesignError, match="bits are declared"):
        activity(tmp_path, HEADER + header + VARIABLES + END + CHANGES)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.slow
def test_short_values_of_wide_vectors_need_little_memory(tmp_path: Path) -> None:
    wide = "$var wire 50000 w wide $end\n" + VARIABLES
    changes = CHANGES.replace("#5\n", "b1 w\nbx w\n" * 500 + "#5\n")
    trace = HEADER + wide + END + changes
    assert by_name(activity(tmp_path, trace)) == BY_HAND  # `wide` is no net: it is not decoded
    tracemalloc.start()
    toggled = 0
    for changes in open_vcd(tmp_path / "t.vcd").changes():
        toggled += len(changes.signal)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert toggled > 50_000_000
    assert peak < 1.5e9  # all at once would be 50 million bits at 60 bytes each


# ---- simulators


BENCH = """`timescale 1ns/1ps
module NAND2(input A, B, output Y); assign Y = ~(A & B); endmodule
module DFF(input CK, D, output reg Q); always @(posedge CK) Q <= D; endmodule
module tb;
  reg clk = 0; reg [0:0] d = 1; reg [1:0] v = 1; wire y; event done; real level; integer count;
  reg [7:0] memory [0:3]; time t; parameter real P = 1.5; reg [0:-3] odd;
  top dut(.clk(clk), .d(d), .v(v), .y(y));
  always #5 clk = ~clk;
  initial begin
    $dumpfile("t.vcd"); $dumpvars(0, tb);
    level = 0.5; count = 3; odd = 5;
    #10 v = 3; ->done; #7 d = 0; -> done; level = 2.5; #13 d = 1; v = 0; #10 $finish;
  end
  initial begin EXTRA end
endmodule
"""


def icarus(folder: Path, bench: str) -> Activity:
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is not installed")
    (folder / "tb.v").write_text(bench)
    (folder / "top.v").write_text(TEXT)
    run = {"cwd": folder, "check": True, "capture_output": True}
    subprocess.run(["iverilog", "-g2012", "-o", "t.vvp", "tb.v", "top.v"], **run)
    subprocess.run(["vvp", "-n", "t.vvp"], **run)
    return read_vcd_activity(
        folder / "t.vcd", "tb.dut", netlist(), clock_period_s=10e-9, states=True
    )


@pytest.mark.tools
def test_a_trace_of_icarus_counts_as_by_hand(tmp_path: Path) -> None:
    found = by_name(icarus(tmp_path, BENCH.replace("EXTRA", "")))
    assert "$var event 1" in (tmp_path / "t.vcd").read_text()
    # This run is the trace above, but y is x until the first edge at 5, where n is 1.
    assert found == BY_HAND | {"clk": (8.0, 0.5), "y": (2.5, 25 / 40)}


@pytest.mark.tools
def test_icarus_with_dumpoff(tmp_path: Path) -> None:
    pause = "#21 $dumpoff; #3 $dumpon;"
    found = icarus(tmp_path, BENCH.replace("EXTRA", pause))
    # Between 21 and 24 nothing changes: the same changes in 37 ns.
    assert found.duration_s == pytest.approx(37e-9)
    toggles = dict(zip(netlist().net_names, found.toggles.tolist(), strict=True))
    assert (toggles["clk"], toggles["d"], toggles["v[1]"], toggles["y"]) == (8, 2, 2, 2.5)


def test_a_header_counts_what_is_a_net(tmp_path: Path) -> None:
    (tmp_path / "t.vcd").write_text(
        HEADER + "$var string 1 s x $end\n$var wire 0 t z $end\n" + VARIABLES + END + CHANGES
    )
    trace = open_vcd(tmp_path / "t.vcd")
    trace.file.close()
    assert trace.header.signals == 6


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(set(DIALECTS) - {"wide memory"})),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(
        [
            "$end",
            "$dumpoff\n",
            "$dumpon\n",
            "$comment ",
            "#",
            "\n#99999999\n",
            "s ",
            "b",
            "1!",
            "[",
            ":",
        ]
    ),
    st.integers(0, 12),
)
def test_a_damaged_dialect_is_read_or_refused_in_one_line(
    dialect: str, where: float, instead: str, drop: int
) -> None:
    variables, changes = DIALECTS[dialect]
    text = HEADER + variables + END + changes
    at = int(where * len(text))
    with tempfile.TemporaryDirectory() as name:
        try:
            found = activity(Path(name), text[:at] + instead + text[at + drop :])
        except DesignError as error:
            assert "t.vcd" in str(error) and "\n" not in str(error)
        else:
            assert (found.toggles >= 0).all() and (found.high_fraction <= 1).all()
