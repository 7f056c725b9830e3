"""The clock's way through a netlist, for replay: which nets pulse after which row."""

from __future__ import annotations

import numpy as np

from chipdse.errors import DesignError
from chipdse.netlist.activity.replay.arrange import Parts
from chipdse.netlist.library.cells import ClockGate, FlipFlop, Latch
from chipdse.netlist.library.logic import Variable, Xor


def follow_clock(parts: Parts) -> None:
    """Follow the clock through buffers, gates and clock gates, as it is while high.

    Before an edge the clock is low; the same logic with the clock high determines which parts of
    the network see a pulse after that row.
    """
    if parts.recording.both_edges:
        return
    netlist = parts.netlist
    order = np.argsort(netlist.pin_net, kind="stable")
    sorted_nets = netlist.pin_net[order]
    waiting = list(parts.clock_nets)
    for net in waiting:
        _note_clocked(parts, net)
    while waiting:
        net = waiting.pop()
        first, last = np.searchsorted(sorted_nets, [net, net + 1])
        for pin in order[first:last].tolist():
            if netlist.pin_is_load[pin]:
                waiting += _through(parts, int(netlist.pin_cell[pin]))


def _through(parts: Parts, instance: int) -> list[int]:
    """The nets a clocked cell drives that switch with the clock, when all is known of it."""
    netlist = parts.netlist
    cell = netlist.cells[netlist.cell_types[instance]]
    start = int(netlist.pin_start[instance])
    row = netlist.pin_net[start : start + len(cell.pins)].tolist()
    if isinstance(cell.sequential, FlipFlop | Latch) or cell.is_macro:
        return []
    nets = []
    for position in cell.outputs:
        net, function = row[position], cell.pins[position].function
        if net < 0 or function is None or net in parts.clock_nets:
            continue
        low = {cell.pins[i].name: parts.graph.net(row[i]) for i in cell.inputs}
        high = {
            cell.pins[i].name: parts.clock_nets.get(row[i], parts.graph.net(row[i]))
            for i in cell.inputs
        }
        if isinstance(cell.sequential, ClockGate):
            gate = cell.sequential
            if gate.transparent_high:
                raise DesignError(
                    f"clock gate {netlist.cell_names[instance]} ({cell.name}) gates falling "
                    "edges; record the RTL with both_edges=True"
                )
            low[gate.state] = high[gate.state] = parts.graph.add_one(gate.enable, low)
        before = parts.graph.constant_value(function, low)
        if before is not None:
            parts.graph.constants[parts.graph.net(net)] = before
        parts.clock_nets[net] = parts.graph.add_one(function, high)
        _note_clocked(parts, net)
        nets.append(net)
    return nets


def _note_clocked(parts: Parts, net: int) -> None:
    change = parts.graph.helpers(1)
    reads = np.array([[parts.graph.net(net), parts.clock_nets[net]]], dtype=np.int32)
    parts.graph.add(Xor((Variable("a"), Variable("b"))), ("a", "b"), reads, change)
    parts.clocked.append((net, parts.clock_nets[net], int(change[0])))
