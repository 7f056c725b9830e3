"""From a Liberty `cell` group to what the cell computes: pins, functions, state."""

from __future__ import annotations

import re

from chipdse.netlist.library.cells import DIRECTIONS, Cell, CellPin, ClockGate
from chipdse.netlist.library.liberty.states import PinGroups, read_function, read_state
from chipdse.netlist.library.liberty.syntax import Group, LibertyFile, number, split_list
from chipdse.netlist.library.logic import And, Not, Or, Variable, substitute, variables

_BIT_RANGE = re.compile(r"(.+)\[(\d{1,5}):(\d{1,5})\]")
MOST_PINS = 500_000  # in one library; buses declare thousands in a few bytes
_UM2 = 1e-12  # Liberty areas carry no unit; every library here means square micrometres


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
    bit_count = 0
    for group in cell.groups:
        members: dict[str, list[Group]] = {}
        if group.kind == "pin":
            names = group.names()
        elif group.kind == "bus":
            bits = _bus_bits(file, group, types)
            members, bit_count = _bus_members(file, cell, group, bit_count)
            bit_count += len(bits)
            _check_count(file, cell, group, bit_count)
            names = [f"{group.name()}[{bit}]" for bit in bits]
            buses[group.name()] = names
        elif group.kind == "bundle":
            names = split_list(group.values("members") or "")
            members = _members(group)
        else:
            continue
        for name in names:
            groups = [*members.get(name, []), group]
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


def _bus_bits(file: LibertyFile, bus: Group, types: dict[str, list[int]]) -> list[int]:
    """The positions of a bus's bits, from its type."""
    bits = types.get(bus.text("bus_type") or "")
    if bits is None:
        file.fail(
            f"bus {bus.name()!r} has bus_type {bus.text('bus_type')!r}, which no group "
            "'type' declares",
            bus.offset,
        )
    return bits


def _bus_members(
    file: LibertyFile, cell: Group, bus: Group, bit_count: int
) -> tuple[dict[str, list[Group]], int]:
    """The groups that a bus has for single bits, by bit, and the bits of the cell so far."""
    members: dict[str, list[Group]] = {}
    for member in bus.of_kind("pin"):
        for name in member.names():
            for bit in _expand(name):
                members.setdefault(bit, []).append(member)
                bit_count += 1
            _check_count(file, cell, bus, bit_count)
    return members, bit_count


def _members(bundle: Group) -> dict[str, list[Group]]:
    """The groups that a bundle has for single pins, by pin."""
    members: dict[str, list[Group]] = {}
    for member in bundle.of_kind("pin"):
        for name in member.names():
            members.setdefault(name, []).append(member)
    return members


def _check_count(file: LibertyFile, cell: Group, bus: Group, bit_count: int) -> None:
    if bit_count > MOST_PINS:
        file.fail(
            f"the buses of cell {cell.name()!r} declare more than {MOST_PINS} bits", bus.offset
        )


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
    match = _BIT_RANGE.fullmatch(name)
    if match is None:
        return [name]
    left, right = int(match[2]), int(match[3])
    step = 1 if right >= left else -1
    return [f"{match[1]}[{bit}]" for bit in range(left, right + step, step)]


def read_cell(
    file: LibertyFile, group: Group, pins: list[PinGroups], buses: dict[str, list[str]]
) -> Cell:
    """The logic of one cell.

    A cell whose state or functions are not described (a memory, a bank of flip-flops) is a
    macro: its outputs have no function here.
    """
    name = group.name()
    sequential, complement = read_state(file, group, pins)
    inputs = {pin.name for pin in pins if pin.direction != "output"}
    known = inputs | ({sequential.state} if sequential else set())
    cell_pins = []
    opaque = False
    for pin in pins:
        function = read_function(file, pin.groups[0], pin.text("function"))
        gated = isinstance(sequential, ClockGate)
        if function is None or gated:
            function = read_function(file, pin.groups[0], pin.text("state_function")) or function
        if function is not None:
            function = substitute(function, complement)
            if any(variable not in known for variable in variables(function)):
                function = None  # of a state that is not described
                opaque = True
        elif isinstance(sequential, ClockGate) and pin.is_true("clock_gate_out_pin"):
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
                three_state=read_function(file, pin.groups[0], pin.text("three_state")),
                is_clock=pin.is_true("clock"),
            )
        )
    area = number(file, group, "area", 0.0)
    if area < 0:
        file.fail(f"area of cell {name!r} is {area:g}; it must not be negative", group.offset)
    index = {pin.name: position for position, pin in enumerate(cell_pins)}
    return Cell(
        name=name,
        area_m2=area * _UM2,
        pins=tuple(cell_pins),
        sequential=sequential,
        is_macro=opaque or bool(group.of_kind("memory")),
        buses={bus: tuple(index[bit] for bit in bits) for bus, bits in buses.items()},
        supply_pins=tuple(pin_name for pg in group.of_kind("pg_pin") for pin_name in pg.names()),
        dont_use=group.is_true("dont_use"),
    )
