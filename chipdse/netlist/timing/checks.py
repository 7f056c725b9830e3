"""Setup, hold, recovery and removal: slacks at the endpoints of a timed netlist."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.library.tables import TableSet
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.readers import ReaderDelays
from chipdse.netlist.timing.records import MAX, MIN
from chipdse.sorting import distinct


def _times(period: Floats) -> tuple[Floats, Floats]:
    """Time from launch class to capture class [2, 2, K] for setup and for hold."""
    half = period / 2
    setup = np.array([[period, half], [half, period]])
    hold = np.array([[0 * period, -half], [-half, 0 * period]])
    return setup, hold


def check_slacks(
    graph: TimingGraph,
    library: OperatingLibrary,
    slews: Floats,
    opposite_slews: Floats | None,
    arrivals: Floats,
    period: Floats,
    readers: ReaderDelays,
) -> tuple[Floats, Floats, Floats]:
    """Slack and constraint [K, checks], and the period that setup needs [K]."""
    count = len(graph.check_pin)
    if not count:
        none = np.zeros((library.count, 0))
        return none, none, np.zeros(library.count)
    edge = 2 * graph.netlist.pin_net[graph.check_pin >> 1].astype(np.int64) + (graph.check_pin & 1)
    used, table = distinct(graph.check_table)
    tables = TableSet.of(library, used)
    setup = graph.check_is_setup
    slew = np.where(setup, slews[MAX][:, edge], slews[MIN][:, edge])
    constraint = tables.lookup(table, np.zeros(1), slew)
    wire_late, wire_early = readers.late_and_early_s(graph.check_pin, slews, opposite_slews)
    setup_time, hold_time = _times(period)
    slack = np.full((library.count, count), np.inf)
    needed = np.zeros(library.count)
    for launch in range(graph.launch_classes):
        late = arrivals[MAX, launch][:, edge] + wire_late
        early = arrivals[MIN, launch][:, edge] + wire_early
        room = setup_time[launch][graph.check_class].T - constraint - late
        margin = early - hold_time[launch][graph.check_class].T - constraint
        slack = np.minimum(slack, np.where(setup, room, margin))
        share = np.where(graph.check_class == launch, 1.0, 0.5)
        need = np.where(setup, (late + constraint) / share, 0.0)
        needed = np.maximum(needed, need.max(axis=1, initial=0.0))
    return slack, constraint, needed


def output_slacks(
    graph: TimingGraph,
    slews: Floats,
    opposite_slews: Floats | None,
    arrival: Floats,
    period: Floats,
    readers: ReaderDelays,
) -> tuple[Floats, Floats]:
    """Setup and hold slack of the output ports [2, K, bits], and the period they need [K]."""
    nets = graph.netlist.output_nets.astype(np.int64)
    first = 2 * len(graph.netlist.pin_net)
    port_edges = first + np.arange(2 * len(nets))
    rise, fall = slice(0, None, 2), slice(1, None, 2)
    wire_late, wire_early = readers.late_and_early_s(port_edges, slews, opposite_slews)
    setup_time, hold_time = _times(period)
    slack = np.full((2, len(period), len(nets)), np.inf)
    needed = np.zeros(len(period))
    for launch in range(graph.launch_classes):
        latest = arrival[MAX, launch][:, readers.net_edge[port_edges]] + wire_late
        earliest = arrival[MIN, launch][:, readers.net_edge[port_edges]] + wire_early
        late = np.maximum(latest[:, rise], latest[:, fall])
        early = np.minimum(earliest[:, rise], earliest[:, fall])
        slack[0] = np.minimum(slack[0], setup_time[launch][0][:, None] - late)
        slack[1] = np.minimum(slack[1], early - hold_time[launch][0][:, None])
        share = 1.0 if launch == 0 else 0.5
        needed = np.maximum(needed, (late / share).max(axis=1, initial=0.0))
    return slack, needed
