"""Switching activity: how often every net switches, and the fraction of time for which it is 1."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Bools, Floats
from chipdse.errors import DesignError

ORIGINS = ("replay", "vcd", "saif", "propagated")


@dataclass(frozen=True, kw_only=True)
class Activity:
    """The activity of every net of one netlist over a stretch of time.

    Parameters
    ----------
    toggles : transitions of each net; one to or from X counts a half
    high_fraction : part of the time at 1 (X counts a half)
    annotated : whether toggles and high_fraction come from a waveform and not from an assumption
    cycles : clock cycles covered
    duration_s : time covered [s]; toggles / duration is the density
    origin : replay, vcd (any waveform), saif or propagated
    states : by library cell index: joint probability of the cell's state variables
        (`Cell.state_variables`, first = least significant bit), one row per instance of that cell
        in netlist order; the pins of cells left out are treated as independent
    glitches : whether transitions within a cycle were seen; zero-delay activity has none
    standard_error_frac : of the sum of all transitions, if only some cycles were sampled
    notes : information that is missing in the trace, as sentences
    """

    toggles: Floats
    high_fraction: Floats
    annotated: Bools
    cycles: float
    duration_s: float
    origin: str
    states: dict[int, Floats] = field(default_factory=dict)
    glitches: bool = False
    standard_error_frac: float = 0.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise DesignError(f"activity origin {self.origin!r}; use one of {', '.join(ORIGINS)}")
        if not self.duration_s > 0:
            raise DesignError(f"activity over {self.duration_s} s; the time must be positive")
        if not len(self.toggles) == len(self.high_fraction) == len(self.annotated):
            raise DesignError("activity needs toggles, high_fraction and annotated for every net")
        if not (np.isfinite(self.toggles).all() and (self.toggles >= 0).all()):
            raise DesignError("toggle counts must be finite and not negative")
        high = self.high_fraction
        if not ((high >= 0).all() and (high <= 1).all()):
            raise DesignError("the fraction of time at 1 must lie between 0 and 1")
