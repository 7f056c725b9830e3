"""The RTL as Verilog for simulators: with the meaning that its netlist has where Verilog leaves it
open, as for division by zero, reads beyond a memory and what nobody drives."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.registers import PREPARED, prepare_script, short_memories
from chipdse.hardware.shared.modules_once import ONCE, rtl_once
from chipdse.netlist.library.cells import Cell
from chipdse.tools import run_yosys

RTL = "rtl.v"
# Registers begin with 0 in every simulator, and undriven signals are 0, as in the netlist. Yosys
# puts initial values on any name of a register; those that become `reg` get theirs by hand.
_DEFINED = (
    "setundef -undriven -zero -init",
    "select -set uninitialised @registers %co1:+[Q] w:* %i a:init %d",
    "setattr -set init 1'0 @uninitialised",
)
# Assumptions and covers are for formal tools; Icarus 11 does not know `cover`.
# Verilog leaves open what division by zero gives; in simulation it is what Yosys's dividers make.
_DIVIDE = "divide.v"
_DIVISIONS = """(* techmap_celltype = "$div $mod" *)
module divide(A, B, Y);
  parameter _TECHMAP_CELLTYPE_ = "";
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  localparam WIDTH = A_WIDTH > Y_WIDTH ? A_WIDTH : Y_WIDTH;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire is_negative = A_SIGNED && B_SIGNED && A[A_WIDTH-1];
  wire [WIDTH-1:0] dividend = {{WIDTH{A_SIGNED && A[A_WIDTH-1]}}, A};
  wire [Y_WIDTH-1:0] regular;
  generate
    if (_TECHMAP_CELLTYPE_ == "$div") begin
      \\$div #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH),
        .Y_WIDTH(Y_WIDTH)) divided(.A(A), .B(B), .Y(regular));
      assign Y = |B ? regular : is_negative ? 1 : ~0;
    end else begin
      \\$mod #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH),
        .Y_WIDTH(Y_WIDTH)) divided(.A(A), .B(B), .Y(regular));
      assign Y = |B ? regular : dividend;
    end
  endgenerate
endmodule
"""
_MEMORY_WORDS = re.compile(r"^  reg (?:\[(\d+):0\] )?(\\\S+ |\w+) \[(\d+):(\d+)\];$", re.MULTILINE)
_MEMORY_READ = re.compile(r"^  assign (\S.*?) = (\\\S+ |[\w$]+)\[(.*)\];$", re.MULTILINE)
_SIMULATED = (
    f"techmap -max_iter 1 -map {_DIVIDE} */t:$div */t:$mod",
    "chformal -assume -live -fair -cover -remove",
)
_LOOP = "Warning: found logic loop in module"
_CONFLICT = re.compile(r"Warning: multiple conflicting drivers for \S+?\.\\(.*?):$", re.MULTILINE)
ASSERTION_FAILED = "chipdse: assertion failed"
_ASSERT = re.compile(r"^( *)(?:(\\\S+ |\w+): )?assert \((.*)\);$", re.MULTILINE)
_ALWAYS_ASSERT = re.compile(
    r"^  always @\*\n    if \((.*)\) begin\n((?:.*\n)*?) *(?:(\\\S+ |\w+): )?assert \((.*)\);\n"
    r"    end$",
    re.MULTILINE,
)


def write_simulated_rtl(
    rtl: Rtl, folder: Path, four_state: bool, black_boxes: Sequence[Cell]
) -> str | None:
    """Write the RTL as Verilog, and as JSON for `read_signals`; a signal of a combinational loop.

    Raises
    ------
    DesignError : a net has several drivers
    ToolError : Yosys cannot read the RTL
    """
    source = rtl_once(rtl, folder)
    script = prepare_script(source, rtl.top, folder, black_boxes)
    defined = [] if four_state else _DEFINED
    (folder / _DIVIDE).write_text(_DIVISIONS)
    write = [*_SIMULATED, f"write_verilog -noattr {RTL}", "flatten", "check", ""]
    log = run_yosys(
        "\n".join([f"{script}write_json {PREPARED}", *defined, *write]), folder, "record"
    )
    if conflict := _CONFLICT.search(log.read_text(errors="replace")):
        net = "".join(conflict[1].split())
        raise DesignError(f"{net} has several drivers; give it one, e.g. a multiplexer or an OR")
    loop = None
    if _LOOP in log.read_text(errors="replace"):
        # Between words it may be a carry from bit to bit; gates leave no doubt.
        gates = ["flatten", "memory_map", "techmap", "opt_clean", "check", ""]
        loop = _loop_of(run_yosys("\n".join([script, *gates]), folder, "loops"))
    text = (folder / RTL).read_text()
    if "assert (" in text:
        text = told_assertions(text)
    (folder / RTL).write_text(bounded_reads(text, short_memories(source.read_text())))
    (folder / _DIVIDE).unlink()
    (folder / ONCE).unlink(missing_ok=True)
    return loop


def bounded_reads(verilog: str, memories: Collection[str]) -> str:
    """Yosys's Verilog in which a read beyond the end of these memories gives what hardware gives.

    The mapped memory decodes as many bits of the address as its words need; a word that is not
    there is 0.
    """
    if not memories:
        return verilog
    words = {
        name.strip(): (int(bits or 0) + 1, int(high), int(low))
        for bits, name, high, low in _MEMORY_WORDS.findall(verilog)
        if name.strip().removeprefix("\\") in memories
    }

    def bounded(match: re.Match[str]) -> str:
        target, name, address = match.groups()
        if name.strip() not in words or re.fullmatch(r"\d+'[a-z][0-9a-f]+", address):
            return match[0]
        bits, high, low = words[name.strip()]
        mask = (1 << (high - low).bit_length()) - 1
        index = f"(({address} - {low}) & {mask})"
        word = f"{name}[{index} + {low}]"
        return f"  assign {target} = {index} <= {high - low} ? {word} : {bits}'h0;"

    return _MEMORY_READ.sub(bounded, verilog)


def _loop_of(log: Path) -> str | None:
    """A signal of the first combinational loop that Yosys's `check` has found; None without one."""
    _, marker, rest = log.read_text(errors="replace").partition(_LOOP)
    named = re.search(r"^    wire \\(\S+)", rest, re.MULTILINE)
    if not marker:
        return None
    return named[1] if named else "a signal without a name"


def told_assertions(verilog: str) -> str:
    """Yosys's Verilog with assertions whose failures both simulators print in the same way.

    One of combinational logic is looked at after the logic has settled.
    """

    def settled(match: re.Match[str]) -> str:
        enable, message, label, condition = match.groups()
        if "always" in message:
            return match[0]
        return (
            "  always @* begin\n`ifndef VERILATOR\n    #0.001;\n`endif\n"
            f"    if (({enable}) && !({condition})) begin\n{message}{_told('', label)}\n"
            "    end\n  end"
        )

    verilog = _ALWAYS_ASSERT.sub(settled, verilog)
    return _ASSERT.sub(
        lambda match: f"{match[1]}if (!({match[3]}))\n{_told(*match.groups()[:2])}", verilog
    )


def _told(indent: str, label: str | None) -> str:
    named = json.dumps(f"{label.strip()} in " if label else "in ")[1:-1].replace("%", "%%")
    return f'{indent}  $display("\\n{ASSERTION_FAILED}: {named}%m at %0d ns", $time);'
