"""The scale on which each objective is compared and modelled: its values or their logarithms.

If every evaluation gives one point, the scale with the larger evidence is chosen for each objective
that has one sign. A sum of effects is easier to learn from the values, a product from the
logarithms, and a search with the other scale needs more evaluations. Local fronts are always
compared in logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.study.results.front import is_on_front
from chipdse.study.search.processes import Model, fit_mixture

REACHED = 0.9
"""Quantile of the evaluated values that is the end of the range of single points."""
SPREAD = 8
"""The range of single points is at least that of the first so many, which are spread out."""
MARGIN = 0.1
"""Distance of the reference point from the end of a range, as a share of the range."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectiveModels:
    """The models of one objective.

    is_logarithmic : they are models of the logarithm
    """

    models: list[Model]
    is_logarithmic: bool


def fit_objective(places: Floats, values: Floats, level_counts: Int64s) -> ObjectiveModels:
    """Models of an objective of single points, on the scale with the larger evidence.

    The evidence of both scales is the density of the values themselves: that of their logarithms is
    divided by the sizes of the values.

    Parameters
    ----------
    places : in the unit cube; shape (points, features)
    values : shape (points,)
    level_counts : of values that each feature can have; shape (features,)
    """
    linear = fit_mixture(places, values, level_counts)
    if has_one_sign(values):
        logarithmic = fit_mixture(places, logarithm(values), level_counts)
        if logarithmic.log_evidence - np.log(np.abs(values)).sum() >= linear.log_evidence:
            return ObjectiveModels(models=logarithmic.models, is_logarithmic=True)
    return ObjectiveModels(models=linear.models, is_logarithmic=False)


def has_one_sign(values: Floats) -> bool:
    """Whether all values are positive, or all are negative."""
    return bool((values > 0).all() or (values < 0).all())


def logarithm(values: Floats) -> Floats:
    """Logarithm of values of one sign, in the same order: of negative ones ``-log(-value)``."""
    return np.asarray(np.sign(values) * np.log(np.abs(values)))


def scaled_fronts(fronts: Sequence[Floats]) -> list[Floats]:
    """Local fronts in logarithms, except objectives with two signs; their range becomes 0 to 1."""
    values = np.concatenate(fronts)
    every = _on_scales(values, [True] * values.shape[1])
    scaled = _in_range(every, every[is_on_front(every)].max(axis=0))
    return np.split(scaled, np.cumsum([len(front) for front in fronts])[:-1])


def scaled_points(values: Floats, objectives: Sequence[ObjectiveModels]) -> Floats:
    """Single points on the scales of their models; the range of interest becomes 0 to 1.

    The range begins at the best value and ends at the worst of the front, or at the `REACHED`
    quantile of the evaluated values if that is further: the front of few points is narrow, and the
    ends of the true front count too. The range does not shrink when the search has found a good
    region and most values are from there.

    Parameters
    ----------
    values : shape (points, objectives)
    """
    every = _on_scales(values, [objective.is_logarithmic for objective in objectives])
    ends = [every[is_on_front(every)].max(axis=0)]
    count = SPREAD
    while count < len(every):
        ends.append(np.quantile(every[:count], REACHED, axis=0))
        count *= 2
    ends.append(np.quantile(every, REACHED, axis=0))
    return _in_range(every, np.max(ends, axis=0))


def _on_scales(values: Floats, is_logarithmic: Sequence[bool]) -> Floats:
    """Logarithms of the chosen columns that have one sign."""
    columns = [
        logarithm(column) if chosen and has_one_sign(column) else column
        for column, chosen in zip(values.T, is_logarithmic, strict=True)
    ]
    return np.stack(columns, axis=1)


def _in_range(every: Floats, high: Floats) -> Floats:
    """Values with the best at 0 and the reference point, `MARGIN` beyond `high`, at 1."""
    low = every.min(axis=0)
    width = np.where(high > low, high - low, 1.0) * (1 + MARGIN)
    return np.asarray((every - low) / width)
