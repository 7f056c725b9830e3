"""A netlist that is only wires."""

from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog


@pytest.mark.slow
def test_wires_alone_have_no_critical_path(tmp_path: Path) -> None:
    (tmp_path / "n.v").write_text("module n(input clk, a, output y); assign y = a; endmodule\n")
    library = resolve("sky130").load()
    netlist = read_verilog(tmp_path / "n.v", library, "n")
    assert netlist.cell_count == 0
    graph = build_timing_graph(netlist, "clk")
    timing = analyse_timing(graph, library.at([1.8], [25.0]), 1e-9)
    assert timing.critical_path_s[0] == pytest.approx(0.0)
    with pytest.raises(DesignError, match="clock 'ck'"):
        build_timing_graph(netlist, "ck")
