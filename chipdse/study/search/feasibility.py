"""The probability that a point runs and is within the limits, from the points evaluated so far."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from chipdse.arrays import Floats, Int64s
from chipdse.kept import Kept
from chipdse.study.search.processes import Model, fit_mixture, fitted_count, predict_all


def feasible_probability(
    candidates: Floats, places: Floats, violation: Floats, level_counts: Int64s
) -> Floats:
    """Probability that a candidate runs and is within the limits; shape (candidates,).

    Failures are modelled apart from missed limits. A few failures can agree by chance in a value
    that is not their cause, and a process would then be certain that every point with this value
    fails. Therefore the probability to run is never below that of Laplace's rule of succession
    after as many failures and no success.

    Parameters
    ----------
    candidates, places : of the points to judge and of those evaluated, in the unit cube; shapes
        (candidates, features) and (points, features)
    violation : of each point: 1 if it failed, 0 if it is feasible, between them if it misses limits
    level_counts : of values that each feature can have; shape (features,)
    """
    failed = violation >= 1
    probability = np.ones(len(candidates))
    if failed.any():
        runs = _negative_probability(candidates, places, np.where(failed, 1.0, -1.0), level_counts)
        probability = np.maximum(runs, 1 / (failed.sum() + 2))
    if (violation[~failed] > 0).any():
        # A feasible point counts as -1, so that it is as far from zero as the worst violation.
        signed = np.where(violation > 0, violation, -1.0)[~failed]
        probability *= _negative_probability(candidates, places[~failed], signed, level_counts)
    return np.asarray(probability.clip(1e-6, 1.0))


def _negative_probability(
    candidates: Floats, places: Floats, values: Floats, level_counts: Int64s
) -> Floats:
    """Probability that a value is negative at each candidate, from values at some places."""
    count = fitted_count(len(values))
    key = (level_counts.tobytes(), places[:count].tobytes(), values[:count].tobytes())
    models = _MODELS.value(
        key, lambda: fit_mixture(places[:count], values[:count], level_counts).models
    )
    probability = np.zeros(len(candidates))
    for prediction in predict_all(places, values, models, candidates, places[:0], level_counts):
        z = prediction.mean / np.maximum(prediction.deviation, 0.05)
        probability += prediction.weight * norm.cdf(-z)
    return probability


_MODELS: Kept[tuple[bytes, ...], list[Model]] = Kept(8)
