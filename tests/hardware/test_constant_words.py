"""Words of memories whose bits are constant: what is left has the places of the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.designs.shared_modules import CYCLES, make, shared_of

NARROW = """
module store(input clk, input write, input [1:0] at, input [7:0] x, output [7:0] y);
  reg [7:0] words [0:3];
  integer i;
  initial for (i = 0; i < 4; i = i + 1) words[i] = 0;
  always @(posedge clk) if (write) words[at] <= x;
  assign y = words[at] * x;
endmodule

module top(input clk, input rst, input write, input [1:0] at, input [7:0] a, input [7:0] b,
           output [7:0] p, output [7:0] q, output [7:0] r);
  store one(.clk(clk), .write(write), .at(at), .x({a[7:6], 3'b000, a[2:0]}), .y(p));
  store two(.clk(clk), .write(write), .at(at), .x({b[7:6], 3'b000, b[2:0]}), .y(q));
  store all(.clk(clk), .write(write), .at(at), .x(a ^ b), .y(r));
endmodule
"""


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("hierarchy", ["shared", "flat"])
def test_a_memory_without_its_constant_bits_keeps_the_places_of_the_others(
    tmp_path: Path, hierarchy: str
) -> None:
    """Yosys removes bits 3 to 5 of `one` and `two`; the words' upper bits then move down."""
    design = make(tmp_path, NARROW, hierarchy=hierarchy)
    assert not design.replayed(CYCLES).unmapped
    bits = {(bit.signal, bit.bit) for bit in design.registers.values()}
    assert {bit for name, bit in bits if name == "one.words[2]"} == {0, 1, 2, 6, 7}
    assert {bit for name, bit in bits if name == "all.words[2]"} == set(range(8))


# Queues of which nothing ever enters the first, and only bits 0, 1, 6 and 7 or 0 to 3 the others:
# behind their borders, words and what reads them are constants.
QUEUES = """
module queue(input clk, input rst, input push, input [7:0] x, output [7:0] y);
  reg [7:0] words [0:3];
  reg [1:0] at = 0;
  integer i;
  initial for (i = 0; i < 4; i = i + 1) words[i] = 0;
  always @(posedge clk) begin
    words[at] <= x;
    at <= rst ? 0 : at + push;
  end
  assign y = words[at];
endmodule

module square(input clk, input [7:0] a, input [3:0] b, output reg [11:0] y);
  always @(posedge clk) y <= a * b;
endmodule

module node(input clk, input rst, input push, input [7:0] x, input [7:0] b, output [11:0] y);
  wire [7:0] word;
  queue store(.clk(clk), .rst(rst), .push(push), .x(x), .y(word));
  square times(.clk(clk), .a(word), .b(b[3:0]), .y(y));
endmodule

module top(input clk, input rst, input push, input [7:0] a, input [7:0] b,
           output [11:0] empty, output [11:0] p, output [11:0] q, output [11:0] r,
           output [11:0] s, output [11:0] t);
  node never(.clk(clk), .rst(rst), .push(1'b0), .x(8'd0), .b(b), .y(empty));
  node ends(.clk(clk), .rst(rst), .push(push), .x({a[7:6], 4'd0, a[1:0]}), .b(b), .y(p));
  node rims(.clk(clk), .rst(rst), .push(push), .x({b[7:6], 4'd0, b[1:0]}), .b(a), .y(q));
  node low(.clk(clk), .rst(rst), .push(push), .x({4'd0, a[3:0]}), .b(b), .y(r));
  node all(.clk(clk), .rst(rst), .push(push), .x(a ^ b), .b(b), .y(s));
  node full(.clk(clk), .rst(rst), .push(push), .x(a + b), .b(a), .y(t));
endmodule
"""


@pytest.mark.tools
def test_words_that_never_change_are_constants_in_other_modules(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    found = shared_of(tmp_path / "modules", QUEUES)
    nodes = dict(found.modules["\\top"].instances)
    products = {
        name: found.class_of[dict(found.modules[kind].instances)["\\times"]]
        for name, kind in nodes.items()
    }
    assert products["\\all"] == products["\\full"]
    assert products["\\ends"] == products["\\rims"] != products["\\low"]
    assert products["\\all"] not in (products["\\never"], products["\\ends"], products["\\low"])
    # The places of the bits that are left are those of the source.
    design = make(tmp_path, QUEUES)
    assert not design.replayed(CYCLES).unmapped
    kept: dict[str, set[int]] = {}
    for bit in design.registers.values():
        kept.setdefault(bit.signal, set()).add(bit.bit)
    assert "never.store.words[2]" not in kept
    assert kept["ends.store.words[2]"] == kept["rims.store.words[2]"] == {0, 1, 6, 7}
    assert kept["low.store.words[2]"] == {0, 1, 2, 3}
    assert kept["full.store.words[2]"] == set(range(8))
