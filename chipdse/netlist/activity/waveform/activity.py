"""From a gate-level trace to the activity of a netlist's nets."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.waveform.fst import FstTrace, is_fst, open_fst
from chipdse.netlist.activity.waveform.names import match_names, scope_prefix
from chipdse.netlist.activity.waveform.states import StateCounter
from chipdse.netlist.activity.waveform.vcd import Trace, open_vcd
from chipdse.netlist.activity.waveform.vcd_changes import ONE, UNKNOWN, UNSEEN, Changes
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, Netlist


def read_vcd_activity(
    path: Path,
    scope: str,
    netlist: Netlist,
    *,
    clock_period_s: float,
    clocks: Sequence[str] = (),
    states: bool = False,
) -> Activity:
    """Toggles and duty of every net that the trace names below `scope`.

    Parameters
    ----------
    scope : where the netlist is instantiated, e.g. ``tb.dut``
    clock_period_s : of the timing analysis; gives the number of cycles in the trace
    clocks : ports that switch twice per `clock_period_s`, independent of the trace
    states : joint states of the cells too

    Notes
    -----
    OpenSTA's conventions: the time base is from the first time stamp to the last; a change to or
    from X or Z counts a half; a signal's first value is no change; X is not high. The time from
    $dumpoff to $dumpon is left out.

    Raises
    ------
    DesignError : the trace is damaged, lacks the scope, or names no net of the netlist
    """
    with contextlib.closing(open_fst(path) if is_fst(path) else open_vcd(path)) as trace:
        return _activity(trace, scope, netlist, clock_period_s, clocks, states)


def _activity(
    trace: Trace | FstTrace,
    scope: str,
    netlist: Netlist,
    clock_period_s: float,
    clocks: Sequence[str],
    states: bool,
) -> Activity:
    signal_of_net = _match(trace, scope, netlist)
    count = SignalCounter(trace.header.signals)
    joint = StateCounter(netlist, signal_of_net, trace.header.signals) if states else None
    needed = np.zeros(trace.header.signals, dtype=np.bool_)
    needed[signal_of_net[signal_of_net >= 0]] = True
    for changes in trace.changes(needed):
        count.add(changes)
        if joint is not None:
            joint.add(changes)
    first, last = count.first_time, count.last_time
    if first is None or last is None or last <= first:
        raise DesignError(f"{trace.path}: the trace covers no time; it needs two time stamps")
    duration_s = (last - first) * trace.header.time_unit_s
    toggles, high = count.finish(last)
    known = (signal_of_net >= 0) & count.seen[signal_of_net]
    source = np.where(known, signal_of_net, 0)
    net_toggles = np.where(known, toggles[source], 0.0)
    net_high = np.where(known, high[source] / (last - first), 0.0)
    for constant, value in ((CONSTANT_0, 0.0), (CONSTANT_1, 1.0)):
        known[constant], net_toggles[constant], net_high[constant] = True, 0.0, value
    for name in clocks:
        if name not in netlist.port_of:
            raise DesignError(f"clock {name!r} is not a port of {netlist.top!r}")
        for net in netlist.port_of[name].nets:
            net_toggles[net] = 2 * duration_s / clock_period_s
    return Activity(
        toggles=net_toggles,
        high_fraction=net_high,
        annotated=known,
        cycles=duration_s / clock_period_s,
        duration_s=duration_s,
        origin="vcd",
        states={} if joint is None else joint.finish(first, last),
        glitches=True,
    )


def _match(trace: Trace | FstTrace, scope: str, netlist: Netlist) -> Int64s:
    """The trace's signal of each net, -1 where there is none."""
    wanted = scope_prefix(scope)
    names: dict[str, int] = {}
    paths: dict[tuple[str, ...], str] = {}
    single: dict[str, list[int]] = {}
    for variable in trace.header.variables:
        path = paths.get(variable.scope)
        if path is None:
            path = paths[variable.scope] = ".".join(variable.scope)
        if not f"{path}.".startswith(wanted):
            continue
        prefix = f"{path}."[len(wanted) :] if path else ""
        for name, signal in variable.bit_names():
            names.setdefault(prefix + name, signal)
        if variable.width == 1 and variable.indices is not None:
            single.setdefault(prefix + variable.name, []).append(variable.first)
    for name, signals in single.items():  # ``d [0:0]`` may be the netlist's scalar `d`
        if len(signals) == 1:
            names.setdefault(name, signals[0])
    if not names:
        near = ", ".join(sorted(set(paths.values()))[:8]) or "no scope"
        raise DesignError(f"{trace.path}: no signal in scope {scope!r}; the trace has {near}")
    return match_names(netlist, names, f"{trace.path}: scope {scope!r}")


class SignalCounter:
    """Sums toggles and time at 1 of each signal over blocks of changes."""

    def __init__(self, signals: int) -> None:
        self.value = np.full(signals + 1, UNSEEN, dtype=np.uint8)
        self.seen = np.zeros(signals + 1, dtype=np.bool_)
        self._since = np.zeros(signals + 1, dtype=np.int64)
        self._toggles = np.zeros(signals + 1, dtype=np.float64)
        self._high = np.zeros(signals + 1, dtype=np.float64)
        self.first_time: int | None = None
        self.last_time: int | None = None

    def add(self, changes: Changes) -> None:
        self.first_time, self.last_time = changes.first_time, changes.last_time
        if not len(changes.signal):
            return
        # Sorting one number that holds signal and position is much quicker than a stable argsort.
        order = np.sort((changes.signal.astype(np.int64) << 32) | np.arange(len(changes.signal)))
        order &= 0xFFFFFFFF
        signal, value, time = changes.signal[order], changes.value[order], changes.time[order]
        begins = np.empty(len(signal), dtype=np.bool_)
        begins[0] = True
        np.not_equal(signal[1:], signal[:-1], out=begins[1:])
        before = np.empty_like(value)
        before[1:] = value[:-1]
        since = np.empty_like(time)
        since[1:] = time[:-1]
        heads = signal[begins]
        before[begins], since[begins] = self.value[heads], self._since[heads]
        seen = value != UNSEEN
        self.seen[signal[seen]] = True
        toggle = ((value != before) & (before != UNSEEN) & seen).astype(np.float64)
        toggle[(value == UNKNOWN) | (before == UNKNOWN)] *= 0.5
        size = len(self._toggles)
        self._toggles += np.bincount(signal, toggle, size)
        self._high += np.bincount(signal, np.where(before == ONE, time - since, 0), size)
        ends = np.append(begins[1:], True)
        self.value[signal[ends]] = value[ends]
        self._since[signal[ends]] = time[ends]

    def finish(self, last: int) -> tuple[Floats, Floats]:
        """Toggles, and time at 1 up to the last time stamp."""
        return self._toggles, self._high + np.where(self.value == ONE, last - self._since, 0)
