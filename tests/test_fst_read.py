"""FST traces give the activity that the same run's VCD gives."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.netlist.liberty import read_liberty
from chipdse.netlist.vcd_activity import read_vcd_activity
from chipdse.netlist.verilog import read_verilog

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
    netlist = read_verilog(traces / "top.v", read_liberty([liberty]), "top")
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
    netlist = read_verilog(traces / "top.v", read_liberty([liberty]), "top")
    data = (traces / "t.fst").read_bytes()
    size = int(keep * len(data)) if isinstance(keep, float) else keep
    (tmp_path / "cut.fst").write_bytes(data[:size])
    with pytest.raises(DesignError, match="cut.fst"):
        read_vcd_activity(tmp_path / "cut.fst", "tb.dut", netlist, clock_period_s=10e-9)
