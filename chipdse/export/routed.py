"""A routed design of the user's own beside the estimates before layout: its netlist and its wires.

Timing and power of the routed netlist come from the same engine as the estimates, with the wires
of its SPEF file; so the differences are those of layout alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.arrays import Int64s
from chipdse.errors import DesignError
from chipdse.export.results import Compared
from chipdse.netlist.activity.waveform.trace import read_activity
from chipdse.netlist.layout.routed import added_cells, without_cells, without_physical
from chipdse.netlist.layout.wires import formula_routes, placed_routes, wires_of
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.parasitics.annotate import Annotated, annotate
from chipdse.netlist.parasitics.spef import read_spef
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.power.propagate import fill_unannotated, silent_activity
from chipdse.netlist.timing.graph import TimingGraph, build_timing_graph
from chipdse.netlist.timing.timing import Timing, analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.technology.constants import Sources
from chipdse.technology.wires import wire_data


@dataclass(frozen=True, kw_only=True)
class RoutedFiles:
    """The files of a routed design and how they are read.

    clock : port of its clock
    trace, scope : of a simulation of the routed netlist; without, power is not compared
    """

    netlist: Path
    spef: Path
    clock: str
    top: str | None = None
    trace: Path | None = None
    scope: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Routed:
    """A routed design, timed with its wires; fill, taps and diodes are left out."""

    graph: TimingGraph
    library: OperatingLibrary
    timing: Timing
    annotated: Annotated
    metrics: dict[str, float]

    @property
    def notes(self) -> list[str]:
        """What of its files does not fit, as sentences."""
        return [*self.graph.netlist.notes, *self.annotated.notes]


def read_routed(
    files: RoutedFiles,
    library: CellLibrary,
    clock_period_s: float,
    *,
    supply_v: float | None = None,
    temperature_c: float | None = None,
) -> Routed:
    """Measure a routed design, under the names of the metrics of a point.

    Raises
    ------
    DesignError : a file cannot be read, or the wires belong to another netlist
    """
    netlist = without_physical(read_verilog(files.netlist, library, files.top))
    graph = build_timing_graph(netlist, files.clock)
    operating = library.at(supply_v, temperature_c)
    annotated = annotate(read_spef(files.spef), netlist, operating)
    timing = analyse_timing(graph, operating, clock_period_s, wires=annotated.wires)
    added = added_cells(netlist, graph.clock)
    sequential = np.array([cell.sequential is not None for cell in netlist.cells])
    metrics = {
        "critical_path_s": float(timing.critical_path_s[0]),
        "block_area_m2": netlist.area_m2,
        "block_cell_count": float(netlist.cell_count),
        "block_flip_flop_count": float(sequential[netlist.cell_types].sum()),
        "clock_buffer_count": float(added.clock.sum()),
    }
    if not sequential[netlist.cell_types].any():
        del metrics["clock_buffer_count"]
    metrics |= _powers(files, timing, clock_period_s)
    return Routed(
        graph=graph, library=operating, timing=timing, annotated=annotated, metrics=metrics
    )


def _powers(files: RoutedFiles, timing: Timing, clock_period_s: float) -> dict[str, float]:
    """Power of the clock tree, which switches in every cycle; with a trace, of all cells."""
    netlist = timing.netlist
    if files.trace is None:
        activity = fill_unannotated(timing.graph, silent_activity(netlist, clock_period_s))
        power = analyse_power(
            timing, activity, state_probability="independent", allow_unannotated=True
        )
    else:
        activity = read_activity(
            files.trace, files.scope, netlist, clock_period_s=clock_period_s, states=True
        )
        power = analyse_power(
            timing, activity, state_probability="joint" if activity.states else "independent"
        )
    tree = power.by_group()["clock"]
    result = {"block_clock_tree_power_w": sum(float(watts[0]) for watts in tree.values())}
    if files.trace is not None:
        result |= {
            "block_power_w": float(power.total_w[0]),
            "block_leakage_power_w": float(power.leakage_w[0].sum()),
        }
    return result


def compare_routed(ours: Mapping[str, float], routed: Routed) -> list[Compared]:
    """The point's metrics beside those of the routed design, for every metric that both have.

    Dynamic power of the routed design is carried to the point's clock frequency.
    """
    theirs = dict(routed.metrics)
    period_s = float(routed.timing.clock_period_s[0])
    faster = ours.get("clock_frequency_hz", 1 / period_s) * period_s
    leakage_w = theirs.get("block_leakage_power_w", 0.0)
    for name, static_w in (("block_clock_tree_power_w", 0.0), ("block_power_w", leakage_w)):
        if name in theirs:
            theirs[name] = (theirs[name] - static_w) * faster + static_w
    return [_compared(name, ours[name], value) for name, value in theirs.items() if ours.get(name)]


def compare_wires(routed: Routed) -> list[Compared]:
    """Capacitance of all signal wires: estimated on the routed netlist without its clock buffers.

    Raises
    ------
    DesignError : no wire constants are known for the library's process
    """
    netlist, clock = routed.graph.netlist, routed.graph.clock
    sources = Sources()
    data = wire_data((cell.name for cell in netlist.library.cells), sources)
    if data is None:
        raise DesignError(
            f"wire_capacitance_f is left out: no wire constants are known for the process of "
            f"library {netlist.library.name}"
        )
    mapped = without_cells(netlist, added_cells(netlist, clock).clock)
    graph = build_timing_graph(mapped, None if clock is None else clock.port)
    signals = _signals(netlist, routed.graph)
    routed_f = float(routed.annotated.wires.net_capacitance_f[signals].sum())
    result = []
    for level, make in (("formula", formula_routes), ("placed", placed_routes)):
        routes = make(mapped, graph.clock, sources)
        estimated = wires_of(routes, graph, routed.library, data).wire_f[signals]
        result.append(_compared(f"wire_capacitance_f, {level}", float(estimated.sum()), routed_f))
    return result


def _signals(netlist: Netlist, graph: TimingGraph) -> Int64s:
    """Nets that are no clock's; they have the same numbers without the clock buffers."""
    polarity = np.zeros(netlist.net_count) if graph.clock is None else graph.clock.polarity
    signals: Int64s = np.flatnonzero(polarity == 0)
    return signals


def _compared(metric: str, ours: float, theirs: float) -> Compared:
    error = ours / theirs - 1 if theirs else None
    return Compared(metric=metric, ours=ours, theirs=theirs, error_frac=error)
