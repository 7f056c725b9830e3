"""Output bits that synthesis left undefined: nothing drives them, or the file assigns x or z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chipdse.errors import DesignError
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, UNCONNECTED, Netlist

_MOST_NAMES = 4


def settle_undefined(
    netlist: Netlist, assigned: Mapping[int, bool]
) -> tuple[Netlist, tuple[str, ...]]:
    """The netlist with undefined output bits held at 0, and a note that names them.

    An undefined bit has no path, no transition and no load; a constant has neither. Where an
    undefined net is the input of a cell, the pin is left open, which timing refuses.

    Parameters
    ----------
    assigned : nets that the file assigns x (True) or z (False)

    Raises
    ------
    DesignError : a net is assigned x and driven as well
    """
    is_driven = np.zeros(netlist.net_count, dtype=bool)
    is_driven[: CONSTANT_1 + 1] = True
    is_driven[netlist.input_nets] = True
    pins = netlist.pin_net
    is_driven[pins[netlist.pin_is_driver & (pins >= 0)]] = True
    is_read = np.zeros(netlist.net_count, dtype=bool)
    is_read[pins[netlist.pin_is_load & (pins >= 0)]] = True
    both = [netlist.net_names[net] for net, is_x in assigned.items() if is_x and is_driven[net]]
    if both:
        raise DesignError(f"net {both[0]!r} of {netlist.top!r} is assigned x and driven as well")
    is_undefined = ~is_driven & ~is_read
    is_undefined[[net for net in assigned if not is_driven[net]]] = True
    bits = [
        name
        for port in netlist.ports
        if port.direction == "output"
        for name, net in zip(port.bit_names(), port.nets, strict=True)
        if is_undefined[net]
    ]
    open_pins = netlist.pin_is_load & (pins >= 0) & is_undefined[np.maximum(pins, 0)]
    if not bits and not open_pins.any():
        return netlist, ()
    ports = tuple(
        replace(
            port,
            nets=tuple(CONSTANT_0 if is_undefined[net] else net for net in port.nets),
        )
        if port.direction == "output"
        else port
        for port in netlist.ports
    )
    settled = replace(netlist, ports=ports, pin_net=np.where(open_pins, UNCONNECTED, pins))
    if not bits:
        return settled, ()
    names = ", ".join(bits[:_MOST_NAMES]) + (", ..." if len(bits) > _MOST_NAMES else "")
    verb = "output bit is" if len(bits) == 1 else "output bits are"
    return settled, (
        f"{len(bits)} {verb} undefined (x, z or without a driver) and left out of timing and "
        f"power: {names}",
    )
