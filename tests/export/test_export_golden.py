"""The testbench of an exported folder, on designs of a few lines: what passes and what not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.export.check_script import CHECK_SCRIPT
from chipdse.export.golden import golden_files
from chipdse.netlist.activity.recording import RecordedSignal, Recording

pytestmark = pytest.mark.tools

# What is put in comes out after two clock edges; nothing is reset.
ROWS = 12
IN = [(row * 5) % 4 for row in range(ROWS)]
OUT = [0, 0, *IN[:-2]]
PLAIN = "module top(input clk, input [1:0] in, output reg [1:0] out);\n"
DELAY = PLAIN + "reg [1:0] a; always @(posedge clk) begin a <= in; out <= a; end endmodule\n"
HALF = DELAY.replace("out <= a", "out <= {1'bx, a[0]}")
WRONG_EARLY = DELAY.replace("out <= a;", "out <= a; if (a === 2'bx) out <= 2'b1x;")
LATE = DELAY.replace("out <= a;", "out <= a; if (a == 3) out <= 2'bx;")
# As Yosys writes logic that depends on a register alone: nothing changes at time 0.
ONLY_REGISTERS = (
    PLAIN + "reg start = 0, zero = 1, on; reg [1:0] a = 0; initial out = 0;\n"
    "always @* begin if (start) begin end on = zero; end\n"
    "always @(posedge clk) begin zero <= zero; a <= in & {2{on}}; out <= a; end endmodule\n"
)


def recording() -> Recording:
    words = np.array([i | o << 2 for i, o in zip(IN, OUT, strict=True)], np.uint32)[:, None]
    signals = {
        "in": RecordedSignal(name="in", kind="input", width=2, offset=0),
        "out": RecordedSignal(name="out", kind="output", width=2, offset=2),
    }
    return Recording(words=words, signals=signals, clock="clk")


def checked(folder: Path, rtl: str, netlist: str = DELAY) -> subprocess.CompletedProcess[str]:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")
    texts = {f"golden/{name}": text for name, text in golden(recording()).items()}
    texts |= {"rtl.v": rtl, "netlist.v": netlist, "cells.v": "", "check.py": CHECK_SCRIPT}
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    command = [sys.executable, "-I", "-S", "check.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def golden(recorded: Recording) -> dict[str, str]:
    return golden_files(recorded, "top", first_cycle=1, cycles=ROWS - 1)


def test_registers_without_reset_may_be_unknown_until_they_are_written(tmp_path: Path) -> None:
    done = checked(tmp_path, DELAY)
    assert done.returncode == 0, done.stdout
    assert f"rtl: PASS: {ROWS - 2} rows equal, 1 before them unknown" in done.stdout


def test_logic_that_depends_on_registers_alone_is_known(tmp_path: Path) -> None:
    done = checked(tmp_path, ONLY_REGISTERS)
    assert done.returncode == 0, done.stdout
    assert f"rtl: PASS: {ROWS - 1} rows equal\n" in done.stdout


@pytest.mark.parametrize(
    ("netlist", "said"),
    [
        (HALF, "FAIL: the outputs of all rows are unknown"),
        (WRONG_EARLY, f"FAIL: 1 of {ROWS - 1} rows differ"),
        (LATE, f"FAIL: {sum(OUT[row] == 3 for row in range(ROWS))} of {ROWS - 1} rows differ"),
    ],
)
def test_what_is_wrong_or_stays_unknown_fails(tmp_path: Path, netlist: str, said: str) -> None:
    done = checked(tmp_path, DELAY, netlist)
    assert done.returncode == 1
    assert said in done.stdout.partition("netlist:")[2]


def test_unknown_bits_may_stand_before_the_window_only() -> None:
    unknown = np.zeros((ROWS, 1), np.uint32)
    unknown[0] = 15
    assert golden(replace(recording(), unknown=unknown)) == golden(recording())
    unknown[5] = 4
    with pytest.raises(DesignError, match="out is X at edge 5"):
        golden(replace(recording(), unknown=unknown))
