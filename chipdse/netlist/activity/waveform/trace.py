"""The activity of a netlist's nets from a trace file of any kind that is read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from chipdse.netlist.activity.waveform.saif import is_saif, read_saif_activity
from chipdse.netlist.netlist import Netlist

_LOOK_BYTES = 4096


def read_activity(
    path: Path, scope: str, netlist: Netlist, *, clock_period_s: float, states: bool = False
) -> Activity:
    """Toggles and duty of every net that the trace names below `scope`.

    Parameters
    ----------
    path : VCD or SAIF (plain or gzip) or FST; its content decides, not its name
    scope : where the netlist is instantiated, e.g. ``tb.dut``
    clock_period_s : of the timing analysis; gives the number of cycles in the trace
    states : joint states of the cells too, where the trace has them; SAIF has none

    Raises
    ------
    DesignError : the trace is damaged, lacks the scope, or names no net of the netlist
    """
    if is_saif(_beginning(path)):
        return read_saif_activity(path, scope, netlist, clock_period_s)
    return read_vcd_activity(path, scope, netlist, clock_period_s=clock_period_s, states=states)


def _beginning(path: Path) -> bytes:
    """The first bytes of a file's content; none if it cannot be read, which its reader reports."""
    try:
        with path.open("rb") as file:
            begin = file.read(_LOOK_BYTES)
            if begin[:2] != b"\x1f\x8b":
                return begin
        with gzip.open(path) as packed:
            return packed.read(_LOOK_BYTES)
    except (OSError, EOFError, zlib.error):
        return b""
