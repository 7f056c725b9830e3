"""Power of a clock tree, from the tables of its buffers like that of every other cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.layout.buffers import buffer_chains, buffer_input_f
from chipdse.netlist.layout.clock_tree import ClockTree, TreeLevel
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.records import MAX, Timing, Wires
from chipdse.netlist.timing.timing import analyse_timing

_PERIOD_S = 1.0
"""A clock period that no edge reaches at any supply: power over it is the energy per cycle."""


@dataclass(frozen=True, kw_only=True)
class TreePower:
    """A clock tree at one operating point.

    energy_j : per clock cycle, of its buffers and of the wires and pins that they drive
    internal_energy_j : of it, inside the buffers
    leakage_w : of its buffers
    """

    energy_j: float = 0.0
    internal_energy_j: float = 0.0
    leakage_w: float = 0.0


def clock_tree_power(
    tree: ClockTree, netlist: Netlist, library: OperatingLibrary, enabled: Floats
) -> TreePower:
    """Energy and leakage of a tree at one operating point.

    Parameters
    ----------
    netlist : whose clock pins the tree reaches
    enabled : [groups] part of the cycles in which each group is clocked
    """
    return levels_power(tree.levels, _of_one_sink_f(tree, netlist, library), library, enabled)


def with_clock_slews(tree: ClockTree, timing: Timing) -> Timing:
    """The timing with the slews of real clock edges at the registers, as power needs them.

    An ideal clock has vertical edges; those of a tree change the energy inside flip-flops by 1 to
    2 % (sky130). Arrivals and slacks remain those of the ideal clock.
    """
    sink_f = _of_one_sink_f(tree, timing.netlist, timing.library)
    slews_s = sink_slews_s(tree.levels, sink_f, timing.library)
    has_tree = np.array([bool(levels) for levels in tree.levels])
    every = timing.slew_s.copy()
    for edge in (0, 1):
        every[:, :, 2 * tree.net[has_tree] + edge] = slews_s[has_tree, edge]
    return dataclasses.replace(timing, slew_s=every)


def _of_one_sink_f(tree: ClockTree, netlist: Netlist, library: OperatingLibrary) -> Floats:
    """Mean capacitance of the pins of each group [groups]."""
    return tree.sink_f(library, netlist) / np.maximum(tree.sinks, 1)


def levels_power(
    every_level: Sequence[tuple[TreeLevel, ...]],
    sink_f: Floats,
    library: OperatingLibrary,
    enabled: Floats,
) -> TreePower:
    """Energy and leakage of the buffers of some groups at one operating point.

    One chain of buffers per group stands for all of the group: it is timed and analysed as any
    netlist, and each stage counts as often as its level has buffers.

    Parameters
    ----------
    every_level : [groups] levels of buffers, from the root on
    sink_f : [groups] capacitance of one clock pin of the group
    enabled : [groups] part of the cycles in which each group is clocked
    """
    chains = _chains(every_level, sink_f, library)
    if chains is None:
        return TreePower()
    netlist = chains.timing.netlist
    toggles = np.zeros(netlist.net_count)
    toggles[2 + np.arange(len(chains.groups))] = 2 * enabled[chains.groups]
    toggles[chains.outputs] = 2 * enabled[chains.group_of_cell]
    activity = Activity(
        toggles=toggles,
        high_fraction=np.full(netlist.net_count, 0.5),
        annotated=np.ones(netlist.net_count, dtype=bool),
        cycles=1,
        duration_s=_PERIOD_S,
        origin="propagated",
    )
    power = analyse_power(chains.timing, activity, state_probability="independent")
    internal = float((power.internal_w[0] * chains.counts).sum()) * _PERIOD_S
    switching = float((power.switching_w[0] * chains.counts).sum()) * _PERIOD_S
    return TreePower(
        energy_j=internal + switching,
        internal_energy_j=internal,
        leakage_w=float((power.leakage_w[0] * chains.counts).sum()),
    )


def sink_slews_s(
    every_level: Sequence[tuple[TreeLevel, ...]], sink_f: Floats, library: OperatingLibrary
) -> Floats:
    """Rise and fall time of the clock at the sinks of each group [groups, 2] [s].

    It is that of the last buffers, equal on all wires after them; 0 for a group without buffers.
    """
    slews = np.zeros((len(every_level), 2))
    chains = _chains(every_level, sink_f, library)
    if chains is None:
        return slews
    last = np.flatnonzero(np.diff(chains.group_of_cell, append=-1))
    edges = chains.timing.slew_s[MAX, 0].reshape(-1, 2)
    slews[chains.group_of_cell[last]] = edges[chains.outputs[last]]
    return slews


@dataclass(frozen=True, kw_only=True, eq=False)
class _Chains:
    """One chain of buffers per group that has any, timed with the loads of its tree.

    groups : [chains] their groups
    outputs, counts, group_of_cell : [cells] net that each drives, number of buffers for which it
        stands, and its group
    """

    timing: Timing
    groups: Int64s
    outputs: Int64s
    counts: Floats
    group_of_cell: Int64s


def _chains(
    every_level: Sequence[tuple[TreeLevel, ...]], sink_f: Floats, library: OperatingLibrary
) -> _Chains | None:
    groups = [number for number, levels in enumerate(every_level) if levels]
    if not groups:
        return None
    netlist, outputs = buffer_chains(
        library.library, [[level.cell for level in every_level[number]] for number in groups]
    )
    extra, counts = np.zeros(netlist.net_count), np.zeros(netlist.cell_count)
    cell = 0
    for number in groups:
        levels = every_level[number]
        for level, below in zip(levels, (*levels[1:], None), strict=True):
            load_f = level.wire_f + level.sinks * float(sink_f[number])
            if below is not None:
                # The chain itself holds one of the buffers that this one drives.
                load_f += (level.fanout - 1) * buffer_input_f(library.library, library, below.cell)
            extra[outputs[cell]] = max(load_f, 0.0)
            counts[cell] = level.count
            cell += 1
    wires = Wires(net_capacitance_f=extra, pin_delay_s=np.zeros(len(netlist.pin_net)))
    return _Chains(
        timing=analyse_timing(build_timing_graph(netlist), library, _PERIOD_S, wires=wires),
        groups=np.array(groups, dtype=np.int64),
        outputs=outputs,
        counts=counts,
        group_of_cell=np.repeat(groups, [len(every_level[number]) for number in groups]),
    )
