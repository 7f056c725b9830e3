"""Verilog as people have it: packages, interfaces, includes, parameters of every kind, refusals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chipdse.blocks.own import VerilogSource
from chipdse.blocks.verilog_files import included_files, named_paths
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.read_verilog import read_verilog
from chipdse.hardware.recording import write_recorder

CONSTANT = """
module constant #(
    parameter TEXT = "no", parameter real SHARE = 0.5, parameter int LESS = 1, parameter WIDE = 0
) (output [63:0] y);
  assign y = TEXT != "yes" ? 1 : SHARE < 0.7 ? 2 : LESS != -5 ? 3 : WIDE;
endmodule
"""
MODERN = """
package words;
  typedef enum logic [1:0] { NONE, SOME, MANY } amount_e;
  typedef struct packed { logic [3:0] high; logic [3:0] low; } pair_t;
endpackage
interface link (input logic clk);
  words::pair_t data;
  modport sink (input data, clk);
endinterface
module modern #(parameter words::amount_e AMOUNT = words::NONE) (link.sink from, output [7:0] y);
  logic [7:0] held;
  always_ff @(posedge from.clk) held <= from.data;
  assign y = AMOUNT == words::MANY ? held : '0;
endmodule
"""
HELD = """module held(input clk, input [3:0] a, output reg [3:0] q); {}
always @(posedge clk) q <= {}; endmodule
"""


def read(text: str, folder: Path, name: str, given: dict[str, Any], **about: Any) -> str:
    file = folder / about.pop("file", "source.sv")
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    source = VerilogSource(
        **({"sources": (file,), "include": (), "defines": (), "top": name} | about)
    )
    (folder / "stage").mkdir(exist_ok=True)
    return read_verilog(source, given, folder / "stage", "top")


@pytest.mark.tools
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 1),
        ({"TEXT": "yes"}, 2),
        ({"TEXT": "yes", "SHARE": 0.75}, 3),
        ({"TEXT": "yes", "SHARE": 0.75, "LESS": -5, "WIDE": 2**31 + 7}, 2**31 + 7),
    ],
)
@pytest.mark.parametrize("reader", ["auto", "slang"])
def test_parameters_of_every_kind_arrive(
    tmp_path: Path, given: dict[str, Any], expected: int, reader: str
) -> None:
    text = read(CONSTANT, tmp_path, "constant", given, reader=reader)
    assert f"64'{expected:064b}" in text


@pytest.mark.tools
def test_packages_and_interfaces_are_read_and_ports_have_names(tmp_path: Path) -> None:
    text = read(MODERN, tmp_path, "modern", {"AMOUNT": "words::MANY"})
    assert {"from__data", "from__clk", "y"} == set(re.findall(r"put \d+ \\(\S+)", text))
    assert "$dff" in text  # MANY keeps the register; NONE leaves a constant
    assert "$dff" not in read(MODERN, tmp_path, "modern", {"AMOUNT": "words::NONE"})


@pytest.mark.tools
@pytest.mark.parametrize("reader", ["yosys", "slang"])
def test_includes_are_found_in_their_folders_also_with_spaces(tmp_path: Path, reader: str) -> None:
    for name, width in (("plain", 5), ("with space", 9)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name[0]}.vh").write_text(f"`define {name[0].upper()} {width}\n")
    text = '`include "p.vh"\n`include "w.vh"\nmodule m(output [`P+`W-1:0] y); assign y = `V;'
    text += " endmodule"
    found = read(
        text,
        tmp_path,
        "m",
        {},
        include=(tmp_path / "plain", tmp_path / "with space"),
        defines=(("V", "3"),),
        reader=reader,
        file="a folder/source.sv",
    )
    assert "wire width 14 output 1 \\y" in found and f"14'{3:014b}" in found


@pytest.mark.tools
@pytest.mark.parametrize(
    ("text", "given", "about", "message"),
    [
        (HELD.format("", "a"), {"NO": 1}, {}, r"\[parameters\] NO is not a parameter of module"),
        (HELD.format("", "a"), {"NO": 1}, {"reader": "slang"}, "NO is not a parameter of module"),
        (HELD.format("", "a"), {}, {"top": "no"}, "'no' is not a module in source.sv"),
        (HELD.format("", "a"), {}, {"top": "no", "reader": "slang"}, "'no' is not a module in"),
        (HELD.format("wire [3:0] y; odd u(y);", "y"), {}, {}, "source.sv:1: unknown module 'odd'"),
        (HELD.format("", "a +"), {}, {}, r"source.sv:2: .*; Yosys's own reader: source.sv:2: syn"),
        (HELD.format("", "a +"), {}, {"reader": "yosys"}, "syntax error"),
        (
            "(* blackbox *) module odd(output [3:0] y); endmodule\n"
            + HELD.format("wire [3:0] y; odd u(y);", "y"),
            {},
            {},
            "'odd' is a black box; add its Verilog to sources",
        ),
        (
            "module held(input \\a.b , input a__b, output y); assign y = \\a.b ^ a__b; endmodule",
            {},
            {},
            "port 'a.b' would be called 'a__b': taken",
        ),
    ],
)
def test_what_neither_reader_takes_is_told_in_one_line(
    tmp_path: Path, text: str, given: dict[str, Any], about: dict[str, Any], message: str
) -> None:
    with pytest.raises(DesignError, match=message) as error:
        read(text, tmp_path, "held", given, **about)
    assert "\n" not in str(error.value)


@pytest.mark.tools
@pytest.mark.parametrize("reader", ["yosys", "slang"])
@pytest.mark.parametrize("where", ["inside", "at a port"])
def test_a_tristate_is_refused(tmp_path: Path, reader: str, where: str) -> None:
    body, value = ("wire [3:0] z = a[0] ? a : 4'bz;", "z") if where == "inside" else ("", "a")
    text = HELD.format(body, value)
    if where != "inside":
        text = text.replace("output", "output z, output", 1)
        text = text.replace("endmodule", "assign z = a[0] ? a[1] : 1'bz; endmodule")
    with pytest.raises(DesignError, match="tristate.*; drive it always"):
        (tmp_path / "top.il").write_text(read(text, tmp_path, "held", {}, reader=reader))
        rtl = Rtl(rtlil=tmp_path / "top.il", verilog=tmp_path / "top.v", top="top", content="")
        write_recorder(rtl, tmp_path / "recorder")


def test_files_are_found_below_python_packages_and_by_pattern(tmp_path: Path) -> None:
    import chipdse_hdl

    package = Path(chipdse_hdl.__file__).parent
    assert named_paths("chipdse_hdl:block.py", tmp_path) == [package / "block.py"]
    found = named_paths("chipdse_hdl:fft/*.py", tmp_path)
    assert found == sorted(package.glob("fft/*.py")) and len(found) > 1
    assert named_paths("a/b.v", tmp_path) == [tmp_path / "a" / "b.v"]
    with pytest.raises(DesignError, match="'nosuchpackage', which is not installed"):
        named_paths("nosuchpackage:x.v", tmp_path)
    with pytest.raises(DesignError, match="fits nothing"):
        named_paths("*.v", tmp_path)


def test_what_is_included_counts_whatever_its_name(tmp_path: Path) -> None:
    more = tmp_path / "more" / "deep"
    more.mkdir(parents=True)
    (tmp_path / "top.sv").write_text('  `include "deep/a.sv"\n// no `include "b.sv"\n')
    (more / "a.sv").write_text('`include "a.inc"\n`include "deep/a.sv"\n`include "absent.v"\n')
    (more / "a.inc").write_text("")
    (tmp_path / "head.svh").write_text("")
    found = included_files([tmp_path / "top.sv"], [tmp_path / "more"])
    assert found == sorted([more / "a.sv", more / "a.inc", tmp_path / "head.svh"])
