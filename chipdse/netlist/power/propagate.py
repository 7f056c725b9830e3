"""Activity where no waveform gives it: propagated through the logic, inputs independent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int32s
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.library.cells import Cell, ClockGate, FlipFlop, Latch
from chipdse.netlist.library.logic import (
    Expression,
    Not,
    difference_table,
    substitute,
    truth_table,
    variables,
)
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.states import independent_states
from chipdse.netlist.timing.graph import TimingGraph

PORT_TOGGLES_PER_CYCLE = 0.1  # OpenSTA's default for an input nobody describes
_PASSES = 50
_SETTLED = 0.01  # toggles a cycle; OpenSTA's tolerance


def fill_unannotated(graph: TimingGraph, activity: Activity) -> Activity:
    """Estimate toggles and duty of the nets no waveform covers.

    A combinational output has ``D = sum of D_i P(df/dx_i)`` with its inputs independent; a
    register output has density and duty of its next state, at most ``2 p (1 - p)`` of its clock's
    density; an input port has 0.1 toggles a cycle and is high half the time. Loops through
    registers are iterated until they settle.
    """
    netlist = graph.netlist
    clock = graph.clock
    known = activity.annotated | (graph.constant >= 0)
    if clock is not None:
        known = known | ((clock.polarity != 0) & ~clock.gated)
    if known.all():
        return activity
    per_cycle = np.where(known, activity.toggles / activity.cycles, 0.0)
    high = np.where(known, activity.high_fraction, 0.5)
    fixed = graph.constant >= 0
    per_cycle[fixed], high[fixed] = 0.0, graph.constant[fixed]
    if clock is not None:
        free = (clock.polarity != 0) & ~clock.gated
        per_cycle[free], high[free] = 2.0, 0.5
    ports = netlist.input_nets[~known[netlist.input_nets]]
    per_cycle[ports] = PORT_TOGGLES_PER_CYCLE
    known[ports] = True
    registers, gates = _work(graph, known)
    for _ in range(_PASSES):
        before = per_cycle.copy()
        for work in registers:
            density, duty = work.through(per_cycle, high)
            edges = 2.0 if work.clock is None else per_cycle[work.clock]
            per_cycle[work.output] = np.minimum(density, 2 * duty * (1 - duty) * edges)
            high[work.output] = 1 - duty if work.inverted else duty
        for work in gates:
            per_cycle[work.output], high[work.output] = work.through(per_cycle, high)
        if np.abs(per_cycle - before).max() < _SETTLED:
            break
    return replace(
        activity, toggles=per_cycle * activity.cycles, high_fraction=np.clip(high, 0.0, 1.0)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """One function for the outputs of some instances.

    output : [n] nets to estimate
    inputs : [n, k] nets the function reads
    flipped : [k] inputs that are read inverted (the state, through an inverted output)
    table, differences : [2**k] the function and [2**k, k] where each input changes it
    level : of the output nets
    """

    output: Int32s
    inputs: Int32s
    flipped: Bools
    table: Floats
    differences: Floats
    level: int
    clock: Int32s | None = None
    inverted: bool = False

    def through(self, per_cycle: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Toggles a cycle and duty of the function's value."""
        duties = high[self.inputs]
        duties = np.where(self.flipped, 1 - duties, duties)
        states = independent_states(duties)
        # Products of nearly 0 and 1 - p round to slightly less than 0, which no rate can be.
        moves = per_cycle[self.inputs] * np.maximum(numerics.matmul(states, self.differences), 0.0)
        return moves.sum(axis=1), numerics.matmul(states, self.table)


def _work(graph: TimingGraph, known: Bools) -> tuple[list[_Work], list[_Work]]:
    """Outputs to estimate: of registers from their next state, of gates by rising level."""
    netlist = graph.netlist
    registers: list[_Work] = []
    gates: list[_Work] = []
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        for pin in cell.outputs:
            nets = netlist.pin_net[netlist.pin_start[instances] + pin]
            wanted = (nets >= 0) & ~known[np.maximum(nets, 0)]
            function = cell.pins[pin].function
            state = cell.sequential
            is_register = isinstance(state, FlipFlop | Latch)
            if isinstance(state, FlipFlop | Latch):
                function = state.next_state if isinstance(state, FlipFlop) else state.data_in
            if isinstance(state, ClockGate) and function is not None:
                function = substitute(function, {state.state: state.enable})
            if function is None or not wanted.any():
                continue
            level = np.where(is_register, 0, graph.net_level[nets[wanted]])
            for gate_level in np.unique(level).tolist():
                selected = instances[wanted][level == gate_level]
                work = _make(netlist, cell, pin, function, selected, int(gate_level))
                (registers if is_register else gates).append(work)
    return registers, sorted(gates, key=lambda work: work.level)


def _make(
    netlist: Netlist,
    cell: Cell,
    pin: int,
    function: Expression,
    instances: Int32s,
    level: int,
) -> _Work:
    names = variables(function)
    starts = netlist.pin_start[instances]
    columns, flipped = [], []
    for name in names:
        place, inverted = cell.pin_index.get(name, -1), False
        if place < 0:  # the state, as an output shows it
            place = pin
            inverted = isinstance(cell.pins[pin].function, Not)
        columns.append(np.maximum(netlist.pin_net[starts + place], 0))
        flipped.append(inverted)
    clocks = [place for place, cell_pin in enumerate(cell.pins) if cell_pin.is_clock]
    shape = (len(names), len(instances))
    return _Work(
        output=netlist.pin_net[starts + pin],
        inputs=np.array(columns, dtype=np.int32).reshape(shape).T,
        flipped=np.array(flipped, dtype=bool),
        table=truth_table(function, names).astype(np.float64),
        differences=np.array(
            [difference_table(function, name, names) for name in names], dtype=np.float64
        )
        .reshape(len(names), -1)
        .T,
        level=level,
        clock=netlist.pin_net[starts + clocks[0]] if clocks else None,
        inverted=cell.sequential is not None and isinstance(cell.pins[pin].function, Not),
    )
