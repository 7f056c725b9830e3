"""Objectives and limits of a sweep, from the metrics of its points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chipdse.arrays import Floats
from chipdse.study.question.sweep_file import Sweep


def violations(sweep: Sweep, values: Mapping[str, Any]) -> dict[str, Any]:
    """By how much each limit of the sweep is missed, relative to the limit; at most 0 if it is met.

    Parameters
    ----------
    values : metrics and swept numbers, by name: numbers, or arrays of them
    """
    violation_of_limit: dict[str, Any] = {}
    for limit in sweep.limits:
        value = values[limit.metric]
        if math.isfinite(limit.maximum):
            scale = abs(limit.maximum) or 1.0
            violation_of_limit[f"{limit.metric} <= {limit.maximum:g}"] = (
                value - limit.maximum
            ) / scale
        if math.isfinite(limit.minimum):
            scale = abs(limit.minimum) or 1.0
            violation_of_limit[f"{limit.metric} >= {limit.minimum:g}"] = (
                limit.minimum - value
            ) / scale
    return violation_of_limit


def objective_values(sweep: Sweep, values: Mapping[str, float]) -> list[float]:
    """The values of the objectives in their order, each in its original direction."""
    return [float(values[objective.metric]) for objective in sweep.objectives]


def objective_columns(sweep: Sweep, values: Mapping[str, Floats]) -> Floats:
    """The objectives of many points, all to be minimised; shape (points, objectives)."""
    columns = [values[objective.metric] * objective.sign for objective in sweep.objectives]
    return np.stack(columns, axis=1)
