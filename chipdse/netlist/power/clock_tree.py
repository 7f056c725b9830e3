"""Power of a clock tree, from the tables of its buffers like that of every other cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.layout.buffers import buffer_chains, buffer_input_f
from chipdse.netlist.layout.clock_tree import ClockTree, TreeLevel
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.records import Wires
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
    sink_f = tree.sink_f(library, netlist) / np.maximum(tree.sinks, 1)
    return levels_power(tree.levels, sink_f, library, enabled)


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
    groups = [number for number, levels in enumerate(every_level) if levels]
    if not groups:
        return TreePower()
    chains, outputs = buffer_chains(
        library.library, [[level.cell for level in every_level[number]] for number in groups]
    )
    extra, toggles = np.zeros(chains.net_count), np.zeros(chains.net_count)
    counts = np.zeros(chains.cell_count)
    cell = 0
    for position, number in enumerate(groups):
        toggles[2 + position] = 2 * enabled[number]
        levels = every_level[number]
        for level, below in zip(levels, (*levels[1:], None), strict=True):
            load_f = level.wire_f + level.sinks * float(sink_f[number])
            if below is not None:
                # The chain itself holds one of the buffers that this one drives.
                load_f += (level.fanout - 1) * buffer_input_f(library.library, library, below.cell)
            extra[outputs[cell]] = max(load_f, 0.0)
            toggles[outputs[cell]] = 2 * enabled[number]
            counts[cell] = level.count
            cell += 1
    wires = Wires(net_capacitance_f=extra, pin_delay_s=np.zeros(len(chains.pin_net)))
    timing = analyse_timing(build_timing_graph(chains), library, _PERIOD_S, wires=wires)
    activity = Activity(
        toggles=toggles,
        high_fraction=np.full(chains.net_count, 0.5),
        annotated=np.ones(chains.net_count, dtype=bool),
        cycles=1,
        duration_s=_PERIOD_S,
        origin="propagated",
    )
    power = analyse_power(timing, activity, state_probability="independent")
    internal = float((power.internal_w[0] * counts).sum()) * _PERIOD_S
    switching = float((power.switching_w[0] * counts).sum()) * _PERIOD_S
    return TreePower(
        energy_j=internal + switching,
        internal_energy_j=internal,
        leakage_w=float((power.leakage_w[0] * counts).sum()),
    )
