"""Which points cannot be told apart, given how each spreads over its replicates."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Bools, Floats

LEVEL = 0.05
"""Two values differ if chance would part equal ones as far in less than this share of cases."""


def differ(
    mean: Floats, spread: Floats, other_mean: Floats, other_spread: Floats, count: int
) -> Bools:
    """Where two means differ, objective by objective: Welch's t-test, two-sided.

    The level is `LEVEL` over the number of objectives (Bonferroni), the last axis. Where neither
    value spreads at all, any difference counts.
    """
    from scipy import stats  # half a second to load, for replicates only

    level = LEVEL / mean.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        t_test = stats.ttest_ind_from_stats(
            mean, spread, count, other_mean, other_spread, count, equal_var=False
        )
    exact = (spread == 0) & (other_spread == 0)
    near = np.isclose(mean, other_mean, rtol=1e-12, atol=0.0)
    return np.where(exact, ~near, np.asarray(t_test.pvalue) < level)


def tied(mean: Floats, spread: Floats, front: Bools, group: Floats, count: int) -> list[list[int]]:
    """For each point, the front's points that cannot be told from it.

    Two points are tied if no objective differs (`differ`). Points of one evaluation share
    one netlist, so their random errors are correlated: they are never tied with each other.

    Parameters
    ----------
    mean, spread : of feasible points; shape (points, objectives)
    front : which of them are on the front
    group : the evaluation that gave each
    count : replicates

    Returns
    -------
    Rows of front points, for each point; of a point off the front, none if it is really beaten
    """
    rows = np.flatnonzero(front)
    ties = []
    for at in range(len(mean)):
        apart = differ(mean[rows], spread[rows], mean[at], spread[at], count).any(axis=1)
        same = ~apart & (group[rows] != group[at])
        ties.append([int(row) for row in rows[same]])
    return ties
