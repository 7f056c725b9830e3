"""Which signal of a trace is which net of a netlist, by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chipdse.arrays import Int64s
from chipdse.errors import DesignError
from chipdse.netlist.netlist import Netlist


def scope_prefix(scope: str) -> str:
    """A scope as given, as the beginning of dotted names in it; empty for the whole trace."""
    # An escaped instance name may hold dots itself: paths are compared as they are written.
    return "".join(f"{part.strip()}." for part in scope.replace("\\", "").split(".") if part)


def match_names(netlist: Netlist, names: Mapping[str, int], where: str) -> Int64s:
    """The signal of each net, -1 where there is none.

    Parameters
    ----------
    names : signal by name within the netlist
    where : the trace and scope, for the message

    Raises
    ------
    DesignError : no net has a signal
    """
    signal_of_net = np.full(netlist.net_count, -1, dtype=np.int64)
    for name, net in netlist.nets_by_name.items():
        signal = names.get(name, -1)
        if signal >= 0 and signal_of_net[net] < 0:
            signal_of_net[net] = signal
    for net, name in enumerate(netlist.net_names):
        if signal_of_net[net] < 0:
            signal_of_net[net] = names.get(name, -1)
    if (signal_of_net < 0).all():
        some = ", ".join(list(names)[:4])
        raise DesignError(f"{where} holds {some}, ... but no net of {netlist.top!r}")
    return signal_of_net
