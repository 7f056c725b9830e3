"""A recorded run as files that any Verilog simulator replays: inputs in, outputs compared."""

from __future__ import annotations

from collections.abc import Sequence

from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import RecordedSignal, Recording
from chipdse.netlist.activity.replay.lanes import Window
from chipdse.netlist.activity.replay.replay import refuse_unknown

TOP = "golden"
INPUTS, OUTPUTS = "inputs.hex", "outputs.hex"


def golden_files(
    recording: Recording,
    top: str,
    *,
    first_cycle: int,
    cycles: int,
    leaves_open: bool = False,
) -> dict[str, str]:
    """Stimulus, expected outputs and a self-checking testbench of a recorded run, by file name.

    Row n of the two hex files is what the ports were before clock edge n; every row is driven, the
    rows of the workload are compared. Unknown bits count as wrong, except in rows before the first
    that is known: cells start unknown, and registers without reset stay so until they are written.

    Parameters
    ----------
    top : module under test
    first_cycle, cycles : the workload's window of rising edges
    leaves_open : the RTL has values that Verilog leaves open (x), which the recorded run defines:
        then unknown bits in later rows are counted and printed, and only known bits are compared

    Raises
    ------
    DesignError : the workload's window holds unknown bits, or the design has no output
    """
    ports = [signal for signal in recording.signals.values() if signal.name != recording.clock]
    inputs = [port for port in ports if port.kind == "input"]
    outputs = [port for port in ports if port.kind == "output"]
    if not outputs:
        raise DesignError(f"{top!r} has no output; there is nothing to compare")
    edges = 2 if recording.both_edges else 1
    window = range(first_cycle * edges, (first_cycle + cycles) * edges)
    refuse_unknown(recording, Window(first=window.start, transitions=len(window) - 1))
    return {
        INPUTS: _hex(recording, inputs),
        OUTPUTS: _hex(recording, outputs),
        "golden.v": _testbench(recording, top, inputs, outputs, window, leaves_open),
    }


def _hex(recording: Recording, signals: Sequence[RecordedSignal]) -> str:
    """One line per row, the first signal in the least significant bits."""
    width = sum(signal.width for signal in signals)
    rows = [0] * recording.rows
    offset = 0
    for signal in signals:
        values = recording.values(signal.name)
        rows = [row | (value << offset) for row, value in zip(rows, values, strict=True)]
        offset += signal.width
    digits = max(1, -(-width // 4))
    return "".join(f"{row:0{digits}x}\n" for row in rows)


def _connections(
    clock: str, inputs: Sequence[RecordedSignal], outputs: Sequence[RecordedSignal]
) -> list[str]:
    """The ports of the design: inputs at bits of `in`, outputs at bits of `seen`."""
    connected = [f".\\{clock} (clk)"]
    for signals, bus in ((inputs, "in"), (outputs, "seen")):
        offset = 0
        for signal in signals:
            connected.append(f".\\{signal.name} ({bus}[{offset + signal.width - 1}:{offset}])")
            offset += signal.width
    return connected


def _testbench(
    recording: Recording,
    top: str,
    inputs: Sequence[RecordedSignal],
    outputs: Sequence[RecordedSignal],
    window: range,
    leaves_open: bool,
) -> str:
    wide_in, wide_out = (max(1, sum(signal.width for signal in s)) for s in (inputs, outputs))
    fall = "clk = ~clk;" if recording.both_edges else "clk = 1; #5 clk = 0;"
    joined = ",\n    ".join(_connections(recording.clock, inputs, outputs))
    return f"""// Drives every recorded row and compares the outputs of the workload's rows.
`timescale 1ns/1ps
module {TOP};
  localparam ROWS = {recording.rows}, FIRST = {window.start}, LAST = {window.stop - 1};
  reg clk = 0;
  reg [{wide_in - 1}:0] in, stimulus [0:ROWS-1];
  reg [{wide_out - 1}:0] expected [0:ROWS-1];
  wire [{wide_out - 1}:0] seen;
  localparam OPEN = {int(leaves_open)};  // 1: the RTL has values that Verilog leaves open
  integer row, errors, unknown, undefined;
  reg known, differs;
  {top} dut (
    {joined}
  );
  initial begin
    $readmemh("{INPUTS}", stimulus);
    $readmemh("{OUTPUTS}", expected);
    errors = 0; unknown = 0; undefined = 0; known = 0;
    for (row = 0; row < ROWS; row = row + 1) begin
      in = stimulus[row];
      #5;
      if (row >= FIRST && row <= LAST) begin
        differs = |(seen ^ expected[row]);  // x: no bit is wrong, but some are unknown
        if (differs === 1'bx && !known) unknown = unknown + 1;
        else if (differs === 1'bx && OPEN) undefined = undefined + 1;
        else begin
          known = 1;
          if (differs !== 1'b0) begin
            errors = errors + 1;
            if (errors <= 10)
              $display("row %0d: outputs are %h, expected %h", row, seen, expected[row]);
          end
        end
      end
      {fall}
    end
    if (!known) $fatal(1, "FAIL: the outputs of all rows are unknown");
    if (errors != 0) $fatal(1, "FAIL: %0d of %0d rows differ", errors, LAST - FIRST + 1);
    $write("PASS: %0d rows equal", LAST - FIRST + 1 - unknown - undefined);
    if (unknown != 0) $write(", %0d before them unknown (registers without reset)", unknown);
    if (undefined != 0)
      $write(", %0d equal but for bits that Verilog leaves open (x)", undefined);
    $display;
    $finish;
  end
endmodule
"""
