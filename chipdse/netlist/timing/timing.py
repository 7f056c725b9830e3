"""Static timing of a netlist at K operating points as one array operation.

Conventions are OpenSTA's with an ideal clock (no latency, no slew) and, by default, no wires:
graph-based NLDM, worst slew of all arcs into a net edge, setup on maxima and hold on minima.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.library.tables import TableSet, bilinear, locate
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.checks import check_slacks, output_slacks
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.readers import ReaderDelays, reader_delays
from chipdse.netlist.timing.records import MAX, MIN, Timing, Wires

__all__ = [
    "MAX",
    "MIN",
    "Timing",
    "ArcSlopes",
    "Wires",
    "analyse_timing",
    "arc_delays",
    "arc_slopes",
    "arc_wires",
    "net_loads",
    "reader_delays_s",
]

_ARCS_AT_ONCE = 300_000
_SLEW_STEP = 0.02  # of a slew: the distance over which slopes are taken
_SHORTEST_SLEW_S = 1e-12


def net_loads(
    netlist: Netlist,
    library: OperatingLibrary,
    output_load_f: float = 0.0,
    wires: Wires | None = None,
    *,
    include_drivers: bool = False,
) -> tuple[Floats, Floats]:
    """Capacitance of each net edge [K, 2 * nets], from the pins' maxima and minima [F].

    `include_drivers` adds the driving pins' own capacitance, which counts for power.
    """
    capacitance = library.pin_capacitance_f  # [K, library pins, 4]
    which = netlist.pin_is_load | netlist.pin_is_driver if include_drivers else netlist.pin_is_load
    pins = np.flatnonzero(which & (netlist.pin_net >= 0))
    nets = netlist.pin_net[pins]
    library_pin = library_pins(netlist)[pins]
    extra = np.bincount(netlist.output_nets, minlength=netlist.net_count) * output_load_f
    if wires is not None:
        extra = extra + wires.net_capacitance_f
    result = np.empty((2, library.count, netlist.net_count, 2))
    for corner in range(library.count):
        values = capacitance[corner].take(library_pin, axis=0)
        for column in range(4):
            total = np.bincount(nets, values[:, column], minlength=netlist.net_count)
            result[column // 2, corner, :, column % 2] = total + extra
    flat = result.reshape(2, library.count, -1)
    return flat[0], flat[1]


def library_pins(netlist: Netlist) -> Int64s:
    """Each pin's number in the library."""
    first = netlist.library.pin_start[netlist.cell_types].astype(np.int64)
    counts = np.diff(netlist.pin_start)
    return np.repeat(first - netlist.pin_start[:-1], counts) + np.arange(len(netlist.pin_net))


def analyse_timing(
    graph: TimingGraph,
    library: OperatingLibrary,
    clock_period_s: ArrayLike,
    *,
    input_slew_s: float = 0.0,
    output_load_f: float = 0.0,
    wires: Wires | None = None,
) -> Timing:
    """Time a netlist at every operating point of `library`.

    Parameters
    ----------
    clock_period_s : one period [s], or one per operating point
    input_slew_s : slew at the input ports [s]
    output_load_f : load on each output port [F]
    """
    if library.library is not graph.netlist.library:
        raise DesignError("the netlist was read with another library than it is timed with")
    period = np.broadcast_to(np.asarray(clock_period_s, dtype=np.float64), (library.count,))
    if not (np.isfinite(period).all() and (period > 0).all()):
        raise DesignError("the clock period must be positive and finite")
    if not (0 <= input_slew_s < np.inf and 0 <= output_load_f < np.inf):
        raise DesignError("input slew and output load must be finite and not negative")
    loads = np.stack(net_loads(graph.netlist, library, output_load_f, wires))
    # The number of points at once is such that the arrays fit into the processor's cache.
    step = max(1, _ARCS_AT_ONCE // max(1, len(graph.sink)))
    readers = reader_delays(graph.netlist, wires)
    slews, opposites, arrivals = [], [], []
    for begin in range(0, library.count, step):
        part = slice(begin, begin + step)
        run = _Forward(graph, library.part(part), loads[:, part], input_slew_s, readers)
        run.propagate()
        slews.append(run.slew)
        opposites.append(run.opposite_slew)
        arrivals.append(run.arrival)
    slew, arrival = np.concatenate(slews, axis=1), np.concatenate(arrivals, axis=2)
    opposite = None
    if readers.per_slew is not None:
        opposite = np.concatenate([part for part in opposites if part is not None], axis=1)
    slack, constraint, needed = check_slacks(
        graph, library, slew, opposite, arrival, period, readers
    )
    output_slack, output_needed = output_slacks(graph, slew, opposite, arrival, period, readers)
    return Timing(
        graph=graph,
        library=library,
        clock_period_s=period.copy(),
        input_slew_s=input_slew_s,
        output_load_f=output_load_f,
        wires=wires,
        load_f=loads[MAX],
        slew_s=slew,
        opposite_slew_s=opposite,
        arrival_s=arrival,
        check_slack_s=slack,
        constraint_s=constraint,
        output_slack_s=output_slack,
        min_period_s=np.maximum(needed, output_needed),
    )


def arc_delays(timing: Timing) -> Floats:
    """Delay of every arc in the maximum analysis [K, arcs].

    The delay from the driver of the net before the arc is included: `arc_wires`, and the shift
    between delay thresholds of two files.
    """
    loads = np.stack(net_loads(timing.netlist, timing.library, timing.output_load_f, timing.wires))
    readers = reader_delays(timing.netlist, timing.wires)
    run = _Forward(timing.graph, timing.library, loads, timing.input_slew_s, readers)
    run.slew[:] = timing.slew_s
    if run.opposite_slew is not None:
        run.opposite_slew[:] = timing.opposite_slew_s
    run.locate_slews(np.arange(run.slew.shape[-1]))
    delay: Floats = run.delays(slice(0, len(timing.graph.sink)))[0][MAX]
    return delay


@dataclass(frozen=True, kw_only=True, eq=False)
class ArcSlopes:
    """Every arc at its own slew and load, in the maximum and the minimum analysis [2, K, arcs].

    delay_s, slew_s : of its output; wires are included in the delay
    delay_slope, slew_slope : by how much they change with the input's slew
    input_slew_s, load_f : at which it was looked up
    """

    delay_s: Floats
    slew_s: Floats
    delay_slope: Floats
    slew_slope: Floats
    input_slew_s: Floats
    load_f: Floats


def arc_slopes(timing: Timing) -> ArcSlopes:
    """Delay and output slew of every arc, and how they follow the slew of its input."""
    graph, everything = timing.graph, slice(0, len(timing.graph.sink))
    loads = np.stack(net_loads(timing.netlist, timing.library, timing.output_load_f, timing.wires))
    readers = reader_delays(timing.netlist, timing.wires)
    run = _Forward(graph, timing.library, loads, timing.input_slew_s, readers)
    edges = np.arange(run.slew.shape[-1])
    launched = graph.launch >= 0
    slew_s = np.where(launched, 0.0, timing.slew_s.take(graph.source, axis=2))
    step_s = np.where(launched, 1.0, _SLEW_STEP * (slew_s + _SHORTEST_SLEW_S))
    results = []
    for factor in (0.0, _SLEW_STEP):
        run.slew[:] = timing.slew_s + factor * (timing.slew_s + _SHORTEST_SLEW_S)
        if run.opposite_slew is not None and timing.opposite_slew_s is not None:
            opposite = timing.opposite_slew_s
            run.opposite_slew[:] = opposite + factor * (opposite + _SHORTEST_SLEW_S)
        run.locate_slews(edges)
        results.append(run.delays(everything))
    (delay, slew), (later, slower) = results
    return ArcSlopes(
        delay_s=delay,
        slew_s=slew,
        delay_slope=(later - delay) / step_s,
        slew_slope=(slower - slew) / step_s,
        input_slew_s=slew_s,
        load_f=loads.take(graph.sink, axis=2),
    )


def arc_wires(graph: TimingGraph, wires: Wires) -> Floats:
    """Delay of the wire before each arc's pin [arcs], a part of `arc_delays`.

    There is no delay before a register's clock pin, because an ideal clock has no latency.
    """
    delay: Floats = np.where(graph.launch < 0, wires.pin_delay_s[graph.pin >> 1], 0.0)
    return delay


def reader_delays_s(timing: Timing, point: int, which: int = MAX) -> Floats:
    """Delay from the driver of its net to every reader edge in one analysis [reader edges]."""
    readers = reader_delays(timing.netlist, timing.wires)
    opposite = timing.opposite_slew_s
    edges = np.arange(len(readers.net_edge))
    delay = readers.delay_s(
        edges,
        timing.slew_s[which, point][None, :],
        None if opposite is None else opposite[which, point][None, :],
    )
    result: Floats = np.broadcast_to(delay, (1, len(edges)))[0]
    return result


class _Forward:
    """Slews and arrivals, level by level; maxima and minima at once.

    In this class the two analyses and the K points are one axis M = 2K: maxima first.
    """

    def __init__(
        self,
        graph: TimingGraph,
        library: OperatingLibrary,
        loads: Floats,
        input_slew_s: float,
        readers: ReaderDelays,
    ) -> None:
        self.graph = graph
        self.readers = readers
        self.points = library.count
        edges = 2 * graph.netlist.net_count
        pairs = len(graph.delay_tables)
        tables = TableSet.of(library, np.concatenate([graph.delay_tables, graph.slew_tables]))
        points, count, self.height, self.width = tables.values.shape
        self.values = tables.values.reshape(-1)
        size = self.height * self.width
        # One address per (analysis and point, arc): delay tables first, slew tables `pairs` later.
        corner = np.tile(np.arange(points) * (count * size), 2)[:, None]
        self.corner = corner
        self.slew_offset = pairs * size
        self.same_axes = bool(
            (tables.row_axis[:pairs] == tables.row_axis[pairs:]).all()
            and (tables.column_axis[:pairs] == tables.column_axis[pairs:]).all()
        )
        self.row_axes = np.tile(tables.row_axes, (2, 1, 1))
        axes = self.row_axes.shape[1]
        flat_loads = loads.reshape(2 * points, edges)
        self.base: list[Int64s] = []  # [M, arcs]: address of the table's row 0 at the load's column
        self.column_part: list[Floats] = []
        self.row_key: list[Int64s] = []  # [arcs]: (axis, source edge) flattened
        for part in (0,) if self.same_axes else (0, pairs):
            table = graph.kind + part
            j, v, segment = _columns(tables, graph, table, flat_loads)
            self.base.append(corner + (graph.kind * size)[None, :] + j.take(segment, axis=1))
            self.column_part.append(v.take(segment, axis=1))
            self.row_key.append(tables.row_axis[table] * edges + graph.source)
        self.row = np.zeros((2 * points, axes, edges), dtype=np.int64)
        self.row_part = np.zeros((2 * points, axes, edges))
        self.slew = np.zeros((2, points, edges))
        classes = graph.launch_classes
        self.arrival = np.empty((2, classes, points, edges))
        self.arrival[MAX], self.arrival[MIN] = -np.inf, np.inf
        ports = graph.netlist.input_nets.astype(np.int64)
        ports = np.concatenate([2 * ports, 2 * ports + 1])
        clock = graph.clock
        if clock is not None:
            ports = ports[clock.polarity[ports >> 1] == 0]
        self.slew[:, :, ports] = input_slew_s
        self.arrival[:, 0, :, ports] = 0.0
        if clock is not None and graph.clock_outputs.any():
            # Each edge of the clock launches its own path to the output ports it reaches.
            root = int(graph.netlist.port_of[clock.port].nets[0])
            self.arrival[:, 0, :, 2 * root] = 0.0
            self.arrival[:, 1, :, 2 * root + 1] = 0.0
        self.opposite_slew = None if readers.per_slew is None else self.slew.copy()
        self.wire_delay = None
        if readers.wire_s is not None:
            self.wire_delay = np.where(graph.launch < 0, readers.wire_s[graph.pin], 0.0)
        self.locate_slews(np.arange(edges))

    def locate_slews(self, edges: Int64s) -> None:
        """Row of every axis for the slews of these net edges."""
        slew = self.slew.reshape(2 * self.points, -1)[:, edges]
        for axis in range(self.row_axes.shape[1]):
            axes = self.row_axes[:, axis]  # [M, points]
            index = np.zeros(slew.shape, dtype=np.int64)
            last = np.isfinite(axes[0]).sum() - 1
            for point in range(1, int(last)):
                index += slew > axes[:, point, None]
            low = np.take_along_axis(axes, index, axis=1)
            step = np.take_along_axis(axes, index + 1, axis=1) - low
            self.row[:, axis, edges] = index * self.width
            self.row_part[:, axis, edges] = (slew - low) / step

    def propagate(self) -> None:
        graph, slew, arrival = self.graph, self.slew, self.arrival
        starts = graph.level_start
        for level in range(len(starts) - 1):
            span = slice(int(starts[level]), int(starts[level + 1]))
            if span.start == span.stop:
                continue
            sink = graph.sink[span]
            first = np.flatnonzero(np.diff(sink, prepend=-1))
            into = sink[first]
            delays, slews = self.delays(span)
            merged = np.maximum.reduceat(slews[MAX], first, axis=1)
            np.maximum(merged, 0.0, out=merged)
            slew[MAX][:, into] = merged
            merged = np.minimum.reduceat(slews[MIN], first, axis=1)
            np.maximum(merged, 0.0, out=merged)
            slew[MIN][:, into] = merged
            if self.opposite_slew is not None:
                for which, reduce in ((MAX, np.minimum), (MIN, np.maximum)):
                    merged = reduce.reduceat(slews[which], first, axis=1)
                    self.opposite_slew[which][:, into] = np.maximum(merged, 0.0)
            for number in range(graph.launch_classes):
                for which, reduce in ((MAX, np.maximum), (MIN, np.minimum)):
                    if level == 0:
                        never = -np.inf if which == MAX else np.inf
                        start = np.where(graph.launch[span] == number, 0.0, never)[None, :]
                    else:
                        start = arrival[which, number].take(graph.source[span], axis=1)
                    merged = reduce.reduceat(start + delays[which], first, axis=1)
                    arrival[which, number][:, into] = merged
            self.locate_slews(into)

    def delays(self, span: slice) -> tuple[Floats, Floats]:
        """Delay and slew of arcs [2, K, arcs]; arcs of level 0 see the ideal clock's slew 0."""
        results = []
        for part in (0, 1):
            axes = 0 if self.same_axes else part
            key = self.row_key[axes][span]
            address = self.base[axes][:, span] + part * self.slew_offset
            flat = self.row.reshape(2 * self.points, -1)
            parts = self.row_part.reshape(2 * self.points, -1)
            launched = self.graph.launch[span] >= 0
            row, u = flat.take(key, axis=1), parts.take(key, axis=1)
            if launched.any():
                zero_row, zero_part = self._ideal(axes)
                edges = self.slew.shape[-1]
                row = np.where(launched, zero_row.take(key // edges, axis=1), row)
                u = np.where(launched, zero_part.take(key // edges, axis=1), u)
            values = bilinear(
                self.values, address + row, self.width, u, self.column_part[axes][:, span]
            )
            results.append(values.reshape(2, self.points, -1))
        delay, slew = results
        return self._after_net(span, delay), slew

    def _after_net(self, span: slice, delay: Floats) -> Floats:
        """Delays of arcs with the delay from the driver of the net before each arc."""
        if self.opposite_slew is not None:
            pin = self.graph.pin[span]
            pairs = zip(self.slew, self.opposite_slew, strict=True)
            before = np.stack([self.readers.delay_s(pin, *slews) for slews in pairs])
            launched = self.graph.launch[span] >= 0  # an ideal clock has no slew and no wires
            return delay + np.where(launched, 0.0, before)
        return delay if self.wire_delay is None else delay + self.wire_delay[span]

    def _ideal(self, axes: int) -> tuple[Int64s, Floats]:
        """Row and part of a slew of 0 on every row axis [M, axes]."""
        count = self.row_axes.shape[1]
        index, part = locate(self.row_axes, np.arange(count), np.zeros((len(self.row_axes), count)))
        return index * self.width, part


def _columns(
    tables: TableSet, graph: TimingGraph, table: Int64s, loads: Floats
) -> tuple[Int64s, Floats, Int64s]:
    """Column of each arc's load: arcs of one output share the search."""
    axis = tables.column_axis[table]
    change = np.flatnonzero(
        (np.diff(graph.sink, prepend=-1) != 0) | (np.diff(axis, prepend=-1) != 0)
    )
    segment = np.zeros(len(table), dtype=np.int64)
    segment[change[1:]] = 1
    segment = np.cumsum(segment)
    axes = np.tile(tables.column_axes, (2, 1, 1))
    j, v = locate(axes, axis[change], loads[:, graph.sink[change]])
    return j, v, segment
