"""Own RTL whose inputs change at a clock edge, interface ports of a top, combinational loops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipdse.api.point import evaluate_point
from chipdse.design import find_block
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import simulate
from chipdse.netlist.activity.recording import read_recording
from chipdse.store.store import Store

pytestmark = pytest.mark.tools
PLAIN = {"wires": "none", "clock_tree": False, "glitches": False}
SUM = """module top(input clk, input rst, input [3:0] a, output reg [3:0] y);
always @({edge} clk) if (rst) y <= 0; else y <= y + a;
endmodule
"""
BENCH = """import json
import os
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

@cocotb.test()
async def drives(dut):
    rising = json.loads(os.environ["HDL_WORKLOAD"])["rising"]
    edge = RisingEdge(dut.clk) if rising else FallingEdge(dut.clk)
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    dut.rst.value, dut.a.value = 1, 0
    for _ in range(3):
        await edge
    dut.rst.value = 0
    for step in range(100):
        dut.a.value = (7 * step + (step >> 3)) % 16
        await edge
"""
OWN = """bench = "bench_edges"
[workload]
rising = { default = 0, min = 0, max = 1 }
[work]
unit = "sum"
count = "100"
input_bits = "400"
output_bits = "400"
"""


def describe(folder: Path, verilog: str, more: str = "") -> Path:
    (folder / "design.sv").write_text(verilog)
    (folder / "bench_edges.py").write_text(BENCH)
    text = 'sources = ["design.sv"]\ntop = "top"\nclock = "clk"\nreset = "rst"\n'
    (folder / "design.toml").write_text(text + more)
    return folder / "design.toml"


def metrics_of(path: Path, **workload: int) -> dict[str, Any]:
    found = evaluate_point(
        str(path), workload=workload, physical=PLAIN, store=path.parent / "store"
    )
    return found.flat()


def recorded(path: Path, simulator: str, **workload: int) -> dict[str, list[int]]:
    block, store = find_block(str(path)), Store(root=path.parent / "store")
    rtl = elaborate(block, block.parameters(), store)
    run = simulate(
        block, block.parameters(), block.workload(**workload), rtl, store, simulator=simulator
    )
    recording = read_recording(run.layout, run.data)
    return {name: list(map(int, recording.values(name))) for name in recording.signals}


@pytest.mark.few_cases(2)
@pytest.mark.parametrize(
    ("simulator", "edge", "rising"),
    [
        ("icarus", "posedge", 0),
        ("icarus", "posedge", 1),
        ("icarus", "negedge", 0),
        ("icarus", "negedge", 1),
        ("verilator", "posedge", 1),
    ],
)
def test_a_bench_may_drive_at_either_edge(
    tmp_path: Path, lend_verilator: Callable[[Path], None], simulator: str, edge: str, rising: int
) -> None:
    """What a bench writes after an edge is not yet seen by the registers of that edge."""
    if simulator == "verilator":
        lend_verilator(tmp_path / "store")
    path = describe(tmp_path, SUM.format(edge=edge), OWN)
    ports = recorded(path, simulator, rising=rising)
    # Rows before the edge that clocks the registers; of both edges the rising one comes first.
    clocked = {n: v if edge == "posedge" else v[1::2] for n, v in ports.items()}
    total = 0
    driven = [(7 * step + (step >> 3)) % 16 for step in range(100)]
    start = next(row for row, value in enumerate(clocked["rst"]) if value == 0)
    for row, a in enumerate(driven[:90], start):
        assert (clocked["a"][row], clocked["y"][row]) == (a, total)
        total = (total + a) % 16


def test_the_edge_at_which_a_bench_drives_changes_no_power(tmp_path: Path) -> None:
    path = describe(tmp_path, SUM.format(edge="posedge"), OWN)
    falling, rising = (metrics_of(path, rising=at)["block_power_w"] for at in (0, 1))
    # One cycle more or less of a hundred.
    assert rising == pytest.approx(falling, rel=0.01)


def test_random_inputs_of_registers_on_the_falling_edge(tmp_path: Path) -> None:
    """The replay compares every register with the recording at both edges."""
    path = describe(tmp_path, SUM.format(edge="negedge"))
    assert metrics_of(path, length=200)["annotated_frac"] == 1
    ports = recorded(path, "icarus", length=200)
    pairs = zip(ports["clk"], ports["clk"][1:], ports["a"], ports["a"][1:], strict=False)
    # Row by row: an input changes after a falling edge and before the rising one, never between.
    assert all(a == after for clk, later, a, after in pairs if not clk and later)
    assert len(set(ports["a"])) == 16


INTERFACE = """interface link; logic [3:0] data; modport sink(input data); endinterface
module top(input clk, input rst, link.sink a, output logic [3:0] y);
always_ff @(posedge clk) if (rst) y <= 0; else y <= y + a.data;
endmodule
"""


def test_an_interface_port_of_the_top_is_ports(tmp_path: Path) -> None:
    """Yosys's own reader drops it and makes up wires of one bit that nothing drives."""
    found = metrics_of(describe(tmp_path, INTERFACE), length=200)
    same = tmp_path / "plain"
    same.mkdir()
    plain = metrics_of(describe(same, SUM.format(edge="posedge")), length=200)
    assert found["block_area_m2"] == pytest.approx(plain["block_area_m2"], rel=1e-9)
    assert found["block_power_w"] == pytest.approx(plain["block_power_w"], rel=0.03)
    only = tmp_path / "only"
    only.mkdir()
    with pytest.raises(DesignError, match=r"no interface 'a' as a port; set reader = \"slang\""):
        metrics_of(describe(only, INTERFACE, 'reader = "yosys"\n'), length=200)


def test_a_combinational_loop_is_refused_before_it_hangs_a_simulator(tmp_path: Path) -> None:
    latch = SUM.format(edge="posedge").replace(
        "always",
        "wire q, r; assign q = ~(a[0] & r); assign r = ~(a[1] & q); always",
    )
    with pytest.raises(DesignError, match=r"^[qr] depends on itself .* combinational loop") as told:
        metrics_of(describe(tmp_path, latch.replace("y + a", "y + q")), length=50)
    assert "\n" not in str(told.value)


def test_a_carry_from_bit_to_bit_is_no_loop(tmp_path: Path) -> None:
    """One word of carries depends on itself, no bit of it does."""
    ripple = SUM.format(edge="posedge").replace(
        "always",
        "wire [3:0] g; wire [4:0] c; assign c[0] = 1; assign c[4:1] = c[3:0] & a;"
        "assign g = c[4:1]; always",
    )
    path = describe(tmp_path, ripple.replace("y + a", "y + g"))
    assert metrics_of(path, length=50)["annotated_frac"] == 1
