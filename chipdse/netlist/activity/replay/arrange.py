"""From the operations on a netlist's nodes to a replay's plan: their order, and slots for nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Int32s
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.replay.graph import OperationGraph
from chipdse.netlist.activity.replay.plan import NONE, Check, JointStates, Plan
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, Netlist


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """What planning has gathered so far; nodes are numbered by the graph.

    unmapped : what cannot be replayed, and why, by name
    checks : instance, signal, bit, next state's node, recorded node, captures, unsure
    joint : by cell, nodes to watch together, the variables they show, and which is the clock
    clock_nets : node of each clock net's value while the clock is high
    clocked : net, that node, node that is 1 if it pulses
    """

    netlist: Netlist
    recording: Recording
    graph: OperationGraph
    unmapped: dict[str, str] = field(default_factory=dict)
    checks: list[tuple[int, str, int, int, int, int, int]] = field(default_factory=list)
    joint: dict[int, tuple[Int32s, tuple[int, ...], int]] = field(default_factory=dict)
    clock_nets: dict[int, int] = field(default_factory=dict)
    clocked: list[tuple[int, int, int]] = field(default_factory=list)


def arrange(parts: Parts) -> Plan:
    """Order the operations and translate nodes into slots."""
    ordered = parts.graph.order()
    slot = ordered.slot
    base, nets = parts.graph.base, parts.netlist.net_count
    checks, check_slots = _placed_checks(parts, slot)
    slot_of_net = slot[base : base + nets].copy()
    outputs, output_slots = _outputs(parts, slot_of_net)
    slot_of_net[CONSTANT_0], slot_of_net[CONSTANT_1] = parts.graph.zero, parts.graph.one
    return Plan(
        base=base,
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
            (net, int(slot[parts.graph.net(net)]), int(slot[high]), int(slot[change]))
            for net, high, change in parts.clocked
            if slot[parts.graph.net(net)] >= 0 and slot[change] >= 0
        ),
        joint={
            kind: JointStates(
                operation=int(ordered.operation[slot[nodes[0]]]),
                slots=slot[nodes],
                places=ordered.place[slot[nodes]],
                variables=names,
                clock=clock,
            )
            for kind, (nodes, names, clock) in parts.joint.items()
            if (slot[nodes] >= 0).all()
        },
        unmapped=parts.unmapped,
    )


def _placed_checks(
    parts: Parts, slot: Int32s
) -> tuple[list[Check], list[tuple[int, int, int, int]]]:
    checks, slots = [], []
    for instance, signal, bit, next_node, recorded, captures, unsure in parts.checks:
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


def _macro_inputs(parts: Parts, slot_of_net: Int32s) -> tuple[list[str], list[tuple[int, int]]]:
    """What macros are given, where it was recorded: as good as outputs to compare."""
    names, slots = [], []
    for kind in map(int, parts.netlist.used_types):
        cell = parts.netlist.cells[kind]
        if not cell.is_macro:
            continue
        nets = parts.netlist.pins_of_type(kind).tolist()
        for row, instance in zip(nets, parts.netlist.instances_of[kind], strict=True):
            for position in cell.inputs:
                port, _, index = cell.pins[position].name.partition("[")
                name = f"{parts.netlist.cell_names[instance]}.{port}"
                signal, net = parts.recording.signals.get(name), row[position]
                if signal is None or net < 0 or net in parts.clock_nets:
                    continue
                at = parts.graph.net(net) if net < 2 else int(slot_of_net[net])
                if at >= 0:
                    names.append(f"{name}[{index}" if index else name)
                    slots.append((at, signal.offset + (int(index[:-1]) if index else 0)))
    return names, slots


def _outputs(parts: Parts, slot_of_net: Int32s) -> tuple[list[str], list[tuple[int, int]]]:
    names, slots = _macro_inputs(parts, slot_of_net)
    for port in parts.netlist.ports:
        signal = parts.recording.signals.get(port.name)
        if port.direction != "output" or signal is None:
            continue
        for bit, (net, name) in enumerate(zip(port.nets, port.bit_names(), strict=True)):
            if net in parts.clock_nets or net < 0:
                continue
            at = parts.graph.net(net) if net < 2 else int(slot_of_net[net])
            if at >= 0:
                names.append(name)
                slots.append((at, signal.offset + bit))
    return names, slots
