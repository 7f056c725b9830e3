"""The progress of a search: hypervolume of the front over the evaluations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import hypervolume

HISTORY_STEPS = 150
"""Points of the curve of hypervolume over time."""


def history(sweep: Sweep, table: pd.DataFrame) -> dict[str, list[float]]:
    """Hypervolume after each of some numbers of evaluations.

    It is the part that the front dominates of the box between the best and the worst feasible
    value of every objective in the study; a complete front need not fill the box.
    """
    signs = np.array([objective.sign for objective in sweep.objectives])
    names = [objective.metric for objective in sweep.objectives]
    ordered = table.sort_values("trial")
    feasible = ordered[ordered["state"] == "feasible"]
    if feasible.empty:
        return {"evaluations": [], "hypervolume": []}
    values = feasible[names].to_numpy(dtype=float) * signs
    low, high = values.min(axis=0), values.max(axis=0)
    varies = high > low
    scaled = (values[:, varies] - low[varies]) / (high - low)[varies]
    evaluated = (ordered["origin"] == "proposed").cumsum()[ordered["state"] == "feasible"]
    counts = np.unique(np.linspace(1, len(values), min(HISTORY_STEPS, len(values))).astype(int))
    reference = np.ones(scaled.shape[1])
    return {
        "evaluations": [int(evaluated.iloc[count - 1]) for count in counts],
        "hypervolume": [
            hypervolume(scaled[:count], reference) if varies.any() else 1.0 for count in counts
        ],
    }
