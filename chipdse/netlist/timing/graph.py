"""The timing graph of a netlist: arcs between net edges, levelised, ready for any corner.

A net edge is numbered ``2 * net + edge`` with edge 0 for rise and 1 for fall; pins likewise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Int8s, Int32s, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell, ClockGate, Latch
from chipdse.netlist.library.logic import Expression
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.arcs import CellArc, cell_arcs
from chipdse.netlist.timing.clock import ClockNetwork, list_names, trace_clock
from chipdse.netlist.timing.constants import constant_nets, patterns

_NAMED = 50  # instances of one cell that an error may name; enough for any message


@dataclass(frozen=True, kw_only=True, eq=False)
class TimingGraph:
    """Everything about timing that does not depend on the corner.

    Arcs are sorted by the level of the net they drive, then by net edge. Level 0 holds the arcs
    that start at a register's clock pin.

    Parameters
    ----------
    source, sink : [arcs] net edges
    pin : [arcs] pin edge the arc starts at
    kind : [arcs] which pair of tables, into `delay_tables` and `slew_tables`
    launch : [arcs] launch class (0 the clock's rise, 1 its fall) of level 0, else -1
    condition : [arcs] into the library's conditions, -1 is none; static timing uses every arc
    level_start : [levels + 1] first arc of each level
    check_pin : [checks] data pin edge of the endpoint
    check_class : [checks] capture class, as `launch`
    check_table : [checks] of the constraint
    check_is_setup : [checks] else hold
    check_clock_pin : [checks] clock pin that captures
    constant : [nets] 0 or 1 for nets that never switch, else -1
    """

    netlist: Netlist
    clock: ClockNetwork | None
    constant: Int8s
    source: Int64s
    sink: Int64s
    pin: Int64s
    kind: Int64s
    launch: Int8s
    condition: Int64s
    level_start: Int64s
    delay_tables: Int64s
    slew_tables: Int64s
    check_pin: Int64s
    check_class: Int8s
    check_table: Int64s
    check_is_setup: Bools
    check_clock_pin: Int64s
    net_level: Int32s

    @property
    def launch_classes(self) -> int:
        """2 if a register, or the clock itself, launches at the clock's falling edge, otherwise 1.

        The edges of the clock itself launch if the clock reaches an output port.
        """
        return 2 if bool((self.launch == 1).any()) or bool(self.clock_outputs.any()) else 1

    @property
    def clock_outputs(self) -> Bools:
        """Which of `netlist.output_nets` carry the clock, through buffers, inverters or gates."""
        nets = self.netlist.output_nets
        if self.clock is None:
            return np.zeros(len(nets), dtype=bool)
        reached: Bools = (self.clock.polarity[nets] != 0) & (self.constant[nets] < 0)
        return reached


def build_timing_graph(netlist: Netlist, clock: str | None = None) -> TimingGraph:
    """Check the netlist and lay out its arcs.

    Parameters
    ----------
    clock : the clock port; may be left out of a netlist without registers

    Raises
    ------
    DesignError : undriven or multiply driven nets, loops, latches, registers without a clock,
        tri-state outputs; with the names
    """
    _check_drivers(netlist)
    constant = constant_nets(netlist)
    network = None if clock is None else trace_clock(netlist, clock, constant)
    arcs, checks = _collect(netlist, constant, network)
    source, sink, pin, kind, launch, condition = arcs.columns()
    net_level = _levels(netlist, source, sink, launch)
    arc_level = np.where(launch >= 0, 0, net_level[sink >> 1])
    # A stable sort: otherwise the order of equal arcs would depend on the processor.
    order = np.argsort(arc_level.astype(np.int64) * (2 * netlist.net_count) + sink, kind="stable")
    depth = int(arc_level.max(initial=0))
    check_pin, check_class, check_table, check_setup, check_clock = checks.columns()
    delay_tables, slew_tables = arcs.tables()
    return TimingGraph(
        netlist=netlist,
        clock=network,
        constant=constant,
        source=source[order],
        sink=sink[order],
        pin=pin[order],
        kind=kind[order],
        launch=launch[order].astype(np.int8),
        condition=condition[order],
        level_start=np.searchsorted(arc_level[order], np.arange(depth + 2)),
        delay_tables=delay_tables,
        slew_tables=slew_tables,
        check_pin=check_pin,
        check_class=check_class.astype(np.int8),
        check_table=check_table,
        check_is_setup=check_setup.astype(bool),
        check_clock_pin=check_clock,
        net_level=net_level,
    )


def _check_drivers(netlist: Netlist) -> None:
    """Refuse nets without a driver or with several drivers, and open pins."""
    drivers = np.zeros(netlist.net_count, dtype=np.int32)
    drivers[:2] = 1
    np.add.at(drivers, netlist.input_nets, 1)
    driving = netlist.pin_net[netlist.pin_is_driver]
    np.add.at(drivers, driving[driving >= 0], 1)
    loads = netlist.pin_net[netlist.pin_is_load]
    open_pins = np.flatnonzero(netlist.pin_is_load & (netlist.pin_net < 0))
    if len(open_pins):
        names = [netlist.pin_name(int(pin)) for pin in open_pins[:50]]
        raise DesignError(f"unconnected input pins: {list_names(names)}; tie them to a constant")
    used = np.zeros(netlist.net_count, dtype=bool)
    used[loads] = True
    used[netlist.output_nets[netlist.output_nets >= 0]] = True
    for wrong, what in (
        (used & (drivers == 0), "nets without a driver"),
        (drivers > 1, "nets with several drivers"),
    ):
        if wrong.any():
            names = [netlist.net_names[net] for net in np.flatnonzero(wrong)[:50]]
            raise DesignError(f"{what} in {netlist.top!r}: {list_names(names)}")
    touched = used.copy()
    touched[driving[driving >= 0]] = True
    # A supply that enters through a bidirectional port is connected to no signal pin.
    inouts = [
        port.name
        for port in netlist.ports
        if port.direction == "inout" and touched[[net for net in port.nets if net >= 0]].any()
    ]
    if inouts:
        raise DesignError(f"bidirectional ports are not timed: {list_names(inouts)}")


class _Columns:
    """Rows of integers gathered in pieces."""

    def __init__(self, width: int) -> None:
        self.pieces: list[tuple[Int64s, ...]] = []
        self.width = width

    def add(self, count: int, *values: Int64s | int) -> None:
        self.pieces.append(
            tuple(np.broadcast_to(np.asarray(value, dtype=np.int64), (count,)) for value in values)
        )

    def columns(self) -> tuple[Int64s, ...]:
        if not self.pieces:
            return tuple(np.zeros(0, dtype=np.int64) for _ in range(self.width))
        return tuple(np.concatenate(column) for column in zip(*self.pieces, strict=True))


class _ArcColumns(_Columns):
    """Arcs, with their pairs of tables numbered."""

    def __init__(self) -> None:
        super().__init__(6)
        self.pairs: dict[tuple[int, int], int] = {}

    def pair(self, arc: CellArc) -> int:
        return self.pairs.setdefault((arc.table, arc.slew_table), len(self.pairs))

    def tables(self) -> tuple[Int64s, Int64s]:
        pairs = np.array(list(self.pairs), dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0].copy(), pairs[:, 1].copy()


class _Collector:
    """Arcs and checks of all instances, with the names of those that cannot be timed."""

    def __init__(self, netlist: Netlist, network: ClockNetwork | None) -> None:
        self.netlist = netlist
        self.network = network
        self.polarity = (
            np.zeros(netlist.net_count, np.int8) if network is None else network.polarity
        )
        self.arcs, self.checks = _ArcColumns(), _Columns(5)
        self.latches: list[str] = []
        self.tri_state: list[str] = []
        self.unclocked: list[str] = []
        self.clock_data: list[str] = []

    def add(self, number: int, instances: Int32s, known: dict[str, Expression]) -> None:
        """Instances of a cell with the same pins at the same constants."""
        netlist, library = self.netlist, self.netlist.library
        cell = library.cells[number]
        if isinstance(cell.sequential, Latch):
            self.latches += self._names(cell, instances)
            return
        if any(pin.three_state is not None for pin in cell.pins):
            self.tri_state += self._names(cell, instances)
            return
        starts = netlist.pin_start[instances].astype(np.int64)
        clocks = set()
        for arc in cell_arcs(library, number, known):
            if arc.check is not None or arc.launches:
                clocks.add(arc.source)
            if arc.check is not None:
                self._add_check(starts, arc)
            else:
                self._add_arc(starts, arc)
        self._look_at_clocks(cell, instances, starts, clocks)

    def refuse(self) -> None:
        """Raise DesignError for the first kind of instance that cannot be timed."""
        for names, message in (
            (self.latches, "latches are not timed: {}; use flip-flops"),
            (self.tri_state, "cells with tri-state outputs are not timed: {}"),
            (self.clock_data, "the clock is used as data at {}"),
        ):
            if names:
                raise DesignError(message.format(list_names(names)))
        if self.unclocked:
            network = self.network
            port = "none is named" if network is None else f"the clock is {network.port!r}"
            raise DesignError(f"registers without a clock ({port}): {list_names(self.unclocked)}")

    def _add_arc(self, starts: Int64s, arc: CellArc) -> None:
        source_net = self.netlist.pin_net[starts + arc.source].astype(np.int64)
        sink_net = self.netlist.pin_net[starts + arc.sink].astype(np.int64)
        keep = sink_net >= 0
        self.arcs.add(
            int(keep.sum()),
            2 * source_net[keep] + arc.source_edge,
            2 * sink_net[keep] + arc.sink_edge,
            2 * (starts[keep] + arc.source) + arc.source_edge,
            self.arcs.pair(arc),
            self._clock_edge(starts[keep], arc) if arc.launches else -1,
            arc.condition,
        )

    def _add_check(self, starts: Int64s, arc: CellArc) -> None:
        self.checks.add(
            len(starts),
            2 * (starts + arc.sink) + arc.sink_edge,
            self._clock_edge(starts, arc),
            arc.table,
            int(arc.check == "setup"),
            starts + arc.source,
        )

    def _clock_edge(self, starts: Int64s, arc: CellArc) -> Int64s:
        """The clock port's edge that makes the edge of an arc's clock pin: 0 rise, 1 fall."""
        side = self.polarity[self.netlist.pin_net[starts + arc.source]]
        return np.where(side > 0, arc.source_edge, 1 - arc.source_edge)

    def _look_at_clocks(
        self, cell: Cell, instances: Int32s, starts: Int64s, clocks: set[int]
    ) -> None:
        """Record clock pins that no clock reaches, and data pins that the clock reaches."""
        netlist, names = self.netlist, self.netlist.cell_names
        for pin in clocks:
            nets = netlist.pin_net[starts + pin]
            self.unclocked += [
                f"{names[instances[i]]}/{cell.pins[pin].name} on {netlist.net_names[nets[i]]}"
                for i in np.flatnonzero(self.polarity[nets] == 0)[:_NAMED]
            ]
        if cell.sequential is None and not cell.is_macro:
            return
        for pin in set(cell.inputs) - clocks:
            name = cell.pins[pin].name
            if isinstance(cell.sequential, ClockGate) and name == cell.sequential.clock:
                continue
            nets = netlist.pin_net[starts + pin]
            self.clock_data += [
                f"{names[instances[i]]}/{name}"
                for i in np.flatnonzero(self.polarity[nets] != 0)[:_NAMED]
            ]

    def _names(self, cell: Cell, instances: Int32s) -> list[str]:
        return [f"{self.netlist.cell_names[i]} ({cell.name})" for i in instances[:_NAMED]]


def _collect(
    netlist: Netlist, constant: Int8s, network: ClockNetwork | None
) -> tuple[_ArcColumns, _Columns]:
    """Arcs and checks of a netlist; instances that cannot be timed are refused by name."""
    collector = _Collector(netlist, network)
    for number in netlist.instances_of:
        for instances, known in patterns(netlist, number, constant):
            collector.add(number, instances, known)
    collector.refuse()
    return collector.arcs, collector.checks


def _levels(netlist: Netlist, source: Int64s, sink: Int64s, launch: Int64s) -> Int32s:
    """Longest path to each net, in combinational cells; loops are refused by name."""
    inside = launch < 0
    edges = np.unique((source[inside] >> 1) * netlist.net_count + (sink[inside] >> 1))
    start, end = edges // netlist.net_count, edges % netlist.net_count
    first = np.searchsorted(start, np.arange(netlist.net_count + 1))
    waiting = np.bincount(end, minlength=netlist.net_count)
    level = np.zeros(netlist.net_count, dtype=np.int32)
    frontier = np.flatnonzero(waiting == 0)
    depth, done = 0, 0
    while len(frontier):
        level[frontier] = depth
        done += len(frontier)
        counts = first[frontier + 1] - first[frontier]
        total = int(counts.sum())
        offset = np.repeat(first[frontier] - np.cumsum(counts) + counts, counts)
        after = end[offset + np.arange(total)]
        np.subtract.at(waiting, after, 1)
        frontier = np.unique(after[waiting[after] == 0])
        depth += 1
    if done < netlist.net_count:
        raise DesignError(f"combinational loop through {_loop(netlist, start, end, waiting > 0)}")
    return level


def _loop(netlist: Netlist, start: Int64s, end: Int64s, stuck: Bools) -> str:
    """The cells of one loop, for the message."""
    inside = stuck[start] & stuck[end]
    before = np.full(netlist.net_count, -1, dtype=np.int64)
    before[end[inside]] = start[inside]
    net = int(np.flatnonzero(stuck & (before >= 0))[0])
    seen: dict[int, int] = {}
    while net not in seen:
        seen[net] = len(seen)
        net = int(before[net])
    cycle = [loop_net for loop_net, place in seen.items() if place >= seen[net]]
    pins = [int(netlist.net_driver_pin[loop_net]) for loop_net in cycle]
    return list_names([netlist.pin_name(pin) for pin in pins])
