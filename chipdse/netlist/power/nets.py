"""The activity of nets as power takes it: the clock's own, constants, limits, how much is known."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Floats, Int8s, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.netlist import CONSTANT_1
from chipdse.netlist.timing.timing import MIN, Timing
from chipdse.units import show


def check_period(timing: Timing, activity: Activity) -> None:
    """Refuse a waveform whose clock does not run at the period of the analysis."""
    clock = timing.graph.clock
    if clock is None or activity.origin not in ("vcd", "saif"):
        return
    net = timing.netlist.port_of[clock.port].nets[0]
    toggles, expected = float(activity.toggles[net]), 2 * activity.cycles
    if activity.annotated[net] and abs(toggles - expected) > max(4.0, 0.01 * expected):
        observed = (
            f"has a period of {show(2 * activity.duration_s / toggles, 's')}"
            if toggles
            else "stands still"
        )
        raise DesignError(
            f"clock {clock.port!r} of the waveform {observed}, the analysis assumes "
            f"{show(activity.duration_s / activity.cycles, 's')}; give both the same period"
        )


def annotated_fraction(timing: Timing, activity: Activity) -> float:
    """Part of the nets on cell pins that have activity; constants and the clock need none."""
    netlist = timing.netlist
    used = np.zeros(netlist.net_count, dtype=bool)
    used[netlist.pin_net[netlist.pin_net >= 0]] = True
    known = activity.annotated | (timing.graph.constant >= 0)
    if timing.graph.clock is not None:
        known = known | (free_clock(timing) != 0)
    return float(known[used].mean()) if used.any() else 1.0


def free_clock(timing: Timing) -> Int8s:
    """Nets the clock reaches without a clock gate: 1, or -1 inverted; 0 elsewhere."""
    clock = timing.graph.clock
    if clock is None:
        return np.zeros(timing.netlist.net_count, dtype=np.int8)
    return np.where(clock.gated, np.int8(0), clock.polarity)


def net_activity(timing: Timing, activity: Activity) -> tuple[Floats, Floats, Int64s]:
    """Density [K, nets] and probability of 1 [nets] as power uses them; nets cut short [K]."""
    netlist = timing.netlist
    cycles_hz = 1.0 / timing.clock_period_s
    per_cycle = activity.toggles / activity.cycles
    high = activity.high_fraction.copy()
    clock = free_clock(timing)
    constant = timing.graph.constant
    per_cycle = np.where(constant >= 0, 0.0, np.where(clock != 0, 2.0, per_cycle))
    high = np.where(constant >= 0, constant == 1, np.where(clock != 0, 0.5, high))
    density = cycles_hz[:, None] * per_cycle[None, :]
    slew = timing.slew_s[MIN].reshape(len(cycles_hz), netlist.net_count, 2).min(axis=2)
    with np.errstate(divide="ignore"):
        most = np.where(slew > 0, 1.0 / np.maximum(slew, 1e-300), np.inf)
    limited = (density > most).sum(axis=1)
    high[CONSTANT_1] = 1.0
    return np.minimum(density, most), high, limited
