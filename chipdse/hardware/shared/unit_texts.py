"""Units as RTLIL: the text that is mapped, without names of its design, and the names put back.

In the text of a unit, a wire has its place in the canonical order for a name, and a module has its
structure. Two designs that have a unit in common therefore have its text in common, and the store
has its mapped netlist once. Names of instances, memories and black boxes are part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from chipdse.hardware.shared.shared_modules import Module, SharedModules
from chipdse.hardware.shared.structure import Part

_AUTO = "autoidx 1000000"
"""Yosys counts its own names from here on, above those of the source."""


@dataclass(frozen=True, kw_only=True)
class UnitText:
    """A module as RTLIL, with each unit that it instantiates as a black box.

    name : of the module, without its backslash
    rtlil : the module, those that are flattened into it, and the black boxes
    """

    name: str
    rtlil: str


def unit_text(shared: SharedModules, unit: str) -> UnitText:
    """The text of a unit, which contains no name of a wire, a cell or a module of the design."""
    modules = list(_flattened_into(shared, unit))
    mark = _mark(shared.modules[name] for name in modules)
    parts = [_AUTO, *_black_boxes(shared, modules)]
    parts += [_canonical_module(shared, name, mark) for name in modules]
    return UnitText(name=_unit_name(shared, unit), rtlil="\n".join([*parts, ""]))


def top_text(shared: SharedModules) -> UnitText:
    """The text of the top module, under the names of the source."""
    modules = list(_flattened_into(shared, shared.top))
    parts = [_AUTO, *_black_boxes(shared, modules)]
    for name in modules:
        parts += _with_units(shared, shared.modules[name])
    return UnitText(name=shared.top.removeprefix("\\"), rtlil="\n".join([*parts, ""]))


def named_again(shared: SharedModules, unit: str, mapped: str) -> str:
    """The mapped RTLIL of a unit, or of the top module, with the names of the unit's module.

    Parameters
    ----------
    mapped : RTLIL of that module alone
    """
    modules = list(_flattened_into(shared, unit))
    names = {}
    if unit != shared.top:
        places = wire_places(shared, unit)
        names = {f"\\{name}": f"\\{wire_name(shared, unit, at)}" for name, at in places.items()}
    ports = {
        f"\\{_unit_name(shared, kind)}": _port_names(shared, kind)
        for kind in _units_inside(shared, modules)
    }
    lines, port_of = [], dict[str, str]()
    for line in mapped.splitlines():
        if line.startswith("  cell "):
            port_of = ports.get(line.split()[1], {})
        elif line.startswith("    connect "):
            _, port, signal = line.lstrip().split(" ", 2)
            line = f"    connect {port_of.get(port, port)} {_named(signal, names)}"
        elif line.startswith(("  connect ", "  wire ")):
            line = _named(line, names)
        lines.append(line)
    return "\n".join([*lines, ""])


@dataclass(frozen=True, kw_only=True)
class WirePlace:
    """Where a wire of a flattened unit is in the source.

    path : names of instances from the unit to the module that declares the wire
    place : of the wire in the canonical order of that module
    """

    path: tuple[str, ...]
    place: int


def wire_places(shared: SharedModules, unit: str) -> dict[str, WirePlace]:
    """Where each public wire of a unit's text is, by its name after flattening."""
    mark = _mark(shared.modules[name] for name in _flattened_into(shared, unit))
    places: dict[str, WirePlace] = {}
    waiting: list[tuple[tuple[str, ...], str]] = [((), unit)]
    while waiting:
        path, name = waiting.pop()
        here = shared.modules[name]
        start = "".join(f"{instance}." for instance in path)
        for place, wire in enumerate(here.wires):
            if wire.startswith("\\"):
                places[f"{start}{mark}{place}"] = WirePlace(path=path, place=place)
        waiting += [
            ((*path, instance.removeprefix("\\")), kind)
            for instance, kind in here.instances
            if shared.unit_of(kind) is None
        ]
    return places


def wire_name(shared: SharedModules, module: str, at: WirePlace) -> str:
    """The name of a wire in a module that is equal to a unit, both flattened, without backslash."""
    here = shared.modules[module]
    for instance in at.path:
        kind = next(kind for name, kind in here.instances if name == f"\\{instance}")
        here = shared.modules[kind]
    return "".join(f"{name}." for name in at.path) + here.wires[at.place].removeprefix("\\")


_MARK = "~"
_WORD = re.compile(r"\\\S+")


def _named(words: str, names: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: names.get(match[0], match[0]), words) if names else words


def _mark(modules: Iterable[Module]) -> str:
    """A beginning of names that no instance, memory or black box of these modules has."""
    heads = [part.head for module in modules for part in module.parts]
    mark = _MARK
    while any(mark in head for head in heads):
        mark += _MARK
    return mark


def _unit_name(shared: SharedModules, unit: str) -> str:
    return f"unit_{shared.modules[unit].structure}"


def _flattened_into(shared: SharedModules, unit: str) -> Iterator[str]:
    """A unit and the modules that are flattened into it, each once.

    In a unit, one of several equal modules stands for all; the top module has them as they are.
    """
    seen, waiting = {unit}, [unit]
    while waiting:
        name = waiting.pop()
        yield name
        for _, kind in shared.modules[name].instances:
            inside = kind if unit == shared.top else shared.class_of[kind]
            if shared.unit_of(kind) is None and inside not in seen:
                seen.add(inside)
                waiting.append(inside)


def _units_inside(shared: SharedModules, modules: Iterable[str]) -> list[str]:
    """The units that modules instantiate, each once, in the order of their structures."""
    kinds = (kind for name in modules for _, kind in shared.modules[name].instances)
    units = {unit for kind in kinds if (unit := shared.unit_of(kind)) is not None}
    return sorted(units, key=lambda unit: shared.modules[unit].structure)


def _black_boxes(shared: SharedModules, modules: Iterable[str]) -> Iterator[str]:
    """What modules instantiate and do not contain: black boxes of the library, and units."""
    modules = list(modules)
    kinds = {
        line.split(" ")[3]
        for name in modules
        for line in shared.modules[name].lines
        if line.startswith("  cell ")
    }
    for name in sorted(kinds & shared.black_boxes.keys()):
        yield shared.black_boxes[name]
    for unit in _units_inside(shared, modules):
        module = shared.modules[unit]
        yield f"attribute \\blackbox 1\nmodule \\{_unit_name(shared, unit)}"
        for name, port in _port_names(shared, unit).items():
            yield f"  wire{module.declared[port].partition(chr(10))[0]} {name}"
        yield "end"


def _port_names(shared: SharedModules, unit: str) -> dict[str, str]:
    """The name of each port of a unit by that in the text of a parent."""
    ports = shared.modules[unit].ports
    return {f"\\{_MARK}{position}": port for position, port in enumerate(ports)}


def _canonical_module(shared: SharedModules, name: str, mark: str) -> str:
    """A module without the names of its wires and cells, in an order that its structure gives."""
    module = shared.modules[name]
    words = {
        wire: f"{'$' if wire.startswith('$') else chr(92)}{mark}{place}"
        for place, wire in enumerate(module.wires)
    }
    lines = [f"module \\{_unit_name(shared, name)}"]
    for wire in module.wires:
        options, *attributes = module.declared[wire].split("\n")
        lines += [*attributes, f"  wire{options} {words[wire]}"]
    for number, part in enumerate(sorted(module.parts, key=lambda part: part.text(words))):
        lines += _part_lines(shared, part, words, f"${mark}cell{number}", mark)
    return "\n".join([*lines, "end"])


def _part_lines(
    shared: SharedModules, part: Part, words: Mapping[str, str], number: str, mark: str
) -> Iterator[str]:
    """A cell, a connection or a memory as lines of RTLIL; `number` names a cell without name."""
    signals = [
        (port, " ".join([words.get(word, word) for word in signal]))
        for port, signal in part.connections
    ]
    head, *others = part.head.split("\n")
    if head == "connect":
        (_, left), (_, right) = signals
        yield f"  connect {left} {right}"
        return
    yield from (line for line in others if not line.startswith("    "))
    if not head.startswith("cell "):
        yield head
        return
    kind, *named = head.split(" ")[1:]
    if kind in shared.first_of:
        port_of = _ports_by_position(shared, shared.first_of[kind], mark)
        signals = [(port_of[port], signal) for port, signal in signals]
        kind = f"\\unit_{kind}"
    yield f"  cell {kind} {named[0] if named else number}"
    yield from (line for line in others if line.startswith("    "))
    yield from (f"    connect {port} {signal}" for port, signal in sorted(signals))
    yield "  end"


def _ports_by_position(shared: SharedModules, name: str, mark: str) -> dict[str, str]:
    """Names of a module's ports by position: a black box if it is a unit, else with its inside."""
    module = shared.modules[name]
    if shared.unit_of(name) is not None:
        return {f"p{position}": f"\\{_MARK}{position}" for position in range(len(module.ports))}
    places = {wire: place for place, wire in enumerate(module.wires)}
    return {f"p{n}": f"\\{mark}{places[port]}" for n, port in enumerate(module.ports)}


def _with_units(shared: SharedModules, module: Module) -> Iterator[str]:
    """A module's lines with every instance of a shared module turned into one of its unit."""
    port_of: dict[str, str] = {}
    for line in module.lines:
        if line.startswith("  cell "):
            _, kind, cell = line.split()
            unit = shared.unit_of(kind)
            if unit is not None:
                port_of = {
                    port: f"\\{_MARK}{place}"
                    for place, port in enumerate(shared.modules[kind].ports)
                }
                line = f"  cell \\{_unit_name(shared, unit)} {cell}"
        elif line == "  end":
            port_of = {}
        elif port_of and line.startswith("    connect "):
            _, port, signal = line.lstrip().split(" ", 2)
            line = f"    connect {port_of[port]} {signal}"
        yield line
