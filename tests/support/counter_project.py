"""A small project: a counter in Verilog, its description and a sweep of its width."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

COUNTER = """
module counter #(parameter WIDTH = 2) (input clk, input en, output reg [WIDTH-1:0] count);
  initial count = 0;
  always @(posedge clk) if (en) count <= count + 1;
endmodule
"""
BLOCK = 'sources = ["counter.v"]\ntop = "counter"\nclock = "clk"\n[parameters]\nWIDTH = 2\n'
SWEEP = """
question = "Which width?"
block = "counter.toml"
[hardware]
WIDTH = {widths}
[workload]
length = 20
[library]
name = "sky130"
[physical]
wires = "none"
glitches = false
[objectives]
energy_per_op_j = "minimize"
block_area_m2 = "minimize"
[search]
sampler = "grid"
harvest = {harvest}
"""


def counter_project(folder: Path, widths: Sequence[int] = (2, 3), *, harvest: bool = False) -> Path:
    """Write the project and return its sweep file."""
    sweep = SWEEP.format(widths=list(widths), harvest=str(harvest).lower())
    for name, text in (("counter.v", COUNTER), ("counter.toml", BLOCK), ("sweep.toml", sweep)):
        (folder / name).write_text(text)
    return folder / "sweep.toml"
