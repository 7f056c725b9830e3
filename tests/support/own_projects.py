"""Projects of users, as files: what tests of own blocks write into a folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support import kernels, programs

SUMMER = '''
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

class Summer(wiring.Component):
    """Adds up what comes in.

    Parameters
    ----------
    width : int
        bits of a number
    """

    def __init__(self, width, extra: int = 4, fast: bool = False, shape=None):
        self.width, self.extra = width, extra
        super().__init__({"x": In(width), "y": Out(width + extra)})

    def elaborate(self, platform):
        m = Module()
        total = Signal(self.width + self.extra)
        m.d.sync += total.eq(total + self.x)
        m.d.comb += self.y.eq(total)
        return m


def narrow(extra: int = 2):
    """A summer of four bits."""
    return Summer(4, extra)


class Logic(wiring.Component):
    """Without a clock."""

    x: In(4)
    y: Out(4)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.y.eq(~self.x)
        return m


class Fussy(wiring.Component):
    """Its argument is no number."""

    def __init__(self, signature: dict):
        super().__init__(signature)


answer = 42
'''
COUNTER = """
`include "step.svh"
module counter #(parameter int WIDTH = 8, parameter int STEP = 1) (
  input logic clk_i, input logic rst_n, input logic en, output logic [WIDTH-1:0] count);
  always_ff @(posedge clk_i or negedge rst_n)
    if (!rst_n) count <= '0;
    else if (en) count <= count + WIDTH'(`SCALED(STEP));
endmodule
"""
COUNTER_TOML = """
summary = "counts enabled cycles"
sources = ["rtl/counter.sv"]
include = ["rtl"]
top = "counter"
clock = "clk_i"
reset = "rst_n"
reset_active = "low"
bench = "bench_counter"
rules = ["STEP < WIDTH"]
cycles = "length"

[parameters]
WIDTH = { default = 8, min = 2, max = 64, doc = "bits of the count" }
STEP = { default = 1, choices = [1, 3] }

[workload]
length = { default = 120, min = 1, doc = "clock cycles" }

[work]
unit = "count"
count = "length"
input_bits = "length"
output_bits = "WIDTH * length"
"""
BENCH_COUNTER = """
import json
import os

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge


@cocotb.test()
async def counts(dut):
    p = json.loads(os.environ["HDL_PARAMETERS"])
    length = json.loads(os.environ["HDL_WORKLOAD"])["length"]
    dut.rst_n.value = dut.en.value = 0
    cocotb.start_soon(Clock(dut.clk_i, 2, unit="ns").start(start_high=False))
    for _ in range(3):
        await FallingEdge(dut.clk_i)
    dut.rst_n.value = 1
    expected = 0
    for cycle in range(length):
        enabled = cycle * 7 % 3 != 0
        dut.en.value = int(enabled)
        await FallingEdge(dut.clk_i)
        expected = (expected + enabled * p["STEP"]) % 2 ** p["WIDTH"]
        assert int(dut.count.value) == expected, f"count in cycle {cycle}"
"""
FILES = {
    "pyproject.toml": "",
    "acme/__init__.py": "",
    "acme/blocks.py": SUMMER,
    "counter.toml": COUNTER_TOML,
    "rtl/counter.sv": COUNTER,
    "rtl/step.svh": "`define SCALED(x) (x)\n",
    "bench_counter.py": BENCH_COUNTER,
}


def write_project(folder: Path, **changed: str) -> Path:
    """A project with blocks in Amaranth and SystemVerilog."""
    for name, text in (FILES | changed).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


NOT_REWRITTEN = "ignore::pytest.PytestAssertRewriteWarning"


def run(
    folder: Path, *words: str, cache: Path, module: str = "chipdse.cli"
) -> subprocess.CompletedProcess[str]:
    """A command line as a user types it, in a process of its own, in some folder."""
    environment = os.environ | kernels.COARSE | {"CHIPDSE_CACHE": str(kernels.lend(cache))}
    program: list[object] = [programs.INSTALLED]
    if module == "pytest":  # which would like to load its plugins itself
        program = [programs.INSTALLED.with_name("pytest"), "-W", NOT_REWRITTEN]
    return programs.run(*program, *words, cwd=folder, environment=environment)
