"""Modules mapped once for all their copies: which are equal, and that the netlist is the RTL's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.map_module import choose_recipe, timings_of
from chipdse.hardware.shared.shared_modules import without_open_ports
from chipdse.hardware.shared.unit_texts import top_text, unit_text
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import read_synthesised, synthesise
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.tools import run_yosys
from tests.support.designs.shared_modules import CYCLES, make, shared_of
from tests.support.designs.timed import TimedDesign

# Lanes of a filter: five are equal, one of them under other names; one has another constant, one
# another initial value, one an input that is constant, one an output that nobody reads.
LANES = """
module leaf(input clk, input [4:0] a, input [4:0] b, output reg [9:0] product);
  always @(posedge clk) product <= a * b;
endmodule

module lane #(parameter K = 3, parameter START = 0) (input clk, input rst, input load,
    input [4:0] a, input [4:0] b, output reg [9:0] sum, output reg [4:0] passed);
  wire [9:0] product;
  reg [1:0] state;
  reg [3:0] words [0:3];
  reg [4:0] count = START;
  leaf inner(.clk(clk), .a(a), .b(b), .product(product));
  always @(posedge clk) begin
    passed <= a + K;
    if (load) words[a[1:0]] <= b[3:0];
    sum <= rst ? 10'd0 : sum + product + words[b[1:0]] + count;
    count <= count + 5'd3;
    if (rst) state <= 0;
    else case (state)
      2'd0: if (a[0]) state <= 2'd1;
      2'd1: state <= b[0] ? 2'd2 : 2'd3;
      default: state <= 2'd0;
    endcase
    if (state == 2'd3) passed <= b;
  end
endmodule

module track(input clk, input rst, input enable,
    input [4:0] left, input [4:0] top, output reg [9:0] total, output reg [4:0] onward);
  wire [9:0] times;
  reg [1:0] phase;
  reg [3:0] words [0:3];
  reg [4:0] ticks = 0;
  leaf inner(.clk(clk), .a(left), .b(top), .product(times));
  always @(posedge clk) begin
    onward <= left + 3;
    if (enable) words[left[1:0]] <= top[3:0];
    total <= rst ? 10'd0 : total + times + words[top[1:0]] + ticks;
    ticks <= ticks + 5'd3;
    if (rst) phase <= 0;
    else case (phase)
      2'd0: if (left[0]) phase <= 2'd1;
      2'd1: phase <= top[0] ? 2'd2 : 2'd3;
      default: phase <= 2'd0;
    endcase
    if (phase == 2'd3) onward <= top;
  end
endmodule

module top(input clk, input rst, input [1:0] load, input [4:0] a, input [4:0] b,
           output [9:0] sum, output reg [4:0] last);
  wire [9:0] s [0:8];
  wire [4:0] p [0:8];
  genvar i;
  generate for (i = 0; i < 4; i = i + 1) begin: g
    lane u(.clk(clk), .rst(rst), .load(load[0]), .a(a ^ i), .b(b), .sum(s[i]), .passed(p[i]));
  end endgenerate
  track other(.clk(clk), .rst(rst), .enable(load[1]), .left(b), .top(a), .total(s[4]),
              .onward(p[4]));
  lane #(.K(5)) five(.clk(clk), .rst(rst), .load(load[0]), .a(b), .b(a), .sum(s[5]),
                     .passed(p[5]));
  lane #(.START(1)) late(.clk(clk), .rst(rst), .load(load[0]), .a(b), .b(a), .sum(s[6]),
                         .passed(p[6]));
  lane fixed(.clk(clk), .rst(rst), .load(1'b1), .a(b), .b(a), .sum(s[7]), .passed(p[7]));
  lane unread(.clk(clk), .rst(rst), .load(load[0]), .a(b), .b(a), .sum(s[8]), .passed());
  assign sum = s[0] ^ s[1] ^ s[2] ^ s[3] ^ s[4] ^ s[5] ^ s[6] ^ s[7] ^ s[8];
  always @(posedge clk) last <= p[0] ^ p[1] ^ p[2] ^ p[3] ^ p[4] ^ p[5] ^ p[6] ^ p[7];
endmodule
"""


def mapped_text(folder: Path, source: str, hierarchy: str) -> str:
    """The netlist alone."""
    folder.mkdir()
    (folder / "design.v").write_text(source)
    rtl = Rtl(rtlil=folder / "design.v", verilog=folder / "design.v", top="top", content="")
    files = liberty_files_for_synthesis(resolve("sky130"), folder / "library")
    options = SynthesisOptions(hierarchy=hierarchy)  # type: ignore[arg-type]
    return synthesise(rtl, files, options, folder / "synthesise").netlist.read_text()


@pytest.mark.tools
def test_modules_that_differ_in_names_only_are_one_unit(tmp_path: Path) -> None:
    shared = shared_of(tmp_path, LANES)
    lanes = {name: kind for name, kind in shared.modules["\\top"].instances}
    unit = shared.unit_of(lanes["\\g[0].u"])
    assert unit is not None and shared.copies[unit] == 5
    equal = {"\\g[0].u", "\\g[1].u", "\\g[2].u", "\\g[3].u", "\\other"}
    assert {name for name, kind in lanes.items() if shared.unit_of(kind) == unit} == equal


@pytest.mark.tools
def test_a_constant_an_initial_value_or_a_border_that_differs_keeps_modules_apart(
    tmp_path: Path,
) -> None:
    shared = shared_of(tmp_path, LANES)
    lanes = dict(shared.modules["\\top"].instances)
    assert len({shared.class_of[kind] for kind in lanes.values()}) == 5
    for different in ("five", "late", "fixed", "unread"):
        assert shared.class_of[lanes[f"\\{different}"]] != shared.class_of[lanes["\\g[0].u"]]
    # The product in them is equal in all nine, and is mapped once.
    leaves = {kind: n for kind, n in shared.copies.items() if kind.endswith("inner")}
    assert list(leaves.values()) == [9]


@pytest.mark.tools
def test_each_unit_is_a_text_of_its_own_without_names_of_the_design(tmp_path: Path) -> None:
    shared = shared_of(tmp_path, LANES)
    texts = [unit_text(shared, unit) for unit in shared.units]
    assert len(texts) == 2 and len({text.rtlil for text in texts}) == 2  # a lane and the product
    for text in (*texts, top_text(shared)):
        (tmp_path / "text.il").write_text(text.rtlil)
        run_yosys(f"read_rtlil text.il\nhierarchy -check -top {text.name}\ncheck -assert", tmp_path)
    for text in texts:
        names = set(re.findall(r"^  wire .*\\(\S+)$", text.rtlil, re.MULTILINE))
        assert names and all(re.fullmatch(r"~\d+", name) for name in names)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TimedDesign]:
    return {
        hierarchy: make(tmp_path_factory.mktemp(hierarchy), LANES, hierarchy=hierarchy)
        for hierarchy in ("flat", "shared", "auto")
    }


def netlist_of(design: TimedDesign) -> str:
    return next(design.folder.rglob("netlist.v")).read_text()


@pytest.mark.tools
def test_the_netlist_is_as_the_rtl(mapped: dict[str, TimedDesign]) -> None:
    flat, shared = mapped["flat"], mapped["shared"]
    replayed = shared.replayed(CYCLES)
    assert not replayed.unmapped
    assert replayed.checked_bits >= flat.replayed(CYCLES).checked_bits
    # A register has its name of the source, also in a copy whose source calls it otherwise. Only
    # flat synthesis finds that registers of two copies are always equal, here the counters.
    named = [{(b.signal, b.bit) for b in d.registers.values()} for d in (flat, shared)]
    assert named[0] < named[1]
    assert ("other.phase", 1) in named[1] and ("g[2].u.words[3]", 0) in named[1]


@pytest.mark.tools
def test_a_netlist_states_what_was_mapped_once(mapped: dict[str, TimedDesign]) -> None:
    """So the results of a shared netlist have other keys than those of an equal flat one."""
    folder = {}
    for kind, design in mapped.items():
        folder[kind] = next(design.folder.rglob("netlist.v")).parent
    assert read_synthesised(folder["shared"], "top").is_shared
    assert not read_synthesised(folder["flat"], "top").is_shared
    assert netlist_of(mapped["shared"]).startswith("/* mapped once for all copies: ")
    assert "mapped once" not in netlist_of(mapped["flat"])


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    "options",
    [{"clock_gating": 4}, {"effort": "full", "seed": 3}],
    ids=["gated", "full"],
)
def test_other_options_keep_the_netlist_as_the_rtl(
    tmp_path: Path, options: dict[str, object]
) -> None:
    design = make(tmp_path, LANES, **options)
    assert not design.replayed(CYCLES).unmapped
    if "clock_gating" in options:
        cells = design.timing.netlist.cell_names
        assert any(name.startswith("g[1].u.gate_") for name in cells)


@pytest.mark.tools
def test_names_of_cells_are_unique_and_show_the_instance(mapped: dict[str, TimedDesign]) -> None:
    netlist = mapped["shared"].timing.netlist
    assert len(set(netlist.cell_names)) == netlist.cell_count
    for instance in ("g[0].u", "g[3].u", "other", "five.inner"):
        assert any(name.startswith(f"{instance}.ff_") for name in netlist.cell_names)
        assert any(name.startswith(f"{instance}.") for name in netlist.net_names)


@pytest.mark.tools
def test_a_unit_of_another_constant_fails_the_self_check(
    tmp_path: Path, mapped: dict[str, TimedDesign]
) -> None:
    wrong = make(tmp_path, LANES.replace("passed <= a + K", "passed <= a + 2"))
    recording = mapped["shared"].recording
    with pytest.raises(DesignError, match="not what the RTL does"):
        replay(wrong.timing.netlist, recording, wrong.registers, first_cycle=10)


@pytest.mark.tools
def test_auto_is_shared_where_half_of_the_gates_repeat(
    tmp_path: Path, mapped: dict[str, TimedDesign]
) -> None:
    assert netlist_of(mapped["auto"]) == netlist_of(mapped["shared"])
    assert netlist_of(mapped["auto"]) != netlist_of(mapped["flat"])
    # Two products of six are equal here.
    few = re.sub(r"lane u\(|lane fixed\(", lambda m: m[0].replace("lane", "lane #(.K(1))"), LANES)
    few = few.replace("i < 4", "i < 1").replace("leaf inner(", "leaf #(.K(K)) inner(", 1)
    few = few.replace("module leaf(", "module leaf #(parameter K = 0) (").replace(
        "a * b;", "a*b+K;"
    )
    (tmp_path / "count").mkdir()
    assert 0 < shared_of(tmp_path / "count", few).saved_frac < 0.5
    flat, auto = (mapped_text(tmp_path / kind, few, kind) for kind in ("flat", "auto"))
    assert auto == flat


@pytest.mark.tools
def test_a_design_without_copies_is_mapped_as_flat(tmp_path: Path) -> None:
    source = (
        "module top(input clk, input rst, input [7:0] a, input [7:0] b, output reg [15:0] q);"
        "always @(posedge clk) q <= rst ? 0 : a * b + q; endmodule"
    )
    flat, shared = (mapped_text(tmp_path / kind, source, kind) for kind in ("flat", "shared"))
    assert flat == shared


def test_the_best_recipe_counts_the_logic_of_all_units(tmp_path: Path) -> None:
    # Area and delay of two modules under each recipe of full effort, before sizing and after:
    # 30 x 5, 28 x 5, 26 x 6 are the products of sums and longest delays.
    areas = [((9, 4), (21, 5)), ((20, 5), (8, 4)), ((6, 6), (20, 4))]
    logs = ["", ""]
    for modules in areas:
        for number, (area, delay) in enumerate(modules):
            logs[number] += (
                "\n9. Executing ABC pass (technology mapping using ABC).\n"
                f"ABC: Area = {area + 50:8.2f} ( 95 %)   Delay = {delay + 9:8.2f} ps  ( 5 %)\n"
                f"ABC: Area = {area:8.2f} ( 95 %)   Delay = {delay:8.2f} ps  ( 5 %)\n"
            )
    timings = [timings_of(log, 3) for log in logs]
    assert choose_recipe(timings, SynthesisOptions(effort="full")) == 1
    assert choose_recipe([[None, None, None], timings[1]], SynthesisOptions(effort="full")) == 1


def test_another_word_is_refused() -> None:
    with pytest.raises(DesignError) as refused:
        SynthesisOptions(hierarchy="deep")  # type: ignore[arg-type]
    message = "hierarchy='deep' is unknown; use one of flat, shared, auto"
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_an_operand_without_bits() -> None:
    """Only ports of instances may be left open: cells of Yosys have all of theirs."""
    rtlil = (
        "module \\top\n"
        "  cell \\part \\one\n    connect \\a { }\n    connect \\b \\x\n  end\n"
        "  cell $lt $1\n    connect \\A \\x\n    connect \\B { }\n  end\nend\n"
    )
    assert without_open_ports(rtlil) == rtlil.replace("    connect \\a { }\n", "")
