"""When a sweep stops: after so many trials, so long, or without progress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.study.results.front import is_on_front


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What may be spent; points under way when it is spent are finished.

    trials : finished trials of the study, over all its runs and drivers
    seconds : of this run [s]; infinite is no limit
    patience : stop after this number of trials in a row without a better front; None is no limit
    """

    trials: int
    seconds: float = math.inf
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise DesignError(f"trials={self.trials} must be at least 1")
        if not self.seconds > 0:
            raise DesignError(f"time={self.seconds} s must be above 0")
        if self.patience is not None and self.patience < 1:
            raise DesignError(f"patience={self.patience} must be at least 1, or left out")


def is_stalled(groups: Sequence[Floats], patience: int) -> bool:
    """Whether the last `patience` evaluations added nothing to the front.

    That is: the hypervolume is what it was without them, whatever its reference point.

    Parameters
    ----------
    groups : per evaluation, in order, the feasible points it gave: shape (points, objectives), all
        minimised
    """
    if len(groups) <= patience:
        return False
    before = np.concatenate(list(groups[:-patience]))
    recent = np.concatenate(list(groups[-patience:]))
    if not len(recent):
        return True
    if not len(before):
        return False
    best = before[is_on_front(before)]
    return all(bool(np.any(np.all(best <= point, axis=1))) for point in recent)
