"""Files that Verilog includes or reads are seen, where either reader searches for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stale.reading import Change, rtl_of, write

FUNCTION = "function [7:0] f(input [7:0] p); f = p {operation}; endfunction\n"


VERILOG = """
module t(input clk, input [7:0] a, output reg [7:0] y);
{body}
always @(posedge clk) y <= f(a);
endmodule
"""


MEMORY = """
reg [7:0] rom [0:3];
initial $readmemh({name}, rom);
function [7:0] f(input [7:0] p); f = rom[p[1:0]]; endfunction
"""


INCLUDE = "include = ['first', 'second']\n"


SHADOWED = {"first/none.txt": "", "second/f.vh": FUNCTION.format(operation="+ 1")}


OTHER = FUNCTION.format(operation="* 3")


NESTED = {**SHADOWED, "first/inner/g.vh": '`include "f.vh"\n'}


ODD = 'odd "name" é'


WORDS = "1 2 3 4"


VERILOG_CASES: dict[str, tuple[str, str, dict[str, str], Change]] = {
    "an earlier folder of the search path": (
        INCLUDE,
        '`include "f.vh"',
        SHADOWED,
        write("first/f.vh", OTHER),
    ),
    "the folder of the source": (INCLUDE, '`include "f.vh"', SHADOWED, write("f.vh", OTHER)),
    "the folder of the file that includes": (
        INCLUDE,
        '`include "inner/g.vh"',
        NESTED,
        write("first/inner/f.vh", OTHER),
    ),
    "a folder that no script can name": (
        f"include = ['{ODD}']\n",
        '`include "f.vh"',
        {f"{ODD}/f.vh": FUNCTION.format(operation="+ 1")},
        write(f"{ODD}/f.vh", OTHER),
    ),
    "a memory file of two texts": (
        "defines = { WHERE = '\"data\"' }\n",
        MEMORY.format(name='{`WHERE, "/rom.hex"}'),
        {"data/rom.hex": WORDS},
        write("data/rom.hex", "1 2 3 5"),
    ),
    "a memory file of a constant and a text": (
        "",
        'localparam WHERE = "data/";\n' + MEMORY.format(name='{WHERE, "rom.hex"}'),
        {"data/rom.hex": WORDS},
        write("data/rom.hex", "1 2 3 5"),
    ),
}


@pytest.mark.tools
@pytest.mark.parametrize("reader", ["auto", "slang"])
@pytest.mark.parametrize("what", VERILOG_CASES)
def test_what_verilog_reads_is_seen(tmp_path: Path, what: str, reader: str) -> None:
    description, body, files, change = VERILOG_CASES[what]
    folder, store = tmp_path / "project", tmp_path / "store"
    toml = f'sources = ["t.v"]\ntop = "t"\nclock = "clk"\nreader = "{reader}"\n{description}'
    written = {"pyproject.toml": "", "t.toml": toml, "t.v": VERILOG.format(body=body)}
    for name, content in (written | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    before, _ = rtl_of(folder, store, "t.toml")
    assert rtl_of(folder, store, "t.toml") == (before, [])
    change(folder)
    after, built = rtl_of(folder, store, "t.toml")
    assert built == ["elaborate"] and after != before
    assert rtl_of(folder, tmp_path / "fresh", "t.toml")[0] == after
