"""Hold buffers that a layout needs: behind which registers the next one follows too soon.

Flows check hold with an uncertainty of the clock and a margin at every corner. In terms of the
typical corner, an ideal clock and no wires that is a slack which the quickest path of a register
must have; it is measured on routed designs (`LayoutCalibration.hold_slack_s`).
"""

from __future__ import annotations

import functools

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.library.cells import Cell, FlipFlop
from chipdse.netlist.library.logic import variables
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.records import MIN
from chipdse.netlist.timing.timing import Timing, analyse_timing, arc_slopes


def hold_buffer_count(
    graph: TimingGraph,
    slack_s: float,
    supply_v: float | None = None,
    temperature_c: float | None = None,
) -> int:
    """Registers whose quickest path to a register has a hold slack below a limit.

    One buffer repairs all paths of a register. A flip-flop with an enable counts too: flows map it
    to a plain one and a multiplexer, through which it follows itself.

    Parameters
    ----------
    slack_s : the limit, with an ideal clock and without wires
    supply_v, temperature_c : the nominal corner; None for the one that the library has
    """
    netlist = graph.netlist
    keeps = np.array([_keeps_its_state(cell) for cell in netlist.cells], dtype=bool)
    return int(
        ((_quickest_s(graph, supply_v, temperature_c) < slack_s) | keeps[netlist.cell_types]).sum()
    )


@functools.lru_cache(maxsize=4)
def _quickest_s(graph: TimingGraph, supply_v: float | None, temperature_c: float | None) -> Floats:
    """`launch_hold_slacks_s` of a netlist without wires; kept, as every operating point asks."""
    library = graph.netlist.library.at(supply_v, temperature_c)
    return launch_hold_slacks_s(analyse_timing(graph, library, 1.0))


def launch_hold_slacks_s(timing: Timing) -> Floats:
    """Hold slack of the quickest path that each register launches [cells] [s]; inf without any.

    Parameters
    ----------
    timing : without wires; of its operating points the first counts
    """
    graph, netlist = timing.graph, timing.netlist
    delay = arc_slopes(timing).delay_s[MIN, 0]
    hold = np.flatnonzero(~graph.check_is_setup)
    pin = graph.check_pin[hold]
    checked = 2 * netlist.pin_net[pin >> 1].astype(np.int64) + (pin & 1)
    level = graph.net_level[graph.source >> 1]
    data = np.flatnonzero(graph.launch < 0)
    data = data[np.argsort(-level[data], kind="stable")]
    bounds = np.flatnonzero(np.diff(level[data], prepend=-1, append=-1))
    result = np.full(netlist.cell_count, np.inf)
    for launch in range(graph.launch_classes):
        # A register of the other edge captures half a period away: hold is no question there.
        same = graph.check_class[hold] == launch
        remaining = np.full(2 * netlist.net_count, np.inf)
        np.minimum.at(remaining, checked[same], -timing.constraint_s[0, hold[same]])
        for first, last in zip(bounds[:-1], bounds[1:], strict=True):
            part = data[first:last]
            np.minimum.at(remaining, graph.source[part], delay[part] + remaining[graph.sink[part]])
        started = np.flatnonzero(graph.launch == launch)
        cell = netlist.pin_cell[graph.pin[started] >> 1]
        np.minimum.at(result, cell, delay[started] + remaining[graph.sink[started]])
    return result


def _keeps_its_state(cell: Cell) -> bool:
    """Whether a flip-flop feeds its state back to itself, as one with an enable does."""
    state = cell.sequential
    if not isinstance(state, FlipFlop):
        return False
    return bool({state.state, state.state_inverted} & set(variables(state.next_state)))
