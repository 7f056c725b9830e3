"""From a Liberty `cell` group to what the cell computes: pins, functions, state."""

from __future__ import annotations

import itertools
import re

from chipdse.errors import DesignError
from chipdse.netlist.cells import (
    DIRECTIONS,
    Cell,
    CellPin,
    ClockGate,
    FlipFlop,
    Latch,
    Sequential,
    reads,
)
from chipdse.netlist.liberty_function import (
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
    variables,
)
from chipdse.netlist.liberty_syntax import Group, LibertyFile, split_list

_BIT_RANGE = re.compile(r"(.+)\[(\d{1,5}):(\d{1,5})\]")
_UM2 = 1e-12  # Liberty areas carry no unit; every library here means square micrometres
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

    def values(self, attribute: str) -> str | None:
        """A complex attribute, its own or else its bus's."""
        for group in self.groups:
            value = group.values(attribute)
            if value is not None:
                return value
        return None

    def of_kind(self, *kinds: str) -> list[Group]:
        """Sub-groups, its own and its bus's."""
        return [each for group in self.groups for each in group.of_kind(*kinds)]


def bus_types(file: LibertyFile, library: Group) -> dict[str, list[int]]:
    """Bit numbers of each bus `type`, least significant (declared last) first."""
    result = {}
    for group in library.of_kind("type"):
        try:
            first = int(group.text("bit_from") or "0")
            last = int(group.text("bit_to") or "0")
        except ValueError:
            file.fail(
                f"type {group.name()!r} needs whole numbers bit_from and bit_to", group.offset
            )
        if abs(first - last) > 65535:
            file.fail(f"type {group.name()!r} has an implausible width", group.offset)
        # Memories often declare 0 to 31 and mean [31:0]; only `downto : false` says otherwise.
        if first < last and (group.text("downto") or "").lower() != "false":
            first, last = last, first
        step = 1 if first >= last else -1
        result[group.name()] = list(range(last, first + step, step))
    return result


def cell_pins(
    file: LibertyFile, cell: Group, types: dict[str, list[int]]
) -> tuple[list[PinGroups], dict[str, list[str]]]:
    """The signal pins of a cell in file order, and the bits of its buses."""
    pins: list[PinGroups] = []
    buses: dict[str, list[str]] = {}

    for group in cell.groups:
        if group.kind == "pin":
            for name in group.names():
                pins.append(PinGroups(name, _direction(file, [group], name), [group]))
        elif group.kind == "bus":
            name = group.name()
            bits = types.get(group.text("bus_type") or "")
            if bits is None:
                file.fail(
                    f"bus {name!r} has bus_type {group.text('bus_type')!r}, which no group "
                    "'type' declares",
                    group.offset,
                )
            own: dict[str, list[Group]] = {}
            for member in group.of_kind("pin"):
                for each in member.names():
                    for bit in _expand(each):
                        own.setdefault(bit, []).append(member)
            names = [f"{name}[{bit}]" for bit in bits]
            for bit_name in names:
                groups = [*own.get(bit_name, []), group]
                pins.append(PinGroups(bit_name, _direction(file, groups, bit_name), groups))
            buses[name] = names
        elif group.kind == "bundle":
            members = group.values("members")
            for name in split_list(members or ""):
                groups = [each for each in group.of_kind("pin") if name in each.names()] + [group]
                pins.append(PinGroups(name, _direction(file, groups, name), groups))
    signal = [pin for pin in pins if pin.direction != "internal"]
    seen: set[str] = set()
    for pin in signal:
        if pin.name in seen:
            file.fail(
                f"pin {pin.name!r} of cell {cell.name()!r} occurs twice", pin.groups[0].offset
            )
        seen.add(pin.name)
    return signal, buses


def _direction(file: LibertyFile, groups: list[Group], pin: str) -> str:
    values = [value for value in (group.text("direction") for group in groups) if value is not None]
    if not values:
        file.fail(f"pin {pin!r} has no direction", groups[0].offset)
    if values[0] not in (*DIRECTIONS, "internal"):
        file.fail(
            f"direction {values[0]!r} of pin {pin!r}; expected input, output, inout or internal",
            groups[0].offset,
        )
    return values[0]


def _expand(name: str) -> list[str]:
    found = _BIT_RANGE.fullmatch(name)
    if found is None:
        return [name]
    left, right = int(found[2]), int(found[3])
    step = 1 if right >= left else -1
    return [f"{found[1]}[{bit}]" for bit in range(left, right + step, step)]


def read_cell(
    file: LibertyFile, group: Group, pins: list[PinGroups], buses: dict[str, list[str]]
) -> Cell:
    """The logic of one cell.

    A cell whose state or functions are not described (a memory, a bank of flip-flops) is a
    macro: its outputs have no function here.
    """
    name = group.name()
    sequential, complement = _sequential(file, group, pins)
    inputs = {pin.name for pin in pins if pin.direction != "output"}
    known = inputs | ({sequential.state} if sequential else set())
    cell_pins = []
    opaque = False
    for pin in pins:
        function = _function(file, pin.groups[0], pin.text("function"))
        gated = isinstance(sequential, ClockGate)
        if function is None or gated:
            function = _function(file, pin.groups[0], pin.text("state_function")) or function
        if function is not None:
            function = substitute(function, complement)
            if any(each not in known for each in variables(function)):
                function = None  # of a state that is not described
                opaque = True
        elif isinstance(sequential, ClockGate) and pin.text("clock_gate_out_pin") == "true":
            clock, stored = Variable(sequential.clock), Variable(sequential.state)
            low = sequential.transparent_high
            function = Or((clock, Not(stored))) if low else And((clock, stored))
        elif pin.direction == "output" and pin.text("three_state") is None:
            opaque = True
        cell_pins.append(
            CellPin(
                name=pin.name,
                direction=pin.direction,
                function=function,
                three_state=_function(file, pin.groups[0], pin.text("three_state")),
                is_clock=(pin.text("clock") or "").lower() == "true",
            )
        )
    area = number(file, group, "area", 0.0)
    index = {pin.name: position for position, pin in enumerate(cell_pins)}
    return Cell(
        name=name,
        area_m2=area * _UM2,
        pins=tuple(cell_pins),
        sequential=sequential,
        is_macro=opaque or bool(group.of_kind("memory")),
        buses={bus: tuple(index[bit] for bit in bits) for bus, bits in buses.items()},
        supply_pins=tuple(each for pg in group.of_kind("pg_pin") for each in pg.names()),
        dont_use=(group.text("dont_use") or "").lower() == "true",
    )


def number(file: LibertyFile, group: Group, attribute: str, default: float) -> float:
    """A simple attribute as a number."""
    text = group.text(attribute)
    if text is None:
        return default
    return to_number(file, group.offset, attribute, text)


def to_number(file: LibertyFile, offset: int, what: str, text: str) -> float:
    """One finite number, or an error that names `what`."""
    try:
        value = float(text.split("/*")[0])
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        file.fail(f"{what} is {text!r}; expected a number", offset)
    return value


def _function(file: LibertyFile, group: Group, text: str | None) -> Expression | None:
    if not text:
        return None
    try:
        return parse_function(text)
    except DesignError as error:
        file.fail(str(error), group.offset)


def _sequential(
    file: LibertyFile, cell: Group, pins: list[PinGroups]
) -> tuple[Sequential | None, dict[str, Expression]]:
    """The cell's state, and what other names mean in terms of it."""
    found = cell.of_kind("ff", "latch", "statetable")
    if len(found) != 1 or cell.of_kind("ff_bank", "latch_bank"):
        gate = _gate_by_attributes(cell, pins) if not found else None
        return (gate, {}) if gate else (None, {})
    group = found[0]
    if group.kind == "statetable":
        return _state_table(file, cell, group, pins)
    names = group.names()
    if not names:
        file.fail(f"'{group.kind}' of cell {cell.name()!r} does not name its state", group.offset)
    state = names[0]
    inverted = names[1] if len(names) > 1 else f"{state}_inverted"

    def function(attribute: str) -> Expression | None:
        expression = _function(file, group, group.text(attribute))
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
    clocks = [pin.name for pin in pins if (pin.text("clock_gate_clock_pin") or "") == "true"]
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
        if not match or any(each not in ("L", "H") for each in match[0]):
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
        return [pin.name for pin in pins if (pin.text(attribute) or "").lower() == "true"]

    clocks = marked("clock_gate_clock_pin")
    enables = marked("clock_gate_enable_pin")
    tests = marked("clock_gate_test_pin") if "precontrol" in style else []
    if len(clocks) != 1 or not enables:
        return None
    names = tuple(Variable(each) for each in (*enables, *tests))
    return ClockGate(
        state="IQ",
        clock=clocks[0],
        transparent_high=style.startswith("latch_negedge"),
        enable=Or(names) if len(names) > 1 else names[0],
    )


def depends(cell: Cell, output: CellPin, name: str) -> bool:
    """Whether an output's function names an input pin directly (not through the state)."""
    return reads(output.function, name)
