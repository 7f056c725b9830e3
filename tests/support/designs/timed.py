"""Small designs mapped, recorded as RTL and timed: for the tests and measurements of glitches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.recording import DATA, LAYOUT, write_recorder
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.activity.glitches.replay import TimedActivity, timed_replay
from chipdse.netlist.activity.recording import (
    Recording,
    RegisterBit,
    read_recording,
    read_register_map,
)
from chipdse.netlist.activity.replay.plan import Plan
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.activity.replay.replay import Replayed, replay
from chipdse.netlist.layout.wires import placed_routes, wires_of
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import Timing, analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.technology.constants import Sources
from chipdse.technology.wires import wire_data
from tests.support import timed_icarus

FIRST_CYCLE = 10
RESET_CYCLES = 4

# An output-stationary array of multiply-accumulators; operands move right and down.
ARRAY = """
module pe(input clk, input rst, input signed [7:0] a, input signed [7:0] b,
          output reg signed [7:0] right, output reg signed [7:0] down, output reg [19:0] sum);
  wire signed [15:0] product = a * b;
  always @(posedge clk) begin
    right <= a; down <= b;
    sum <= rst ? 20'd0 : sum + {{4{product[15]}}, product};
  end
endmodule
module top(input clk, input rst, input [15:0] a, input [15:0] b, output [79:0] sums);
  wire [7:0] h [0:1][0:2];
  wire [7:0] v [0:2][0:1];
  genvar r, c;
  generate for (r = 0; r < 2; r = r + 1) begin: row
    assign h[r][0] = a[8*r +: 8];
    assign v[0][r] = b[8*r +: 8];
    for (c = 0; c < 2; c = c + 1) begin: column
      pe one(.clk(clk), .rst(rst), .a(h[r][c]), .b(v[r][c]), .right(h[r][c+1]),
             .down(v[r+1][c]), .sum(sums[20*(2*r+c) +: 20]));
    end
  end endgenerate
endmodule
"""

# A radix-2 butterfly with a complex twiddle factor, and a tree that sums eight samples.
BUTTERFLY = """
module top(input clk, input rst, input signed [9:0] ar, input signed [9:0] ai,
           input signed [9:0] br, input signed [9:0] bi, input signed [7:0] wr,
           input signed [7:0] wi, output reg signed [20:0] xr, output reg signed [20:0] xi,
           output reg signed [20:0] yr, output reg signed [20:0] yi, output reg signed [13:0] sum);
  reg signed [9:0] a0, a1, b0, b1, s [0:7];
  reg signed [7:0] w0, w1;
  wire signed [18:0] pr = b0 * w0 - b1 * w1, pi = b0 * w1 + b1 * w0;
  wire signed [13:0] tree = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
  integer i;
  always @(posedge clk) begin
    a0 <= ar; a1 <= ai; b0 <= br; b1 <= bi; w0 <= wr; w1 <= wi;
    xr <= (a0 <<< 7) + pr; xi <= (a1 <<< 7) + pi;
    yr <= (a0 <<< 7) - pr; yi <= (a1 <<< 7) - pi;
    s[0] <= ar;
    for (i = 1; i < 8; i = i + 1) s[i] <= s[i-1];
    sum <= rst ? 14'sd0 : tree;
  end
endmodule
"""

# A round-robin arbiter, four request counters, a small queue and a state machine.
CONTROL = """
module top(input clk, input rst, input [7:0] request, input [7:0] data, input pop,
           output reg [7:0] grant, output reg [7:0] head, output reg [2:0] state, output full);
  reg [2:0] last, write, read;
  reg [3:0] level;
  reg [5:0] waited [0:7];
  reg [7:0] queue [0:7];
  reg [7:0] timer;
  wire [15:0] twice = {request, request} >> (last + 1);
  wire [7:0] turned = twice[7:0], first = turned & -turned;
  wire [15:0] back = {8'd0, first} << (last + 1);
  wire [7:0] chosen = back[7:0] | back[15:8];
  wire push = |request & ~full, take = pop & (level != 0);
  integer i;
  assign full = level == 4'd8;
  always @(posedge clk)
    if (rst) begin
      last <= 0; write <= 0; read <= 0; level <= 0; state <= 0; timer <= 0; grant <= 0; head <= 0;
      for (i = 0; i < 8; i = i + 1) begin waited[i] <= 0; queue[i] <= 0; end
    end else begin
      grant <= push ? chosen : 8'd0;
      for (i = 0; i < 8; i = i + 1) begin
        if (push & chosen[i]) begin last <= i; waited[i] <= 0; end
        else if (request[i]) waited[i] <= waited[i] + 1;
      end
      if (push) begin queue[write] <= data ^ {2'd0, waited[write]}; write <= write + 1; end
      if (take) begin head <= queue[read]; read <= read + 1; end
      level <= level + push - take;
      case (state)
        3'd0: if (push) state <= 3'd1;
        3'd1: state <= full ? 3'd4 : data[0] ? 3'd2 : 3'd3;
        3'd2: begin timer <= timer + data; state <= timer > 8'd200 ? 3'd5 : 3'd1; end
        3'd3: if (waited[last] > 6'd9) state <= 3'd4; else state <= 3'd0;
        3'd4: if (take) state <= 3'd6;
        3'd5: begin timer <= 0; state <= 3'd6; end
        default: state <= {2'b00, ^grant};
      endcase
    end
endmodule
"""

DESIGNS = {"array": ARRAY, "butterfly": BUTTERFLY, "control": CONTROL}


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedDesign:
    """A design mapped to a library, with a recorded run of random inputs."""

    folder: Path
    timing: Timing
    recording: Recording
    registers: dict[str, RegisterBit]
    stimuli: str

    @cached_property
    def plan(self) -> Plan:
        return plan_replay(self.timing.netlist, self.recording, self.registers)

    def replayed(self, cycles: int) -> Replayed:
        """Zero-delay replay of cycles from `FIRST_CYCLE` on."""
        return replay(
            self.timing.netlist,
            self.recording,
            self.registers,
            first_cycle=FIRST_CYCLE,
            cycles=cycles,
        )

    def timed(self, cycles: int, **options: Any) -> TimedActivity:
        """Replay of cycles from `FIRST_CYCLE` on with delays; options as of `timed_replay`."""
        return timed_replay(
            self.timing,
            self.recording,
            self.registers,
            self.replayed(cycles),
            first_cycle=FIRST_CYCLE,
            cycles=cycles,
            **options,
        )

    def placed(self) -> TimedDesign:
        """The same with the wires of a placement, buffers on them included."""
        timing, graph = self.timing, self.timing.graph
        library = timing.library
        data = wire_data((cell.name for cell in library.library.cells), Sources())
        assert data is not None
        routes = placed_routes(timing.netlist, graph.clock, Sources())
        wires = wires_of(routes, graph, library, data).timing
        timing = analyse_timing(graph, library, timing.clock_period_s, wires=wires)
        return dataclasses.replace(self, timing=timing)

    def simulate(self, cycles: int) -> tuple[Path, float]:
        """The gates with delays under the same inputs: the dump, and processor seconds."""
        folder = self.folder / ("gates" if self.timing.wires is None else "gates_placed")
        folder.mkdir(exist_ok=True)
        (folder / "netlist.v").write_text(timed_icarus.timed_netlist(self.timing))
        period_s = float(self.timing.clock_period_s[0])
        bench = timed_icarus.bench(self.timing, period_s, FIRST_CYCLE, cycles, self.stimuli)
        (folder / "bench.v").write_text(bench)
        spent = timed_icarus.simulate(folder, [folder / "bench.v", folder / "netlist.v"])
        return folder / "timed.vcd", spent


def make_design(
    folder: Path,
    source: str,
    operating: OperatingLibrary,
    liberty: Sequence[Path],
    *,
    cycles: int = 600,
    period_s: float = 20e-9,
    options: SynthesisOptions | None = None,
    stimuli: dict[str, str] | None = None,
) -> TimedDesign:
    """Map a design with ports clk and rst, and record `cycles` of it with random inputs.

    Parameters
    ----------
    source : Verilog, or RTLIL
    stimuli : Verilog expression by input, instead of random bits in every cycle
    """
    folder.mkdir(parents=True, exist_ok=True)
    rtl_file = folder / ("design.il" if source.startswith("attribute") else "design.v")
    rtl_file.write_text(source)
    rtl = Rtl(rtlil=rtl_file, verilog=rtl_file, top="top", content="")
    mapped = synthesise(rtl, liberty, options or SynthesisOptions(), folder / "synthesise")
    netlist = read_verilog(mapped.netlist, operating.library, "top")
    recorder = write_recorder(rtl, folder / "record")
    timing = analyse_timing(build_timing_graph(netlist, "clk"), operating, period_s)
    lines = [f"    rst <= edges < {RESET_CYCLES};"]
    for port in netlist.ports:
        if port.direction == "input" and port.name not in ("clk", "rst"):
            words = ", ".join(["$random"] * -(-len(port.nets) // 32))
            lines.append(f"    {port.name} <= {(stimuli or {}).get(port.name, f'{{{words}}}')};")
    text = timed_icarus.bench(timing, period_s, FIRST_CYCLE, cycles, "\n".join(lines))
    text = text.replace("  top gates(", "  recorder recorder(")
    (folder / "bench.v").write_text(text.replace("$dumpvars(1, gates)", "edges = edges"))
    timed_icarus.simulate(folder, [folder / "bench.v", *recorder.sources])
    return TimedDesign(
        folder=folder,
        timing=timing,
        recording=read_recording(folder / "record" / LAYOUT, folder / DATA),
        registers=read_register_map(mapped.register_map),
        stimuli="\n".join(lines),
    )
