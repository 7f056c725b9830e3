"""Mapped modules are results of their own: other designs that contain an equal one reuse it."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

from chipdse.cli import main
from chipdse.hardware.elaborate import Rtl, elaborate
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.store.care import entries, prune, verify
from chipdse.store.store import Store

pytestmark = pytest.mark.tools

# Lanes between two constant neighbours; the first lane has an input that is constant.
ARRAY = """
module lane #(parameter K = 3) (input clk, input rst, input [7:0] a, input [3:0] b,
    input [15:0] before, output reg [15:0] sum);
  reg [7:0] held;
  always @(posedge clk) begin
    held <= a + K;
    sum <= rst ? 16'd0 : before + held * b;
  end
endmodule

module top(input clk, input rst, input [7:0] a, input [3:0] b, output [15:0] sum);
  localparam LANES = 4;
  wire [15:0] s [0:LANES];
  assign s[0] = 16'd7, sum = s[LANES];
  genvar i;
  generate for (i = 0; i < LANES; i = i + 1) begin: g
    lane u(.clk(clk), .rst(rst), .a(a ^ i), .b(b), .before(s[i]), .sum(s[i + 1]));
  end endgenerate
endmodule
"""
RENAMED = ARRAY.replace("lane", "column").replace("held", "stored").replace("sum", "total")


def mapped(
    folder: Path, store: Store, source: str = ARRAY, larger: float = 1.0, **options: object
) -> tuple[str, int]:
    """The netlist of a design, and how many modules were mapped for it besides the top module.

    Parameters
    ----------
    larger : factor on the area of the library's first cell
    """
    folder.mkdir()
    (folder / "design.v").write_text(source)
    rtl = Rtl(rtlil=folder / "design.v", verilog=folder / "design.v", top="top", content="")
    liberty = liberty_files_for_synthesis(resolve("sky130"), folder / "library")
    if larger != 1:
        (file,) = liberty
        area = re.search(r"\barea *: *([\d.]+)", file.read_text())
        assert area is not None
        new_area = area[0].replace(area[1], f"{float(area[1]) * larger:g}")
        file.write_text(file.read_text().replace(area[0], new_area, 1))
    chosen = SynthesisOptions(**{"hierarchy": "shared"} | options)  # type: ignore[arg-type]
    before = len(store.built)
    netlist = synthesise(rtl, liberty, chosen, folder / "out", store=store).netlist.read_text()
    new = Counter(store.built[before:])
    assert not new.keys() - {"map-module"}
    return netlist, new["map-module"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store in which the lane of `ARRAY` is mapped, to be copied; and the netlist."""
    folder = tmp_path_factory.mktemp("first")
    netlist, new = mapped(folder / "design", Store(root=folder / "store"))
    assert new == 1
    return folder / "store", netlist


@pytest.fixture
def store(first: tuple[Path, str], tmp_path: Path) -> Store:
    """A copy of that store."""
    return Store(root=shutil.copytree(first[0], tmp_path / "store"))


def of_lanes(count: int, source: str = ARRAY) -> str:
    return source.replace("LANES = 4", f"LANES = {count}")


def test_another_size_maps_what_is_new_and_equals_a_cold_run(store: Store, tmp_path: Path) -> None:
    warm, new = mapped(tmp_path / "seven", store, of_lanes(7))
    assert new == 0
    cold, new = mapped(tmp_path / "cold", Store(root=tmp_path / "other"), of_lanes(7))
    assert new == 1 and warm == cold
    assert warm == mapped(tmp_path / "again", store, of_lanes(7))[0]


def test_more_rows_of_a_mac_array_map_no_element_again(tmp_path: Path) -> None:
    """Three rows have no inner element beside a row like it; the fourth adds one kind of element.

    From there on, every element of a larger array is one that was mapped before.
    """
    store, block = Store(root=tmp_path / "store"), BLOCKS["mac_array"]
    small = block.parameters(columns=3, operand_bits=3, accumulator_bits=10)
    liberty = liberty_files_for_synthesis(resolve("sky130"), tmp_path / "library")
    runs = []
    for rows in (3, 4, 5):
        given = dataclasses.replace(small, rows=rows)
        rtl = elaborate(block, given, store)
        folder = tmp_path / f"{len(runs)}"
        before = len(store.built)
        synthesise(rtl, liberty, SynthesisOptions(hierarchy="shared"), folder, store=store)
        runs.append(store.built[before:].count("map-module"))
    assert runs == [2, 1, 0]


def test_names_of_the_design_are_no_part_of_a_unit(store: Store, tmp_path: Path) -> None:
    netlist, new = mapped(tmp_path / "renamed", store, RENAMED)
    assert new == 0
    # The netlist has the names of its own source.
    assert "stored" in netlist and "held" not in netlist and "~" not in netlist
    assert netlist == mapped(tmp_path / "cold", Store(root=tmp_path / "other"), RENAMED)[0]


@pytest.mark.few_cases(1)
@pytest.mark.parametrize(
    ("source", "options"),
    [
        (ARRAY.replace("K = 3", "K = 5"), {}),
        (ARRAY.replace("rst ? 16'd0", "rst ? 16'd1"), {}),
        (ARRAY.replace(".a(a ^ i)", ".a(8'd9)"), {}),  # a constant beside the unit
        (ARRAY, {"goal": "delay"}),
        (ARRAY, {"seed": 4}),
        (ARRAY, {"target_period_s": 3e-9}),
        (ARRAY, {"clock_gating": 4}),
        (ARRAY, {"effort": "full"}),
        (ARRAY, {"larger": 1.5}),
    ],
    ids=["constant", "reset", "neighbour", "goal", "seed", "period", "gating", "effort", "library"],
)
def test_what_mapping_reads_is_in_the_key(
    store: Store, tmp_path: Path, source: str, options: dict[str, object]
) -> None:
    warm, new = mapped(tmp_path / "second", store, source, **options)  # type: ignore[arg-type]
    assert new >= 1
    other = Store(root=tmp_path / "other")
    assert warm == mapped(tmp_path / "cold", other, source, **options)[0]  # type: ignore[arg-type]


def test_a_damaged_unit_is_mapped_again(
    first: tuple[Path, str], store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, netlist = store.root, first[1]
    (unit,) = [entry for entry in entries(root) if entry.stage == "map-module"]
    text = (unit.path / "mapped_0.il").read_text()
    (unit.path / "mapped_0.il").write_text(text.replace("nand2_1", "nor2_1", 1))
    assert verify(root) == [unit.path]
    assert main(["cache", "verify", "--store", str(root)]) == 1
    assert main(["cache", "info", "--store", str(root)]) == 0
    assert "map-module" in capsys.readouterr().out
    assert mapped(tmp_path / "second", Store(root=root)) == (netlist, 1)
    assert verify(root) == []
    assert prune(root, 0).removed == 1


def test_a_unit_may_have_instances_that_are_called_like_its_own_wires(tmp_path: Path) -> None:
    """The text of a unit calls its wires `~0`, `~1`, ...; these names are legal in Verilog."""
    inner = "module part(input clk, input [7:0] a, output reg [7:0] q);"
    inner += " always @(posedge clk) q <= a * a; endmodule\n"
    source = inner + ARRAY.replace(
        "  reg [7:0] held;", "  reg [7:0] held; wire [7:0] p; part \\~0 (.clk(clk), .a(a), .q(p));"
    ).replace("held * b", "held * b + p")
    store = Store(root=tmp_path / "store")
    netlist, new = mapped(tmp_path / "odd", store, source)
    assert new >= 1 and "g[0].u.~0.ff_" in netlist and "g[3].u.held" in netlist
