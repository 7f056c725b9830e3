"""A routed netlist as it was before layout: what is taken out, and what takes its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.netlist.layout.routed import added_cells, without_cells, without_physical
from chipdse.netlist.library.cache import load_corners
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.netlist_cases import CELLS, liberty_text, netlist_of, tiny_library

DIODE = 'cell (DIODE) { area : 1; pin (A) { direction : "input"; capacitance : 0.001; } }'
ROUTED = """
  wire port_a, late, root, leaf, unused, q, out;
  BUF input1 (.A(a), .Y(port_a));
  DIODE ANTENNA_1 (.A(port_a));
  BUF hold7 (.A(port_a), .Y(late));
  BUF clkbuf_0_clk (.A(clk), .Y(root));
  BUF clkbuf_1_clk (.A(root), .Y(leaf));
  INV clkload3 (.A(root), .Y(unused));
  DFF count (.CK(leaf), .D(late), .Q(q));
  NAND2 logic (.A(q), .B(b), .Y(out));
  BUF output2 (.A(out), .Y(y));
"""


def routed() -> Netlist:
    return netlist_of(ROUTED, tiny_library(liberty_text(CELLS + DIODE)))


def test_every_added_cell_is_recognised() -> None:
    netlist = routed()
    added = added_cells(netlist, build_timing_graph(netlist, "clk").clock)
    names = np.array(netlist.cell_names)
    assert set(names[added.physical]) == {"ANTENNA_1"}
    assert set(names[added.clock]) == {"clkbuf_0_clk", "clkbuf_1_clk", "clkload3"}
    assert set(names[added.repairs]) == {"input1", "hold7", "output2"}


def test_what_a_buffer_drove_its_input_drives() -> None:
    netlist = without_physical(routed())
    added = added_cells(netlist, build_timing_graph(netlist, "clk").clock)
    mapped = without_cells(netlist, added.clock | added.repairs)
    assert mapped.cell_names == ["count", "logic"]
    number = mapped.nets_by_name
    pins = {mapped.pin_name(pin): int(mapped.pin_net[pin]) for pin in range(len(mapped.pin_net))}
    assert pins["count/CK"] == number["clk"]
    assert pins["count/D"] == number["a"] == number["late"]
    assert mapped.port_of["y"].nets == (pins["logic/Y"],)
    # The clock still reaches the flip-flop, and the path to the output is timed.
    library = mapped.library.at(None, None)
    timing = analyse_timing(build_timing_graph(mapped, "clk"), library, 1e-8)
    assert timing.critical_path_s[0] > 0.3e-9


@pytest.mark.slow
@pytest.mark.parametrize("tech", ["sky130hd", "gf180mcu"])
def test_the_cells_of_routed_designs_add_up(tech: str, shared: Path) -> None:
    folder = shared / "reference" / "routed" / "designs"
    files = sorted(folder.glob(f"{tech}__*.v.gz"))
    if not files:
        pytest.skip("the reference has no routed netlist of this technology")
    liberty = sorted((shared / "pdk" / tech).glob("*tt_025C*"))[-1]
    library = load_corners([liberty], None)
    for file in files:
        netlist = without_physical(read_verilog(file, library, None))
        port = next(name for name in ("clk", "wb_clk_i") if name in netlist.port_of)
        added = added_cells(netlist, build_timing_graph(netlist, port).clock)
        named = np.array(["clkbuf" in name or "clkload" in name for name in netlist.cell_names])
        assert (added.clock == named).all(), file.name
        mapped = without_cells(netlist, added.clock | added.repairs)
        build_timing_graph(mapped, port)  # every net has its driver, and the clock is whole
        assert mapped.cell_count + int((added.clock | added.repairs).sum()) == netlist.cell_count
