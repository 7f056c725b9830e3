"""Record an RTL simulation: every register, input and output at every clock edge, as bits.

`write_recorder` makes a module with the ports of the RTL's top that instantiates it and writes one
row of 32-bit words per clock edge with `$fwrite("%u")`: no VPI traffic, no measurable cost. It is
plain Verilog for Icarus and Verilator; simulate it in the place of the top, also under cocotb.
`chipdse.netlist.activity.recording.read_recording` reads the file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.registers import PREPARED, Signal, read_signals
from chipdse.hardware.simulated_rtl import RTL, write_simulated_rtl
from chipdse.netlist.library.cells import Cell
from chipdse.tools import remove_links

RECORDER = "recorder"
WRAPPER, LAYOUT, DATA = "recorder.v", "layout.json", "recording.bin"
# Concatenations of this many bits; longer ones slow Verilator's compilation down.
_BITS_A_WRITE = 2048
_LARGEST_MEMORY_WORDS = 1 << 16


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
    loop = write_simulated_rtl(rtl, folder, four_state, black_boxes)
    signals = read_signals(folder / PREPARED, rtl.top)
    (folder / PREPARED).unlink()
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
    # One call per row: a simulation that ends at a clock edge ends between two statements.
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
