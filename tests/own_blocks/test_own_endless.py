"""Verilog that reading never ends with: refused in one line that names the limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.hardware.reading_limits import MEMORY, TIME, reading_limits

PORTS = "input clk, input [3:0] a, output reg [3:0] y"
REGISTER = "always @(posedge clk) y <= a;"
LOOP = "genvar i; generate for (i = 0; i < 1; i = i) begin : g wire w; end endgenerate"
MACROS = "`define A `B `B\n`define B `A `A\n"


def describe(folder: Path, verilog: str, reader: str) -> str:
    (folder / "top.v").write_text(verilog)
    (folder / "block.toml").write_text(
        f'sources = ["top.v"]\ntop = "top"\nclock = "clk"\nreader = "{reader}"\n'
    )
    return str(folder / "block.toml")


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("verilog", "reader", "says"),
    [
        (f"module top({PORTS}); {LOOP} {REGISTER} endmodule", "yosys", f"set {MEMORY} to more"),
        (f"module top({PORTS}); {LOOP} {REGISTER} endmodule", "auto", "loop generation value 0"),
        (f"module top({PORTS}); {LOOP} {REGISTER} endmodule", "slang", "loop generation value 0"),
        (f"{MACROS}module top({PORTS}); assign y = `A; endmodule", "yosys", f"set {MEMORY}"),
        (f"{MACROS}module top({PORTS}); assign y = `A; endmodule", "slang", "recursive"),
        (
            f"module top #(parameter N = 1)({PORTS}); top #(N + 1) t(clk, a, y); endmodule",
            "yosys",
            "needs more than 3s of processor time: a loop, macro or instance may repeat",
        ),
        (
            f"module top #(parameter N = 1)({PORTS}); top #(N + 1) t(clk, a, y); endmodule",
            "slang",
            "module instantiation exceeded maximum depth",
        ),
    ],
)  # fmt: skip
def test_sources_without_end_are_refused(
    verilog: str,
    reader: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(TIME, "3s" if "3s" in says else "60s")  # memory is full before
    monkeypatch.setenv(MEMORY, "400MB")
    assert main(["blocks", describe(tmp_path, verilog, reader)]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1, said


@pytest.mark.tools
def test_an_ordinary_source_is_read_within_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    verilog = f"module top({PORTS}); {REGISTER} endmodule"
    for reader in ("yosys", "slang"):
        assert main(["blocks", describe(tmp_path, verilog, reader)]) == 0


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        (TIME, "soon", "CHIPDSE_READING_TIME 'soon' is not a number with a unit"),
        (TIME, "0s", "CHIPDSE_READING_TIME = '0s' is no limit; write a positive amount"),
        (MEMORY, "8", "CHIPDSE_READING_MEMORY '8' has no unit"),
        (MEMORY, "1e300GB", "CHIPDSE_READING_MEMORY = '1e300GB' is no limit"),
    ],
)
def test_limits_that_are_none(
    variable: str, text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(DesignError) as error:
        reading_limits()
    assert says in str(error.value)


def test_limits_of_reading_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TIME, raising=False)
    monkeypatch.setenv(MEMORY, "32GB")
    limits = reading_limits()
    assert (limits.time_s, limits.memory_bytes) == (600, 32_000_000_000)
