"""Nothing that a description says is run by a tool; odd names that are legal work."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from chipdse.api.point import evaluate_point
from chipdse.blocks.verilog import read_verilog_block
from chipdse.design import find_block
from chipdse.errors import ChipdseError, DesignError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.mapping_library import MappingLibrary
from chipdse.hardware.read_verilog import port_name
from chipdse.hardware.synthesise import check_names
from chipdse.store.store import Store
from chipdse.tools import is_identifier, script_path

VERILOG = """module top #(parameter W = 4, parameter T = "no")
  (input clk, input rst, input [W-1:0] a, output reg [W-1:0] y);
  always @(posedge clk) if (rst) y <= 0; else y <= y + a;
endmodule
"""
HOSTILE = [
    "{old}\n!touch {canary}\n",
    "{old}\nexec -- touch {canary}\n",
    "{old}; !touch {canary}",
    "{old} ; exec -- touch {canary}",
    '{old}" ; exec -- touch {canary} ; "',
    "{old}\r\n!touch {canary}",
    "$(touch {canary})",
    "`touch {canary}`",
    "{old}\x00",
    "'; touch {canary}; '",
    "[exec touch {canary}]",
]
FIELDS = {
    "top": "top",
    "clock": "clk",
    "reset": "rst",
    "bench": "",
    "reader": "auto",
    "reset_active": "high",
    "summary": "",
    "sources": "top.v",
    "include": ".",
    "define name": "NAME",
    "define value": "1",
    "parameter name": "W",
    "parameter value": "yes",
    "rules": "W > 1",
    "cycles": "length",
}


def described(folder: Path, field: str, text: str, reader: str) -> Path:
    """A description with a text in one field."""
    about = {"sources": ["top.v"], "top": "top", "clock": "clk", "reset": "rst", "reader": reader}
    tables = {"defines": {}, "parameters": {"W": 4, "T": "no"}}
    match field:
        case "define name":
            tables["defines"] = {text: 1}
        case "define value":
            tables["defines"] = {"NAME": text}
        case "parameter name":
            tables["parameters"] = {text: 1}
        case "parameter value":
            tables["parameters"]["T"] = text
        case "sources" | "include" | "rules":
            about[field] = [text]
        case _:
            about[field] = text
    lines = [f"{key} = {json.dumps(value)}" for key, value in about.items()]
    for table, entries in tables.items():
        lines += [f"[{table}]", *(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in entries.items())]
    path = folder / "block.toml"
    path.write_text("\n".join(lines))
    (folder / "top.v").write_text(VERILOG)
    return path


@pytest.mark.few_cases(17)  # every field, and each reader with half of them
@pytest.mark.tools
@pytest.mark.parametrize("reader", ["yosys", "slang"])
@pytest.mark.parametrize("field", FIELDS)
def test_nothing_in_a_description_is_run(tmp_path: Path, field: str, reader: str) -> None:
    canary = tmp_path / "canary"
    for number, pattern in enumerate(HOSTILE):
        text = pattern.replace("{old}", FIELDS[field]).replace("{canary}", str(canary))
        path = described(tmp_path, field, text, reader)
        if field in ("sources", "include"):  # such a file may be there
            try:
                named = tmp_path / text
                named.parent.mkdir(parents=True, exist_ok=True)
                named.write_text(VERILOG) if field == "sources" else named.mkdir()
            except (OSError, ValueError):
                pass
        try:
            block = read_verilog_block(path)
            elaborate(block, block.parameters(), Store(root=tmp_path / "store"))
        except ChipdseError as error:
            assert "\n" not in str(error) and "\r" not in str(error), (number, field)
        assert not canary.exists(), (number, field)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("top", "a b", "top = 'a b' is no name of a module"),
        ("top", "", "top = '' is no name of a module"),
        ("clock", "c k", "clock = 'c k' is no name of a port"),
        ("define name", "A-B", "'A-B', which is no name of a macro"),
        ("define value", "a\nb", "write a number or text"),
        ("parameter name", "A-B", "has 'A-B'; write a name of letters"),
        ("parameter name", "", "has ''; write a name of letters"),
        ("parameter name", "1st", "has '1st'; write a name of letters"),
        ("parameter name", "lambda", "has 'lambda', a word of Python"),
        ("parameter name", "__init__", "has '__init__'; write a name"),
        ("parameter name", "größe", "has 'größe'; write a name of letters"),
        ("bench", "bench.py; x", "is no name of a Python module"),
        ("sources", "a\nb.v", "control character"),
    ],
)
def test_names_are_checked_in_one_line(tmp_path: Path, field: str, text: str, message: str) -> None:
    if field == "sources":
        (tmp_path / text).write_text(VERILOG)
    with pytest.raises(DesignError, match=message) as told:
        read_verilog_block(described(tmp_path, field, text, "auto"))
    assert "\n" not in str(told.value)


ODD = 'it\'s an "odd" ; !place #1 $HOME {x} [y] ünïcode % & *'
NAMED = r"""`include "more.vh"
module {top}#(parameter T = "no")
  (input \clk.i , input rst, input [3:0] a, output reg [3:0] y);
  always @(posedge \clk.i ) if (rst) y <= 0; else y <= y + a + (T == `TEXT ? `ONE : 3);
endmodule
"""


@pytest.mark.tools
@pytest.mark.parametrize("reader", ["yosys", "slang"])
def test_odd_names_and_places_work(tmp_path: Path, reader: str) -> None:
    folder = tmp_path / ODD
    (folder / "in clude").mkdir(parents=True)
    (folder / "in clude" / "more.vh").write_text('`include "beside.vh"\n')
    (folder / "beside.vh").write_text('`define TEXT "no $HOME; \\"x\\""\n')
    top = "my.top[1]" if reader == "yosys" else "my$top"  # slang takes no escaped name
    written = f"\\{top} " if reader == "yosys" else top
    (folder / "its 'top'.v").write_text(NAMED.replace("{top}", written))
    path = folder / "my block.toml"
    path.write_text(
        f'sources = ["its \'top\'.v"]\ninclude = ["in clude", "."]\ntop = "{top}"\n'
        f'clock = "clk.i"\nreset = "rst"\nreader = "{reader}"\ndefines = {{ ONE = "(1+0)" }}\n'
        "[parameters]\nT = 'no $HOME; \"x\"'\n"
    )
    plain = {"wires": "none", "clock_tree": False, "glitches": False}
    found = evaluate_point(
        str(path), workload={"length": 60}, physical=plain, store=folder / "my store"
    ).flat()
    assert found["block_flip_flop_count"] == 4 and found["annotated_frac"] == 1
    rtl = elaborate(
        find_block(str(path)), find_block(str(path)).parameters(), Store(root=folder / "my store")
    )
    assert rtl.clock == "clk__i"
    # The text arrived whole: what is added is 1, not 3.
    assert re.search(r"connect .B (\d'0*)?1\n", rtl.rtlil.read_text())
    assert not re.search(r"connect .B (3|\d'0*11)\n", rtl.rtlil.read_text())
    assert not [link for link in (folder / "my store").rglob("*") if link.is_symlink()]


def test_a_folder_with_a_control_character_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "a\nb"
    folder.mkdir()
    (folder / "own.v").write_text("module own(input a, output y); assign y = a; endmodule\n")
    (folder / "own.toml").write_text('sources = ["own.v"]\ntop = "own"\n')
    with pytest.raises(DesignError, match=r"a\\nb/own\.v', whose folder has a control") as refused:
        find_block("own.toml", folder)
    assert "\n" not in str(refused.value)


def test_paths_in_scripts(tmp_path: Path) -> None:
    assert script_path(Path("/a b/c;d.v"), tmp_path) == '"/a b/c;d.v"'
    for odd in ('/a"b.v', "/a$b.v", "/a*b.v", "/é.v", "/a\\b.v", "/.../b.v"):
        link = script_path(Path(odd), tmp_path).strip('"')
        assert link.endswith(".v") and link.isascii()
        assert (tmp_path / link).readlink() == Path(odd)
    with pytest.raises(DesignError, match="control character"):
        script_path(Path("/a\nb.v"), tmp_path)


def test_names_of_ports_and_identifiers() -> None:
    assert [port_name(name) for name in ("a", "_a", "a.b", "a$b", "3d", "a[1].b", "")] == [
        *("a", "_a", "a__b", "a__b", "port_3d", "a__1__b", "")
    ]
    assert is_identifier("a$1") and is_identifier("_a")
    for name in ("", "1a", "a-b", "a b", "a;b", "ä", "a\n"):
        assert not is_identifier(name), name


@pytest.mark.parametrize("name", ["INV; !touch canary", "INV\nexec -- touch canary", 'I"V', "I V"])
def test_a_librarys_names_are_checked_before_they_are_written(name: str) -> None:
    library = MappingLibrary(
        liberty=Path("x.lib"),
        area={},
        tie_high=None,
        tie_low=None,
        driving_cell=name,
        input_capacitance_f=1e-15,
        flip_flops=(),
        latches=(),
        clock_gate=None,
    )
    with pytest.raises(DesignError, match="write names of letters") as told:
        check_names(library)
    assert "\n" not in str(told.value)
    check_names(dataclasses.replace(library, driving_cell="INV_X1"))
