"""Routed netlists as they were before layout: without the cells that layout added.

Layout adds fill, taps, decoupling capacitors and antenna diodes; buffers of the clock tree; and
buffers that repair hold, slew, load and fan-out. The first two are recognised by what they are, the
last by the names that OpenROAD gives to their instances.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Int32s
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.logic import Variable
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.clock import ClockNetwork

_REPAIR = re.compile(
    r"(?:.*[./])?(?:hold|fanout|input|output|max_cap|max_slew|max_length|wire|rebuffer|load_slew"
    r"|repeater|place|split|buf_ioport)_?\d+(?:_\d+)*"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class AddedCells:
    """Which instances layout added [cells].

    Parameters
    ----------
    physical : cells without an output: fill, taps, decoupling capacitors, antenna diodes
    clock : buffers on the clock, and cells that only load it
    repairs : buffers whose names are those of OpenROAD's repairs (hold, fan-out, ports, slew, load)
    """

    physical: Bools
    clock: Bools
    repairs: Bools


def without_physical(netlist: Netlist) -> Netlist:
    """The netlist without fill, taps, decoupling capacitors and antenna diodes."""
    return without_cells(netlist, _by_cell(netlist, lambda cell: not cell.outputs))


def added_cells(netlist: Netlist, clock: ClockNetwork | None) -> AddedCells:
    """The cells of a routed netlist that synthesis did not make."""
    polarity = np.zeros(netlist.net_count, np.int8) if clock is None else clock.polarity
    buffers = _by_cell(netlist, _is_buffer)
    logic = _by_cell(netlist, lambda cell: cell.sequential is None and not cell.is_macro)
    wired = netlist.pin_net >= 0
    on_clock = _any_pin(netlist, wired & (polarity[netlist.pin_net] != 0) & netlist.pin_is_load)
    read = np.zeros(netlist.net_count, dtype=bool)
    read[netlist.pin_net[netlist.pin_is_load & wired]] = True
    read[netlist.output_nets] = True
    drives = _any_pin(netlist, netlist.pin_is_driver & wired & read[netlist.pin_net])
    named = np.array([_REPAIR.fullmatch(name) is not None for name in netlist.cell_names])
    clock_cells = on_clock & (buffers | (logic & ~drives))
    return AddedCells(
        physical=_by_cell(netlist, lambda cell: not cell.outputs),
        clock=clock_cells,
        repairs=buffers & named.astype(bool) & ~clock_cells,
    )


def without_cells(netlist: Netlist, drop: Bools) -> Netlist:
    """The netlist without some instances; what a dropped buffer drives, its input's net drives.

    Nets keep their numbers; those that nothing uses any more have no pins.

    Parameters
    ----------
    drop : [cells] buffers, and cells whose outputs nothing reads
    """
    root = _roots(netlist, drop)
    remaining = np.flatnonzero(~drop)
    pins = ~drop[netlist.pin_cell]
    nets = netlist.pin_net[pins]
    counts = np.diff(netlist.pin_start)[remaining]
    moved = [_moved(root, port.nets) for port in netlist.ports]
    return dataclasses.replace(
        netlist,
        cell_names=[netlist.cell_names[cell] for cell in remaining],
        cell_types=netlist.cell_types[remaining],
        pin_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        pin_net=np.where(nets >= 0, root[nets], nets).astype(np.int32),
        ports=tuple(
            dataclasses.replace(port, nets=port_nets)
            for port, port_nets in zip(netlist.ports, moved, strict=True)
        ),
        nets_by_name={
            name: int(root[net]) if net >= 0 else net for name, net in netlist.nets_by_name.items()
        },
    )


def _moved(root: Int32s, nets: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(root[net]) if net >= 0 else net for net in nets)


def _roots(netlist: Netlist, drop: Bools) -> Int32s:
    """The net that takes the place of each net [nets], itself for most."""
    root = np.arange(netlist.net_count, dtype=np.int32)
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        chosen = instances[drop[instances]]
        if not len(chosen) or not _is_buffer(cell):
            continue
        starts = netlist.pin_start[chosen]
        after = netlist.pin_net[starts + cell.outputs[0]]
        before = netlist.pin_net[starts + cell.inputs[0]]
        wired = (after >= 0) & (before >= 0)
        root[after[wired]] = before[wired]
    # Each step halves what is left of every chain of buffers; a loop of buffers has no root.
    for _ in range(netlist.net_count.bit_length()):
        root = root[root]
    return root


def _is_buffer(cell: Cell) -> bool:
    """Whether a cell passes on its only input."""
    if cell.sequential is not None or cell.is_macro or len(cell.outputs) != 1:
        return False
    pin = cell.pins[cell.outputs[0]]
    return len(cell.inputs) == 1 and isinstance(pin.function, Variable) and not pin.three_state


def _by_cell(netlist: Netlist, is_so: Callable[[Cell], bool]) -> Bools:
    """Instances of the cells for which `is_so` is true."""
    chosen = np.zeros(netlist.cell_count, dtype=bool)
    for kind, instances in netlist.instances_of.items():
        chosen[instances] = is_so(netlist.cells[kind])
    return chosen


def _any_pin(netlist: Netlist, pins: Bools) -> Bools:
    """Instances with at least one of some pins."""
    return np.bincount(netlist.pin_cell[pins], minlength=netlist.cell_count) > 0
