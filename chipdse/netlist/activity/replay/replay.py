"""Replay: the exact zero-delay activity of every net, from a recording of the RTL's registers.

Between registers a netlist is only logic: given the register outputs and inputs of each cycle,
every net's value follows. And the replay checks itself: what a register's data pin shows in one
cycle, the recording must show at its output in the next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError, ToolError
from chipdse.kernels.build import compiler, kernels
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.recording import Recording, RegisterBit
from chipdse.netlist.activity.replay.counts import Counts, Mismatch, joint_counts
from chipdse.netlist.activity.replay.engine_compiled import count_compiled
from chipdse.netlist.activity.replay.engine_numpy import count_with_numpy
from chipdse.netlist.activity.replay.lanes import LANES, Window
from chipdse.netlist.activity.replay.plan import JointStates, Plan
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, Netlist

Engine = Literal["auto", "numpy", "compiled"]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """Activity and how far it can be trusted.

    annotated_fraction : part of the nets whose activity is known
    checked_bits : register bits and outputs compared in every cycle
    unmapped : what could not be replayed, and why, by name
    engine : "numpy" or "compiled"
    """

    activity: Activity
    annotated_fraction: float
    checked_bits: int
    unmapped: dict[str, str]
    engine: str


def replay(
    netlist: Netlist,
    recording: Recording,
    registers: Mapping[str, RegisterBit],
    *,
    first_cycle: int = 0,
    cycles: int | None = None,
    clock_period_s: float = 1.0,
    states: bool | Collection[int] = True,
    engine: Engine = "auto",
    plan: Plan | None = None,
) -> Replayed:
    """Replay a recorded RTL simulation on the netlist synthesised from it.

    Parameters
    ----------
    registers : `recorded.read_register_map` of the synthesis
    first_cycle, cycles : the window, counted by rising edges; cycle c is from edge c to the next.
        None is all there is
    clock_period_s : only gives `Activity.duration_s`
    states : joint state probabilities: of all cells, none, or some (by position in the library)
    engine : "auto" compiles a kernel where a C compiler is present; results are equal
    plan : of an earlier call on the same netlist and layout, to save its making

    Raises
    ------
    DesignError : the self-check fails (names register, cycle and both values), the window lies
        outside the recording, or the recording has X in it
    """
    if plan is None:
        wanted = states if not isinstance(states, bool) else netlist.used_types if states else ()
        plan = plan_replay(netlist, recording, registers, states=[int(kind) for kind in wanted])
    window = _window(recording, first_cycle, cycles)
    refuse_unknown(recording, window)
    counts, name = _count(plan, recording, window, engine)
    if counts.mismatch is not None:
        raise DesignError(_describe(netlist, recording, plan, counts.mismatch))
    activity = _activity(netlist, recording, plan, window, counts, clock_period_s)
    known = plan.annotated[2:]
    return Replayed(
        activity=activity,
        annotated_fraction=float(known.mean()) if len(known) else 1.0,
        checked_bits=len(plan.checks) + len(plan.outputs),
        unmapped=plan.unmapped,
        engine=name,
    )


def _window(recording: Recording, first_cycle: int, cycles: int | None) -> Window:
    per_cycle = 2 if recording.both_edges else 1
    available = (recording.rows - 1) // per_cycle
    last = available if cycles is None else first_cycle + cycles
    # A bench that stops at the last edge leaves no row behind it: its last cycle is not seen.
    last = min(last, available) if last <= available + 1 else last
    if not 0 <= first_cycle < last <= available:
        raise DesignError(
            f"cycles {first_cycle} to {last - 1} are not in the recording, which has {available}"
        )
    return Window(first=first_cycle * per_cycle, transitions=(last - first_cycle) * per_cycle)


def refuse_unknown(recording: Recording, window: Window) -> None:
    """Raise DesignError if the recording has X in a window, naming the signal."""
    if recording.unknown is None:
        return
    rows = recording.unknown[window.first : window.first + window.transitions + 1]
    if not rows.any():
        return
    row = int(np.flatnonzero(rows.any(axis=1))[0])
    for signal in recording.signals.values():
        bits = range(signal.offset, signal.offset + signal.width)
        if any(int(rows[row, bit // 32]) >> (bit % 32) & 1 for bit in bits):
            raise DesignError(
                f"{signal.name} is X at edge {window.first + row} of the recording; start the "
                "window after reset"
            )


def _count(plan: Plan, recording: Recording, window: Window, engine: Engine) -> tuple[Counts, str]:
    if engine == "numpy" or (engine == "auto" and compiler() is None):
        return count_with_numpy(plan, recording, window), "numpy"
    try:
        return count_compiled(plan, recording, window, kernels()), "compiled"
    except ToolError:
        if engine == "compiled":
            raise
        return count_with_numpy(plan, recording, window), "numpy"


def _describe(netlist: Netlist, recording: Recording, plan: Plan, mismatch: Mismatch) -> str:
    """A failed self-check, for people."""
    per_cycle = 2 if recording.both_edges else 1
    if mismatch.check < len(plan.checks):
        check = plan.checks[mismatch.check]
        cycle = (mismatch.row - 1) // per_cycle
        return (
            f"register {check.signal}[{check.bit}] (flip-flop {netlist.cell_names[check.cell]}): "
            f"the netlist's data pin is {mismatch.expected} in cycle {cycle}, but the recording "
            f"has {mismatch.recorded} after the edge that ends it; the netlist is not what the RTL "
            "does"
        )
    name = plan.outputs[mismatch.check - len(plan.checks)]
    return (
        f"output {name}: the netlist has {mismatch.expected} before edge "
        f"{mismatch.row // per_cycle}, the recording {mismatch.recorded}; the netlist is not what "
        "the RTL does"
    )


def _activity(
    netlist: Netlist,
    recording: Recording,
    plan: Plan,
    window: Window,
    counts: Counts,
    clock_period_s: float,
) -> Activity:
    total = window.transitions
    ones = counts.ones - window.padding * counts.last
    slot = np.maximum(plan.slot_of_net, 0)
    toggles = np.where(plan.annotated, counts.toggles[slot], 0).astype(np.float64)
    high = np.where(plan.annotated, ones[slot] / total, 0.0)
    toggles[[CONSTANT_0, CONSTANT_1]] = 0.0
    high[[CONSTANT_0, CONSTANT_1]] = 0.0, 1.0
    # Clocked nets: a pulse follows a row where the value with the clock high differs.
    for net, low, while_high, change in plan.clocked:
        pulses = float(ones[change] - counts.last[change] + counts.first[change])
        toggles[net] = 2.0 * pulses
        raised = float(ones[while_high] - counts.last[while_high] + counts.first[while_high])
        high[net] = 0.5 * (raised / total + ones[low] / total)
    cycles = total / (2 if recording.both_edges else 1)
    joint = {
        kind: _joint(netlist, kind, states, _counted_sets(plan, states, window, counts), high)
        for kind, states in plan.joint.items()
    }
    return Activity(
        toggles=toggles,
        high_fraction=high,
        annotated=plan.annotated.copy(),
        cycles=cycles,
        duration_s=cycles * clock_period_s,
        origin="replay",
        states=joint,
    )


def _counted_sets(plan: Plan, states: JointStates, window: Window, counts: Counts) -> Floats:
    """Joint probabilities of what an operation reads, one row an instance."""
    inputs = plan.operations[states.operation].inputs
    run = np.searchsorted(plan.runs.first, states.slots, side="right") - 1
    start = plan.runs.start[run] + inputs * (states.slots - plan.runs.first[run])
    reads = plan.runs.reads[start[:, None] + np.arange(inputs)]
    sets = counts.sets[states.operation][states.places]
    joint = joint_counts(counts.ones[reads], sets, LANES * window.length)
    code = (counts.last[reads] << np.arange(inputs)).sum(axis=1)
    joint[np.arange(len(joint)), code] -= window.padding
    probability: Floats = joint / window.transitions
    return probability


def _joint(
    netlist: Netlist,
    kind: int,
    states: JointStates,
    counted: Floats,
    high: Floats,
) -> Floats:
    """Joint probabilities of all state variables of a cell's instances.

    A clock is high for its part of every cycle, in which a register's pins hold still.
    """
    if states.clock < 0:
        return counted
    variables = len(states.variables) + 1
    cell = netlist.cells[kind]
    clock_net = netlist.pins_of_type(kind)[:, cell.inputs[states.clock]]
    clock_high = high[clock_net][:, None]
    code = np.arange(1 << variables)
    below = code & ((1 << states.clock) - 1)
    watched = below | ((code >> (states.clock + 1)) << states.clock)
    share = np.where(code >> states.clock & 1, clock_high, 1 - clock_high)
    return counted[:, watched] * share
