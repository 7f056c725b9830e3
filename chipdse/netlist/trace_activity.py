"""The activity of a netlist's nets from a trace file of any kind that is read."""

from __future__ import annotations

from pathlib import Path

from chipdse.netlist.activity import Activity
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.vcd_activity import read_vcd_activity


def read_activity(
    path: Path, scope: str, netlist: Netlist, *, clock_period_s: float, states: bool = False
) -> Activity:
    """Toggles and duty of every net that the trace names below `scope`.

    Parameters
    ----------
    path : VCD (plain or gzip) or FST; its content decides, not its name
    scope : where the netlist is instantiated, e.g. ``tb.dut``
    clock_period_s : of the timing analysis; says how many cycles the trace covers
    states : joint states of the cells too, where the trace has them

    Raises
    ------
    DesignError : the trace is damaged, lacks the scope, or names no net of the netlist
    """
    return read_vcd_activity(path, scope, netlist, clock_period_s=clock_period_s, states=states)
