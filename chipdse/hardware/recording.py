"""Record an RTL simulation: every register, input and output at every clock edge, as bits.

`write_recorder` makes a module with the ports of the RTL's top that instantiates it and writes one
row of 32-bit words per clock edge with `$fwrite("%u")`: no VPI traffic, no measurable cost. It is
plain Verilog for Icarus and Verilator; simulate it in the place of the top, also under cocotb.
`chipdse.netlist.activity.recording.read_recording` reads the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.registers import (
    PREPARED,
    Signal,
    prepare_script,
    read_signals,
    short_memories,
)
from chipdse.netlist.library.cells import Cell
from chipdse.tools import remove_links, run_yosys

RECORDER = "recorder"
RTL, WRAPPER, LAYOUT, DATA = "rtl.v", "recorder.v", "layout.json", "recording.bin"
# Concatenations of this many bits; longer ones slow Verilator's compilation down.
_BITS_A_WRITE = 2048
_LARGEST_MEMORY_WORDS = 1 << 16
# Registers begin with 0 in every simulator, and what nobody drives is 0, as in the netlist. Yosys
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


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """A simulatable RTL that records itself.

    top : the module to simulate; it has the ports of the RTL's top
    sources : Verilog files, all that is needed but models of black boxes
    layout : JSON, what the recording's rows hold
    data : name of the file that the simulation writes to its working directory; the plusarg
        ``+recording=PATH`` names another
    latches : names of the RTL's latches
    loop : a signal of a combinational loop; None if there is none
    resets : inputs that reset registers asynchronously, and the level at which they do
    """

    top: str
    sources: tuple[Path, ...]
    layout: Path
    data: str
    latches: tuple[str, ...] = ()
    loop: str | None = None
    resets: frozenset[tuple[str, int]] = frozenset()


def write_recorder(
    rtl: Rtl,
    folder: Path,
    *,
    clock: str = "clk",
    both_edges: bool | None = None,
    four_state: bool = False,
    black_boxes: Sequence[Cell] = (),
) -> Recorder:
    """Write the recorder of an RTL and the RTL itself as Verilog into `folder`.

    Parameters
    ----------
    rtl : only `rtlil` (RTLIL or Verilog) and `top` are read
    clock : input port whose edges make the rows
    both_edges : a row at each edge, not only at the rising one; None does so when the design has
        falling-edge registers or latches
    four_state : record X and Z too (`%z`); twice the data, and Icarus only
    black_boxes : library cells that the RTL may instantiate (clock gates, memories); their
        outputs are recorded, of memories the inputs too, and the simulation needs models of them

    Raises
    ------
    DesignError : no such clock, or a port that cannot be recorded
    ToolError : Yosys cannot read the RTL
    """
    folder.mkdir(parents=True, exist_ok=True)
    loop = _write_rtl(rtl, folder, four_state, black_boxes)
    signals = read_signals(folder / PREPARED, rtl.top)
    (folder / PREPARED).unlink()
    (folder / _DIVIDE).unlink()
    remove_links(folder)
    ports = {s.name: s for s in signals if s.kind in ("input", "output")}
    if clock not in ports or ports[clock].kind != "input" or ports[clock].width != 1:
        raise DesignError(f"{clock!r} is not a one-bit input of {rtl.top!r}; name its clock port")
    words = sum(s.kind == "memory" for s in signals)
    if words > _LARGEST_MEMORY_WORDS:
        raise DesignError(
            f"{words} memory words cannot be recorded each cycle; use a memory macro for it"
        )
    if both_edges is None:
        both_edges = any(s.level or not s.rising for s in signals)
    # With both edges the clock is data like any other; else it is the edge itself.
    signals = [s for s in signals if both_edges or s.name != clock]
    (folder / WRAPPER).write_text(
        _wrapper(rtl.top, list(ports.values()), signals, clock, both_edges, four_state)
    )
    offsets, row_bits = _offsets([signal.width for signal in signals])
    layout = {
        "top": rtl.top,
        "clock": clock,
        "both_edges": both_edges,
        "four_state": four_state,
        "row_bits": row_bits,
        "signals": [_as_json(s, offset) for s, offset in zip(signals, offsets, strict=True)],
    }
    (folder / LAYOUT).write_text(json.dumps(layout, indent=1))
    return Recorder(
        top=RECORDER,
        sources=(folder / RTL, folder / WRAPPER),
        layout=folder / LAYOUT,
        data=DATA,
        latches=tuple(signal.name for signal in signals if signal.level),
        loop=loop,
        resets=frozenset(signal.reset_by for signal in signals if signal.reset_by),
    )


def _write_rtl(rtl: Rtl, folder: Path, four_state: bool, black_boxes: Sequence[Cell]) -> str | None:
    """Write the RTL as Verilog, and as JSON for `read_signals`; a signal of a combinational loop.

    Raises
    ------
    DesignError : a net has several drivers
    ToolError : Yosys cannot read the RTL
    """
    script = prepare_script(rtl.rtlil, rtl.top, folder, black_boxes)
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
    (folder / RTL).write_text(bounded_reads(text, short_memories(rtl.rtlil.read_text())))
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
    """Yosys's Verilog with assertions that both simulators print alike, where they fail.

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


def _as_json(signal: Signal, offset: int) -> dict[str, Any]:
    return {
        "name": signal.name,
        "kind": signal.kind,
        "width": signal.width,
        "offset": offset,
        "clock": signal.clock,
        "rising": signal.rising,
        "asynchronous": signal.asynchronous,
    }


def _wrapper(
    top: str,
    ports: Sequence[Signal],
    signals: Sequence[Signal],
    clock: str,
    both_edges: bool,
    four_state: bool,
) -> str:
    """The recorder's Verilog."""
    names = ", ".join(_identifier(port.name) for port in ports)
    declared = [
        f"  {port.kind} [{port.width - 1}:0] {_identifier(port.name)};"
        if port.width > 1
        else f"  {port.kind} {_identifier(port.name)};"
        for port in ports
    ]
    connected = [f"    .{_identifier(p.name)}({_identifier(p.name)})" for p in ports]
    verb = "%z" if four_state else "%u"
    rows = _rows_of(signals, clock)
    # One call a row: a simulation that ends at a clock edge ends between two statements.
    joined = ",\n      ".join(f"{{{', '.join(parts)}}}" for parts in rows)
    write = f'    $fwrite(recorder_file, "{verb * len(rows)}",\n      {joined});'
    name = _identifier(clock)
    edge = f"posedge {name} or negedge {name}" if both_edges else f"posedge {name}"
    # The first row is the one before the first rising edge: a clock that leaves X by falling
    # makes none.
    started = "recorder_started"
    start = [f"    if ({name}) {started} = 1'b1;", f"    if ({started}) begin"]
    return "\n".join(
        [
            "/* Writes a row of values at each clock edge, as they were before the edge. */",
            "`timescale 1ns/1ps",
            f"module {RECORDER}({names});",
            *declared,
            f"  {_identifier(top)} dut (",
            ",\n".join(connected),
            "  );",
            "  integer recorder_file;",
            "  reg [8191:0] recorder_path;",
            "  initial begin",
            '    if (!$value$plusargs("recording=%s", recorder_path))',
            f'      recorder_path = "{DATA}";',
            '    recorder_file = $fopen(recorder_path, "wb");',
            "  end",
            *([] if four_state else _cleared(signals)),
            *([f"  reg {started} = 1'b0;"] if both_edges else []),
            f"  always @({edge}) begin",
            *(start if both_edges else []),
            write,
            *(["    end"] if both_edges else []),
            "  end",
            "endmodule",
            "",
        ]
    )


def _cleared(signals: Sequence[Signal]) -> list[str]:
    """Words of memories that have no initial value begin with 0: in Verilator they do."""
    memories: dict[tuple[str, ...], list[Signal]] = {}
    for signal in signals:
        if signal.kind == "memory":
            memories.setdefault(signal.path, []).append(signal)
    if not memories:
        return []
    word = "recorder_word"
    lines = ["`ifndef VERILATOR", f"  integer {word};", "  initial begin", "    #0;"]
    for path, words in memories.items():
        text = f"{'.'.join(map(_identifier, ('dut', *path)))}[{word}]"
        first, last, bits = words[0].word, words[-1].word, words[0].width
        lines += [
            f"    for ({word} = {first}; {word} <= {last}; {word} = {word} + 1)",
            f"      if ({text} === {bits}'bx) {text} = {bits}'d0;",
        ]
    return [*lines, "  end", "`endif"]


def _rows_of(signals: Sequence[Signal], clock: str) -> list[list[str]]:
    """What a row's `$fwrite` concatenates, last element first in the file; see `_offsets`."""
    chunks: list[list[str]] = []
    bits = 0
    for signal in signals:
        if not chunks or bits + signal.width > _BITS_A_WRITE:
            _pad(chunks, bits)
            chunks.append([])
            bits = 0
        # At its edge the clock has its new value already.
        turned = "~" if signal.name == clock else ""
        chunks[-1].insert(0, turned + _reference(signal))
        bits += signal.width
    _pad(chunks, bits)
    return chunks


def _pad(chunks: list[list[str]], bits: int) -> None:
    if chunks and bits % 32:
        chunks[-1].insert(0, f"{32 - bits % 32}'d0")


def _offsets(widths: Sequence[int]) -> tuple[list[int], int]:
    """First bit of each signal in a row, and the bits of a row (a multiple of 32)."""
    offsets, start, bits = [], 0, 0
    for width in widths:
        if bits and bits + width > _BITS_A_WRITE:
            start, bits = start + -(-bits // 32) * 32, 0
        offsets.append(start + bits)
        bits += width
    return offsets, start + -(-bits // 32) * 32


def _reference(signal: Signal) -> str:
    if signal.kind in ("input", "output"):
        return _identifier(signal.name)
    path = ".".join(map(_identifier, ("dut", *signal.path)))
    return f"{path}[{signal.word}]" if signal.word is not None else path


def _identifier(name: str) -> str:
    """A Verilog identifier; escaped always, as keywords and odd characters need it."""
    return f"\\{name} "
