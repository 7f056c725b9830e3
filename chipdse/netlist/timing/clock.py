"""Where the clock goes: its network of nets, and which edge of it each register uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Int8s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import ClockGate
from chipdse.netlist.library.logic import unateness
from chipdse.netlist.netlist import Netlist

MAX_NAMES = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class ClockNetwork:
    """The clock as far as it stays a clock.

    Parameters
    ----------
    port : its input port
    polarity : per net: 0 no clock, 1 the clock, -1 its complement
    gated : per net: behind a clock gate
    """

    port: str
    polarity: Int8s
    gated: Bools


def list_names(names: list[str]) -> str:
    """A few names for a message, and how many more there are."""
    shown = ", ".join(names[:MAX_NAMES])
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"


def trace_clock(netlist: Netlist, port: str, constant: Int8s) -> ClockNetwork:
    """Follow the clock from its port through buffers, inverters and clock gates.

    Parameters
    ----------
    constant : per net 0 or 1 where it is constant, else -1

    Raises
    ------
    DesignError : no such port, or the clock meets data in a cell that is no clock gate
    """
    if port not in netlist.port_of or netlist.port_of[port].direction != "input":
        known = ", ".join(p.name for p in netlist.ports if p.direction == "input")
        raise DesignError(f"clock {port!r} is no input port of {netlist.top!r}; it has {known}")
    nets = netlist.port_of[port].nets
    if len(nets) != 1:
        raise DesignError(f"clock port {port!r} is {len(nets)} bits wide; a clock is one bit")
    polarity = np.zeros(netlist.net_count, dtype=np.int8)
    polarity[nets[0]] = 1
    gated = np.zeros(netlist.net_count, dtype=bool)
    loads = _load_pins(netlist)
    frontier = [nets[0]]
    while frontier:
        net = frontier.pop()
        for pin in loads(net):
            for output, sense in _through(netlist, pin, constant, polarity):
                after = int(netlist.pin_net[output])
                if after < 0:
                    continue
                value = np.int8(polarity[net] * sense)
                if polarity[after] == 0:
                    polarity[after] = value
                    gated[after] = gated[net] or _is_gate(netlist, pin)
                    frontier.append(after)
                elif polarity[after] != value:
                    raise DesignError(
                        f"net {netlist.net_names[after]!r} carries both edges of the clock"
                    )
    return ClockNetwork(port=port, polarity=polarity, gated=gated)


def _is_gate(netlist: Netlist, pin: int) -> bool:
    cell = netlist.cells[int(netlist.cell_types[netlist.pin_cell[pin]])]
    return isinstance(cell.sequential, ClockGate)


def _load_pins(netlist: Netlist) -> Callable[[int], list[int]]:
    pins = np.flatnonzero(netlist.pin_is_load & (netlist.pin_net >= 0))
    order = np.argsort(netlist.pin_net[pins], kind="stable")
    pins = pins[order]
    sorted_nets = netlist.pin_net[pins]

    def pins_on(net: int) -> list[int]:
        first, last = np.searchsorted(sorted_nets, [net, net + 1])
        return list(map(int, pins[first:last]))

    return pins_on


def _through(netlist: Netlist, pin: int, constant: Int8s, polarity: Int8s) -> list[tuple[int, int]]:
    """Output pins the clock reaches through this pin's cell, with +1 or -1."""
    instance = int(netlist.pin_cell[pin])
    cell = netlist.cells[netlist.cell_types[instance]]
    start = int(netlist.pin_start[instance])
    name = cell.pins[pin - start].name
    gate = cell.sequential
    if gate is not None and not isinstance(gate, ClockGate):
        return []
    if isinstance(gate, ClockGate) and name != gate.clock:
        return []  # the clock as an enable is checked with the data pins
    result = []
    for position in cell.outputs:
        function = cell.pins[position].function
        if function is None:
            continue
        if isinstance(gate, ClockGate):
            sense = unateness(function, name, cell.state_variables)
        else:
            other_pins = [
                i
                for i in cell.inputs
                if cell.pins[i].name != name and constant[netlist.pin_net[start + i]] < 0
            ]
            sense = unateness(function, name, cell.input_names)
            if sense == "none":
                continue
            if other_pins:
                other_name = cell.pins[other_pins[0]].name
                raise DesignError(
                    f"the clock passes through {netlist.cell_names[instance]} ({cell.name}) "
                    f"together with {other_name}; only buffers, inverters and integrated clock "
                    "gates may lie in the clock's way"
                )
        if sense not in ("positive", "negative"):
            raise DesignError(
                f"the clock passes through {netlist.cell_names[instance]} ({cell.name}), which "
                "is neither a buffer, an inverter nor a clock gate"
            )
        result.append((start + position, 1 if sense == "positive" else -1))
    return result
