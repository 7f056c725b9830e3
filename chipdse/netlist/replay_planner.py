"""Turn a netlist and a recording's layout into a plan: what is a source, a check, a clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from chipdse.errors import DesignError
from chipdse.netlist.cells import Cell, ClockGate, FlipFlop, Latch
from chipdse.netlist.liberty_function import (
    And,
    Expression,
    Not,
    Or,
    Variable,
    Xor,
    negate,
    substitute,
    unateness,
    variables,
)
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, Netlist
from chipdse.netlist.recorded import Recording, RegisterBit
from chipdse.netlist.replay_graph import OperationGraph
from chipdse.netlist.replay_plan import MAX_STATE_VARIABLES, NONE, Check, JointStates, Plan


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
        self.unmapped: dict[str, str] = {}
        self.checks: list[tuple[int, str, int, int, int, int, int]] = []
        self.joint: dict[int, tuple[NDArray[np.int32], tuple[int, ...], int]] = {}
        self.clock_nets: dict[int, int] = {}  # net -> node of its value while the clock is high
        self.clocked: list[tuple[int, int, int]] = []
        self.captures: dict[tuple[str, tuple[int, ...]], int | None] = {}

    # -- the parts of a netlist --

    def plan(self) -> Plan:
        self._ports()
        sequential = [k for k in self.netlist.used_types if self.netlist.cells[k].sequential]
        self._clock_network()
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
        return self._arrange()

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
                self.clock_nets[port.nets[0]] = self.graph.one
                self.graph.constants[self.graph.net(port.nets[0])] = False
                self._copy(self.graph.zero, port.nets[0], inverted=False)
            elif signal is None or signal.width != len(port.nets):
                self.unmapped[port.name] = "the recording has no such input of that width"
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
                self.joint[kind] = (targets, tuple(range(len(names))), NONE)
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
                    self.unmapped[f"{name}/{pin}"] = "not in the recording"
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
        state_nodes = []
        for row, instance in zip(nets.tolist(), self.netlist.instances_of[kind], strict=True):
            name = self.netlist.cell_names[instance]
            found = self._recorded_bit(name)
            if isinstance(found, str):
                self.unmapped[name] = found
                state_nodes.append(NONE)
                continue
            node, register = found
            # The captured bit is the register's, or its complement; the state follows from it.
            straight = register.inverted == polarity
            state_nodes.append(self._state_node(node, straight))
            for position in cell.outputs:
                if row[position] >= 0:
                    targets_of.setdefault((position, straight), []).append((node, row[position]))
            if isinstance(sequential, FlipFlop):
                self._flip_flop_check(
                    cell, sequential, int(instance), row, node, register, straight
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
        straight: bool,
    ) -> None:
        """What the recorded bit must be one row later, and when that can be said."""
        values = {cell.pins[i].name: self.graph.net(row[i]) for i in cell.inputs}
        values |= {flip_flop.state: node, flip_flop.state_inverted: node}
        own: Expression = Variable(flip_flop.state)
        own = own if straight else negate(own)
        inner = {flip_flop.state: own, flip_flop.state_inverted: negate(own)}
        following = substitute(flip_flop.next_state, inner)
        next_node = self.graph.add_one(following if straight else negate(following), values)
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
        forced = [each for each in (flip_flop.clear, flip_flop.preset) if each is not None]
        unsure = NONE
        if forced:
            unsure = self.graph.add_one(
                forced[0] if len(forced) == 1 else Or(tuple(forced)), values
            )
            unsure = NONE if unsure == self.graph.zero else unsure
        self.checks.append(
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
            elif net in self.clock_nets:
                high[name] = self.clock_nets[net]
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
        nets: NDArray[np.int32],
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
        self.joint[kind] = (targets, watched, clock)

    # -- the clock network --

    def _clock_network(self) -> None:
        """Follow the clock through buffers, gates and clock gates, as it is while high.

        Before an edge the clock is low; the same logic with the clock high tells which parts of
        the network see a pulse after that row.
        """
        if self.recording.both_edges:
            return
        netlist = self.netlist
        order = np.argsort(netlist.pin_net, kind="stable")
        sorted_nets = netlist.pin_net[order]
        waiting = list(self.clock_nets)
        for net in waiting:
            self._note_clocked(net)
        while waiting:
            net = waiting.pop()
            first, last = np.searchsorted(sorted_nets, [net, net + 1])
            for pin in order[first:last].tolist():
                if netlist.pin_is_load[pin]:
                    waiting += self._through(int(netlist.pin_cell[pin]))

    def _through(self, instance: int) -> list[int]:
        """The nets a clocked cell drives that switch with the clock, when all is known of it."""
        netlist = self.netlist
        cell = netlist.cells[netlist.cell_types[instance]]
        start = int(netlist.pin_start[instance])
        row = netlist.pin_net[start : start + len(cell.pins)].tolist()
        if isinstance(cell.sequential, FlipFlop | Latch) or cell.is_macro:
            return []
        found = []
        for position in cell.outputs:
            net, function = row[position], cell.pins[position].function
            if net < 0 or function is None or net in self.clock_nets:
                continue
            low = {cell.pins[i].name: self.graph.net(row[i]) for i in cell.inputs}
            high = {
                cell.pins[i].name: self.clock_nets.get(row[i], self.graph.net(row[i]))
                for i in cell.inputs
            }
            if isinstance(cell.sequential, ClockGate):
                gate = cell.sequential
                if gate.transparent_high:
                    raise DesignError(
                        f"clock gate {netlist.cell_names[instance]} ({cell.name}) gates falling "
                        "edges; record the RTL with both_edges=True"
                    )
                low[gate.state] = high[gate.state] = self.graph.add_one(gate.enable, low)
            before = self.graph.constant_value(function, low)
            if before is not None:
                self.graph.constants[self.graph.net(net)] = before
            self.clock_nets[net] = self.graph.add_one(function, high)
            self._note_clocked(net)
            found.append(net)
        return found

    def _note_clocked(self, net: int) -> None:
        change = self.graph.helpers(1)
        reads = np.array([[self.graph.net(net), self.clock_nets[net]]], dtype=np.int32)
        self.graph.add(Xor((Variable("a"), Variable("b"))), ("a", "b"), reads, change)
        self.clocked.append((net, self.clock_nets[net], int(change[0])))

    def _clock_gate(self, kind: int, cell: Cell) -> None:
        """A clock gate before an edge: its latch is open and its clock is low."""
        gate = cell.sequential
        assert isinstance(gate, ClockGate)
        if self.recording.both_edges:
            for instance in self.netlist.instances_of[kind]:
                self.unmapped[self.netlist.cell_names[instance]] = (
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

    # -- the plan --

    def _arrange(self) -> Plan:
        """Order the operations and translate nodes into slots."""
        ordered = self.graph.order()
        slot = ordered.slot
        base, nets = self.graph.base, self.netlist.net_count
        checks, check_slots = self._placed_checks(slot)
        outputs, output_slots = self._outputs(slot[base : base + nets])
        slot_of_net = slot[self.graph.base : self.graph.base + nets].copy()
        slot_of_net[CONSTANT_0], slot_of_net[CONSTANT_1] = self.graph.zero, self.graph.one
        return Plan(
            base=self.graph.base,
            slots=len(ordered.operation),
            operations=ordered.operations,
            runs=ordered.runs,
            slot_of_net=slot_of_net,
            annotated=slot_of_net >= 0,
            checks=tuple(checks),
            check_slots=np.array(check_slots, dtype=np.int32).reshape(-1, 4),
            outputs=tuple(outputs),
            output_slots=np.array(output_slots, dtype=np.int32).reshape(-1, 2),
            clocked=tuple(
                (net, int(slot[self.graph.net(net)]), int(slot[high]), int(slot[change]))
                for net, high, change in self.clocked
                if slot[self.graph.net(net)] >= 0 and slot[change] >= 0
            ),
            joint={
                kind: JointStates(
                    operation=int(ordered.operation[slot[nodes[0]]]),
                    slots=slot[nodes],
                    places=ordered.place[slot[nodes]],
                    variables=names,
                    clock=clock,
                )
                for kind, (nodes, names, clock) in self.joint.items()
                if (slot[nodes] >= 0).all()
            },
            unmapped=self.unmapped,
        )

    def _placed_checks(
        self, slot: NDArray[np.int32]
    ) -> tuple[list[Check], list[tuple[int, int, int, int]]]:
        checks, slots = [], []
        for instance, signal, bit, next_node, recorded, captures, unsure in self.checks:
            edge = captures
            if captures != NONE:
                at = int(slot[-2 - captures if captures < NONE else captures])
                if at < 0:
                    continue
                edge = -2 - at if captures < NONE else at
            forced = NONE if unsure == NONE else int(slot[unsure])
            if slot[next_node] < 0 or (unsure != NONE and forced < 0):
                continue  # it hangs on something unmapped, which is listed
            checks.append(Check(cell=instance, signal=signal, bit=bit))
            slots.append((int(slot[next_node]), recorded, edge, forced))
        return checks, slots

    def _macro_inputs(
        self, slot_of_net: NDArray[np.int32]
    ) -> tuple[list[str], list[tuple[int, int]]]:
        """What macros are given, where it was recorded: as good as outputs to compare."""
        names, slots = [], []
        for kind in map(int, self.netlist.used_types):
            cell = self.netlist.cells[kind]
            if not cell.is_macro:
                continue
            nets = self.netlist.pins_of_type(kind).tolist()
            for row, instance in zip(nets, self.netlist.instances_of[kind], strict=True):
                for position in cell.inputs:
                    port, _, index = cell.pins[position].name.partition("[")
                    name = f"{self.netlist.cell_names[instance]}.{port}"
                    signal, net = self.recording.signals.get(name), row[position]
                    if signal is None or net < 0 or net in self.clock_nets:
                        continue
                    at = self.graph.net(net) if net < 2 else int(slot_of_net[net])
                    if at >= 0:
                        names.append(f"{name}[{index}" if index else name)
                        slots.append((at, signal.offset + (int(index[:-1]) if index else 0)))
        return names, slots

    def _outputs(self, slot_of_net: NDArray[np.int32]) -> tuple[list[str], list[tuple[int, int]]]:
        names, slots = self._macro_inputs(slot_of_net)
        for port in self.netlist.ports:
            signal = self.recording.signals.get(port.name)
            if port.direction != "output" or signal is None:
                continue
            for bit, (net, name) in enumerate(zip(port.nets, port.bit_names(), strict=True)):
                if net in self.clock_nets or net < 0:
                    continue
                at = self.graph.net(net) if net < 2 else int(slot_of_net[net])
                if at >= 0:
                    names.append(name)
                    slots.append((at, signal.offset + bit))
        return names, slots


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
