"""From flat lists of nets and cells to the arrays of a netlist, with one number per driven net."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from chipdse.arrays import Int32s
from chipdse.netlist.netlist import CONSTANT_1, UNCONNECTED, Netlist, Port
from chipdse.netlist.verilog.flatten import Flattener
from chipdse.netlist.verilog.syntax import Module
from chipdse.netlist.verilog.undefined import settle_undefined

_GENERATED = re.compile(r"(?:.*\.)?_\d+_")  # a name Yosys made up


def netlist_of(flat: Flattener, top: Module, ports: tuple[Port, ...]) -> Netlist:
    """The netlist of a flattened design.

    Raises
    ------
    DesignError : two nets or two instances have the same name
    """
    pins = _pins(flat)
    number, net_names = _numbers(flat)
    netlist = Netlist(
        top=top.name,
        library=flat.library,
        cell_names=flat.cell_names,
        cell_types=pins.types,
        net_names=net_names,
        pin_start=pins.start,
        pin_net=number[pins.net],
        ports=tuple(replace(port, nets=tuple(number[list(port.nets)].tolist())) for port in ports),
        nets_by_name=_nets_by_name(flat, top, number),
        odd_ranges=flat.odd_ranges,
    )
    flat.supply_cells.check(netlist, number, pins.supply_nets)
    undefined = {int(number[net]): is_x for net, is_x in flat.undefined.items()}
    netlist, note = settle_undefined(netlist, undefined)
    return replace(netlist, notes=(*flat.supply_cells.notes(), *note))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pins:
    """Pins of all cells, with the nets as numbered while the file was read.

    types : [cells] into the library
    start : [cells + 1] the first pin of each cell
    net : [pins] in the cells' own pin order
    supply_nets : nets on supply pins of library cells
    """

    types: Int32s
    start: Int32s
    net: Int32s
    supply_nets: set[int]


def _pins(flat: Flattener) -> _Pins:
    """The nets of all pins, from the order in which each instance writes its pins."""
    cells = flat.library.cells
    sizes = np.array([len(cell.pins) for cell in cells], dtype=np.int32)
    types = np.array(flat.cell_types, dtype=np.int32)
    start = np.zeros(len(types) + 1, dtype=np.int32)
    np.cumsum(sizes[types], out=start[1:])
    # Every written pin goes to its cell's start plus its place; supply pins go nowhere.
    counts = np.array([len(places) for places in flat.pattern_pins], dtype=np.int32)
    places = np.array([p for pins in flat.pattern_pins for p in pins], dtype=np.int32)
    first = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=first[1:])
    pattern = np.array(flat.cell_pattern, dtype=np.int32)
    written = counts[pattern] if len(pattern) else np.zeros(0, dtype=np.int32)
    ends = np.cumsum(written)
    inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - written, written)
    place = places[np.repeat(first[pattern], written) + inside]
    nets = np.maximum(np.array(flat.flat_nets, dtype=np.int32), UNCONNECTED)
    is_signal = place >= 0
    pin_net = np.full(int(start[-1]), UNCONNECTED, dtype=np.int32)
    pin_net[(np.repeat(start[:-1], written) + place)[is_signal]] = nets[is_signal]
    supply_nets = set(nets[~is_signal].tolist())
    return _Pins(types=types, start=start, net=pin_net, supply_nets=supply_nets)


def _numbers(flat: Flattener) -> tuple[Int32s, list[str]]:
    """The number of each net as read, and the names by number.

    Nets joined by assigns share one number, in order of first declaration; the last entry of the
    numbers is that of an unconnected pin.
    """
    count = len(flat.net_names)
    root = np.arange(count + 1, dtype=np.int32)  # the last entry serves index -1
    root[-1] = UNCONNECTED
    for net in flat.parent:
        root[net] = flat.root(net)
    roots = np.flatnonzero(root[:-1] == np.arange(count))
    number = np.full(count + 1, UNCONNECTED, dtype=np.int32)
    number[roots] = np.arange(len(roots), dtype=np.int32)
    number = number[root]  # index -1 stays unconnected
    names = flat.net_names
    net_names = [names[net] for net in roots.tolist()]
    for net in flat.parent:  # a public name is worth more than a generated one
        new = int(number[net])
        if new > CONSTANT_1 and _GENERATED.fullmatch(net_names[new]):
            net_names[new] = names[net]
    return number, net_names


def _nets_by_name(flat: Flattener, top: Module, number: Int32s) -> dict[str, int]:
    """The net of every name in the file, after checking that names are unique."""
    names, count = flat.net_names, len(flat.net_names)
    by_name = dict(zip(names, number[:-1].tolist(), strict=True))
    if len(by_name) != count:
        counts = Counter(names)
        twice = next(name for name, times in counts.items() if times > 1)
        flat.fail(f"two different nets are called {twice!r}", top.offset)
    for name, net in flat.aliases:
        by_name.setdefault(name, int(number[net]))
    if len(set(flat.cell_names)) != len(flat.cell_names):
        twice = next(name for name, times in Counter(flat.cell_names).items() if times > 1)
        flat.fail(f"two instances are called {twice!r}", top.offset)
    return by_name
