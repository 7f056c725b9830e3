"""Blocks without a path that limits their clock: a sentence, and no figure made of infinities."""

from __future__ import annotations

from pathlib import Path

import pytest

import chipdse
from chipdse.errors import InfeasibleError
from tests.support import small_sweep as sweeps

DESCRIPTION = 'sources = ["b.v"]\ntop = "b"\nclock = "clk"\n'
BODIES = {
    # A ROM of zeros: its output register is the constant 0.
    "constant": "input [3:0] a, output reg [3:0] y); reg [3:0] rom [0:15]; integer i;\n"
    "initial for (i = 0; i < 16; i = i + 1) rom[i] = 0;\n"
    "initial y = 0;\nalways @(posedge clk) y <= rom[a];",
    # The register drives nothing, and what is left is a wire.
    "passed on": "input [3:0] a, output [3:0] y); reg [3:0] r; assign y = a;\n"
    "always @(posedge clk) r <= a;",
}
SWEEP = """
question = "Is there a clock?"
block = "b.toml"
[workload]
length = [20, 30]
[library]
name = "sky130"
[objectives]
energy_per_op_j = "minimize"
block_area_m2 = "minimize"
[search]
sampler = "grid"
"""


def project(folder: Path, body: str) -> Path:
    (folder / "b.v").write_text(f"module b(input clk, {body}\nendmodule\n")
    (folder / "b.toml").write_text(DESCRIPTION)
    (folder / "sweep.toml").write_text(SWEEP)
    return folder / "b.toml"


@pytest.mark.tools
@pytest.mark.parametrize("physical", [{}, {"wires": "none", "glitches": False}])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_sentence_says_what_is_missing(
    tmp_path: Path, body: str, physical: dict[str, object], docs_store: Path
) -> None:
    block = project(tmp_path, body)
    with pytest.raises(InfeasibleError, match="no path that limits its clock: its outputs are"):
        chipdse.evaluate_point(str(block), workload={"length": 20}, store=docs_store,
                               physical=physical)  # fmt: skip


@pytest.mark.tools
def test_a_sweep_records_why(tmp_path: Path, docs_store: Path) -> None:
    project(tmp_path, BODIES["constant"])
    sweeps.here(tmp_path / "sweep.toml", tmp_path / "study", store=docs_store)
    points = chipdse.load_study(tmp_path / "study").points()
    assert len(points) == 2
    assert points["failure"].str.startswith("InfeasibleError: the synthesised block has").all()
