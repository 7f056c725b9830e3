"""Welch's t-test between two classes of traces, first and second order, from streaming sums.

Traces are not stored: of every point of time only the sums of the first four powers are, for each
class. Memory does not grow with the number of traces.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from chipdse.arrays import Floats, Int64s

THRESHOLD = 4.5
"""|t| beyond which a point of time leaks [1]_: by chance it occurs once in 150 000 tests.

References
----------
.. [1] T. Schneider, A. Moradi, "Leakage Assessment Methodology", CHES 2015; IACR ePrint 2015/207
"""

CHANCE = 1e-5
"""Probability that a series of tests finds a leak where there is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Sums of a class of traces at every point of time.

    count : traces
    sums : [4, points] of the first four powers
    """

    count: int
    sums: Floats

    @classmethod
    def of(cls, values: Floats) -> Moments:
        """Moments of some traces [points, traces], from which a number near their mean, the same
        for all traces of a test, has been subtracted."""
        square = values * values
        powers = (values, square, square * values, square * square)
        sums = np.array([power.sum(axis=1) for power in powers])
        return cls(count=values.shape[1], sums=sums)

    def __add__(self, other: Moments) -> Moments:
        return Moments(count=self.count + other.count, sums=self.sums + other.sums)

    @property
    def mean(self) -> Floats:
        """Mean of every point."""
        mean: Floats = self.sums[0] / self.count
        return mean

    def central(self) -> tuple[Floats, Floats]:
        """Second and fourth central moment of every point, 0 or more."""
        first, second, third, fourth = self.sums / self.count
        square = first * first
        variance = second - square
        quartic = fourth - 4 * first * third + 6 * square * second - 3 * square * square
        return np.maximum(variance, 0.0), np.maximum(quartic, 0.0)


def first_order(fixed: Moments, random: Moments) -> Floats:
    """Welch's t of the means at every point [1]_."""
    variances = [moments.central()[0] / max(moments.count - 1, 1) for moments in (fixed, random)]
    return _t(fixed.mean - random.mean, variances[0] + variances[1])


def second_order(fixed: Moments, random: Moments) -> Floats:
    """Welch's t of the variances at every point, each about the mean of its class [1]_."""
    (fixed_2, fixed_4), (random_2, random_4) = fixed.central(), random.central()
    spread = [
        np.maximum(fourth - second * second, 0.0) / each.count
        for each, second, fourth in ((fixed, fixed_2, fixed_4), (random, random_2, random_4))
    ]
    return _t(fixed_2 - random_2, spread[0] + spread[1])


def of_counts(fixed_changes: Int64s, random_changes: Int64s, fixed: int, random: int) -> Floats:
    """Welch's t of how often each net changes, from the number of runs in which it does.

    Parameters
    ----------
    fixed_changes, random_changes : runs of each class in which a net changes, of any shape
    fixed, random : runs of each class
    """
    fixed_frac, random_frac = fixed_changes / fixed, random_changes / random
    variance = fixed_frac * (1 - fixed_frac) / max(fixed - 1, 1)
    variance = variance + random_frac * (1 - random_frac) / max(random - 1, 1)
    return _t(fixed_frac - random_frac, variance)


def threshold_of(tests: int) -> float:
    """|t| that chance exceeds in one of 100 000 series of `tests` tests; at least 4.5.

    The more nets and cycles are tested, the more of them exceed 4.5 by chance [1]_.

    References
    ----------
    .. [1] A. A. Ding, L. Zhang, F. Durvaux, F.-X. Standaert, Y. Fei, "Towards Sound and Optimal
       Leakage Detection Procedure", CARDIS 2017; IACR ePrint 2017/287
    """
    return max(THRESHOLD, -NormalDist().inv_cdf(0.5 * CHANCE / max(tests, 1)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Products:
    """Sums for the correlation of traces with one number per trace.

    sums : [5, points] of the trace, the number, both squares and their product
    """

    count: int
    sums: Floats

    @classmethod
    def of(cls, values: Floats, model: Floats) -> Products:
        """Of some traces [points, traces], less a number near their mean, and of [traces]."""
        ones = np.ones((len(values), 1))
        sums = (
            values.sum(axis=1),
            (ones * model.sum())[:, 0],
            (values * values).sum(axis=1),
            (ones * (model * model).sum())[:, 0],
            (values * model).sum(axis=1),
        )
        return cls(count=len(model), sums=np.array(sums))

    def __add__(self, other: Products) -> Products:
        return Products(count=self.count + other.count, sums=self.sums + other.sums)

    @property
    def correlation(self) -> Floats:
        """Pearson's correlation at every point; 0 where either does not vary."""
        x, y, xx, yy, xy = self.sums / self.count
        scale = np.maximum(xx - x * x, 0.0) * np.maximum(yy - y * y, 0.0)
        result: Floats = np.where(
            scale > 0, (xy - x * y) / np.sqrt(np.where(scale > 0, scale, 1)), 0
        )
        return result


def _t(difference: Floats, variance: Floats) -> Floats:
    """Difference over its standard error; without any variance 0 or infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.sqrt(variance)
    # Equal sums of rounded powers differ in their last digits: no difference is 1e-9 of nothing.
    return np.where(
        variance > 0, t, np.where(difference == 0, 0.0, np.copysign(np.inf, difference))
    )
