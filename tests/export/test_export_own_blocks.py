"""The exported folder of a block that someone described in TOML checks itself in Icarus."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chipdse.design import Design, LibraryChoice, find_block
from chipdse.evaluate import evaluate
from chipdse.export.bundle import export_point
from chipdse.stages.layout import PhysicalOptions
from chipdse.store.store import Store

pytestmark = pytest.mark.tools
# The clock is `ck`; ports that are called clk and rst are data, and one begins with an underscore.
SIMULATED = """module top(input ck, input nrst, input rst, input [3:0] _a, input [3:0] b,
  output reg [3:0] _q, output reg clk);
always @(posedge ck or negedge nrst) if (!nrst) begin _q <= 0; clk <= 0; end
  else begin _q <= _a ^ {4{rst}}; clk <= clk ^ b[0]; end
always @(posedge ck) begin $display("a %d", _a); assert (_a < 16); assume (b < 16); end
always @* cover (b == 3);
endmodule
"""
DIVIDES = """module top(input ck, input nrst, input [3:0] a, input [2:0] b, output reg [3:0] q,
  output reg [3:0] r);
always @(posedge ck) if (!nrst) begin q <= 0; r <= 0; end else begin q <= a / b; r <= a % b; end
endmodule
"""
READS = """module top(input ck, input nrst, input [3:0] i, input [7:0] d, output reg [7:0] q);
reg [7:0] m [0:4];
always @(posedge ck) begin m[i] <= d; q <= nrst ? m[d[3:0]] ^ d[i +: 4] : 0; end
endmodule
"""
OPEN = "equal but for bits that Verilog leaves open (x)"


@pytest.mark.few_cases(1)
@pytest.mark.parametrize(
    ("text", "is_open"),
    [(SIMULATED, False), (DIVIDES, True), (READS, True)],
    ids=["simulated", "divides", "reads"],
)
def test_the_exported_folder_of_an_own_block_checks_itself(
    tmp_path: Path, text: str, is_open: bool
) -> None:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")
    (tmp_path / "top.sv").write_text(text)
    about = 'sources = ["top.sv"]\ntop = "top"\nclock = "ck"\nreset = "nrst"\n'
    (tmp_path / "top.toml").write_text(about + 'reset_active = "low"\n')
    block = find_block(str(tmp_path / "top.toml"))
    design = Design(
        block=block,
        parameters=block.parameters(),
        workload=block.workload(length=100),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    )
    store, target = Store(root=tmp_path / "store"), tmp_path / "out"
    metrics = evaluate(design, store)
    export_point(design, metrics.flat(), store, target, system_evidence=metrics.system.evidence)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "check.py"], cwd=target, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASS: ") == 2  # RTL and netlist
    assert (OPEN in done.stdout) == is_open
