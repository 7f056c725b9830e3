"""Pareto dominance and hypervolume; every objective is minimised here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def is_on_front(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other point dominates.

    Parameters
    ----------
    values : shape (points, objectives), all minimised, finite; equal points are all kept

    Returns
    -------
    shape (points,)
    """
    count = len(values)
    unique, inverse = np.unique(values, axis=0, return_inverse=True)
    # In lexicographic order a point can only be dominated by an earlier one.
    keep = np.ones(len(unique), dtype=bool)
    front = np.empty_like(unique)
    size = 0
    for index, point in enumerate(unique):
        if size and np.any(np.all(front[:size] <= point, axis=1)):
            keep[index] = False
        else:
            front[size] = point
            size += 1
    return keep[inverse.reshape(count)]
