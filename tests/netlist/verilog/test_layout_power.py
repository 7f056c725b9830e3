"""Power of a netlist as a layout tool writes it: fill cells and taps change nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse.cli import main
from tests.support import kernels
from tests.support.netlist_cases import liberty_text


def test_power_of_a_layout_is_that_of_its_library_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    Path("tiny.lib").write_text(liberty_text())
    gates = "INV g (.A(a), .Y(n)); DFF r (.CK(clk), .D(n), .Q(y));"
    Path("plain.v").write_text(f"module top (clk, a, y); input clk, a; output y; {gates} endmodule")
    Path("layout.v").write_text(
        "module top (clk, a, y, u, VDD, VSS); input clk, a; output y; output [2:0] u;"
        f" inout VDD, VSS; assign u = 3'bx; {gates}"
        " FILL f (.VDD(VDD), .VSS(VSS)); TAP t (); endmodule"
    )
    changes = "".join(f"#{5 * i}\n{i % 2}!\n{i // 3 % 2}{chr(34)}\n" for i in range(1, 20))
    for name, more in (("plain", ""), ("layout", "$var wire 3 u u [2:0] $end\n")):
        Path(f"{name}.vcd").write_text(
            "$timescale 1ns $end\n$scope module top $end\n$var wire 1 ! clk $end\n"
            f'$var wire 1 " a $end\n$var wire 1 # y $end\n$var wire 1 $ n $end\n{more}'
            '$upscope $end\n$enddefinitions $end\n#0\n0!\n0"\n0#\n1$\n'
            + ("bx u\n" if more else "")
            + changes
            + "#100\n"
        )
    results = []
    for name in ("plain", "layout"):
        given = ["power", f"{name}.v", "--liberty", "tiny.lib", "--clock", "clk=10ns", "--json"]
        assert main([*given, "--trace", f"{name}.vcd", "--scope", "top"]) == 0
        results.append(json.loads(capsys.readouterr().out))
    plain, layout = results
    assert plain.pop("notes") == [] and len(layout.pop("notes")) == 2
    assert layout == plain and plain["total_w"] > 0
