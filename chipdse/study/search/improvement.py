"""Exact expected hypervolume improvement for independent objectives.

The expected growth of the hypervolume is the integral, over the region that is not dominated yet,
of the probability that the new point dominates a place of it. The region is a union of boxes, and
over a box the integral is a product over the objectives of differences of expected shortfalls [1]_.

References
----------
.. [1] M. Emmerich, K. Yang, A. Deutz, H. Wang, C. Fonseca, A multicriteria generalization of
   Bayesian global optimization, in Advances in Stochastic and Deterministic Global Optimization,
   Springer 2016, pages 229-242
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chipdse.arrays import Floats, Int64s

Shortfall = Callable[[Floats], Floats]
"""Expectation of ``max(bound - objective, 0)``: from (bounds,) to (places, bounds)."""


def expected_improvement(front: Floats, shortfalls: Sequence[Shortfall]) -> Floats:
    """Expected growth of the hypervolume below 1 in every objective.

    Parameters
    ----------
    front : of the evaluated points; shape (points, objectives), two or three objectives
    shortfalls : of the objectives

    Returns
    -------
    One value per place
    """
    inside = front[(front < 1.0).all(axis=1)]
    if inside.shape[1] == 2:
        inside = np.hstack([inside, np.zeros((len(inside), 1))])
    columns = [np.unique(np.append(column, 1.0)) for column in inside.T[:2]]
    first, second = (
        shortfall(column) for shortfall, column in zip(shortfalls, columns, strict=False)
    )
    widths = np.diff(first, axis=1, prepend=0.0)  # the first cell begins at minus infinity
    if len(shortfalls) == 2:
        height = _heights(inside, columns[0], columns[1])
        return np.asarray((widths * second[:, height]).sum(axis=1))
    levels = np.unique(np.append(inside[:, 2], 1.0))
    depths = np.diff(shortfalls[2](levels), axis=1, prepend=0.0)
    growth = np.zeros(len(widths))
    for number, depth in enumerate(depths.T):
        # Below the first level no point dominates; between levels those at or below the lower do.
        lower = levels[number - 1] if number else -np.inf
        height = _heights(inside[inside[:, 2] <= lower], columns[0], columns[1])
        growth += depth * np.einsum("ij,ij->i", widths, second[:, height])
    return growth


def _heights(points: Floats, firsts: Floats, seconds: Floats) -> Int64s:
    """Index of the second objective's value up to which each cell of the first is not dominated."""
    height = np.full(len(firsts), len(seconds) - 1)
    for first, second in points[:, :2]:
        after = np.searchsorted(firsts, first) + 1
        height[after:] = np.minimum(height[after:], np.searchsorted(seconds, second))
    return height
