"""Statistics of draws: intervals, shares of the variance, order of points. Pure functions."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Bools, Floats

COVERAGE = 0.9
"""An interval has so many of the draws, as many below as above it."""
SURE = 0.95
"""Share of the draws in which two points must have the same order to be distinguishable."""
_BINS = 16
_ROUNDING = 1e-9


def interval(values: Floats, coverage: float = COVERAGE) -> tuple[Floats, Floats]:
    """Lower and upper end of the interval of each column; NaN where a draw has no value.

    Between two draws it is linear, as `numpy.quantile` is; sorted rows are much faster.

    values : [draws x points], or [points] of which no draw changes any
    """
    if values.ndim == 1:
        return values, values
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)
    last = ordered.shape[1] - 1
    ends = []
    for share in ((1 - coverage) / 2, (1 + coverage) / 2):
        place = int(share * last)
        below, above = ordered[:, place], ordered[:, min(place + 1, last)]
        with np.errstate(invalid="ignore"):
            between = below + (above - below) * (share * last - place)
        ends.append(np.where(np.isnan(ordered[:, last]), np.nan, between))
    return ends[0], ends[1]


def variance_shares(shares: Floats, values: Floats) -> Floats:
    """Share of the variance of a result that each input explains alone [1]_ [inputs].

    Parameters
    ----------
    shares : draws of the inputs, uniform from 0 to 1 [draws x inputs]
    values : the result [draws]

    Notes
    -----
    First-order Sobol indices from the draws themselves: the variance of the means of 16 classes of
    an input over the whole variance, less what classes of an input without effect would show; 0
    where it is within three standard deviations of that.

    References
    ----------
    .. [1] E. Plischke, E. Borgonovo and C. L. Smith, Global sensitivity measures from given data,
       European Journal of Operational Research 226(3), 2013.
    """
    draws, inputs = shares.shape
    out = np.zeros(inputs)
    centred = values - values.mean()
    variance = float(np.square(centred).mean())
    # A result that no input changes differs by rounding only.
    if not variance > float(np.square(_ROUNDING * np.abs(values).max())) or not np.isfinite(
        variance
    ):
        return out
    classes = np.minimum((shares * _BINS).astype(np.int64), _BINS - 1)
    for column in range(inputs):
        count = np.bincount(classes[:, column], minlength=_BINS)
        sums = np.bincount(classes[:, column], weights=centred, minlength=_BINS)
        between = float((np.square(sums) / np.maximum(count, 1)).sum()) / draws
        by_chance, spread = (_BINS - 1) / (draws - 1), np.sqrt(2 * (_BINS - 1)) / draws
        explained = between / variance
        if explained > by_chance + 3 * spread:
            out[column] = (explained - by_chance) / (1 - by_chance)
    return out


def distinguishable(values: Floats, sure: float = SURE) -> Bools:
    """Pairs of points of which one is smaller in at least `sure` of the draws [points x points].

    values : one objective [draws x points], the same draws for every point
    """
    points = values.shape[1]
    out = np.zeros((points, points), dtype=np.bool_)
    for row in range(points):
        below = (values[:, [row]] < values).mean(axis=0)
        above = (values[:, [row]] > values).mean(axis=0)
        out[row] = (below >= sure) | (above >= sure)
    return out
