"""Complete tables from those simulated at some points, by their ratio to a complete corner.

Slews scale with the inverter's delay from corner to corner, so that ratio is smooth.
Arrays are [..., slews, loads].
"""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Floats

from . import settings


def by_ratio(coarse: Floats, exact: Floats) -> Floats:
    """Tables at every point: the ratio to another corner's, a polynomial between simulated points.

    Where signs differ within a table, the difference to the scaled table is interpolated.

    Parameters
    ----------
    coarse : [..., n, n] the tables at the simulated points, four or three of seven
    exact : [..., 7, 7] the tables of the other corner
    """
    known = at_points(exact, coarse.shape[-1])
    both = known != 0
    ratio = np.divide(coarse, known, out=np.zeros_like(coarse), where=both)
    corners = (-2, -1)
    plain = (ratio > 0).all(axis=corners, keepdims=True) & (exact * exact[..., :1, :1] > 0).all(
        axis=corners, keepdims=True
    )
    logs = np.log(np.where(plain, ratio, 1.0))
    scaled = exact * np.exp(spread(logs))
    size = np.abs(known).sum(axis=corners, keepdims=True)
    scale = np.abs(coarse).sum(axis=corners, keepdims=True) / np.where(size > 0, size, 1.0)
    shifted = exact * scale + spread(coarse - scale * known)
    return np.asarray(np.where(plain, scaled, shifted))


def constraint(coarse: Floats, scaled: Floats, slews: Floats) -> Floats:
    """Setup or hold at every point: the difference to another corner's, linear in both slews.

    Parameters
    ----------
    coarse : [..., 2, 2] at the simulated points
    scaled : [..., 3, 3] of the other corner, in the same unit of time
    slews : the three slews, in any unit
    """
    points = list(settings.COARSE_CONSTRAINT)
    rest = coarse - scaled[..., points, :][..., points]
    part = (slews - slews[0]) / (slews[-1] - slews[0])
    weights = np.stack([1 - part, part], axis=1)
    return np.asarray(scaled + weights @ rest @ weights.T)


def at_points(exact: Floats, count: int) -> Floats:
    """Complete tables at the points of a grid of `count` slews and loads."""
    points = list(POINTS[count])
    return exact[..., points, :][..., points]


def spread(coarse: Floats) -> Floats:
    """Tables at the simulated points, a polynomial along both axes to all points."""
    weights = _WEIGHTS[coarse.shape[-1]]
    return np.asarray(weights @ coarse @ weights.T)


def _lagrange(known: tuple[int, ...], count: int) -> Floats:
    """Weights of the polynomial through the known points, at every point."""
    weights = np.ones((count, len(known)))
    for k, at in enumerate(known):
        for other in known:
            if other != at:
                weights[:, k] *= (np.arange(count) - other) / (at - other)
    return weights


POINTS = {
    len(points): points
    for points in (tuple(range(settings.LOADS)), settings.COARSE, settings.SPARSE)
}
_WEIGHTS = {count: _lagrange(points, settings.LOADS) for count, points in POINTS.items()}
