"""The scale on which each objective is compared and modelled: its values or their logarithms.

If every evaluation gives one point, an objective of one sign is modelled by its logarithm where the
evidence speaks for it, and otherwise by its values. A sum of effects is easier to learn from the
values, a product from the logarithms, and a search with the other scale needs more evaluations.
Local fronts are always compared in logarithms.

References
----------
.. [1] R. Kass, A. Raftery, Bayes factors, Journal of the American Statistical Association 90, 1995,
   pages 773-795
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.kept import Kept
from chipdse.study.results.front import is_on_front
from chipdse.study.search.processes import Model, fit_mixture, fitted_count

REACHED = 0.9
"""Quantile of the evaluated values that is the end of the range of single points."""
SPREAD = 8
"""The range of single points is at least that of the first so many, which are spread out."""
MARGIN = 0.1
"""Distance of the reference point from the end of a range, as a share of the range."""
MENTIONED = 1.0
"""Difference of log evidence up to which it is not worth more than a bare mention [1]_. Up to it,
the values themselves are modelled."""
RECONSIDERED = 1.5
"""The scale is chosen again when the number of points has grown by this factor."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectiveModels:
    """The models of one objective.

    is_logarithmic : they are models of the logarithm
    """

    models: list[Model]
    is_logarithmic: bool


def fit_objective(places: Floats, values: Floats, level_counts: Int64s) -> ObjectiveModels:
    """Models of an objective of single points, on the scale for which the evidence speaks.

    Parameters
    ----------
    places : in the unit cube; shape (points, features)
    values : shape (points,)
    level_counts : of values that each feature can have; shape (features,)
    """
    count = fitted_count(len(values), RECONSIDERED)
    key = (level_counts.tobytes(), places[:count].tobytes(), values[:count].tobytes())
    is_logarithmic = has_one_sign(values) and _SCALES.value(
        key, lambda: is_easier_as_logarithm(places[:count], values[:count], level_counts)
    )
    modelled = logarithm(values) if is_logarithmic else values
    models = fit_mixture(places, modelled, level_counts).models
    return ObjectiveModels(models=models, is_logarithmic=is_logarithmic)


def is_easier_as_logarithm(places: Floats, values: Floats, level_counts: Int64s) -> bool:
    """Whether there is evidence for models of the logarithm, against models of the values.

    Both are densities of the values: that of the logarithm is divided by their sizes.
    """
    linear = fit_mixture(places, values, level_counts).log_evidence
    logarithmic = fit_mixture(places, logarithm(values), level_counts).log_evidence
    return bool(logarithmic - np.log(np.abs(values)).sum() > linear + MENTIONED)


def has_one_sign(values: Floats) -> bool:
    """Whether all values are positive, or all are negative."""
    return bool((values > 0).all() or (values < 0).all())


def logarithm(values: Floats) -> Floats:
    """Logarithm of values of one sign, in the same order: of negative ones ``-log(-value)``."""
    return np.asarray(np.sign(values) * np.log(np.abs(values)))


def scaled_fronts(fronts: Sequence[Floats]) -> list[Floats]:
    """Local fronts in logarithms, except objectives with two signs; their range becomes 0 to 1."""
    every = np.concatenate(fronts)
    every = _on_scales(every, [True] * every.shape[1])
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


_SCALES: Kept[tuple[bytes, ...], bool] = Kept(32)
