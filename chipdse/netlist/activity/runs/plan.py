"""What is needed to run a netlist by itself: its inputs, and the next state of every register.

A replay takes the registers of every cycle from a recording. A run computes them: before each edge
the logic of the netlist determines the next value of every register. The operations are those of
replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Int32s, UInt64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import WORD_BITS, RecordedSignal, Recording, RegisterBit
from chipdse.netlist.activity.replay.plan import NONE, Plan
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.library.cells import FlipFlop, Latch
from chipdse.netlist.netlist import Netlist


@dataclass(frozen=True, kw_only=True, eq=False)
class RunPlan:
    """The operations of a netlist, with the slots that are given and those that it computes.

    plan : the operations
    inputs : slots whose values are given in every step
    ports : rows of each input port among the given values, least significant bit first
    registers : names of the flip-flops, in the order of `state`
    state : int32 [registers, 4]: slot of the next state, of the register, of whether its clock has
        an edge (NONE: always), of whether it is set or reset without a clock (NONE: never)
    """

    plan: Plan
    inputs: Int32s
    ports: Mapping[str, slice]
    registers: tuple[str, ...]
    state: Int32s


def recorded_runs(plan: Plan) -> RunPlan:
    """Runs whose registers and inputs are all given in every step, as rows of a recording."""
    return RunPlan(
        plan=plan,
        inputs=np.arange(plan.base - 2, dtype=np.int32),
        ports={},
        registers=(),
        state=np.zeros((0, 4), dtype=np.int32),
    )


def plan_runs(
    netlist: Netlist, clock: str, registers: Mapping[str, RegisterBit] | None = None
) -> RunPlan:
    """Plan runs of a netlist whose flip-flops capture at the rising edge of one clock.

    Parameters
    ----------
    clock : the clock's port; an empty text for a netlist without registers
    registers : by instance name, the RTL register bit of each flip-flop: a flip-flop that stores
        the complement then starts from the complement; None starts all from what they capture

    Raises
    ------
    DesignError : a latch, a memory macro or a falling clock edge, or a net that nothing drives
    """
    flip_flops = _flip_flops(netlist)
    known = registers or {}
    signals: dict[str, RecordedSignal] = {}
    offset = 0
    for port in netlist.ports:
        if port.direction == "input" and port.name != clock:
            signals[port.name] = _signal(port.name, "input", len(port.nets), offset)
            offset += len(port.nets)
    input_bits = offset
    for name in flip_flops:
        signals[f"flip-flop {name}"] = _signal(f"flip-flop {name}", "register", 1, offset)
        offset += 1
    layout = Recording(
        words=np.zeros((1, -(-offset // WORD_BITS) or 1), dtype=np.uint32),
        signals=signals,
        clock=clock,
    )
    stored = {
        name: RegisterBit(
            signal=f"flip-flop {name}",
            bit=0,
            inverted=known[name].inverted if name in known else False,
        )
        for name in flip_flops
    }
    plan = plan_replay(netlist, layout, stored)
    _refuse_gaps(netlist, plan, len(flip_flops))
    return RunPlan(
        plan=plan,
        inputs=np.arange(input_bits, dtype=np.int32),
        ports={
            name: slice(signal.offset, signal.offset + signal.width)
            for name, signal in signals.items()
            if signal.kind == "input"
        },
        registers=tuple(netlist.cell_names[check.cell] for check in plan.checks),
        state=plan.check_slots,
    )


def recorded_state(
    run_plan: RunPlan, registers: Mapping[str, RegisterBit], recording: Recording, row: int
) -> UInt64s:
    """The value of every register of a plan in a row of the RTL's recording: 0 or 1.

    Raises
    ------
    DesignError : a register is not in the recording
    """
    bits = np.zeros(len(run_plan.registers), dtype=np.uint64)
    for number, name in enumerate(run_plan.registers):
        register = registers.get(name)
        signal = None if register is None else recording.signals.get(register.signal)
        if register is None or signal is None:
            raise DesignError(
                f"flip-flop {name}: its register is not in the recording, so its first state is "
                "not known"
            )
        at = signal.offset + register.bit
        bits[number] = int(recording.words[row, at // WORD_BITS]) >> (at % WORD_BITS) & 1
    return bits


def _signal(name: str, kind: str, width: int, offset: int) -> RecordedSignal:
    return RecordedSignal(name=name, kind=kind, width=width, offset=offset)


def _flip_flops(netlist: Netlist) -> Sequence[str]:
    """Names of all flip-flops; refuses what has another state."""
    names: list[str] = []
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        if cell.is_macro or isinstance(cell.sequential, Latch):
            what = "a memory macro" if cell.is_macro else "a latch"
            raise DesignError(
                f"{netlist.cell_names[instances[0]]} ({cell.name}) is {what}; runs need a netlist "
                "whose only state is in flip-flops: build it without memory macros and latches"
            )
        if isinstance(cell.sequential, FlipFlop):
            names += [netlist.cell_names[instance] for instance in instances]
    return names


def _refuse_gaps(netlist: Netlist, plan: Plan, flip_flops: int) -> None:
    if plan.unmapped:
        name, reason = next(iter(plan.unmapped.items()))
        raise DesignError(f"{name} cannot be run: {reason}")
    driven = (netlist.net_driver_pin >= 0) & ~plan.annotated
    if driven.any() or len(plan.checks) != flip_flops:
        net = netlist.net_names[int(np.argmax(driven))] if driven.any() else "a register"
        raise DesignError(f"{net} hangs on a net that nothing drives; runs need every net's value")
    if (plan.check_slots[:, 2] < NONE).any():
        raise DesignError("runs need one edge of the clock per cycle")
