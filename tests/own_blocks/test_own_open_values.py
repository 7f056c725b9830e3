"""Own RTL with values that Verilog leaves open: reads beyond the end, 'z, several drivers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.hardware.registers import short_memories
from chipdse.hardware.simulated_rtl import bounded_reads
from tests.own_blocks.test_own_kinds import describe, metrics_of, recorded

pytestmark = pytest.mark.tools
HEAD = "module top(input clk, input rst, input [3:0] i, input [7:0] d, output reg [7:0] q);\n"
WORDS = [0x11, 0x33, 0xFF, 0x8F, 0x12, 0x63, 0xC3, 0x53, 0xFE, 0xFA]
ROM = f"""{HEAD}reg [7:0] m [0:9];
initial begin {"".join(f"m[{k}] = {word}; " for k, word in enumerate(WORDS))} end
always @(posedge clk) q <= rst ? 0 : m[i] + d;
endmodule
"""
PART = f"""{HEAD}always @(posedge clk) q <= rst ? 0 : {{d[i +: 3], d[i], d[i -: 4]}} + 1;
endmodule
"""
# Words by constant address: Yosys would make one wide port of them, and eight words of the five.
CLEARED = f"""{HEAD}reg [7:0] m [0:4]; integer k;
always @(posedge clk) if (rst) begin q <= 0; for (k = 0; k < 5; k = k + 1) m[k] <= 0; end
  else begin m[i] <= d; q <= m[d[2:0]] + 1; end
endmodule
"""
OFFSET = f"""{HEAD}reg [7:0] \\odd.name [3:9];
always @(posedge clk) begin \\odd.name [i] <= d; q <= rst ? 0 : \\odd.name [i ^ 1]; end
endmodule
"""
WIDE = f"""{HEAD}reg [7:0] m [0:4]; reg [7:0] n [0:7]; reg [7:0] o [0:0];
always @(posedge clk) begin m[i] <= d; n[i ^ 5] <= d; o[i[0]] <= d; end
always @(posedge clk) q <= rst ? 0 : m[d[4:1]] + n[d[7:2]] + o[i[1:0]];
endmodule
"""
PACKED = """module top(input clk, input rst, input [3:0] i, input [7:0] d, output logic [7:0] q);
logic [4:0][7:0] s; logic [7:0] u [3];
always_ff @(posedge clk) if (rst) begin q <= 0; s <= 0; u[0] <= 0; u[1] <= 0; u[2] <= 0; end
  else begin q <= s[i[2:0]] ^ u[i[3:2]]; s[i[2:0]] <= d; u[i[1:0]] <= d; end
endmodule
"""


@pytest.mark.few_cases(3)
@pytest.mark.parametrize("reader", ["yosys", "slang"])
@pytest.mark.parametrize("text", [ROM, PART, CLEARED, OFFSET, WIDE, PACKED])
def test_a_read_beyond_the_end_is_alike_in_simulation_and_netlist(
    tmp_path: Path, text: str, reader: str
) -> None:
    path = describe(tmp_path, text, reader=reader)
    # The replay compares every register with the recording in every cycle.
    assert metrics_of(path, length=300)["annotated_frac"] == 1


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_read_beyond_the_end_gives_0(
    tmp_path: Path, lend_verilator: Callable[[Path], None], simulator: str
) -> None:
    if simulator == "verilator":
        lend_verilator(tmp_path / "store")
    ports = recorded(describe(tmp_path, ROM), simulator, length=200)
    rows = zip(ports["i"], ports["d"], ports["q"][1:], strict=False)
    beyond = 0
    for row, (index, data, seen) in enumerate(rows):
        if ports["rst"][row]:
            continue
        beyond += index >= len(WORDS)
        assert seen == ((WORDS[index] if index < len(WORDS) else 0) + data) % 256
    assert beyond > 20


def test_a_memory_has_no_more_words_than_the_rtl(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    for folder, text in ((small, CLEARED), (large, CLEARED.replace("[0:4]", "[0:7]"))):
        folder.mkdir()
        describe(folder, text)
    areas = [metrics_of(folder / "design.toml")["block_area_m2"] for folder in (small, large)]
    assert areas[0] < 0.75 * areas[1]


def test_memories_that_are_smaller_than_their_addresses() -> None:
    cell = (
        "  memory width 8 size {size} \\m\n  cell $memrd $1\n"
        '    parameter \\MEMID "\\\\m"\n    parameter \\ABITS 3\n'
        "    connect \\ADDR {address}\n  end\n"
    )
    assert short_memories(cell.format(size=5, address="\\i")) == {"m"}
    assert not short_memories(cell.format(size=8, address="\\i"))
    assert not short_memories(cell.format(size=5, address="3'010"))
    text = "  reg [7:0] m [4:0];\n  assign y = m[{ 1'h0, i }];\n  assign z = m[3'h1];\n"
    assert bounded_reads(text, {"m"}) == (
        "  reg [7:0] m [4:0];\n  assign y = (({ 1'h0, i } - 0) & 7) <= 4 ? "
        "m[(({ 1'h0, i } - 0) & 7) + 0] : 8'h0;\n"
        "  assign z = m[3'h1];\n"
    )
    assert bounded_reads(text, {"other"}) == text


@pytest.mark.parametrize("reader", ["yosys", "slang"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("always @(posedge clk) q <= i === 4'b1z01;", "compares with 'z"),
        ("bufif1 g(q[0], d[0], i[0]);", "is (driven by )?a tristate"),
        ("assign q = i[0] ? d : 8'bz;", "is (driven by )?a tristate"),
        ("wire y; assign y = d[0]; assign y = i[1]; assign q = y;", r"\S+ has several drivers"),
    ],
    ids=["compare", "buffer", "tristate", "drivers"],
)
def test_what_no_netlist_does_is_refused_by_what_it_is(
    tmp_path: Path, body: str, message: str, reader: str
) -> None:
    head = HEAD if "<=" in body else HEAD.replace("reg ", "")
    body += "\nreg r; always @(posedge clk) r <= i[0]; \nendmodule\n"
    with pytest.raises(DesignError, match=message) as refused:
        metrics_of(describe(tmp_path, head + body, reader=reader))
    assert "\n" not in str(refused.value)


def test_a_net_that_keeps_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="neither reader takes a tri0 net"):
        metrics_of(describe(tmp_path, f"{HEAD}tri0 t; always @(posedge clk) q <= t;\nendmodule\n"))


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("reader", ["yosys", "slang"])
def test_a_wired_and_is_the_and_of_its_drivers(tmp_path: Path, reader: str) -> None:
    text = """module top(input clk, input rst, input a, input b, output wand y, output reg q);
assign y = a; assign y = b; wor v; assign v = a; assign v = b;
always @(posedge clk) q <= !rst & v;
endmodule
"""
    path = describe(tmp_path, text, reader=reader)
    assert metrics_of(path)["annotated_frac"] == 1
    ports = recorded(path)
    assert ports["y"] == [a & b for a, b in zip(ports["a"], ports["b"], strict=True)]


def test_logic_alone_with_a_clock_port_is_timed_from_input_to_output(tmp_path: Path) -> None:
    text = "module top(input clk, input rst, input [3:0] a, output [3:0] y);\nassign y = a + 3;\n"
    metrics = metrics_of(describe(tmp_path, text + "endmodule\n"))
    assert metrics["block_register_power_w"] == 0
    assert metrics["f_max_hz"] == pytest.approx(1 / metrics["critical_path_s"])
