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

PORT_TOGGLES_PER_CYCLE = 0.1  # OpenSTA's default for an input without given activity
_PASSES = 50
_SETTLED = 0.01  # smaller relative changes of rate and duty are not passed on


def silent_activity(netlist: Netlist, clock_period_s: float) -> Activity:
    """One clock cycle of which no waveform knows anything, to be filled by propagation."""
    return Activity(
        toggles=np.zeros(netlist.net_count),
        high_fraction=np.zeros(netlist.net_count),
        annotated=np.zeros(netlist.net_count, dtype=bool),
        cycles=1.0,
        duration_s=clock_period_s,
        origin="propagated",
    )


def fill_unannotated(graph: TimingGraph, activity: Activity) -> Activity:
    """Estimate toggles and duty of the nets that no waveform covers, as OpenSTA defines them.

    A combinational output has ``D = sum of D_i P(df/dx_i)`` with its inputs independent. An input
    port has 0.1 toggles per cycle and is high half the time. A register has rate and duty of its
    next state; where that is more than one toggle per clock cycle, its rate is ``2 p (1 - p)`` of
    the clock's instead. Everything else starts at 0 and changes only as far as it depends on what
    is known: changes pass through the logic, then through the registers that they reach, at most
    50 times. Constants stay constant.
    """
    netlist = graph.netlist
    known = activity.annotated | (graph.constant >= 0)
    clock = graph.clock
    if clock is not None:
        known = known | ((clock.polarity != 0) & ~clock.gated)
    if known.all():
        return activity
    per_cycle = np.where(known, activity.toggles / activity.cycles, 0.0)
    high = np.where(known, activity.high_fraction, 0.0)
    fixed = graph.constant >= 0
    per_cycle[fixed], high[fixed] = 0.0, graph.constant[fixed]
    if clock is not None:
        # A gated clock runs freely until something is known of its enable.
        running = (clock.polarity != 0) & ~(activity.annotated & clock.gated)
        per_cycle[running], high[running] = 2.0, 0.5
    ports = netlist.input_nets[~known[netlist.input_nets]]
    per_cycle[ports], high[ports] = PORT_TOGGLES_PER_CYCLE, 0.5
    known[ports] = True
    rates = _Rates(per_cycle, high, known)
    registers, gates = _work(graph, known)
    rates.through(gates)
    for _ in range(_PASSES - 1):
        reached = [(work, rates.reaches(work)) for work in registers]
        if not any(rows.any() for _, rows in reached):
            break
        rates.moved[:] = False
        for work, rows in reached:
            rates.set(work, rows)
        rates.through(gates)
    return replace(
        activity,
        toggles=rates.per_cycle * activity.cycles,
        high_fraction=np.clip(rates.high, 0.0, 1.0),
    )


class _Rates:
    """Toggles per cycle and duty of every net while changes pass through the netlist.

    A driver takes every new value. The loads of its net see it only if it differs from the value
    before by more than `_SETTLED`, which is also what ends the passes.
    """

    def __init__(self, per_cycle: Floats, high: Floats, known: Bools) -> None:
        self.per_cycle, self.high = per_cycle, high
        self.seen_per_cycle, self.seen_high = per_cycle.copy(), high.copy()
        self.driven, self.seen = known.copy(), known.copy()
        self.moved = known.copy()

    def reaches(self, work: _Work) -> Bools:
        """Which instances of some work have an input that moved."""
        moved: Bools = np.any(self.moved[work.watched], axis=1)
        return moved

    def through(self, gates: list[_Work]) -> None:
        """Pass changes through the logic, level by level."""
        for work in gates:
            self.set(work, self.reaches(work))

    def set(self, work: _Work, rows: Bools) -> None:
        """Compute the outputs of some instances, and move the nets that differ."""
        if not rows.any():
            return
        output = work.output[rows]
        per_cycle, high = work.values(rows, self)
        differs = (
            _differs(per_cycle, self.per_cycle[output])
            | _differs(high, self.high[output])
            | ~self.driven[output]
        )
        self.per_cycle[output], self.high[output] = per_cycle, high
        self.driven[output] = True
        nets, per_cycle, high = output[differs], per_cycle[differs], high[differs]
        moves = (
            _differs(per_cycle, self.seen_per_cycle[nets])
            | _differs(high, self.seen_high[nets])
            | ~self.seen[nets]
        )
        self.seen_per_cycle[nets], self.seen_high[nets] = per_cycle, high
        self.seen[nets] = True
        self.moved[nets[moves]] = True


def _differs(value: Floats, before: Floats) -> Bools:
    """Where a value changed by more than `_SETTLED` of what it was."""
    changed: Bools = np.abs(value - before) > _SETTLED * before
    return changed


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """One function for the outputs of some instances.

    output : [n] nets to estimate
    inputs : [n, k] nets the function reads
    watched : [n, pins] nets whose changes make the instance compute again
    is_state : [k] inputs that are the register's own state
    flipped : [k] inputs that are read inverted (the state, through an inverted output)
    table, differences : [2**k] the function and [2**k, k] where each input changes it
    level : of the output nets
    clock : [n] nets of the clock pins of registers; None for gates
    """

    output: Int32s
    inputs: Int32s
    watched: Int32s
    is_state: Bools
    flipped: Bools
    table: Floats
    differences: Floats
    level: int
    is_register: bool
    clock: Int32s | None = None
    inverted: bool = False

    def values(self, rows: Bools, rates: _Rates) -> tuple[Floats, Floats]:
        """Toggles per cycle and duty of the outputs of some instances."""
        inputs = self.inputs[rows]
        duties = np.where(self.is_state, rates.high[inputs], rates.seen_high[inputs])
        duties = np.where(self.flipped, 1 - duties, duties)
        states = independent_states(duties)
        # Products of nearly 0 and 1 - p round to slightly less than 0, which no rate can be.
        chances = np.maximum(numerics.matmul(states, self.differences), 0.0)
        # What the state itself does is the result and no cause of further toggles.
        causes = np.where(self.is_state, 0.0, rates.seen_per_cycle[inputs])
        per_cycle: Floats = (causes * chances).sum(axis=1)
        duty = np.clip(numerics.matmul(states, self.table), 0.0, 1.0)
        if not self.is_register:
            return per_cycle, duty
        edges = 2.0 if self.clock is None else rates.seen_per_cycle[self.clock[rows]]
        most = 2 * duty * (1 - duty) * edges
        per_cycle = np.where(per_cycle > edges / 2, most, per_cycle)
        return per_cycle, (1 - duty if self.inverted else duty)


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
    columns, flipped, is_state = [], [], []
    for name in names:
        place, inverted = cell.pin_index.get(name, -1), False
        is_state.append(place < 0)
        if place < 0:  # the state, as an output shows it
            place = pin
            inverted = isinstance(cell.pins[pin].function, Not)
        columns.append(np.maximum(netlist.pin_net[starts + place], 0))
        flipped.append(inverted)
    clocks = [place for place, cell_pin in enumerate(cell.pins) if cell_pin.is_clock]
    shape = (len(names), len(instances))
    pins = starts[:, None] + np.array(cell.inputs, dtype=np.int32)
    return _Work(
        output=netlist.pin_net[starts + pin],
        inputs=np.array(columns, dtype=np.int32).reshape(shape).T,
        watched=np.maximum(netlist.pin_net[pins], 0),
        is_state=np.array(is_state, dtype=bool),
        flipped=np.array(flipped, dtype=bool),
        table=truth_table(function, names).astype(np.float64),
        differences=np.array(
            [difference_table(function, name, names) for name in names], dtype=np.float64
        )
        .reshape(len(names), -1)
        .T,
        level=level,
        is_register=isinstance(cell.sequential, FlipFlop | Latch),
        clock=netlist.pin_net[starts + clocks[0]] if clocks else None,
        inverted=cell.sequential is not None and isinstance(cell.pins[pin].function, Not),
    )
