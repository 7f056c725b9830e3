"""The estimates of one routed design, from its netlist without what layout added to it."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

from chipdse.design import PhysicalOptions
from chipdse.errors import DesignError
from chipdse.netlist.layout.routed import added_cells, without_cells, without_physical
from chipdse.netlist.layout.wires import Routes, formula_routes, placed_routes
from chipdse.netlist.library.cache import load_corners
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.parasitics.annotate import annotate
from chipdse.netlist.parasitics.spef import read_spef
from chipdse.netlist.power.power import GROUPS, analyse_power
from chipdse.netlist.power.propagate import fill_unannotated, silent_activity
from chipdse.netlist.timing.graph import TimingGraph, build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.layout import Layout, LayoutEffects, layout_cells, layout_effects
from chipdse.stages.layout_power import added_energy_j, wire_energy_j
from chipdse.technology.constants import Sources

LIBERTY = {
    "sky130hd": "sky130hd/*tt_025C_1v80*",
    "gf180mcu": "gf180mcu/*tt_025C_5v00*",
    "ihp-sg13g2": "ihp-sg13g2/*typ_1p20V_25C*",
}
CLOCKS = ("clk", "wb_clk_i", "clock", "user_clock2", "clk_i")
"""Names of the clock port, the first that a design has."""
LEVELS = ("none", "formula", "placed", "placed as dense")
"""Of wires: "placed as dense" is placed at the utilisation of the routed core."""
DEFAULT_UTILISATION = PhysicalOptions().utilisation


@dataclass(frozen=True, kw_only=True, eq=False)
class Technology:
    """A cell library, and what is counted of layout there."""

    library: CellLibrary
    effects: LayoutEffects


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """One netlist at one level of wires.

    Parameters
    ----------
    cells : "routed cells" or "as mapped"
    level : none, formula, placed or placed at the routed utilisation
    data_w, clock_tree_w : power without the clock tree, and of it
    wire_f_of_net : capacitance of each net's wire by the net's name [F]
    """

    cells: str
    level: str
    critical_path_s: float
    data_w: float
    clock_tree_w: float
    clock_buffers: int
    area_m2: float
    wire_f_of_net: dict[str, float]


@functools.cache
def technology_of(name: str, pdk: Path) -> Technology | str:
    """The library of a technology, or why there is none."""
    files = sorted(pdk.glob(LIBERTY[name])) if name in LIBERTY else []
    if not files:
        return f"no Liberty file of {name} is in {pdk}"
    library = load_corners(files[:1], None)
    try:
        return Technology(library=library, effects=layout_effects(PhysicalOptions(), library))
    except DesignError as error:
        return str(error)


@dataclass(frozen=True, kw_only=True)
class RoutedPower:
    """Power of a routed design [W]: without its clock tree, and of it."""

    data_w: float
    clock_tree_w: float


def routed_power(technology: Technology, file: Path, spef: Path, period_s: float) -> RoutedPower:
    """Power with the extracted wires and the same propagated activity as the estimates have."""
    netlist = without_physical(read_verilog(file, technology.library, None))
    port = next(name for name in CLOCKS if name in netlist.port_of)
    graph = build_timing_graph(netlist, port)
    library = netlist.library.at(None, None)
    wires = annotate(read_spef(spef), netlist, library).wires
    timing = analyse_timing(graph, library, period_s, wires=wires)
    power = analyse_power(
        timing,
        silent_activity(netlist, period_s),
        state_probability="independent",
        allow_unannotated=True,
    )
    tree_w = sum(float(watts[0]) for watts in power.by_group()["clock"].values())
    return RoutedPower(data_w=float(power.total_w[0]) - tree_w, clock_tree_w=tree_w)


def estimates_of(
    technology: Technology,
    file: Path,
    period_s: float,
    utilisation: float,
    levels: list[str],
) -> list[Estimate]:
    """Every estimate of one routed netlist; `utilisation` is the routed core's."""
    netlist = without_physical(read_verilog(file, technology.library, None))
    port = next(name for name in CLOCKS if name in netlist.port_of)
    graph = build_timing_graph(netlist, port)
    added = added_cells(netlist, graph.clock)
    netlists = {
        "routed cells": without_cells(netlist, added.clock),
        "as mapped": without_cells(netlist, added.clock | added.repairs),
    }
    estimates = []
    for cells, part in netlists.items():
        part_graph = build_timing_graph(part, port)
        for level in levels:
            if level == "none" or technology.effects.data is not None:
                routes = _routes(part, part_graph, level, utilisation)
                estimates.append(_estimate(part_graph, technology, cells, level, routes, period_s))
    return estimates


def _routes(netlist: Netlist, graph: TimingGraph, level: str, utilisation: float) -> Routes | None:
    """Wires at one of `LEVELS`; None at "none"."""
    if level == "none":
        return None
    make = formula_routes if level == "formula" else placed_routes
    dense = level == "placed as dense"
    chosen = utilisation if dense else DEFAULT_UTILISATION
    return make(netlist, graph.clock, Sources(), utilisation=chosen)


def _estimate(
    graph: TimingGraph,
    technology: Technology,
    cells: str,
    level: str,
    routes: Routes | None,
    period_s: float,
) -> Estimate:
    netlist, effects = graph.netlist, technology.effects
    tree, added = None, None
    if routes is not None:
        # These cells are sized already; a netlist with its repairs has nothing to be added.
        sized = dataclasses.replace(effects.calibration, logic_growth=1.0)
        is_mapped = cells == "as mapped"
        effects = dataclasses.replace(effects, calibration=sized, added_cells=is_mapped)
        tree, added = layout_cells(netlist, graph, effects)
    laid = Layout(effects=effects, graph=graph, routes=routes, tree=tree, added=added)
    library = netlist.library.at(None, None)
    loads = laid.loads(library)
    timing = analyse_timing(graph, library, period_s, wires=None if loads is None else loads.timing)
    switched = timing if loads is None else dataclasses.replace(timing, wires=loads.power)
    activity = fill_unannotated(graph, silent_activity(netlist, period_s))
    power = analyse_power(
        switched, activity, state_probability="independent", allow_unannotated=True
    )
    tree_j = laid.clock_tree_power(library, activity).energy_j
    is_logic = power.group == GROUPS.index("combinational")
    logic_w = float((power.internal_w + power.switching_w)[0, is_logic].sum())
    volts = float(library.supply_v[0])
    logic_j = logic_w * period_s - wire_energy_j(loads, netlist, activity, volts, is_logic)
    return Estimate(
        cells=cells,
        level=level,
        critical_path_s=float(timing.critical_path_s[0]),
        data_w=float(power.total_w[0]) + added_energy_j(added, logic_j) / period_s,
        clock_tree_w=tree_j / period_s,
        clock_buffers=0 if tree is None else tree.buffer_count,
        area_m2=netlist.area_m2 if added is None else added.area_m2,
        wire_f_of_net={}
        if loads is None
        else dict(zip(netlist.net_names, loads.wire_f.tolist(), strict=True)),
    )
