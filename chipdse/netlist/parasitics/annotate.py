"""Extracted wires on the nets and pins of a netlist: a SPEF file for timing and power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.netlist import CONSTANT_1, Netlist
from chipdse.netlist.parasitics.elmore import elmore_delays_s
from chipdse.netlist.parasitics.spef import Spef
from chipdse.netlist.timing.records import Wires
from chipdse.netlist.timing.timing import library_pins

MIN_EXTRACTED = 0.5
"""Share of the netlist's nets that a file must have to be one of this design."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotated:
    """A SPEF file's wires on a netlist.

    Parameters
    ----------
    wires : for timing and power
    total_f : all capacitance that the file has, in nets of the netlist or not
    extracted : nets of the netlist that the file has
    notes : what of file and netlist does not fit, as sentences
    """

    wires: Wires
    total_f: float
    extracted: int
    notes: tuple[str, ...]


def annotate(spef: Spef, netlist: Netlist, library: OperatingLibrary) -> Annotated:
    """Lumped capacitance of each net and Elmore delay to each load, with the pins' capacitances.

    Raises
    ------
    DesignError : the file has fewer than half of the netlist's nets
    """
    net_of = _nets(spef, netlist)
    known = net_of >= 0
    wired = _wired(netlist)
    extracted = np.zeros(netlist.net_count, dtype=bool)
    extracted[net_of[known]] = True
    missing = np.flatnonzero(wired & ~extracted)
    if len(missing) > MIN_EXTRACTED * wired.sum() or not known.any():
        raise DesignError(
            f"{spef.path} has {int((wired & extracted).sum())} of the {int(wired.sum())} nets of "
            f"{netlist.top!r}, not {netlist.net_names[missing[0]]!r}; it belongs to another "
            f"design or stage (its design is {spef.design!r})"
        )
    notes = []
    unknown = [spef.net_names[net] for net in np.flatnonzero(~known)]
    if unknown:
        notes.append(
            f"{len(unknown)} nets of {spef.path.name} are not in the netlist and are left out "
            f"(first: {unknown[0]})"
        )
    if len(missing):
        notes.append(
            f"{len(missing)} nets of the netlist are not in {spef.path.name} and have no wire "
            f"(first: {netlist.net_names[missing[0]]})"
        )
    capacitance = np.zeros(netlist.net_count)
    np.add.at(capacitance, net_of[known], spef.net_capacitance_f[known])
    delay, unreached = _pin_delays(spef, netlist, library, net_of)
    unreached &= extracted[np.maximum(netlist.pin_net, 0)]
    if unreached.any():
        notes.append(
            f"{int(unreached.sum())} load pins have no resistors to their driver in "
            f"{spef.path.name}; no wire delays them "
            f"(first: {netlist.pin_name(int(np.flatnonzero(unreached)[0]))})"
        )
    return Annotated(
        wires=Wires(net_capacitance_f=capacitance, pin_delay_s=delay),
        total_f=float(spef.net_capacitance_f.sum()),
        extracted=int((wired & extracted).sum()),
        notes=tuple(notes),
    )


def _wired(netlist: Netlist) -> Bools:
    """Nets that connect a driver or an input port with a load or an output port."""
    drives = netlist.net_driver_pin >= 0
    drives[netlist.input_nets] = True
    loads = netlist.pin_net[netlist.pin_is_load & (netlist.pin_net >= 0)]
    read = np.zeros(netlist.net_count, dtype=bool)
    read[loads] = True
    read[netlist.output_nets[netlist.output_nets >= 0]] = True
    wired: Bools = drives & read
    wired[: CONSTANT_1 + 1] = False
    return wired


class _Names:
    """Names of a SPEF file as the netlist has them."""

    def __init__(self, spef: Spef) -> None:
        self.divider = spef.divider
        brackets = spef.bus_delimiters.replace(" ", "")
        self.brackets = brackets if len(brackets) == 2 and brackets != "[]" else ""

    def forms(self, name: str) -> list[str]:
        """The netlist's name, first with divided levels, then with the divider as a character."""
        if self.brackets and name.endswith(self.brackets[1]):
            head, mark, tail = name.rpartition(self.brackets[0])
            if mark and not head.endswith("\\"):
                name = f"{head}[{tail[:-1]}]"
        plain = name.replace("\\", "")
        divided = name.replace("\\" + self.divider, "\0").replace(self.divider, ".")
        divided = divided.replace("\0", self.divider).replace("\\", "")
        return [divided] if divided == plain else [divided, plain]


def _nets(spef: Spef, netlist: Netlist) -> Int64s:
    """The netlist's net of each net of the file; -1 where it has none."""
    numbers = {name: net for net, name in enumerate(netlist.net_names)} | netlist.nets_by_name
    names = _Names(spef)
    return np.array(
        [
            next((numbers[form] for form in names.forms(name) if form in numbers), -1)
            for name in spef.net_names
        ],
        dtype=np.int64,
    )


def _pin_delays(
    spef: Spef, netlist: Netlist, library: OperatingLibrary, net_of: Int64s
) -> tuple[Floats, Bools]:
    """Delay to each load pin, and which load pins no resistors lead to [pins]."""
    pins = _terminal_pins(spef, netlist)
    node_f = spef.node_ground_f + spef.node_coupling_f
    node_net = net_of[spef.node_net]
    on_net = (pins >= 0) & (node_net[spef.terminal_node] == netlist.pin_net[np.maximum(pins, 0)])
    loads = np.flatnonzero(on_net & netlist.pin_is_load[np.maximum(pins, 0)])
    pin_f = library.pin_capacitance_f[0].max(axis=1)[library_pins(netlist)]
    node_f = node_f + np.bincount(
        spef.terminal_node[loads], pin_f[pins[loads]], minlength=len(node_f)
    )
    is_root = on_net & (netlist.net_driver_pin[netlist.pin_net[np.maximum(pins, 0)]] == pins)
    is_root |= _input_ports(spef, netlist, net_of)
    delays = elmore_delays_s(
        spef.terminal_node[is_root],
        spef.resistor_from,
        spef.resistor_to,
        spef.resistor_ohm,
        node_f,
    )
    stated = spef.terminal_delay_s[loads]
    delay = np.full(len(netlist.pin_net), np.nan)
    delay[pins[loads]] = np.where(stated > 0, stated, delays[spef.terminal_node[loads]])
    unreached = np.isnan(delay) & netlist.pin_is_load & (netlist.pin_net >= 0)
    return np.nan_to_num(delay, nan=0.0), unreached


def _terminal_pins(spef: Spef, netlist: Netlist) -> Int64s:
    """The netlist's pin of each terminal; -1 for ports and for cells that it does not have."""
    cells = {name: cell for cell, name in enumerate(netlist.cell_names)}
    names = _Names(spef)
    number_of: dict[str, int] = {}
    result = np.full(len(spef.terminal_owner), -1, dtype=np.int64)
    for place, (owner, pin) in enumerate(zip(spef.terminal_owner, spef.terminal_pin, strict=True)):
        if not pin:
            continue
        cell = number_of.get(owner)
        if cell is None:
            cell = next((cells[form] for form in names.forms(owner) if form in cells), -1)
            number_of[owner] = cell
        if cell >= 0:
            position = netlist.cells[netlist.cell_types[cell]].pin_index.get(pin)
            if position is not None:
                result[place] = netlist.pin_start[cell] + position
    return result


def _input_ports(spef: Spef, netlist: Netlist, net_of: Int64s) -> Bools:
    """Which terminals are the input port that drives their net."""
    driven = np.zeros(netlist.net_count + 1, dtype=bool)  # the last: no net of the netlist
    driven[netlist.input_nets] = True
    nets = net_of[spef.node_net[spef.terminal_node]]
    is_port = np.array([not pin for pin in spef.terminal_pin], dtype=bool)
    # A net between an input port and an output port has two ports; the input's name is the net's.
    inputs = {
        name: net
        for port in netlist.ports
        if port.direction == "input"
        for name, net in zip(port.bit_names(), port.nets, strict=True)
    }
    names = _Names(spef)
    named = np.zeros(len(is_port), dtype=bool)
    for place in np.flatnonzero(is_port & driven[nets]):
        forms = names.forms(spef.terminal_owner[place])
        named[place] = any(inputs.get(form) == nets[place] for form in forms)
    return named
