"""Replay of clock gates, both edges, latches, memories, macros; against gates where there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, ClockSignal, Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from tests.support.replay_runs import CYCLES, FIRST_CYCLE, engines, make_run, simulate_gates

pytestmark = pytest.mark.tools


@pytest.mark.few_cases(2)
@pytest.mark.parametrize(
    ("family", "gate", "pins"),
    [
        ("sky130hd", "sky130_fd_sc_hd__dlclkp_1", ".CLK(clk), .GATE(en), .GCLK(gated)"),
        ("asap7", "ICGx1_ASAP7_75t_R", ".CLK(clk), .ENA(en), .SE(1'b0), .GCLK(gated)"),
        ("ihp-sg13g2", "sg13g2_lgcp_1", ".CLK(clk), .GATE(en), .GCLK(gated)"),
    ],
)
def test_clock_gates(family: str, gate: str, pins: str, shared: Path, tmp_path: Path) -> None:
    design = f"""
module top(input clk, input rst_n, input en, input we, input [1:0] addr, input signed [3:0] a,
           input signed [3:0] b, output reg [11:0] sum, output reg [3:0] word, output [3:0] more);
  wire gated;
  reg [3:0] held;
  {gate} gate ({pins});
  always @(posedge gated) held <= a;
  always @(posedge clk) if (!rst_n) word <= 4'd0; else word <= word + b;
  always @(posedge clk) if (!rst_n) sum <= 12'd0; else sum <= sum + held;
  assign more = sum[3:0] ^ word;
endmodule
"""
    run = make_run(shared, tmp_path / "run", family, design=design)
    trace = simulate_gates(run)
    gates = read_vcd_activity(trace, "bench.gates", run.netlist, clock_period_s=10e-9)
    for engine in engines():
        result = run.replay(cycles=CYCLES, engine=engine)
        assert result.unmapped == {}
        differing = np.flatnonzero(gates.toggles != result.activity.toggles)
        assert [run.netlist.net_names[net] for net in differing] == []
        gated = run.netlist.nets_by_name["gated"]
        assert 0 < result.activity.toggles[gated] < 2 * CYCLES
        assert result.activity.high_fraction[gated] == pytest.approx(
            result.activity.toggles[gated] / CYCLES / 4
        )


FALLING = """
module top(input clk, input rst_n, input en, input we, input [1:0] addr, input signed [3:0] a,
           input signed [3:0] b, output reg [11:0] sum, output reg [3:0] word, output [3:0] more);
  reg [3:0] late;
  always @(negedge clk) late <= a ^ word;
  always @(posedge clk) if (!rst_n) word <= 4'd0; else word <= late + b;
  always @(posedge clk) if (!rst_n) sum <= 12'd0; else sum <= sum + late;
  assign more = late & word;
endmodule
"""
LATCH = FALLING.replace("always @(negedge clk) late <=", "always @* if (!clk) late =")


@pytest.mark.parametrize("design", [FALLING, LATCH], ids=["falling edge", "latch"])
def test_both_edges_recorded(design: str, shared: Path, tmp_path: Path) -> None:
    run = make_run(shared, tmp_path / "run", "sky130hd", design=design)
    assert run.recording.both_edges
    trace = simulate_gates(run)
    gates = read_vcd_activity(trace, "bench.gates", run.netlist, clock_period_s=10e-9)
    for engine in engines():
        result = run.replay(cycles=CYCLES, engine=engine)
        assert result.unmapped == {} and result.activity.cycles == CYCLES
        # The dump begins after the falling edge before, and ends before the last falling edge.
        difference = np.abs(gates.toggles - result.activity.toggles)
        assert difference.max() <= 1
        clock = run.netlist.nets_by_name["clk"]
        assert gates.toggles[clock] == result.activity.toggles[clock] == 2 * CYCLES


class Keeper(wiring.Component):
    """A memory with a registered, transparent read port, which has no signal of its own name."""

    def __init__(self) -> None:
        inputs = {"clk": 1, "rst_n": 1, "en": 1, "we": 1, "addr": 2, "a": 4, "b": 4}
        outputs = {"sum": 12, "word": 4, "more": 4}
        super().__init__(
            {name: In(width) for name, width in inputs.items()}
            | {name: Out(width) for name, width in outputs.items()}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal().eq(self.clk)
        m.submodules.store = store = memory.Memory(shape=4, depth=4, init=[3, 1, 4, 1])
        write = store.write_port()
        read = store.read_port(transparent_for=(write,))
        m.d.comb += [
            write.addr.eq(self.addr),
            write.data.eq(self.a),
            write.en.eq(self.we),
            read.addr.eq(self.b[:2]),
            read.en.eq(1),
            self.word.eq(read.data),
        ]
        with m.FSM():
            for state in range(3):
                with m.State(f"S{state}"):
                    m.d.comb += self.more.eq(state)
                    with m.If(self.a[state]):
                        m.next = f"S{(state + 1) % 3}"
        m.d.sync += self.sum.eq(self.sum + read.data)
        with m.If(~self.rst_n):
            m.d.sync += self.sum.eq(0)  # until the first read its data is X
        return m


def test_amaranth_memories_and_state_machines(shared: Path, tmp_path: Path) -> None:
    run = make_run(
        shared, tmp_path / "run", "ihp-sg13g2", design=rtlil.convert(Keeper(), name="top")
    )
    names = {bit.signal for bit in run.registers.values()}
    assert {"store[0]", "store[3]", "fsm_state", "sum"} <= names, names
    assert any(name.startswith("register_") for name in names), names
    result = run.replay()
    assert result.unmapped == {} and result.annotated_fraction == 1
    assert result.checked_bits == len(run.registers) + 20


MACRO_DESIGN = """
module top(input clk, input rst_n, input en, input we, input [1:0] addr, input signed [3:0] a,
           input signed [3:0] b, output reg [11:0] sum, output [3:0] word, output [3:0] more);
  wire [63:0] out;
  MACRO ram (.A_CLK(clk), .A_MEN(en), .A_WEN(we), .A_REN(1'b1), .A_ADDR({4'd0, addr}),
             .A_DIN({60'd0, a}), .A_DLY(1'b1), .A_DOUT(out), .A_BM(~64'd0));
  always @(posedge clk) if (!rst_n) sum <= 12'd0; else sum <= sum + out[3:0];
  assign word = out[3:0] ^ b, more = sum[3:0];
endmodule
"""
MACRO_MODEL = """
module MACRO(input A_CLK, input A_MEN, input A_WEN, input A_REN, input [5:0] A_ADDR,
             input [63:0] A_DIN, input A_DLY, output reg [63:0] A_DOUT, input [63:0] A_BM);
  reg [63:0] memory [0:63];
  integer i;
  initial begin A_DOUT = 0; for (i = 0; i < 64; i = i + 1) memory[i] = 0; end
  always @(posedge A_CLK) if (A_MEN) begin
    if (A_WEN) memory[A_ADDR] <= A_DIN;
    A_DOUT <= memory[A_ADDR];
  end
endmodule
"""


def test_a_memory_macro_is_a_source(shared: Path, tmp_path: Path) -> None:
    name = "RM_IHPSG13_1P_64x64_c2_bm_bist"
    macro = shared / "pdk" / "sram" / f"{name}_typ_1p20V_25C.lib.gz"
    run = make_run(
        shared,
        tmp_path / "run",
        "ihp-sg13g2",
        design=MACRO_DESIGN.replace("MACRO", name),
        macros=[macro],
        models=MACRO_MODEL.replace("MACRO", name),
    )
    assert run.recording.signals["ram.A_DOUT"].width == 64
    result = run.replay(cycles=CYCLES)
    assert result.unmapped == {} and result.annotated_fraction == 1
    net = run.netlist.nets_by_name["out[2]"]
    wave = np.array(run.recording.values("ram.A_DOUT"))[FIRST_CYCLE : FIRST_CYCLE + CYCLES + 1]
    assert result.activity.toggles[net] == (np.diff(wave >> 2 & 1) != 0).sum() > 0
    assert run.synthesised.area_m2 > run.library.cell(name).area_m2 > 0
