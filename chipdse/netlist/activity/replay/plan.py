"""The plan of a replay: the operations of a netlist's logic, ordered by level.

A plan is a list of operations, one per cell output, each a Boolean function of earlier slots. The
first slots are the bits of a recorded row; registers are operations that copy or invert one.
Operations of the same function and level stand side by side, so that an engine computes them in one
call. Some operations belong to no net: next states to check, clock gates while the clock is high,
and cells for which only the joint states of the pins are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chipdse.arrays import Bools, Int32s, Int64s
from chipdse.netlist.library.logic import Expression

MAX_STATE_VARIABLES = 10
NONE = -1


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One Boolean function that several operations of the plan compute.

    expression : over ``i0``, ``i1``, ...; None computes nothing
    inputs : number of slots that the function reads
    joint : also count how often each combination of its inputs occurs
    """

    expression: Expression | None
    inputs: int
    joint: bool

    @property
    def text(self) -> str:
        """A text that is equal for equal operations; it is the key of compiled code."""
        return f"{self.inputs}{'j' if self.joint else ''}:{self.expression}"


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Operations of one function and level stand together: run r has slots ``first[r]`` on.

    operation, first, count : of each run
    offset : number of operations of this function in earlier runs
    start : index of the first read of each run in `reads`
    reads : slots, the inputs of one operation after the other
    """

    operation: Int64s
    first: Int64s
    count: Int64s
    offset: Int64s
    start: Int64s
    reads: Int32s


@dataclass(frozen=True, kw_only=True)
class Check:
    """A register bit whose next value is known from the netlist; for messages."""

    cell: int
    signal: str
    bit: int


@dataclass(frozen=True, kw_only=True)
class JointStates:
    """Where the joint states of a library cell's instances are counted.

    operation : number of the operation
    slots : one per instance, in netlist order
    places : positions of these slots among all slots of the operation
    variables : positions, among the cell's state variables, of the variables that are counted
    clock : position of the clock among the state variables, NONE if there is none
    """

    operation: int
    slots: Int32s
    places: Int64s
    variables: tuple[int, ...]
    clock: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything an engine needs to replay any recording of one layout.

    base : slots that hold a row's bits, then two constants; operations follow
    slots : number of slots in all
    slot_of_net : NONE for nets that cannot be computed
    checks : register bits that are compared
    check_slots : int32 [checks, 4]: next state, recorded bit, where the edge after a row arrives
        (NONE: always; below: -2 - slot of a clock recorded as data), where an asynchronous set
        or reset is active (NONE: never)
    outputs : names of port bits that are compared
    output_slots : int32 [outputs, 2]: net, recorded bit
    clocked : nets that switch with the clock: (net, slot at low, slot while high, slot of change)
    unmapped : by name of register or net: why it cannot be replayed
    """

    base: int
    slots: int
    operations: tuple[Operation, ...]
    runs: Runs
    slot_of_net: Int32s
    annotated: Bools
    checks: tuple[Check, ...]
    check_slots: Int32s
    outputs: tuple[str, ...]
    output_slots: Int32s
    clocked: tuple[tuple[int, int, int, int], ...]
    joint: dict[int, JointStates] = field(default_factory=dict)
    unmapped: dict[str, str] = field(default_factory=dict)
