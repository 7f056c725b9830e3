"""A user's project whose hardware and bench read things in every way there is."""

from __future__ import annotations

from pathlib import Path

BLOCK = '''
import functools, importlib, json, os
from pathlib import Path
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from common.fn import invert
from flat import MASKS
import outer

HERE = Path(__file__).parent
dynamic = importlib.import_module("dynamic")
AT_IMPORT = int((HERE / "at_import.txt").read_text())

@functools.cache
def kept(name):
    return json.loads((HERE / name).read_text())["mask"]

def optional():
    try:
        return int((HERE / "optional.txt").read_text())
    except FileNotFoundError:
        return 0

class B(wiring.Component):
    """Bits that each depend on another thing."""

    def __init__(self, width=12):
        super().__init__({"a": In(width), "y": Out(width)})

    def elaborate(self, platform):
        from late import LATE
        m = Module()
        held = Signal.like(self.a)
        mask = AT_IMPORT ^ kept("kept.json") ^ LATE ^ outer.MASK ^ dynamic.MASK ^ MASKS[0]
        mask ^= int(os.environ.get("STALE_MASK", "0")) ^ (1 if "STALE_FLAG" in os.environ else 0)
        mask ^= optional() ^ len(list(HERE.glob("*.mem")))
        m.d.sync += [held.eq(self.a ^ (mask & 4095)), self.y.eq(invert(held))]
        return m
'''
VERILOG = """
`define BODY "other.inc"
module unit #(parameter WIDTH = 4, parameter ROM = "rom.bin")
  (input clk, input rst, input [3:0] a, output reg [3:0] y);
  reg [3:0] table_h [0:3]; reg [3:0] table_b [0:3]; /* held */ `include "body.inc"
  `include `BODY
`include "plain.inc"
  initial $readmemh("rom.hex", table_h);
  initial $readmemb(ROM, table_b);
  always @(posedge clk)
    if (rst) y <= 0;
    else y <= f(a) ^ g(a) ^ h(a) ^ table_h[a[1:0]] ^ table_b[a[3:2]] ^ `EXTRA;
endmodule
"""
DESCRIPTION = """
summary = "reads much"
sources = ["rtl/unit.v"]
include = ["first", "second"]
defines = { EXTRA = "0" }
top = "unit"
clock = "clk"
reset = "rst"
bench = "bench_unit"
cycles = "40"
reads = ["declared.txt"]
environment = ["STALE_DECLARED"]
[workload]
length = { default = 20, min = 1, doc = "cycles" }
[work]
unit = "op"
count = "length"
input_bits = "4 * length"
output_bits = "4 * length"
"""
BENCH = """
import importlib, json, os
from pathlib import Path
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from golden import limit

HERE = Path(__file__).parent

@cocotb.test()
async def runs(dut):
    length = json.loads(os.environ["HDL_WORKLOAD"])["length"]
    first = int((HERE / "stimulus.txt").read_text()) + int(os.environ.get("STALE_BENCH", "0"))
    step = importlib.import_module("stepping").STEP
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    dut.a.value = 0
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    for number in range(length):
        dut.a.value = (first + step * number) % 16
        await FallingEdge(dut.clk)
        assert int(dut.y.value) <= limit(), number
"""
FUNCTION = "function [3:0] {name}(input [3:0] p); {name} = p {operator} 4'd5; endfunction\n"
FILES = {
    "pyproject.toml": "",
    "README.md": "nothing reads this\n",
    "blocks/b.py": BLOCK,
    "blocks/dynamic.py": "MASK = 1\n",
    "blocks/late.py": "LATE = 2\n",
    "blocks/unused.py": "MASK = 4\n",
    "blocks/at_import.txt": "4",
    "blocks/kept.json": '{"mask": 8}',
    "blocks/one.mem": "",
    "src/common/__init__.py": "ANY = 1\n",
    "src/common/fn.py": "def invert(value):\n    return ~value\n",
    "src/common/unused.py": "ANY = 2\n",
    "src/flat.py": "MASKS = [3]\n",
    "elsewhere/outer.py": "MASK = 5\n",
    "hw/unit.toml": DESCRIPTION,
    "hw/rtl/unit.v": VERILOG,
    "hw/rtl/body.inc": FUNCTION.format(name="f", operator="^"),
    "hw/rtl/other.inc": '`include "deep.inc"\n' + FUNCTION.format(name="g", operator="&"),
    "hw/rtl/deep.inc": "// deeper\n",
    "hw/rtl/rom.hex": "1\n2\n4\n8\n",
    "hw/rtl/rom.bin": "0001\n0011\n0111\n1111\n",
    "hw/rtl/unused.vh": "// a header that nothing includes\n",
    "hw/first/none.txt": "",
    "hw/second/plain.inc": FUNCTION.format(name="h", operator="|"),
    "hw/bench_unit.py": BENCH,
    "hw/stepping.py": "STEP = 7\n",
    "hw/stimulus.txt": "3",
    "hw/declared.txt": "1",
    "src/golden.py": "def limit():\n    return 15\n",
}


def write(folder: Path) -> Path:
    """Write the project into a folder."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
