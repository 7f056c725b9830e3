"""Setup slack of every pin: required times backwards through the graph."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.netlist.timing.timing import MAX, Timing, arc_delays, reader_delays_s


def pin_slacks(timing: Timing) -> Floats:
    """Setup slack of every pin edge [K, 2 * pins]; inf where no path is constrained.

    An input pin has the slack of the paths through that very pin, an output pin the worst of its
    net, a register's clock pin the worst of the paths it launches.
    """
    graph, netlist = timing.graph, timing.netlist
    delays = arc_delays(timing)
    points = len(timing.clock_period_s)
    net_edge = np.repeat(2 * netlist.pin_net.astype(np.int64), 2)
    net_edge[1::2] += 1
    connected = net_edge >= 0
    net_edge[~connected] = 0
    loads = np.repeat(netlist.pin_is_load, 2)
    order, bounds = _deepest_first(timing)
    result = np.full((points, len(net_edge)), np.inf)
    launching = np.flatnonzero(graph.launch >= 0)
    for launch in range(graph.launch_classes):
        for point in range(points):
            reader = reader_delays_s(timing, point)
            wire = np.where(loads, reader[: len(net_edge)], 0.0)
            at_pin, at_net = _required(
                timing, launch, point, delays[point], order, bounds, net_edge, reader
            )
            needed = np.where(loads, at_pin, at_net[net_edge])
            arrival = timing.arrival_s[MAX, launch, point][net_edge] + wire
            started = launching[graph.launch[launching] == launch]
            np.minimum.at(
                needed, graph.pin[started], at_net[graph.sink[started]] - delays[point, started]
            )
            arrival[graph.pin[started]] = 0.0
            usable = np.isfinite(needed) & np.isfinite(arrival) & connected
            slack = np.where(usable, needed - np.where(usable, arrival, 0.0), np.inf)
            result[point] = np.minimum(result[point], slack)
    return result


def _deepest_first(timing: Timing) -> tuple[Int64s, Int64s]:
    """Data arcs ordered by falling level of the net they start at, and where levels begin."""
    graph = timing.graph
    rows = np.flatnonzero(graph.launch < 0)
    level = graph.net_level[graph.source[rows] >> 1].astype(np.int64)
    rows = rows[np.argsort(-level, kind="stable")]
    level = graph.net_level[graph.source[rows] >> 1].astype(np.int64)
    bounds = np.flatnonzero(np.diff(level, prepend=-1, append=-1))
    return rows, bounds


def _required(
    timing: Timing,
    launch: int,
    point: int,
    delays: Floats,
    order: Int64s,
    bounds: Int64s,
    net_edge: Int64s,
    wire: Floats,
) -> tuple[Floats, Floats]:
    """Latest times at every pin edge and net edge, for paths of one launch class."""
    graph, netlist = timing.graph, timing.netlist
    period = float(timing.clock_period_s[point])
    at_pin = np.full(len(net_edge), np.inf)
    at_net = np.full(2 * netlist.net_count, np.inf)
    setup = np.flatnonzero(graph.check_is_setup)
    share = np.where(graph.check_class[setup] == launch, 1.0, 0.5)
    checked = graph.check_pin[setup]
    np.minimum.at(at_pin, checked, share * period - timing.constraint_s[point, setup])
    np.minimum.at(at_net, net_edge[checked], at_pin[checked] - wire[checked])
    ports = 2 * netlist.output_nets.astype(np.int64)
    room = period if launch == 0 else period / 2
    for edge in (0, 1):
        np.minimum.at(at_net, ports + edge, room - wire[len(net_edge) + edge :: 2])
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        part = order[first:last]
        # A delay includes the wire before its pin; the pin itself comes after that wire.
        before = at_net[graph.sink[part]] - delays[part]
        np.minimum.at(at_pin, graph.pin[part], before + wire[graph.pin[part]])
        np.minimum.at(at_net, graph.source[part], before)
    return at_pin, at_net
