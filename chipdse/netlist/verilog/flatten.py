"""Flattens the hierarchy of a mapped netlist: every name becomes a net, every instance a cell."""

from __future__ import annotations

from typing import NoReturn

from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import CONSTANT_1, UNCONNECTED, Port
from chipdse.netlist.verilog.nets import UNDEFINED, NetReader, Scope, bit_indices
from chipdse.netlist.verilog.supplies import SupplyCells, is_supply_name
from chipdse.netlist.verilog.syntax import Instance, Module, Range, VerilogFile

# Yosys writes the range of a net without bits so; elsewhere it is two bits in ascending order.
NO_BITS = (-1, 0)


class Flattener:
    """Goes through the hierarchy of a design and collects its nets and cells in flat lists."""

    def __init__(self, file: VerilogFile, modules: dict[str, Module], library: CellLibrary) -> None:
        self.file = file
        self.modules = modules
        self.library = library
        self.reader = NetReader(file)
        self.net_names = self.reader.net_names
        self.parent: dict[int, int] = {}  # nets joined by assign: net -> its driver
        self.cell_names: list[str] = []
        self.cell_types: list[int] = []
        self.patterns: dict[tuple[int, tuple[str, ...]], int] = {}
        self.pattern_pins: list[list[int]] = []  # where each written pin goes
        self.cell_pattern: list[int] = []
        self.flat_nets: list[int] = []
        self.aliases: list[tuple[str, int]] = []
        self.undefined: dict[int, bool] = {}  # nets assigned x (True) or z (False)
        self.odd_ranges: dict[str, tuple[int, int]] = {}
        self.supply_cells = SupplyCells(file, library)

    def fail(self, message: str, offset: int) -> NoReturn:
        """Raise DesignError with file and line."""
        self.file.fail(message, offset)

    def flatten(self, top: Module) -> tuple[Port, ...]:
        """Collect everything below a module; the ports of that module."""
        scope = self._enter(top, "", {})
        ports = []
        for name in top.ports:
            span = top.ranges.get(name)
            if not scope.bits[name]:
                continue  # a port of no bits is nothing to drive or to time
            ports.append(
                Port(
                    name=name,
                    direction=top.directions[name],
                    nets=scope.bits[name],
                    indices=None if span is None else bit_indices(span),
                )
            )
        return tuple(ports)

    def _enter(self, module: Module, prefix: str, bound: dict[str, tuple[int, ...]]) -> Scope:
        scope = Scope(module, prefix, bound)
        names, bits, scalar = self.net_names, scope.bits, scope.scalar
        referenced: set[str] | None = None
        for name, span in module.ranges.items():
            written = name if name.isidentifier() else f"\\{name} "
            if name in bound:
                if bound[name]:
                    self._alias(prefix + name, span, bound[name])
                continue
            start = len(names)
            if span == NO_BITS:
                referenced = module.referenced() if referenced is None else referenced
                if name not in referenced:
                    bits[name] = ()
                    continue
            if span is None:
                names.append(prefix + name)
                bits[name] = (start,)
                scalar[written] = start
            else:
                indices = bit_indices(span)
                names.extend([f"{prefix}{name}[{index}]" for index in indices])
                bits[name] = tuple(range(start, start + len(indices)))
                scalar.update(
                    (f"{written}[{index}]", net)
                    for index, net in zip(indices, bits[name], strict=True)
                )
                if span[0] < span[1] or span[1] != 0:
                    self.odd_ranges[prefix + name] = span
                if len(indices) == 1:  # simulators dump such a vector as a scalar
                    self.aliases.append((prefix + name, start))
        for left, right, offset in module.assigns:
            self._assign(scope, left, right, offset)
        self._instances(scope)
        return scope

    def _alias(self, name: str, span: Range, nets: tuple[int, ...]) -> None:
        if span is None:
            self.aliases.append((name, nets[0]))
        else:
            self.aliases += [
                (f"{name}[{index}]", net)
                for index, net in zip(bit_indices(span), nets, strict=True)
            ]
            if len(nets) == 1:
                self.aliases.append((name, nets[0]))

    def _assign(self, scope: Scope, left: str, right: str, offset: int) -> None:
        targets = self.reader.nets(scope, left, offset)
        sources = self.reader.nets(scope, right, offset, len(targets))
        if len(targets) != len(sources):
            self.fail(
                f"assign of {len(sources)} bits to {len(targets)} in {left.strip()!r}; "
                "the widths must agree",
                offset,
            )
        for target, source in zip(targets, sources, strict=True):
            if source < 0:
                if target >= 0:
                    self.undefined.setdefault(target, False)
                    self.undefined[target] |= source == UNDEFINED
                continue
            if target in self.parent or 0 <= target <= CONSTANT_1:
                self.fail(f"{left.strip()!r} is assigned twice or is a constant", offset)
            source = self.root(source)
            if target < 0:
                self.fail(f"{left.strip()!r} cannot be assigned to", offset)
            if target != source:
                self.parent[target] = source

    def root(self, net: int) -> int:
        """The net that drives a net through assignments."""
        parent = self.parent
        root = net
        while root in parent:
            root = parent[root]
        while net != root:  # a long chain of assigns is walked once
            parent[net], net = root, parent[net]
        return root

    def _instances(self, scope: Scope) -> None:
        index, patterns, scalar = self.library.index, self.patterns, scope.scalar
        prefix, lookup, flat = scope.prefix, scope.scalar.get, self.flat_nets
        cells = self.library.cells
        for instance in scope.module.instances:
            kind, name, connections, offset = instance
            number = index.get(kind)
            if number is None:
                self._submodule(scope, instance)
                continue
            if connections and not connections[0][0]:
                connections = self._by_position(kind, name, connections, offset)
            if cells[number].buses:
                connections = self._bus_bits(scope, number, name, connections, offset)
            pins, texts = zip(*connections, strict=True) if connections else ((), ())
            pattern = patterns.get((number, pins))
            if pattern is None:
                pattern = self._pattern(number, pins, name, offset)
            nets = [lookup(text) for text in texts]
            if None in nets:
                nets = [
                    self._scalar(scope, text, name, pin, offset) if net is None else net
                    for net, (pin, text) in zip(nets, connections, strict=True)
                ]
            flat += nets  # type: ignore[arg-type]  # no None is left
            self.cell_names.append(prefix + name)
            self.cell_types.append(number)
            self.cell_pattern.append(pattern)
        scalar.clear()

    def _bus_bits(
        self,
        scope: Scope,
        number: int,
        name: str,
        connections: list[tuple[str, str]],
        offset: int,
    ) -> list[tuple[str, str]]:
        """Connections of a cell with buses, one per bit; each bit's text is its net number."""
        cell = self.library.cells[number]
        result: list[tuple[str, str]] = []
        for pin, text in connections:
            positions = cell.buses.get(pin)
            if positions is None:
                result.append((pin, text))
                continue
            nets = (
                self.reader.nets(scope, text, offset, len(positions))
                if text.strip()
                else (UNCONNECTED,) * len(positions)
            )
            if len(nets) != len(positions):
                self.fail(
                    f"bus {pin!r} of {name!r} has {len(positions)} bits, not {len(nets)}", offset
                )
            for position, net in zip(positions, nets, strict=True):
                key = f"#{net}"
                scope.scalar[key] = net
                result.append((cell.pins[position].name, key))
        return result

    def _by_position(
        self, kind: str, name: str, connections: list[tuple[str, str]], offset: int
    ) -> list[tuple[str, str]]:
        """Names for pins connected by position, where the order is known.

        A Liberty file states no order. A module's header in the same file does, and a cell of one
        pin needs none.
        """
        module, number = self.modules.get(kind), self.library.index.get(kind)
        if module is not None:
            order = module.ports
        elif number is not None and len(self.library.cells[number].pins) == 1:
            order = [self.library.cells[number].pins[0].name]
        else:
            self.fail(
                f"instance {name!r} connects the pins of cell {kind!r} by position, and a Liberty "
                "file does not state their order; connect pins by name",
                offset,
            )
        if len(connections) > len(order):
            self.fail(
                f"instance {name!r} connects {len(connections)} pins; {kind!r} has {len(order)}",
                offset,
            )
        return [(pin, text) for pin, (_, text) in zip(order, connections, strict=False)]

    def _pattern(self, number: int, pins: tuple[str, ...], name: str, offset: int) -> int:
        """How the pins as written map to the cell's pin order, checked once per way to write."""
        cell = self.library.cells[number]
        if len(set(pins)) != len(pins):
            twice = next(pin for pin in pins if pins.count(pin) > 1)
            self.fail(f"pin {twice!r} of instance {name!r} is connected twice", offset)
        places = []
        for pin in pins:
            place = cell.pin_index.get(pin, -1)
            if place < 0 and pin not in cell.supply_pins and not is_supply_name(pin):
                known = ", ".join(cell_pin.name for cell_pin in cell.pins)
                self.fail(
                    f"cell {cell.name} of {name!r} has no pin {pin!r}; it has {known}", offset
                )
            places.append(place)
        self.pattern_pins.append(places)
        self.patterns[number, pins] = len(self.pattern_pins) - 1
        return len(self.pattern_pins) - 1

    def _scalar(self, scope: Scope, text: str, name: str, pin: str, offset: int) -> int:
        net = scope.scalar.get(text)
        if net is not None:
            return net
        nets = self.reader.nets(scope, text, offset, 1) if text.strip() else (UNCONNECTED,)
        if len(nets) != 1:
            self.fail(f"pin {pin!r} of {name!r} takes one bit, not {len(nets)}", offset)
        scope.scalar[text] = nets[0]
        return nets[0]

    def _submodule(self, scope: Scope, instance: Instance) -> None:
        kind, name, connections, offset = instance
        module = self.modules.get(kind)
        if module is None:
            nets_of = [
                (pin, self.reader.nets(scope, text, offset) if text.strip() else ())
                for pin, text in connections
            ]
            self.supply_cells.add(kind, scope.prefix + name, nets_of, offset)
            return
        if connections and not connections[0][0]:
            connections = self._by_position(kind, name, connections, offset)
        bound: dict[str, tuple[int, ...]] = {}
        for pin, text in connections:
            if pin not in module.directions:
                self.fail(f"module {kind!r} of {name!r} has no port {pin!r}", offset)
            if pin in bound:
                self.fail(f"port {pin!r} of instance {name!r} is connected twice", offset)
            if not text.strip():
                continue
            span = module.ranges.get(pin)
            width = 1 if span is None else abs(span[0] - span[1]) + 1
            nets = self.reader.nets(scope, text, offset, width)
            if len(nets) != width and not (span == NO_BITS and not nets):
                self.fail(f"port {pin!r} of {name!r} has {width} bits, not {len(nets)}", offset)
            bound[pin] = nets
        self._enter(module, f"{scope.prefix}{name}.", bound)
