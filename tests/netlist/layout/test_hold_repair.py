"""Hold buffers by a check of the netlist: which registers need one, and what the layout states."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from chipdse.design import PhysicalOptions
from chipdse.netlist.layout.hold_repair import hold_buffer_count, launch_hold_slacks_s
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.timing.graph import TimingGraph, build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.layout import layout_cells, layout_effects

HD = "sky130_fd_sc_hd__"
FLOW_S = 0.5e-9


def chain(between: int, *, count: int = 8, falling: bool = False) -> str:
    """Registers in a row with so many pairs of inverters between two of them."""
    lines = [f"wire {', '.join(f'q{i}' for i in range(count))}, nclk;"]
    lines.append(f"{HD}inv_2 c (.A(clk), .Y(nclk));")
    for i in range(count):
        net = "d" if i == 0 else f"q{i - 1}"
        for step in range(2 * between):
            lines.append(f"wire w{i}_{step}; {HD}inv_1 g{i}_{step} (.A({net}), .Y(w{i}_{step}));")
            net = f"w{i}_{step}"
        clock = "nclk" if falling and i % 2 else "clk"
        lines.append(f"{HD}dfxtp_1 f{i} (.CLK({clock}), .D({net}), .Q(q{i}));")
    lines.append(f"assign q = q{count - 1};")
    return "module top(input clk, input d, output q);\n" + "\n".join(lines) + "\nendmodule\n"


ENABLED = f"""module top(input clk, input d, input e, output q);
{HD}edfxtp_1 f (.CLK(clk), .D(d), .DE(e), .Q(q));
endmodule
"""


def graph_of(text: str, folder: Path) -> TimingGraph:
    file = folder / "top.v"
    file.write_text(text)
    return build_timing_graph(read_verilog(file, resolve("sky130").load(), "top"), "clk")


def test_the_slack_is_that_of_the_check_behind_the_register(tmp_path: Path) -> None:
    graph = graph_of(chain(2), tmp_path)
    timing = analyse_timing(graph, graph.netlist.library.at([1.8], [25.0]), 1.0)
    launched = launch_hold_slacks_s(timing)
    names = graph.netlist.cell_names
    hold = ~graph.check_is_setup
    checked = graph.netlist.pin_cell[graph.check_pin[hold] >> 1]
    slacks = timing.check_slack_s[0, hold]
    for i in range(7):
        behind = slacks[checked == names.index(f"f{i + 1}")].min()
        assert launched[names.index(f"f{i}")] == pytest.approx(behind, rel=1e-9)
    # The last one drives a port only, and gates launch nothing.
    assert np.isinf(launched[names.index("f7")]) and np.isinf(launched[names.index("c")])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "buffers"),
    [
        (chain(0), 7),  # a shift register: every register but the last has the next one behind it
        (chain(8), 0),  # logic in between takes longer than the flow's limit
        (chain(0, falling=True), 0),  # the next register captures half a period away
        (ENABLED, 1),  # in the flow a plain register with a multiplexer in front
    ],
)
def test_which_registers_need_a_hold_buffer(text: str, buffers: int, tmp_path: Path) -> None:
    assert hold_buffer_count(graph_of(text, tmp_path), FLOW_S, 1.8, 25.0) == buffers


def test_the_layout_follows_the_check_where_the_limit_is_known(tmp_path: Path) -> None:
    """10.0 µm² per buffer on sky130; without the limit it is a share of the registers."""
    graph = graph_of(chain(0), tmp_path)
    what = layout_effects(PhysicalOptions(), graph.netlist.library)
    nominal = resolve("sky130").nominal
    _, checked = layout_cells(graph.netlist, graph, what, nominal)
    assert checked.hold_count == 7
    assert checked.hold_m2 == pytest.approx(7 * 10.0e-12, rel=0.01)
    unknown = dataclasses.replace(what.calibration, hold_slack_s=0.0)
    _, shared = layout_cells(
        graph.netlist, graph, dataclasses.replace(what, calibration=unknown), nominal
    )
    assert shared.hold_count == round(8 * what.calibration.hold_cells)
    assert shared.hold_m2 / checked.hold_m2 == pytest.approx(8 * 0.5632 / 7, rel=1e-3)
