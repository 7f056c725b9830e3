"""What a Liberty cell remembers: flip-flops, latches and integrated clock gates."""

from __future__ import annotations

import itertools
import re

from chipdse.errors import DesignError
from chipdse.netlist.library.cells import ClockGate, FlipFlop, Latch, Sequential
from chipdse.netlist.library.liberty.syntax import Group, LibertyFile
from chipdse.netlist.library.logic import (
    And,
    Constant,
    Expression,
    Not,
    Or,
    Variable,
    negate,
    parse_function,
    substitute,
    truth_table,
)

_FORCED = {"L", "H", "N", "T", "X"}


class PinGroups:
    """One signal pin and the groups that describe it, own ones before its bus's."""

    __slots__ = ("direction", "groups", "name")

    def __init__(self, name: str, direction: str, groups: list[Group]) -> None:
        self.name = name
        self.direction = direction
        self.groups = groups

    def text(self, attribute: str) -> str | None:
        """A simple attribute, its own or else its bus's."""
        for group in self.groups:
            value = group.text(attribute)
            if value is not None:
                return value
        return None

    def is_true(self, attribute: str) -> bool:
        """Whether a Boolean attribute is true, its own or else its bus's."""
        return (self.text(attribute) or "").lower() == "true"

    def values(self, attribute: str) -> str | None:
        """A complex attribute, its own or else its bus's."""
        for group in self.groups:
            value = group.values(attribute)
            if value is not None:
                return value
        return None

    def of_kind(self, *kinds: str) -> list[Group]:
        """Sub-groups, its own and its bus's."""
        return [subgroup for group in self.groups for subgroup in group.of_kind(*kinds)]


def read_function(file: LibertyFile, group: Group, text: str | None) -> Expression | None:
    if not text:
        return None
    try:
        return parse_function(text)
    except DesignError as error:
        file.fail(str(error), group.offset)


def read_state(
    file: LibertyFile, cell: Group, pins: list[PinGroups]
) -> tuple[Sequential | None, dict[str, Expression]]:
    """The cell's state, and what other names mean in terms of it."""
    state_groups = cell.of_kind("ff", "latch", "statetable")
    if len(state_groups) != 1 or cell.of_kind("ff_bank", "latch_bank"):
        gate = _gate_by_attributes(cell, pins) if not state_groups else None
        return (gate, {}) if gate else (None, {})
    group = state_groups[0]
    if group.kind == "statetable":
        return _state_table(file, cell, group, pins)
    names = group.names()
    if not names:
        file.fail(f"'{group.kind}' of cell {cell.name()!r} does not name its state", group.offset)
    state = names[0]
    inverted = names[1] if len(names) > 1 else f"{state}_inverted"

    def function(attribute: str) -> Expression | None:
        expression = read_function(file, group, group.text(attribute))
        return None if expression is None else substitute(expression, complement)

    def forced(attribute: str) -> str:
        value = (group.text(attribute) or "X").upper()
        if value not in _FORCED:
            file.fail(f"{attribute} is {value!r}; expected L, H, N, T or X", group.offset)
        return value

    complement: dict[str, Expression] = {inverted: Not(Variable(state))}
    clear, preset = function("clear"), function("preset")
    when, what = ("clocked_on", "next_state") if group.kind == "ff" else ("enable", "data_in")
    control, data = function(when), function(what)
    if group.kind == "latch" and (control is None or data is None):
        # A latch may be only set and cleared.
        control, data = control or Constant(False), data or Constant(False)
    if control is None or data is None:
        file.fail(
            f"'{group.kind}' of cell {cell.name()!r} needs both '{when}' and '{what}'", group.offset
        )
    both, both_inverted = forced("clear_preset_var1"), forced("clear_preset_var2")
    if group.kind == "ff":
        return FlipFlop(
            state=state,
            state_inverted=inverted,
            clocked_on=control,
            next_state=data,
            clear=clear,
            preset=preset,
            both_active_state=both,
            both_active_inverted=both_inverted,
        ), complement
    return Latch(
        state=state,
        state_inverted=inverted,
        enable=control,
        data_in=data,
        clear=clear,
        preset=preset,
        both_active_state=both,
        both_active_inverted=both_inverted,
    ), complement


def _state_table(
    file: LibertyFile, cell: Group, group: Group, pins: list[PinGroups]
) -> tuple[Sequential | None, dict[str, Expression]]:
    """An integrated clock gate from its state table: a latch, transparent at one clock level."""
    arguments = re.findall(r'"([^"]*)"', group.arguments) or group.arguments.split(",")
    if len(arguments) != 2:
        file.fail('expected statetable ("inputs", "states")', group.offset)
    inputs, states = arguments[0].split(), arguments[1].split()
    table = group.text("table")
    if table is None:
        file.fail("a statetable needs an attribute 'table'", group.offset)
    if cell.text("clock_gating_integrated_cell") is None or not states:
        return None, {}
    rows = []
    for row in table.replace("\\", " ").split(","):
        fields = [part.split() for part in row.split(":")]
        if len(fields) != 3 or len(fields[0]) != len(inputs) or len(fields[2]) != len(states):
            file.fail(
                f"row {row.strip()!r} of the statetable does not fit {len(inputs)} inputs and "
                f"{len(states)} states",
                group.offset,
            )
        rows.append((fields[0], fields[2]))
    clocks = [pin.name for pin in pins if pin.is_true("clock_gate_clock_pin")]
    clock = clocks[0] if clocks else inputs[0]
    return _gate_from_rows(inputs, states, rows, clock)


def _gate_from_rows(
    inputs: list[str], states: list[str], rows: list[tuple[list[str], list[str]]], clock: str
) -> tuple[Sequential | None, dict[str, Expression]]:
    if clock not in inputs or len(inputs) > 8:
        return None, {}
    at = inputs.index(clock)
    following = {row[at] for row, after in rows if after[0] in ("L", "H")}
    if following not in ({"L"}, {"H"}):
        return None, {}
    enables = [name for name in inputs if name != clock]
    level = following.pop()
    stored: list[list[str]] = []
    for values in itertools.product("LH", repeat=len(enables)):
        full = [*values[:at], level, *values[at:]]
        match = [
            after
            for row, after in rows
            if all(want in ("-", value) for want, value in zip(row, full, strict=True))
        ]
        if not match or any(level not in ("L", "H") for level in match[0]):
            return None, {}
        stored.append(match[0])

    def column(position: int) -> Expression:
        terms = [
            And(
                tuple(
                    Variable(n) if v == "H" else Not(Variable(n))
                    for n, v in zip(enables, values, strict=True)
                )
            )
            if len(enables) > 1
            else (Variable(enables[0]) if values[0] == "H" else Not(Variable(enables[0])))
            for values, after in zip(
                itertools.product("LH", repeat=len(enables)), stored, strict=True
            )
            if after[position] == "H"
        ]
        return Or(tuple(terms)) if len(terms) > 1 else terms[0] if terms else Constant(False)

    state = states[0]
    complement: dict[str, Expression] = {}
    for position, name in enumerate(states[1:], start=1):
        if all(row[position] != row[0] for row in stored):
            complement[name] = negate(Variable(state))
        elif all(row[position] == row[0] for row in stored):
            complement[name] = Variable(state)
    enable = _simplified(column(0), tuple(enables))
    return ClockGate(
        state=state, clock=clock, transparent_high=level == "H", enable=enable
    ), complement


def _simplified(expression: Expression, inputs: tuple[str, ...]) -> Expression:
    """The plain OR or single pin that most clock gates store, where it is one."""
    plain: Expression = (
        Or(tuple(Variable(name) for name in inputs)) if len(inputs) > 1 else Variable(inputs[0])
    )
    table = truth_table(expression, inputs)
    return plain if bool((truth_table(plain, inputs) == table).all()) else expression


def _gate_by_attributes(cell: Group, pins: list[PinGroups]) -> ClockGate | None:
    """A clock gate that is described by attributes only."""
    style = cell.text("clock_gating_integrated_cell") or ""
    if not style.startswith(("latch_posedge", "latch_negedge")):
        return None

    def marked(attribute: str) -> list[str]:
        return [pin.name for pin in pins if pin.is_true(attribute)]

    clocks = marked("clock_gate_clock_pin")
    enables = marked("clock_gate_enable_pin")
    tests = marked("clock_gate_test_pin") if "precontrol" in style else []
    if len(clocks) != 1 or not enables:
        return None
    names = tuple(Variable(name) for name in (*enables, *tests))
    return ClockGate(
        state="IQ",
        clock=clocks[0],
        transparent_high=style.startswith("latch_negedge"),
        enable=Or(names) if len(names) > 1 else names[0],
    )
