"""Five families: map a small design, time it and take its power, over voltage where given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.library.cache import load_corners
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.paths import critical_path
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog

RTL = """
module top(input clk, rst, en, input [3:0] a, b, output reg [9:0] sum, output reg odd);
  always @(posedge clk) begin
    if (rst) sum <= 0; else if (en) sum <= sum + a * b;
    odd <= ^sum;
  end
endmodule
"""
FAMILIES = {
    "sky130hd": "*.lib.gz",
    "ihp-sg13g2": "*typ*",
    "gf180mcu": "*.lib.gz",
    "asap7": "*[!AO]_SLVT_*",  # without the two largest files: simple gates will do
    "gt2n": "*_lvt_*",
}
# Clock periods [s] of five registers and a multiplier, from slow 180 nm to 2 nm, within bounds.
RANGE = {
    "sky130hd": (1e-9, 8e-9),
    "ihp-sg13g2": (0.5e-9, 5e-9),
    "gf180mcu": (1e-9, 80e-9),
    "asap7": (0.05e-9, 1e-9),
    "gt2n": (0.02e-9, 0.5e-9),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("families")
    return lambda name: folder / name


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_design(
    family: str, shared: Path, cache: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(cache("cache")))
    files = sorted((shared / "pdk" / family).glob(FAMILIES[family]))
    folder = cache(family)
    folder.mkdir()
    (folder / "rtl.v").write_text(RTL)
    rtl = Rtl(rtlil=folder / "rtl.v", verilog=folder / "rtl.v", top="top", content="")
    one_corner = files if family == "asap7" else files[:1]
    netlist_file = synthesise(rtl, one_corner, SynthesisOptions(), folder).netlist
    library = load_corners(files)
    netlist = read_verilog(netlist_file, library, "top")
    graph = build_timing_graph(netlist, "clk")
    low, high = float(library.supply_v.min()), float(library.supply_v.max())
    volts = np.linspace(low, high, 5 if high > low else 1)
    timing = analyse_timing(graph, library.at(volts, 25), 100e-9)
    path = timing.critical_path_s
    assert (np.diff(path) < 0).all()  # faster with every step of voltage
    fastest, slowest = RANGE[family]
    assert ((fastest < path) & (path < slowest)).all()
    assert np.isfinite(timing.worst_hold_slack_s).all()
    assert len(critical_path(timing)[1]) > 10
    nothing = np.zeros(netlist.net_count)
    activity = Activity(
        toggles=nothing,
        high_fraction=nothing,
        annotated=np.zeros(netlist.net_count, dtype=bool),
        cycles=1,
        duration_s=1,
        origin="propagated",
    )
    with pytest.raises(DesignError, match="of the nets have activity"):
        analyse_power(timing, activity)
    power = analyse_power(timing, activity, allow_unannotated=True)
    assert (np.diff(power.total_w) > 0).all()  # more power at every step of voltage
    for watts in (power.internal_w, power.switching_w, power.leakage_w):
        assert (watts.sum(axis=1) > 0).all()
    # Dynamic energy is charge times voltage: between linear and cubic in the supply.
    energy = power.switching_energy_j
    assert energy[-1] / energy[0] == pytest.approx((volts[-1] / volts[0]) ** 2, rel=0.3)
