"""Verilog that was not written for us: no reset, don't-cares, floating nets, a wide state."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.api.point import evaluate_point

pytestmark = pytest.mark.tools
SOURCE = """
module foreign(input clk, input [6:0] at, input write, input [31:0] word, file,
               output [31:0] read, output reg [7:0] state, output alike, output loose);
  reg [31:0] words [0:65];           // with the rest more than one concatenation of a row
  reg [7:0] hidden;
  wire nobody;
  always @(posedge clk) begin
    if (write) words[at] <= word ^ file;
    hidden <= {hidden[6:0], ~hidden[7]};
    case (at[1:0])
      0: state <= hidden;
      1: state <= ~state;
      default: state <= 8'bx;        // nothing is said
    endcase
  end
  assign read = words[at], alike = ~hidden[0], loose = nobody | at[6];
endmodule
"""
ABOUT = """
sources = ["foreign.v"]
top = "foreign"
"""


def test_the_netlist_is_what_was_simulated(tmp_path: Path) -> None:
    (tmp_path / "foreign.v").write_text(SOURCE)
    (tmp_path / "foreign.toml").write_text(ABOUT)
    metrics = evaluate_point(
        str(tmp_path / "foreign.toml"),
        workload={"length": 60},
        synthesis={"memory_macro_bits": 0},
        physical={"wires": "none", "clock_tree": False, "glitches": False},
        store=tmp_path / "store",
    )
    assert metrics.block.block_flip_flop_count == 66 * 32 + 8 + 8
    assert metrics.block.annotated_frac == 1
