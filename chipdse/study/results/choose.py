"""Pick one point of a study: by number, the best in one metric, or the knee of the front."""

from __future__ import annotations

import numpy as np
import pandas as pd

from chipdse.design import suggest
from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import knee_of

_DIRECTIONS = {"min": True, "max": False}


def knee(sweep: Sweep, table: pd.DataFrame) -> int:
    """Trial of the knee of the front (`knee_of`)."""
    front = _feasible(table, table["on_front"])
    signs = [objective.sign for objective in sweep.objectives]
    values = (
        front[[objective.metric for objective in sweep.objectives]].to_numpy(dtype=float) * signs
    )
    return int(front["trial"].iloc[knee_of(values)])


def best(sweep: Sweep, table: pd.DataFrame, metric: str) -> int:
    """Trial of the feasible point with the best value of a metric.

    Parameters
    ----------
    metric : an objective, best in its own direction; or ``NAME:min``, ``NAME:max`` for any column

    Raises
    ------
    DesignError : no such metric, or no direction
    InfeasibleError : no point is feasible
    """
    name, colon, direction = metric.partition(":")
    numbers = [str(column) for column in table.select_dtypes("number").columns]
    if name not in numbers:
        raise DesignError(f"{name!r} is not a metric of this study; {suggest(name, numbers)}")
    minimize_of = {objective.metric: objective.minimize for objective in sweep.objectives}
    if (direction not in _DIRECTIONS) if colon else name not in minimize_of:
        raise DesignError(f"{metric!r} does not say what is best; write {name}:min or {name}:max")
    feasible = _feasible(table, table["state"] == "feasible")
    values = feasible[name].to_numpy(dtype=float)
    minimize = _DIRECTIONS[direction] if colon else minimize_of[name]
    return int(feasible["trial"].iloc[int(np.argmin(values if minimize else -values))])


def _feasible(table: pd.DataFrame, mask: pd.Series[bool]) -> pd.DataFrame:
    if not mask.any():
        raise InfeasibleError("the study has no feasible point to pick")
    return table[mask]
