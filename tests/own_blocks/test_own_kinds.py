"""Kinds of RTL that people write: for simulation only, odd names and ranges, divisions, marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipdse.api.point import evaluate_point
from chipdse.design import find_block
from chipdse.errors import DesignError, ToolError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import simulate
from chipdse.hardware.simulated_rtl import told_assertions
from chipdse.netlist.activity.recording import read_recording
from chipdse.store.store import Store

pytestmark = pytest.mark.tools
PLAIN = {"wires": "none", "clock_tree": False, "glitches": False}
HEAD = "module top(input clk, input rst, input [3:0] a, output reg [3:0] y);\n"
ADDS = "always @(posedge clk) if (rst) y <= 0; else y <= y + a;\n"


def describe(folder: Path, verilog: str, **about: str) -> Path:
    """A description of Verilog without a bench."""
    end = about.pop("end", "sv")
    keys = {"top": "top", "clock": "clk", "reset": "rst"} | about
    (folder / f"design.{end}").write_text(verilog)
    text = f'sources = ["design.{end}"]\n' + "".join(f'{k} = "{v}"\n' for k, v in keys.items())
    (folder / "design.toml").write_text(text)
    return folder / "design.toml"


def metrics_of(path: Path, **workload: int) -> dict[str, Any]:
    found = evaluate_point(
        str(path), workload={"length": 200} | workload, physical=PLAIN, store=path.parent / "store"
    )
    return found.flat()


def recorded(path: Path, simulator: str = "icarus", length: int = 100) -> dict[str, list[int]]:
    """Every port of a random run, by name."""
    block, store = find_block(str(path)), Store(root=path.parent / "store")
    parameters, workload = block.parameters(), block.workload(length=length)
    rtl = elaborate(block, parameters, store)
    run = simulate(block, parameters, workload, rtl, store, simulator=simulator)
    recording = read_recording(run.layout, run.data)
    return {name: recording.values(name) for name in recording.signals}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Metrics of a design that is only hardware."""
    folder = tmp_path_factory.mktemp("plain")
    return metrics_of(describe(folder, f"{HEAD}{ADDS}endmodule\n"))


@pytest.mark.few_cases(2)
@pytest.mark.parametrize(
    "extra",
    [
        'initial $display("starts");',
        'always @(posedge clk) if (a == 15) $display("full %0d %m", a);',
        'always @* if (a == 15) $write("full");',
        "always @(posedge clk) begin assert (a < 16); assume (a < 16); cover (a == 3); end",
        'always @(posedge clk) if (!rst) named: assert (y < 16) else $error("y is %d", y);',
        "always @* assert (a + 1 > a);",
        "assert property (@(posedge clk) disable iff (rst) a == 5 |=> $past(a) == 5);",
    ],
    ids=["initial", "display", "write", "immediate", "labelled", "logic", "concurrent"],
)
def test_what_is_only_simulated_is_no_hardware(
    tmp_path: Path, plain: dict[str, float], extra: str
) -> None:
    more = metrics_of(describe(tmp_path, f"{HEAD}{ADDS}{extra}\nendmodule\n"))
    for name in ("block_area_m2", "f_max_hz", "block_power_w", "block_flip_flop_count"):
        assert more[name] == plain[name], name


TALKS = """
from amaranth.hdl import Assert, Assume, Cover, Format, Module, Print, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Talks(wiring.Component):
    def __init__(self, most: int = 15):
        self.most = most
        super().__init__({"a": In(4), "y": Out(4)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.y + self.a)
        m.d.sync += Print(Format("y {:d} {:08b}", self.y, self.a))
        with m.If(self.a == 3):
            m.d.comb += Print("three")
        m.d.sync += Assert(self.y <= self.most, Format("y is {}", self.y))
        m.d.comb += Assert(self.a < 16)
        m.d.sync += [Assume(self.a < 9), Cover(self.a == 2)]
        return m


class Silent(Talks):
    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.y + self.a)
        return m
"""


def test_amaranths_prints_and_assertions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talking.py").write_text(TALKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {}
    for name in ("Talks", "Silent"):
        found[name] = evaluate_point(
            f"talking:{name}", {}, physical=PLAIN, store=tmp_path / "store"
        ).flat()
    for name in ("block_area_m2", "f_max_hz", "block_power_w"):
        assert found["Talks"][name] == found["Silent"][name], name
    with pytest.raises(ToolError, match="an assertion of talking:Talks failed: in top at") as told:
        evaluate_point("talking:Talks", {"most": 5}, physical=PLAIN, store=tmp_path / "store")
    assert "\n" not in str(told.value)


@pytest.mark.few_cases(2)
@pytest.mark.parametrize(
    ("simulator", "extra", "where"),
    [
        ("icarus", "always @(posedge clk) if (!rst) assert (y != 5);", "in top at"),
        ("icarus", "always @* if (!rst) small: assert (y != 5);", "in top at"),
        ("icarus", "inner below(.*);", "in top.below at"),
        ("verilator", "inner below(.*); always @* if (!rst) assert (y != 9);", "in top"),
    ],
)
def test_an_assertion_that_fails_stops_the_run(
    tmp_path: Path,
    lend_verilator: Callable[[Path], None],
    simulator: str,
    extra: str,
    where: str,
) -> None:
    if simulator == "verilator":
        lend_verilator(tmp_path / "store")
    inner = "module inner(input clk, rst, input [3:0] y);\nalways @(posedge clk) "
    inner += "if (!rst) assert (y != 5);\nendmodule\n"
    path = describe(tmp_path, f"{HEAD}{ADDS}{extra}\nendmodule\n{inner}")
    with pytest.raises(ToolError, match="an assertion of .* failed: ") as told:
        recorded(path, simulator)
    assert where in str(told.value) and "\n" not in str(told.value)


def test_assertions_as_yosys_writes_them_are_told() -> None:
    written = (
        "  always @*\n    if (e) begin\n      assert (a);\n    end\n"
        "  always @(posedge clk) begin\n    if (f) begin\n      it: assert (b);\n    end\n  end\n"
    )
    text = told_assertions(written)
    assert "assert (" not in text
    assert text.count("$display") == 2 and "if ((e) && !(a))" in text and "if (!(b))" in text


DIVIDES = """module top(input clk, input rst, input {sign} [4:0] a, input {sign} [2:0] b,
  output reg {sign} [{high}:0] q, output reg {sign} [{high}:0] r);
always @(posedge clk) begin q <= a / b; r <= a % b; end
endmodule
"""


@pytest.mark.few_cases(1)
@pytest.mark.parametrize(("sign", "high"), [("", 2), ("signed", 4), ("signed", 7)])
def test_division_by_zero_is_alike_in_simulation_and_netlist(
    tmp_path: Path, sign: str, high: int
) -> None:
    path = describe(tmp_path, DIVIDES.format(sign=sign, high=high))
    # The replay compares every register with the recording in every cycle.
    assert metrics_of(path, length=600)["annotated_frac"] == 1
    ports, bits = recorded(path, length=600), high + 1
    zeros = 0
    for row, (a, b) in enumerate(zip(ports["a"][:-1], ports["b"], strict=False)):
        if sign:
            a, b = (a ^ 16) - 16, (b ^ 4) - 4
        if b:
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            rest = a - quotient * b
            assert ports["q"][row + 1] == quotient % 2**bits
        else:
            zeros += 1
            rest = a
        assert ports["r"][row + 1] == rest % 2**bits
    assert zeros > 20


RANGES = """module top(input clk, input rst, input [0:0] b, input [3:-4] a, input [0:7] c,
  input [-1:-4] d, input signed [7:4] e, output reg [3:-4] y, output reg [0:0] z,
  output reg [0:7] w, output reg [5:5] o);
reg [2:-3] h; reg [5:9] g;
always @(posedge clk) if (rst) begin y <= 0; z <= 0; w <= 0; h <= 0; g <= 0; o <= 0; end
  else begin y <= y + a + o; z <= z ^ b ^ a[-1]; w <= c + {h[-3], g[9]}; h <= d + h;
    g <= e + g[5:6]; o <= c[0]; end
endmodule
"""


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("reader", ["yosys", "slang"])
def test_ranges_of_every_kind(tmp_path: Path, reader: str) -> None:
    path = describe(tmp_path, RANGES, reader=reader)
    found = metrics_of(path)
    # Of h only bit -3 reaches an output, of g only bits 9, 6 and 5; the others are removed.
    assert found["annotated_frac"] == 1 and found["block_flip_flop_count"] == 8 + 1 + 8 + 1 + 1 + 3
    ports = recorded(path)
    start = next(n for n, held in enumerate(ports["rst"]) if not held)
    for row in range(start, 60):
        assert ports["y"][row + 1] == (ports["y"][row] + ports["a"][row] + ports["o"][row]) % 256
        assert ports["o"][row + 1] == ports["c"][row] >> 7  # bit 0 of [0:7] is the highest
        # Bit -1 of [3:-4] is the fourth from below.
        flips = ports["b"][row] ^ (ports["a"][row] >> 3 & 1)
        assert ports["z"][row + 1] == ports["z"][row] ^ flips


NAMES = r"""module top(input clk, input rst, input [3:0] \reg , input [3:0] \a.b[2] ,
  input [3:0] \class , input [3:0] \int , input [3:0] lambda, input [3:0] _x, input [3:0] __y,
  input [3:0] self, input [3:0] \final , input [3:0] name, input [3:0] value,
  output reg [3:0] \wire , output reg [3:0] \3d , output reg [3:0] a$b, output reg [3:0] _y,
  output reg [3:0] print, output reg [3:0] log);
always @(posedge clk) begin \wire <= \reg ; \3d <= \a.b[2] ^ \class ; a$b <= \int ;
  _y <= lambda ^ _x ^ __y; print <= self ^ \final ; log <= name ^ value; end
endmodule
"""


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_ports_with_any_name(
    tmp_path: Path, lend_verilator: Callable[[Path], None], simulator: str
) -> None:
    text, final, name = NAMES, "final", "name"
    if simulator == "verilator":  # members of its C++ class
        lend_verilator(tmp_path / "store")
        with pytest.raises(DesignError, match="Verilator takes no port named 'final'; rename it"):
            recorded(describe(tmp_path, NAMES, end="v"), simulator, length=40)
        final, name = "last", "title"
        text = NAMES.replace(r"\final ", "last ").replace("] name", "] title")
        text = text.replace("log <= name", "log <= title")
    path = describe(tmp_path, text, end="v")
    assert metrics_of(path)["block_flip_flop_count"] == 24
    ports = recorded(path, simulator, length=40)
    sums = {
        "wire": ("reg",),
        "port_3d": ("a__b__2", "class"),
        "a__b": ("int",),
        "_y": ("lambda", "_x", "__y"),
        "print": ("self", final),
        "log": (name, "value"),
    }
    for output, inputs in sums.items():
        for row in range(5, 40):
            expected = 0
            for name in inputs:
                expected ^= ports[name][row]
            assert ports[output][row + 1] == expected, output


ZERO = """
from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Bank(wiring.Component):
    def __init__(self, banks: int = 1):
        self.banks = banks
        super().__init__({"select": In(range(banks)), "data": In(4), "result": Out(4),
                          "none": Out(0)})

    def elaborate(self, platform):
        m = Module()
        words = Array([Signal(4, name=f"word_{i}") for i in range(self.banks)])
        m.d.sync += [words[self.select].eq(self.data), self.result.eq(words[self.select])]
        m.d.comb += self.none.eq(self.select)
        return m
"""


def test_a_port_of_no_bits_is_nothing_to_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zero_banks.py").write_text(ZERO)
    monkeypatch.syspath_prepend(str(tmp_path))
    for banks in (1, 2):
        found = evaluate_point(
            "zero_banks:Bank", {"banks": banks}, physical=PLAIN, store=tmp_path / "store"
        ).flat()
        assert found["block_flip_flop_count"] == 4 * (banks + 1)


UNSET = """
module part #(parameter width_p = "inv", parameter els_p = "inv")
  (input [els_p-1:0][width_p-1:0] a, output [width_p-1:0] y);
  wire [els_p-1:0] any;
  for (genvar i = 0; i < els_p; i++) begin : each
    assign any[i] = |a[i];
  end
  assign y = a[0] ^ {width_p{^any}};
endmodule
module top #(parameter width_p = 4)
  (input clk, input rst, input [1:0][width_p-1:0] a, output logic [width_p-1:0] y);
  wire [width_p-1:0] n;
  part #(.width_p(width_p), .els_p(2)) p (.a(a), .y(n));
  always_ff @(posedge clk) if (rst) y <= '0; else y <= y + n;
endmodule
"""


def test_only_instances_of_the_top_are_elaborated(tmp_path: Path) -> None:
    path = describe(tmp_path, UNSET)
    rtl = elaborate(find_block(str(path)), find_block(str(path)).parameters(), Store(root=tmp_path))
    assert "wire width 8 input" in rtl.rtlil.read_text()  # by Yosys's own reader, in seconds


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("where", ["module", "instance"])
def test_modules_that_are_kept_apart_are_mapped(tmp_path: Path, where: str) -> None:
    on_module, on_instance = (
        ("(* keep_hierarchy *)", "") if where == "module" else ("", "(* keep_hierarchy, keep *)")
    )
    verilog = (
        f"{on_module} module step(input clk, input d, output reg q);\n"
        "(* keep *) reg t; always @(posedge clk) begin t <= d; q <= t; end\nendmodule\n"
        "module top(input clk, input rst, input [1:0] d, output [1:0] q);\n"
        f"{on_instance} step s(.clk(clk), .d(d[0]), .q(q[0]));\n"
        "step t(.clk(clk), .d(d[1]), .q(q[1])); step open(.clk(clk), .d(d[1]), .q());\nendmodule\n"
    )
    found = metrics_of(describe(tmp_path, verilog))
    assert found["annotated_frac"] == 1 and found["block_flip_flop_count"] in (4, 5, 6)


@pytest.mark.parametrize(
    ("verilog", "message"),
    [
        ("inout [3:0] p", "tristate|inout"),
        ("input e, output reg [3:0] l", "is a latch"),
    ],
)
def test_what_a_clock_does_not_govern_is_refused(
    tmp_path: Path, verilog: str, message: str
) -> None:
    body = "assign p = a[0] ? y : 4'bz;" if "inout" in verilog else "always @* if (e) l = a;"
    text = HEAD.replace("output", f"{verilog}, output", 1) + ADDS + body + "\nendmodule\n"
    with pytest.raises(DesignError, match=message) as told:
        metrics_of(describe(tmp_path, text))
    assert "\n" not in str(told.value)


def test_simulation_alone_is_named_where_no_reader_takes_it(tmp_path: Path) -> None:
    path = describe(
        tmp_path, f"{HEAD}{ADDS}always @(posedge clk) if (y == 9) $finish;\nendmodule\n"
    )
    with pytest.raises(DesignError, match=r"'\$finish'; .* between `ifndef SYNTHESIS") as told:
        metrics_of(path)
    assert "\n" not in str(told.value)
