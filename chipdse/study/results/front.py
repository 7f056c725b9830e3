"""Pareto dominance and hypervolume; every objective is minimised here."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Bools, Floats

REFERENCE = 1.1
"""Reference point of hypervolumes, in every objective, where fronts span 0 to 1."""


def is_on_front(values: Floats) -> Bools:
    """Which points no other point dominates.

    Parameters
    ----------
    values : shape (points, objectives), all minimised, finite; equal points are all kept

    Returns
    -------
    shape (points,)
    """
    import moocore  # most processes do not compare points

    if not len(values):
        return np.zeros(0, dtype=bool)
    return np.asarray(moocore.is_nondominated(values, keep_weakly=True))


def knee_of(values: Floats) -> int:
    """Row of the knee: the point nearest to the ideal point, each objective scaled to its range.

    The ideal has the best value of every objective. Compromise programming with the Euclidean
    distance: M. Zeleny, Multiple Criteria Decision Making, McGraw-Hill 1982, chapter 10.

    Parameters
    ----------
    values : shape (points, objectives), all minimised, finite; at least one point
    """
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin((scaled**2).sum(axis=1)))


def hypervolume(values: Floats, reference: Floats) -> float:
    """Volume that points dominate, up to a reference point; points beyond it add nothing.

    Parameters
    ----------
    values : shape (points, objectives), all minimised, finite
    """
    import moocore

    inside = values[(values < reference).all(axis=1)]
    return float(moocore.hypervolume(inside, ref=reference)) if len(inside) else 0.0
