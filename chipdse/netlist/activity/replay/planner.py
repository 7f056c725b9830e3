"""Turn a netlist and a recording's layout into a plan: what is a source, a check, a clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from chipdse.arrays import Int32s
from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import Recording, RegisterBit
from chipdse.netlist.activity.replay.arrange import Parts, arrange
from chipdse.netlist.activity.replay.clock import follow_clock
from chipdse.netlist.activity.replay.graph import OperationGraph
from chipdse.netlist.activity.replay.plan import MAX_STATE_VARIABLES, NONE, Plan
from chipdse.netlist.library.cells import Cell, ClockGate, FlipFlop, Latch
from chipdse.netlist.library.logic import (
    And,
    Expression,
    Not,
    Or,
    Variable,
    negate,
    substitute,
    unateness,
    variables,
)
from chipdse.netlist.netlist import Netlist


def plan_replay(
    netlist: Netlist,
    recording: Recording,
    registers: Mapping[str, RegisterBit],
    *,
    states: Collection[int] = (),
) -> Plan:
    """Work out how to compute every net of a netlist from a recorded row.

    Parameters
    ----------
    registers : by instance name, the RTL register bit of each sequential cell
    states : library cells (by position) whose joint pin states are wanted

    Raises
    ------
    DesignError : a combinational loop, or a design that this recording cannot replay
    """
    return _Planner(netlist, recording, registers, frozenset(states)).plan()


class _Planner:
    """Turns the parts of a netlist into operations, checks and things to count."""

    def __init__(
        self,
        netlist: Netlist,
        recording: Recording,
        registers: Mapping[str, RegisterBit],
        states: frozenset[int],
    ) -> None:
        self.netlist, self.recording, self.registers = netlist, recording, registers
        self.states = states
        self.graph = OperationGraph(32 * int(recording.words.shape[1]), netlist.net_names)
        self.parts = Parts(netlist=netlist, recording=recording, graph=self.graph)
        self.captures: dict[tuple[str, tuple[int, ...]], int | None] = {}

    def plan(self) -> Plan:
        self._ports()
        sequential = [k for k in self.netlist.used_types if self.netlist.cells[k].sequential]
        follow_clock(self.parts)
        for kind in map(int, self.netlist.used_types):
            cell = self.netlist.cells[kind]
            if cell.is_macro or (cell.sequential is None and self._opaque(cell)):
                self._macro(kind, cell)
            elif kind not in sequential:
                self._logic(kind, cell)
            elif isinstance(cell.sequential, ClockGate):
                self._clock_gate(kind, cell)
            else:
                self._register(kind, cell)
        return arrange(self.parts)

    @staticmethod
    def _opaque(cell: Cell) -> bool:
        return any(cell.pins[i].function is None for i in cell.outputs)

    def _ports(self) -> None:
        """Input ports copy their recorded bit; the clock's lies low before a rising edge."""
        recording = self.recording
        clock = recording.clock
        for port in self.netlist.ports:
            if port.direction != "input":
                continue
            signal = recording.signals.get(port.name)
            if port.name == clock and not recording.both_edges:
                self.parts.clock_nets[port.nets[0]] = self.graph.one
                self.graph.constants[self.graph.net(port.nets[0])] = False
                self._copy(self.graph.zero, port.nets[0], inverted=False)
            elif signal is None or signal.width != len(port.nets):
                self.parts.unmapped[port.name] = "the recording has no such input of that width"
            else:
                for bit, net in enumerate(port.nets):
                    self._copy(signal.offset + bit, net, inverted=False)

    def _copy(self, node: int, net: int, *, inverted: bool) -> None:
        expression = Not(Variable("i0")) if inverted else Variable("i0")
        read = np.array([[node]], dtype=np.int32)
        self.graph.add(expression, ("i0",), read, np.array([self.graph.net(net)], dtype=np.int32))

    def _logic(self, kind: int, cell: Cell) -> None:
        """A combinational cell type: one operation an output of every instance."""
        nets = self.netlist.pins_of_type(kind)
        names = cell.input_names
        reads = self.graph.net_array(nets[:, list(cell.inputs)])
        wanted = kind in self.states and 0 < len(names) <= MAX_STATE_VARIABLES
        for position in cell.outputs:
            function = cell.pins[position].function
            assert function is not None
            targets = self.graph.net_array(nets[:, position])
            open_pin = nets[:, position] < 0
            if open_pin.any():
                if not wanted:
                    keep = ~open_pin
                    self.graph.add(function, names, reads[keep], targets[keep])
                    continue
                targets = targets.copy()
                targets[open_pin] = self.graph.helpers(int(open_pin.sum()))
            self.graph.add(function, names, reads, targets, joint=wanted)
            if wanted:
                self.parts.joint[kind] = (targets, tuple(range(len(names))), NONE)
                wanted = False

    def _macro(self, kind: int, cell: Cell) -> None:
        """A memory or other black box: its outputs are taken from the recording."""
        nets = self.netlist.pins_of_type(kind)
        for row, instance in zip(nets, self.netlist.instances_of[kind], strict=True):
            name = self.netlist.cell_names[instance]
            for position in cell.outputs:
                if row[position] < 0:
                    continue
                pin = cell.pins[position].name
                port, _, index = pin.partition("[")
                signal = self.recording.signals.get(f"{name}.{port}")
                bit = int(index[:-1]) if index else 0
                if signal is None or bit >= signal.width:
                    self.parts.unmapped[f"{name}/{pin}"] = "not in the recording"
                else:
                    self._copy(signal.offset + bit, int(row[position]), inverted=False)

    def _register(self, kind: int, cell: Cell) -> None:
        """Flip-flops and latches: outputs from the recording, next states for the check."""
        sequential = cell.sequential
        assert isinstance(sequential, FlipFlop | Latch)
        data = sequential.next_state if isinstance(sequential, FlipFlop) else sequential.data_in
        nets = self.netlist.pins_of_type(kind)
        states: dict[bool, Expression] = {True: Variable("i0"), False: Not(Variable("i0"))}
        polarity = _polarity(cell, data)
        targets_of: dict[tuple[int, bool], list[tuple[int, int]]] = {}
        following: dict[bool, Expression] = {}
        state_nodes = []
        for row, instance in zip(nets.tolist(), self.netlist.instances_of[kind], strict=True):
            name = self.netlist.cell_names[instance]
            recorded = self._recorded_bit(name)
            if isinstance(recorded, str):
                self.parts.unmapped[name] = recorded
                state_nodes.append(NONE)
                continue
            node, register = recorded
            # The captured bit is the register's, or its complement; the state follows from it.
            straight = register.inverted == polarity
            state_nodes.append(self._state_node(node, straight))
            for position in cell.outputs:
                if row[position] >= 0:
                    targets_of.setdefault((position, straight), []).append((node, row[position]))
            if isinstance(sequential, FlipFlop):
                if straight not in following:
                    following[straight] = _following(sequential, straight)
                self._flip_flop_check(
                    cell, sequential, int(instance), row, node, register, following[straight]
                )
        for (position, straight), pairs in targets_of.items():
            function = cell.pins[position].function
            if function is None:
                continue
            state = states[straight]
            inner = {sequential.state: state, sequential.state_inverted: negate(state)}
            expression = substitute(function, inner)
            if set(variables(expression)) - {"i0"}:
                raise DesignError(
                    f"cell {cell.name}: output {cell.pins[position].name} depends on its inputs "
                    "and its state; replay does not handle that"
                )
            nodes = np.array([[node] for node, _ in pairs], dtype=np.int32)
            targets = self.graph.net_array(np.array([net for _, net in pairs], dtype=np.int32))
            self.graph.add(expression, ("i0",), nodes, targets)
        if kind in self.states and isinstance(sequential, FlipFlop):
            self._register_states(kind, cell, sequential, nets, state_nodes)

    def _state_node(self, recorded: int, straight: bool) -> int:
        return recorded if straight else self.graph.add_one(Not(Variable("i0")), {"i0": recorded})

    def _recorded_bit(self, name: str) -> tuple[int, RegisterBit] | str:
        register = self.registers.get(name)
        if register is None:
            return "no register of the RTL is known for it"
        signal = self.recording.signals.get(register.signal)
        if signal is None or register.bit >= signal.width:
            return f"register {register.signal}[{register.bit}] is not in the recording"
        return signal.offset + register.bit, register

    def _flip_flop_check(
        self,
        cell: Cell,
        flip_flop: FlipFlop,
        instance: int,
        row: list[int],
        node: int,
        register: RegisterBit,
        following: Expression,
    ) -> None:
        """What the recorded bit must be one row later, and when that can be said.

        following : the bit one row later, from the cell's inputs and the bit before
        """
        values = {cell.pins[i].name: self.graph.net(row[i]) for i in cell.inputs}
        values |= {flip_flop.state: node, flip_flop.state_inverted: node}
        next_node = self.graph.add_one(following, values)
        nets = tuple(row[cell.pin_index[name]] for name in variables(flip_flop.clocked_on))
        clock = (cell.name, nets)
        if clock not in self.captures:
            self.captures[clock] = self._captures(cell, flip_flop, row)
        captures = self.captures[clock]
        if captures is None:
            name = self.netlist.cell_names[instance]
            edge = "needs both edges recorded" if not self.recording.both_edges else "is data"
            raise DesignError(
                f"flip-flop {name} ({cell.name}): its clock {edge}; record the RTL with "
                "both_edges=True"
            )
        forced = [
            condition for condition in (flip_flop.clear, flip_flop.preset) if condition is not None
        ]
        unsure = NONE
        if forced:
            unsure = self.graph.add_one(
                forced[0] if len(forced) == 1 else Or(tuple(forced)), values
            )
            unsure = NONE if unsure == self.graph.zero else unsure
        self.parts.checks.append(
            (instance, register.signal, register.bit, next_node, node, captures, unsure)
        )

    def _captures(self, cell: Cell, flip_flop: FlipFlop, row: list[int]) -> int | None:
        """A node that is 1 where the flip-flop's edge follows a row; NONE if it always does."""
        low: dict[str, int] = {}
        high: dict[str, int] = {}
        for name in variables(flip_flop.clocked_on):
            net = row[cell.pin_index[name]]
            low[name] = self.graph.net(net)
            if self.recording.both_edges:
                high[name] = low[name]
            elif net in self.parts.clock_nets:
                high[name] = self.parts.clock_nets[net]
            else:
                return None
        if self.recording.both_edges:
            # A rising edge shows as 0 at a row and 1 at the next: the engines compare rows.
            return -2 - self.graph.add_one(flip_flop.clocked_on, low)
        before = self.graph.add_one(flip_flop.clocked_on, low)
        after = self.graph.add_one(flip_flop.clocked_on, high)
        if before == self.graph.one or after == self.graph.zero:
            return None  # it falls
        rises = And((Not(Variable("before")), Variable("after")))
        node = self.graph.add_one(rises, {"before": before, "after": after})
        return NONE if node == self.graph.one else node

    def _register_states(
        self,
        kind: int,
        cell: Cell,
        flip_flop: FlipFlop,
        nets: Int32s,
        state_nodes: list[int],
    ) -> None:
        """Watch a flip-flop's pins (but the clock) together with its state."""
        clocks = set(variables(flip_flop.clocked_on))
        names = cell.state_variables
        if len(clocks) != 1 or len(names) > MAX_STATE_VARIABLES or NONE in state_nodes:
            return
        clock = names.index(next(iter(clocks)))
        watched = tuple(i for i in range(len(names)) if i != clock)
        pins = self.graph.net_array(nets[:, [cell.inputs[i] for i in watched[:-1]]])
        reads = np.column_stack([pins, np.array(state_nodes, dtype=np.int32)])
        targets = self.graph.helpers(len(nets))
        self.graph.add(None, (), reads, targets, joint=True)
        self.parts.joint[kind] = (targets, watched, clock)

    def _clock_gate(self, kind: int, cell: Cell) -> None:
        """A clock gate before an edge: its latch is open and its clock is low."""
        gate = cell.sequential
        assert isinstance(gate, ClockGate)
        if self.recording.both_edges:
            for instance in self.netlist.instances_of[kind]:
                self.parts.unmapped[self.netlist.cell_names[instance]] = (
                    "clock gates are replayed from rising edges only"
                )
            return
        nets = self.netlist.pins_of_type(kind)
        names = cell.input_names
        reads = self.graph.net_array(nets[:, list(cell.inputs)])
        for position in cell.outputs:
            function = cell.pins[position].function
            if function is None:
                continue
            expression = substitute(function, {gate.state: gate.enable})
            keep = nets[:, position] >= 0
            self.graph.add(
                expression, names, reads[keep], self.graph.net_array(nets[keep, position])
            )


def _following(flip_flop: FlipFlop, straight: bool) -> Expression:
    """The recorded bit after an edge; `straight` if it is the flip-flop's state."""
    state: Expression = Variable(flip_flop.state)
    state = state if straight else negate(state)
    inner = {flip_flop.state: state, flip_flop.state_inverted: negate(state)}
    next_state = substitute(flip_flop.next_state, inner)
    return next_state if straight else negate(next_state)


def _polarity(cell: Cell, data: Expression) -> bool:
    """Whether the state captures the complement of its data pin."""
    names = variables(data)
    inputs = [name for name in names if name in cell.input_names]
    state = getattr(cell.sequential, "state", "")
    keys = tuple(dict.fromkeys((*names, state)))
    # Of several inputs (scan, enable) the first that moves the state one way only is the data.
    for name in inputs:
        direction = unateness(data, name, keys)
        if direction == "negative" and len(inputs) == 1:
            return True
    return False
