"""The clock trees of a netlist: sinks, buffers and wire by clock net, from the library's cells.

Every net of the clock has a tree of its own, as the flows with TritonCTS [1]_ build them: that of
the clock port, and those that a clock gate, buffer or inverter of the netlist drives. Its sinks are
the pins on that net, and an H-tree halves their region until each leaf drives few enough of them.

.. [1] OpenROAD, src/cts/src/HTreeBuilder.cpp (https://github.com/The-OpenROAD-Project/OpenROAD)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.netlist.layout.clock_buffers import ClockBuffers, clock_buffers
from chipdse.netlist.library.cells import clock_of
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.clock import ClockNetwork
from chipdse.netlist.timing.timing import library_pins
from chipdse.technology.calibration import LayoutCalibration

BRANCHES = 16
"""Buffers that a root drives at most; more are behind a level of half as many."""
CLUSTERED = 200
"""Sinks of a net from which on they are gathered into clusters with a buffer each [1]_."""
_STEINER = 0.76
"""Length of a rectilinear Steiner tree of n random points in an area A over sqrt(A n) [1]_.

.. [1] F. K. Hwang, D. S. Richards, P. Winter, The Steiner Tree Problem, North-Holland, 1992
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class TreeLevel:
    """One level of buffers of a group.

    cell : number of the buffer in the library
    count : how many there are
    wire_f : capacitance of the wire behind one of them
    fanout : buffers of the next level behind one of them; 0 for the last level
    sinks : clock sinks behind one of them; 0 but for the last level
    """

    cell: int
    count: int
    wire_f: float
    fanout: float
    sinks: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ClockTree:
    """Clock sinks by clock net (group) and what reaches them.

    Parameters
    ----------
    net : [groups] the net of each group; the first is the clock port's
    gated : [groups] whether it lies behind a clock gate
    sinks : [groups] pins on the net
    pins : [pins] these pins
    group : [pins] group of each
    levels : [groups] levels of buffers from the root on; none for a single sink
    driven_f : [groups] wire and buffer inputs that the driver of the group's net sees
    area_m2 : of all buffers
    """

    net: Int64s
    gated: Bools
    sinks: Int64s
    pins: Int64s
    group: Int64s
    levels: tuple[tuple[TreeLevel, ...], ...]
    driven_f: Floats
    area_m2: float

    @property
    def buffer_count(self) -> int:
        """All buffers."""
        return sum(level.count for levels in self.levels for level in levels)

    def sink_f(self, library: OperatingLibrary, netlist: Netlist) -> Floats:
        """Capacitance of the clock pins of each group [groups] at the first operating point."""
        pin_f = library.pin_capacitance_f[0].max(axis=1)[library_pins(netlist)[self.pins]]
        return np.bincount(self.group, weights=pin_f, minlength=len(self.net)).astype(np.float64)


def clock_sinks(netlist: Netlist, clock: ClockNetwork) -> Int64s:
    """Pins at which the clock ends or is gated: clock pins of registers, gates and macros."""
    pin_groups = []
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        clock_pin = clock_of(cell)
        if clock_pin is not None and clock_pin[0] in cell.pin_index:
            pin_groups.append(netlist.pin_start[instances] + cell.pin_index[clock_pin[0]])
        elif cell.is_macro:
            for position, pin in enumerate(cell.pins):
                if pin.is_clock and pin.direction == "input":
                    pin_groups.append(netlist.pin_start[instances] + position)
    if not pin_groups:
        return np.zeros(0, dtype=np.int64)
    pins = np.concatenate(pin_groups).astype(np.int64)
    nets = netlist.pin_net[pins]
    return np.sort(pins[(nets >= 0) & (clock.polarity[nets] != 0)])


def tree_wire_m(area_m2: float, points: float) -> float:
    """Length [m] of a Steiner tree of n points spread over an area: 0.76 sqrt(A n)."""
    return _STEINER * math.sqrt(area_m2 * points)


def build_clock_tree(
    netlist: Netlist,
    clock: ClockNetwork,
    calibration: LayoutCalibration,
    area_m2: float,
    wire_f_per_m: float,
) -> ClockTree | None:
    """Buffers and wire behind the driver of every clock net; None if the library has no buffer.

    A net with two sinks or more has the levels of `buffer_counts`. Each buffer is a clock buffer of
    the process' usual size, or the larger one that its load needs. The wire of a level is a Steiner
    tree of what it reaches.

    Parameters
    ----------
    area_m2 : of the cells, over which the sinks are spread
    wire_f_per_m : of clock wire
    """
    buffers = clock_buffers(netlist.library)
    if buffers is None:
        return None
    nets = np.maximum(netlist.pin_net, 0)
    is_sink = netlist.pin_is_load & (netlist.pin_net >= 0) & (clock.polarity[nets] != 0)
    pins = np.flatnonzero(is_sink).astype(np.int64)
    net_of_pin = netlist.pin_net[pins].astype(np.int64)
    root = int(netlist.port_of[clock.port].nets[0])
    behind = np.unique(net_of_pin[net_of_pin != root])
    groups = np.concatenate([[root], behind]).astype(np.int64)
    group = np.where(net_of_pin == root, 0, 1 + np.searchsorted(behind, net_of_pin))
    sinks = np.bincount(group, minlength=len(groups)).astype(np.int64)
    at = netlist.library.at(netlist.library.supply_v[:1], netlist.library.temperature_c[:1])
    pin_f = at.pin_capacitance_f[0].max(axis=1)[library_pins(netlist)[pins]]
    load_f = np.bincount(group, weights=pin_f, minlength=len(groups))
    # A group covers the share of the area that its sinks have of all sinks.
    share_m2 = area_m2 / max(int(sinks.sum()), 1)
    driven_f, levels = np.zeros(len(groups)), []
    for number, count in enumerate(sinks.tolist()):
        sink_f = float(load_f[number]) / max(count, 1)
        reached_m2 = share_m2 * count
        some = group_levels(count, sink_f, reached_m2, buffers, calibration, wire_f_per_m)
        levels.append(some)
        if not some:
            driven_f[number] = wire_f_per_m * tree_wire_m(reached_m2, count)
        else:
            first = buffers.cells.index(some[0].cell)
            driven_f[number] = some[0].count * float(buffers.input_f[first])
            driven_f[number] += wire_f_per_m * tree_wire_m(reached_m2, some[0].count)
    area_of = [cell.area_m2 for cell in netlist.library.cells]
    area = sum(level.count * area_of[level.cell] for some in levels for level in some)
    return ClockTree(
        net=groups,
        gated=clock.gated[groups],
        sinks=sinks,
        pins=pins,
        group=group.astype(np.int64),
        levels=tuple(levels),
        driven_f=driven_f,
        area_m2=float(area),
    )


def buffer_counts(sinks: int, calibration: LayoutCalibration) -> list[int]:
    """Buffers of each level of the tree of one net, from the root's on [1]_.

    The region of the sinks is halved, at least once, until each part has fewer than
    `sinks_per_region` sinks, and each part has a buffer. Of more than `CLUSTERED` sinks, clusters
    of `sinks_per_cluster` have a buffer each, and these are the sinks of the H-tree.
    """
    counts = [sinks]
    if sinks > CLUSTERED:
        counts.insert(0, math.ceil(sinks / calibration.sinks_per_cluster))
    regions = 2
    while math.ceil(counts[0] / regions) >= calibration.sinks_per_region:
        regions *= 2
    counts.insert(0, regions)
    while counts[0] > BRANCHES:
        counts.insert(0, counts[0] // 2)
    return [1, *counts[:-1]]


def group_levels(
    sinks: int,
    sink_f: float,
    area_m2: float,
    buffers: ClockBuffers,
    calibration: LayoutCalibration,
    wire_f_per_m: float,
) -> tuple[TreeLevel, ...]:
    """Levels of buffers of one group, from the root on.

    Parameters
    ----------
    sinks : pins of the group
    sink_f : capacitance of one
    area_m2 : over which they are spread
    wire_f_per_m : capacitance of the wires between them
    """
    if sinks < 2:
        return ()
    counts = buffer_counts(sinks, calibration)
    levels: list[TreeLevel] = []
    below, below_f = float(sinks), sink_f
    for number in reversed(counts):
        # Flows take smaller buffers for clusters and for the leaves of an H-tree of many levels.
        is_leaf = not levels and (sinks > CLUSTERED or number >= BRANCHES)
        usual = calibration.leaf_area if is_leaf else calibration.buffer_area
        wire_f = wire_f_per_m * tree_wire_m(area_m2, below) / number
        position = buffers.driving(wire_f + below / number * below_f, usual)
        levels.insert(
            0,
            TreeLevel(
                cell=buffers.cells[position],
                count=number,
                wire_f=wire_f,
                fanout=below / number if levels else 0.0,
                sinks=0.0 if levels else below / number,
            ),
        )
        below, below_f = float(number), float(buffers.input_f[position])
    return tuple(levels)


def enabled_fraction(tree: ClockTree, toggles: Floats, cycles: float) -> Floats:
    """Part of the cycles in which each group is clocked; behind a gate by its net's transitions."""
    part: Floats = np.where(tree.gated, np.minimum(toggles[tree.net] / (2 * cycles), 1.0), 1.0)
    return part


def gate_loads_f(tree: ClockTree, net_count: int, pin_f: Floats) -> Floats:
    """What layout adds to the load of the cells in the clock [nets] (F).

    A clock gate, buffer or inverter with one sink drives it and its wire; otherwise it drives the
    root of a tree, whose energy includes its loads: then the number may be negative.

    Parameters
    ----------
    pin_f : [nets] capacitance of the pins on each net
    """
    extra = np.zeros(net_count)
    for net, levels, driven_f in zip(tree.net[1:], tree.levels[1:], tree.driven_f[1:], strict=True):
        extra[net] = driven_f - (float(pin_f[net]) if levels else 0.0)
    return extra
