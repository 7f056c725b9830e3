"""Small designs through synthesis, recording and gate-level simulation: for replay's tests."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from chipdse.export.cell_models import cell_models
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.recording import DATA, LAYOUT, write_recorder
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import Synthesised, synthesise
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.recording import (
    Recording,
    RegisterBit,
    read_recording,
    read_register_map,
)
from chipdse.netlist.activity.replay.replay import Replayed, replay
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog
from tests.support import kernels

LIBRARIES = {
    "sky130hd": ["sky130hd/sky130_fd_sc_hd__tt_025C_1v80.lib.gz"],
    "ihp-sg13g2": ["ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"],
    "gf180mcu": ["gf180mcu/gf180mcu_fd_sc_mcu7t5v0__tt_025C_1v80.lib.gz"],
    "gt2n": ["gt2n/gt2_6t_w31_svt_tt_0p7v25c.lib.gz"],
    "asap7": [
        "asap7/asap7sc7p5t_AO_RVT_TT_nldm_211120.lib.gz",
        "asap7/asap7sc7p5t_INVBUF_RVT_TT_nldm_220122.lib.gz",
        "asap7/asap7sc7p5t_OA_RVT_TT_nldm_211120.lib.gz",
        "asap7/asap7sc7p5t_SEQ_RVT_TT_nldm_220123.lib.gz",
        "asap7/asap7sc7p5t_SIMPLE_RVT_TT_nldm_211120.lib.gz",
    ],
}
FIRST_CYCLE, CYCLES = 40, 700
_TRACE = "gates.vcd"

# Registers with and without reset, with enables, an asynchronous reset and set, a memory, two
# equal registers, one that is constant, one nobody reads, a state machine, a signed product.
DESIGN = """
module child(input clk, input rst_n, input en, input signed [3:0] a, input signed [3:0] b,
             output reg signed [7:0] product, output reg [1:0] state, output reg flag);
  always @(posedge clk) if (en) product <= a * b;
  always @(posedge clk or negedge rst_n)
    if (!rst_n) state <= 2'd0;
    else case (state)
      2'd0: if (a[0]) state <= 2'd1;
      2'd1: state <= b[0] ? 2'd2 : 2'd3;
      2'd2: state <= 2'd0;
      default: if (en) state <= 2'd0;
    endcase
  always @(posedge clk or negedge rst_n) if (!rst_n) flag <= 1'b1; else flag <= ^a;
endmodule

module top(input clk, input rst_n, input en, input we, input [1:0] addr, input signed [3:0] a,
           input signed [3:0] b, output [11:0] sum, output [3:0] word, output [3:0] more);
  wire signed [7:0] \\the.product ;
  wire [1:0] state;
  wire flag;
  reg [11:0] total;
  reg [3:0] memory [0:3];
  reg [3:0] twin1, twin2, stuck, unread;
  child \\inner.one (.clk(clk), .rst_n(rst_n), .en(en), .a(a), .b(b),
                    .product(\\the.product ), .state(state), .flag(flag));
  always @(posedge clk)
    if (!rst_n) total <= 12'd0; else total <= total + {{4{\\the.product [7]}}, \\the.product };
  always @(posedge clk) if (we) memory[addr] <= a ^ b;
  always @(posedge clk) begin twin1 <= a; twin2 <= a; stuck <= 4'd5; unread <= b; end
  assign sum = total, word = memory[addr] ^ twin1, more = {state, flag, twin2[0]} ^ stuck;
endmodule
"""

BENCH = """`timescale 1ns/1ps
module bench;
  reg clk = 0, rst_n = 0, en = 0, we = 0;
  reg [1:0] addr = 0;
  reg signed [3:0] a = 0, b = 0;
  reg [31:0] noise = 32'd1;
  wire [11:0] sum, gate_sum;
  wire [3:0] word, more, gate_word, gate_more;
  integer edges = 0;
  recorder recorder(.clk(clk), .rst_n(rst_n), .en(en), .we(we), .addr(addr), .a(a), .b(b),
                    .sum(sum), .word(word), .more(more));
`ifdef GATES
  top gates(.clk(clk), .rst_n(rst_n), .en(en), .we(we), .addr(addr), .a(a), .b(b),
            .sum(gate_sum), .word(gate_word), .more(gate_more));
  initial begin
    $dumpfile("gates.vcd");
    #(10 * FIRST) $dumpvars(0, gates);
    #(10 * CYCLES) $finish;
  end
`endif
  always #5 clk = ~clk;
  always @(posedge clk) begin
    noise <= {noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]};
    {a, b, addr, we, en} <= noise[11:0];
    rst_n <= edges > 20 && (edges % 97 != 0);
    edges <= edges + 1;
    if (edges == LAST) $finish;
  end
endmodule
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A design mapped to one library and simulated as RTL and as gates."""

    folder: Path
    library: CellLibrary
    synthesised: Synthesised
    netlist: Netlist
    registers: dict[str, RegisterBit]
    recording: Recording

    def replay(self, *, first_cycle: int = FIRST_CYCLE, **options: Any) -> Replayed:
        """Its recording replayed on its netlist."""
        return replay(
            self.netlist, self.recording, self.registers, first_cycle=first_cycle, **options
        )


def engines() -> tuple[str, ...]:
    """Of replay, those that can run here."""
    return ("numpy", "compiled") if compiler() else ("numpy",)


def need_icarus() -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")


def run_icarus(folder: Path, top: str, sources: list[Path], *defines: str) -> None:
    done = subprocess.run(
        [*("iverilog", "-g2012", "-o", "bench.vvp", "-s", top), *defines, *map(str, sources)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def liberty_files(shared: Path, family: str) -> list[Path]:
    return [shared / "pdk" / name for name in LIBRARIES[family]]


def make_run(
    shared: Path,
    folder: Path,
    family: str,
    *,
    design: str = DESIGN,
    macros: Sequence[Path] = (),
    models: str = "",
) -> Run:
    """Synthesise a design, record its RTL, and simulate its gates with a dump.

    folder : not there yet, of this run alone
    """
    need_icarus()
    folder.mkdir(parents=True)
    # RTLIL begins with attributes of its own.
    source = folder / ("design.il" if design.startswith("attribute") else "design.v")
    source.write_text(design)
    rtl = Rtl(rtlil=source, verilog=source, top="top", content="")
    files = liberty_files(shared, family)
    library = load_library([*files, *macros])
    cells = library.cells
    mapped = synthesise(rtl, files, SynthesisOptions(), folder / "synthesise", cells)
    netlist = read_verilog(mapped.netlist, library, "top")
    recorder = write_recorder(rtl, folder / "record", black_boxes=cells)
    text = BENCH.replace("FIRST", str(FIRST_CYCLE)).replace("CYCLES", str(CYCLES))
    (folder / "bench.v").write_text(text.replace("LAST", str(FIRST_CYCLE + CYCLES + 10)))
    (folder / "cells.v").write_text(cell_models(netlist) + models)
    rtl_only = [folder / "bench.v", *recorder.sources, folder / "cells.v"]
    run_icarus(folder, "bench", rtl_only)
    return _run_in(folder, library, mapped)


def _run_in(folder: Path, library: CellLibrary, mapped: Synthesised) -> Run:
    return Run(
        folder=folder,
        library=library,
        synthesised=mapped,
        netlist=read_verilog(mapped.netlist, library, "top"),
        registers=read_register_map(mapped.register_map),
        recording=read_recording(folder / "record" / LAYOUT, folder / DATA),
    )


def shared_run(shared: Path, family: str) -> Run:
    """`DESIGN` mapped to a family, simulated once for all tests with its gates: they read it."""
    need_icarus()
    folder = kernels.shared_folder("runs") / family
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "mapped.pickle").exists():
            run = make_run(shared, folder, family)
            simulate_gates(run)
            (folder / "mapped.pickle").write_bytes(pickle.dumps(run.synthesised))
    mapped = pickle.loads((folder / "mapped.pickle").read_bytes())
    return _run_in(folder, load_library(liberty_files(shared, family)), mapped)


def gates_trace(run: Run) -> Path:
    """The dump of the gates of a shared run."""
    return run.folder / "gates" / _TRACE


def simulate_gates(run: Run) -> Path:
    """Dump the gate-level simulation under the same stimuli; the path of the trace.

    The RTL's modules are renamed: the netlist's top has the same name.
    """
    gates = run.folder / "gates"
    gates.mkdir(exist_ok=True)
    rtl = (run.folder / "record" / "rtl.v").read_text()
    wrapper = (run.folder / "record" / "recorder.v").read_text()
    (gates / "rtl.v").write_text(rtl.replace("module top(", "module rtl_top("))
    (gates / "recorder.v").write_text(wrapper.replace("\\top  dut", "rtl_top dut"))
    sources = [
        run.folder / "bench.v",
        gates / "rtl.v",
        gates / "recorder.v",
        run.synthesised.netlist,
        run.folder / "cells.v",
    ]
    run_icarus(gates, "bench", sources, "-DGATES")
    return gates / _TRACE
