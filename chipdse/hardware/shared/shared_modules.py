"""Modules of a design that are equal but for names: synthesis maps one of them for all.

Two modules are equal if their structure is (`chipdse.hardware.shared.structure`), with ports by
position and with instances of equal modules. A constant, a width, an initial value or an attribute
that differs makes them different. Names of instances and of memories count too, because the netlist
keeps them.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from chipdse.hardware.shared.gate_estimate import estimate_gates
from chipdse.hardware.shared.modules_once import black_boxes, children_first, split_modules
from chipdse.hardware.shared.structure import Part, canonical

SMALLEST_UNIT_GATES = 150
"""Smaller modules are flattened into their parents: the border costs more than it saves."""
AUTO_SAVED_FRAC = 0.5
"""`auto` shares modules if at least this fraction of the estimated gates need not be mapped."""
# What the sources say of a module, and what steers the reading of Verilog: no hardware.
_NO_HARDWARE = frozenset(
    ("\\src", "\\hdlname", "\\top", "\\unique", "\\generator", "\\cells_not_processed")
    + ("\\module_not_derived", "\\dynports", "\\full_case", "\\parallel_case", "\\nosync")
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Module:
    """A module of RTLIL.

    name : as RTLIL writes it, with its backslash
    lines : its text, from its attributes to its `end`
    ports : names by position
    wires : names in the order of the canonical text
    instances : name and type of every cell whose type is a module, black boxes left out
    gates : estimate of the gates of its own cells
    structure : hash of its canonical text
    declared : of the first module of a structure, its wires as `canonical` takes them
    parts : of the first module of a structure, its cells and connections; an instance of a module
        has the module's structure for a kind, and its ports by position
    """

    name: str
    lines: tuple[str, ...]
    ports: tuple[str, ...]
    wires: tuple[str, ...]
    instances: tuple[tuple[str, str], ...]
    gates: int
    structure: str
    declared: Mapping[str, str] = field(default_factory=dict, repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedModules:
    """Which modules of a design share a netlist.

    modules : all of them, by name
    top : name of the top module
    class_of : of every module, the first one that is equal to it
    units : those of these first modules that are mapped once for all their copies
    copies : instances of each unit in the design
    black_boxes : the text of each module without inside
    saved_frac : share of the estimated gates that need not be mapped
    """

    modules: Mapping[str, Module]
    top: str
    class_of: Mapping[str, str]
    units: frozenset[str]
    copies: Mapping[str, int]
    saved_frac: float
    black_boxes: Mapping[str, str] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def first_of(self) -> Mapping[str, str]:
        """The first module of each structure."""
        return {self.modules[name].structure: name for name in set(self.class_of.values())}

    def unit_of(self, module: str) -> str | None:
        """The module whose netlist stands for this one; None if it is flattened instead."""
        representative = self.class_of.get(module)
        return representative if representative in self.units else None


def find_shared(rtlil: str, top: str) -> SharedModules:
    """The modules of a design that are worth mapping once.

    Parameters
    ----------
    rtlil : a hierarchical design without processes, each module instantiated once
    top : name of its top module, without a backslash
    """
    texts = dict(split_modules(rtlil))
    boxes = black_boxes(texts)
    reader = _Reader(kinds=texts.keys() - boxes, top=f"\\{top}")
    for name in children_first(texts, boxes, f"\\{top}"):
        reader.add(name, texts[name])
    modules, class_of = reader.modules, reader.class_of
    copies = Counter(class_of.values())
    units, unique, total = _choose_units(modules, class_of, copies, f"\\{top}")
    return SharedModules(
        modules=modules,
        top=f"\\{top}",
        class_of=class_of,
        units=units,
        copies={unit: copies[unit] for unit in units},
        saved_frac=1 - unique / total if total else 0.0,
        black_boxes={name: "\n".join(texts[name]) for name in texts if name in boxes},
    )


def is_instantiated_once(rtlil: str) -> bool:
    """Whether no module of RTLIL has two instances."""
    names = {line.split()[1] for line in rtlil.splitlines() if line.startswith("module ")}
    kinds = Counter(line.split()[1] for line in rtlil.splitlines() if line.startswith("  cell \\"))
    return all(count == 1 for kind, count in kinds.items() if kind in names)


def without_open_ports(rtlil: str) -> str:
    """RTLIL without the connections of instances' ports to nothing.

    Cells of Yosys keep theirs: the operand of a comparison may have no bits.
    """
    return _INSTANCE.sub(lambda match: _OPEN_PORT.sub("", match[0]), rtlil)


_INSTANCE = re.compile(r"^  cell \\.*\n(?:    .*\n)*", re.MULTILINE)
_OPEN_PORT = re.compile(r"^    connect \\\S+ \{ *\}\n", re.MULTILINE)


def instances_of_units(shared: SharedModules) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Path of every instance of a unit, the module there in the source, and its unit.

    The first item is the top module, which counts as a unit of its own.
    """
    waiting: list[tuple[tuple[str, ...], str]] = [((), shared.top)]
    while waiting:
        path, name = waiting.pop()
        unit = shared.top if not path else shared.unit_of(name)
        if unit is not None:
            yield path, name, unit
        for instance, kind in shared.modules[name].instances:
            waiting.append(((*path, instance.removeprefix("\\")), kind))


@dataclass(kw_only=True, eq=False)
class _Reader:
    """Reads modules, each after its children.

    kinds : names of modules that are no black boxes
    top : the module that has no copies
    first : by structure, the first module that has it
    orders : by the text in the order of declaration: structure, and positions of the wires in the
        canonical order, because most copies have even that text in common
    """

    kinds: Set[str]
    top: str
    modules: dict[str, Module] = field(default_factory=dict)
    class_of: dict[str, str] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    orders: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def add(self, name: str, lines: Sequence[str]) -> None:
        """Read a module and find the first module that is equal to it."""
        wires, parts, instances, gates = self._contents(lines)
        names = tuple(wires)
        numbers = {wire: f"w{number}" for number, wire in enumerate(names)}
        declared = "\n".join(
            [*wires.values(), *(part.text(numbers, in_order=True) for part in parts)],
        )
        if name == self.top:  # it has no copies, and its text is the longest
            self.orders[declared] = name, tuple(range(len(names)))
        elif declared not in self.orders:
            text, order = canonical(wires, parts)
            places = {wire: place for place, wire in enumerate(names)}
            structure = hashlib.sha256(text.encode()).hexdigest()
            self.orders[declared] = structure, tuple(places[wire] for wire in order)
        structure, positions = self.orders[declared]
        ports = [
            (int(match[1]), wire)
            for wire, text in wires.items()
            if (match := _PORT.search(text.partition("\n")[0]))
        ]
        first = self.first.setdefault(structure, name)
        self.class_of[name] = first
        self.modules[name] = Module(
            name=name,
            lines=tuple(lines),
            ports=tuple(port for _, port in sorted(ports)),
            wires=tuple(names[position] for position in positions),
            instances=instances,
            gates=gates,
            structure=structure,
            declared=wires if first == name else {},
            parts=tuple(parts) if first == name else (),
        )

    def _contents(
        self, lines: Sequence[str]
    ) -> tuple[dict[str, str], list[Part], tuple[tuple[str, str], ...], int]:
        """Wires, parts, instances and gates of a module."""
        wires: dict[str, str] = {}
        parts: list[Part] = []
        instances: list[tuple[str, str]] = []
        attributes: list[str] = []
        gates, cell = 0, _Cell()
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            if word == "attribute":
                if rest.split(" ", 1)[0] not in _NO_HARDWARE:
                    attributes.append(line)
                continue
            if word == "wire":
                options, _, wire = f" {rest}".rpartition(" ")
                wires[wire] = "\n".join([options, *attributes])
            elif word == "cell":
                cell = self._cell(rest, attributes)
                if cell.kind in self.kinds:
                    instances.append((cell.name, cell.kind))
            elif cell.kind and word == "parameter":
                parameter, _, value = rest.removeprefix("signed ").partition(" ")
                cell.parameters[parameter] = value
                cell.head.append(line)
            elif word == "connect":
                first, _, signal = rest.partition(" ")
                if cell.kind:
                    port = cell.port_of.get(first, first)
                    cell.connections.append((port, tuple(signal.split())))
                else:
                    parts.append(_connection(rest))
            elif word == "end" and cell.kind:
                parts.append(Part(head="\n".join(cell.head), connections=tuple(cell.connections)))
                gates += estimate_gates(cell.kind, cell.parameters)
                cell = _Cell()
            elif word not in ("module", "end", "parameter"):
                parts.append(Part(head=line, connections=()))
            attributes = []
        return wires, parts, tuple(instances), gates

    def _cell(self, words: str, attributes: Sequence[str]) -> _Cell:
        kind, name = words.split(" ")
        if kind in self.kinds:
            ports = {port: f"p{place}" for place, port in enumerate(self.modules[kind].ports)}
            head = [f"cell {self.modules[kind].structure} {name}", *attributes]
            return _Cell(kind=kind, name=name, head=head, port_of=ports)
        # The netlist has the names of black boxes.
        named = "" if kind.startswith("$") else f" {name}"
        return _Cell(kind=kind, name=name, head=[f"cell {kind}{named}", *attributes])


@dataclass(kw_only=True, eq=False)
class _Cell:
    """A cell that is being read; without a kind there is none."""

    kind: str = ""
    name: str = ""
    head: list[str] = field(default_factory=list)
    port_of: Mapping[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    connections: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


_PORT = re.compile(r" (?:input|output|inout) (\d+)\b")
_SIGNAL = re.compile(r"\{[^}]*\}|[^\s{}]+(?: \[[^\]]*\])*")


def _connection(words: str) -> Part:
    """A line that connects two signals, the driven one first."""
    left, right = _SIGNAL.findall(words)
    return Part(
        head="connect", connections=(("l", tuple(left.split())), ("r", tuple(right.split())))
    )


def _choose_units(
    modules: Mapping[str, Module],
    class_of: Mapping[str, str],
    copies: Mapping[str, int],
    top: str,
) -> tuple[frozenset[str], int, int]:
    """Units from the leaves up, gates to map with them, and gates of the flat design.

    A module below a unit is part of it unless it is a unit itself.
    """
    units: set[str] = set()
    size: dict[str, int] = {}  # with all that is flattened into the module
    for name, module in modules.items():  # children come first
        if class_of[name] != name:
            size[name] = size[class_of[name]]
            continue
        size[name] = module.gates + sum(
            size[kind] for _, kind in module.instances if class_of[kind] not in units
        )
        if name != top and copies[name] > 1 and size[name] >= SMALLEST_UNIT_GATES:
            units.add(name)
    total = sum(module.gates for module in modules.values())
    saved = sum((copies[unit] - 1) * size[unit] for unit in units)
    return frozenset(units), total - saved, total
