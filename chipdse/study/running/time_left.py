"""The expected time until a sweep ends, where evaluations are alike enough to know it."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

WITHIN = 1.5
"""An expected time is stated if it is probably right within this factor."""
SIGMAS = 3.0
"""Standard errors of the expected time that must lie within the factor."""
WINDOW = 24
"""Of more evaluations the last count: machines and searches change."""
LEAST = 4


@dataclass(kw_only=True)
class TimeLeft:
    """Expects the time of the evaluations to come from those that ended.

    Evaluations differ: the first of a worker compiles what later ones reuse, and one whose results
    are stored takes no time. How many more of either kind will come is not known, so no time is
    expected until enough evaluations have ended since, and none while their times scatter.

    count : evaluations that ended
    """

    count: int = 0
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _ended: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW + 1))

    def add(self, seconds: float, now: float, *, workers: int, is_stored: bool) -> None:
        """An evaluation ended.

        Parameters
        ----------
        seconds : its duration [s]
        now : when it ended, on a clock that never goes back [s]
        workers : evaluations under way at once
        is_stored : whether the store had all of its results
        """
        self.count += 1
        if is_stored:
            self._durations.clear()
        elif self.count > workers:
            self._durations.append(seconds)
        if not self._durations:
            self._ended.clear()
        self._ended.append(now)

    def expected_s(self, rest: int, workers: int) -> float | None:
        """Time of `rest` more evaluations [s]; None where it is not known within `WITHIN`.

        With several workers, the last ones end at times that depend on single evaluations.
        """
        number = len(self._durations)
        if number < max(LEAST, 2 * workers) or rest < (2 * workers if workers > 1 else 1):
            return None
        mean = math.fsum(self._durations) / number
        squares = math.fsum((seconds - mean) ** 2 for seconds in self._durations)
        scatter = math.sqrt(squares / (number - 1)) / mean if mean > 0 else math.inf
        if SIGMAS * scatter * math.sqrt(1 / number + 1 / rest) > 1 - 1 / WITHIN:
            return None
        # Between two evaluations a point is proposed and results are stored.
        passed = self._ended[-1] - self._ended[0]
        busy = min(1.0, math.fsum(self._durations) / (workers * passed)) if passed > 0 else 1.0
        return rest * mean / (workers * busy)
