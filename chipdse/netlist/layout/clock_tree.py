"""The clock tree of a netlist: buffers, wire and energy by gating group, from routed designs.

A group is the registers behind one clock gate, or behind none. The root drives buffers for the
registers without a gate and for the gates; a gate drives its first buffer's worth of registers
itself, so it pays for itself only where it switches off more than it costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.netlist.library.cells import clock_of
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.clock import ClockNetwork
from chipdse.technology.wires import ClockTreeData, WireData


@dataclass(frozen=True, kw_only=True, eq=False)
class ClockTree:
    """Clock sinks by group and what reaches them.

    Parameters
    ----------
    net : [groups] the net each group hangs on; the first is the clock port's
    sinks : [groups] clock pins of registers and gates
    buffers : [groups] in front of them; none where a gate drives its few sinks itself
    wire_m : [groups] clock wire
    """

    net: Int64s
    sinks: Int64s
    buffers: Int64s
    wire_m: Floats

    @property
    def buffer_count(self) -> int:
        """All buffers."""
        return int(self.buffers.sum())


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


def build_clock_tree(
    netlist: Netlist, clock: ClockNetwork, data: ClockTreeData, core_m2: float
) -> ClockTree:
    """Buffers and wire in front of every group of sinks.

    ``ceil(sinks / fanout)`` buffers, one fewer behind a gate, which is a driver itself; wire of
    ``sqrt(sinks * area)`` in total, shared by the sinks.
    """
    pins = clock_sinks(netlist, clock)
    net, sinks = np.unique(netlist.pin_net[pins], return_counts=True)
    root = int(netlist.port_of[clock.port].nets[0])
    # A clock that only passes buffers of the netlist is still the root's.
    gated = clock.gated[net]
    groups = np.concatenate([[root], net[gated]]).astype(np.int64)
    count = np.concatenate([[sinks[~gated].sum()], sinks[gated]]).astype(np.int64)
    buffers = np.ceil(count / data.fanout).astype(np.int64)
    buffers[1:] = np.maximum(buffers[1:] - 1, 0)
    wire_per_sink_m = math.sqrt(core_m2 / max(int(count.sum()), 1))
    return ClockTree(
        net=groups,
        sinks=count,
        buffers=buffers,
        wire_m=(count * wire_per_sink_m).astype(np.float64),
    )


def tree_energy_j(tree: ClockTree, data: ClockTreeData, vdd_v: float, enabled: Floats) -> float:
    """Energy of the tree's buffers a clock cycle [J], their wires and loads included.

    ``E = sum(buffers * enabled) * E0 * (V/V0)^2``: charge and internal energy of the published
    buffers at their supply, carried to another as a capacitance is.

    Parameters
    ----------
    enabled : [groups] part of the cycles in which each group is clocked; 1 for the root
    """
    clocked = float((tree.buffers * enabled).sum())
    return float(clocked * data.buffer_energy_j * numerics.square(vdd_v / data.buffer_voltage_v))


def enabled_fraction(tree: ClockTree, toggles: Floats, cycles: float) -> Floats:
    """Part of the cycles in which each group is clocked, from its net's transitions."""
    part: Floats = np.minimum(toggles[tree.net] / (2 * cycles), 1.0)
    part[0] = 1.0
    return part


def gate_loads_f(tree: ClockTree, netlist: Netlist, data: WireData, pin_f: Floats) -> Floats:
    """What layout adds to the load of each clock gate [nets] (F), negative where buffers take over.

    A gate drives one buffer's worth of sinks and the wire to them; the rest hangs on buffers,
    whose energy the tree counts with their loads.

    Parameters
    ----------
    pin_f : [nets] capacitance of the pins on each net
    """
    extra = np.zeros(netlist.net_count)
    if data.clock_tree is None:
        return extra
    for net, sinks, wire in zip(tree.net[1:], tree.sinks[1:], tree.wire_m[1:], strict=True):
        share = min(1.0, data.clock_tree.fanout / float(sinks))
        extra[net] = share * float(wire) * data.clock_f_per_m - (1.0 - share) * float(pin_f[net])
    return extra
