"""Figures of a power trace: its peak, its upper percentile and its largest step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError

PER_MILLE = 999
"""Of the cycles that have `Peaks.percentile_w` or less."""


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """What a supply must bear, from the power of every cycle.

    mean_w : over all cycles
    peak_power_w : highest mean of `window_cycles` cycles in a row, which begin at `peak_cycle`
    percentile_w : 99.9 % of the cycles have this power or less
    largest_step_w : between two cycles in a row, of which `step_cycle` is the second
    largest_step_a : the same as a step of the supply current
    """

    mean_w: float
    window_cycles: int
    peak_power_w: float
    peak_cycle: int
    percentile_w: float
    largest_step_w: float
    largest_step_a: float
    step_cycle: int


def peaks_of(power_w: Floats, vdd_v: float, window_cycles: int = 1) -> Peaks:
    """The figures of a trace.

    Parameters
    ----------
    power_w : [cycles]
    vdd_v : supply
    window_cycles : over which the peak is a mean; 1 is a single cycle

    Raises
    ------
    DesignError : the window is longer than the trace
    """
    cycles = len(power_w)
    if not 1 <= window_cycles <= cycles:
        raise DesignError(
            f"a window of {window_cycles} cycles does not fit the trace; use 1 to {cycles}"
        )
    total = np.concatenate([[0.0], np.cumsum(power_w)])
    means = (total[window_cycles:] - total[:-window_cycles]) / window_cycles
    if window_cycles == 1:
        means = power_w
    steps = np.abs(np.diff(power_w, prepend=power_w[0]))
    rank = -(-PER_MILLE * cycles // 1000) - 1
    return Peaks(
        mean_w=float(total[-1]) / cycles,
        window_cycles=window_cycles,
        peak_power_w=float(means.max()),
        peak_cycle=int(means.argmax()),
        percentile_w=float(np.sort(power_w)[rank]),
        largest_step_w=float(steps.max()),
        largest_step_a=float(steps.max()) / vdd_v,
        step_cycle=int(steps.argmax()),
    )
