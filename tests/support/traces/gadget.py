"""A product of two words in shares, by domain-oriented masking, with and without flaws."""

from __future__ import annotations

from pathlib import Path

GADGET = """
module gadget #(parameter integer FLAW = 0) (
  input clk, input rst,
  input [7:0] x_share_0, input [7:0] x_share_1, input [7:0] y_share_0, input [7:0] y_share_1,
  input [7:0] random,
  output reg [7:0] z_share_0, output reg [7:0] z_share_1, output [7:0] open);
  reg [7:0] a0, a1, b0, b1, in0, in1, cross0, cross1, mixed;
  // FLAW 1: one gate sees both shares of x. FLAW 2: nothing blinds the products across shares.
  wire [7:0] blind = FLAW == 2 ? 8'd0 : random;
  always @(posedge clk) begin
    a0 <= x_share_0; a1 <= x_share_1; b0 <= y_share_0; b1 <= y_share_1;
    in0 <= a0 & b0; in1 <= a1 & b1;
    cross0 <= (a0 & b1) ^ blind; cross1 <= (a1 & b0) ^ blind;
    z_share_0 <= in0 ^ cross0; z_share_1 <= in1 ^ cross1;
    mixed <= FLAW == 1 ? a0 ^ a1 : 8'd0;
  end
  assign open = mixed;
endmodule
"""
TOML = """
summary = "a masked product"
sources = ["gadget.v"]
top = "gadget"
clock = "clk"
reset = "rst"

[parameters]
FLAW = { default = 0, choices = [0, 1, 2] }
"""


def write_gadget(folder: Path) -> Path:
    """Write the block; the path of its description."""
    (folder / "gadget.v").write_text(GADGET)
    description = folder / "gadget.toml"
    description.write_text(TOML)
    return description
