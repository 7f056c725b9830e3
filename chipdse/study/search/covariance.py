"""Covariance of the values of an objective at two points of a lattice.

If an objective is a sum of functions of single parameters, few points suffice when half of its
covariance is additive: a mean over the features of a covariance function of each feature [1]_.
Other objectives need a joint covariance function of all features only (`Covariance`).

The squared distance between two levels of a feature has two parts: the squared difference of their
coordinates, and a nominal part, which is equal for all levels that differ and larger for fewer
levels. Without it, the variance is largest at the ends of a feature, which have neighbours on one
side only, and a search evaluates the corners of a lattice first.

References
----------
.. [1] D. Duvenaud, H. Nickisch, C. E. Rasmussen, Additive Gaussian processes, NIPS 2011, advances
   in neural information processing systems 24, pages 226-234
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.sorting import distinct

ADDITIVE_SHARE = 0.5
"""Weight of the mean over the features in an additive covariance."""
NOMINAL_SHARE, LEAST_NOMINAL_SHARE = 0.4, 0.05
"""Weight of the nominal part of the squared distance, for a feature of two levels; it is divided by
the number of levels minus 1, and has this minimum."""
SQRT_5 = math.sqrt(5.0)


@dataclass(frozen=True, kw_only=True)
class Covariance:
    """A covariance function of distances in units of lengths.

    smooth : squared-exponential instead of Matérn 5/2
    additive : a mean over the features has the weight `ADDITIVE_SHARE`, the joint function the rest
    """

    smooth: bool
    additive: bool

    @property
    def additive_share(self) -> float:
        """Weight of the mean over the features."""
        return ADDITIVE_SHARE if self.additive else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Squared distances between two sets of places, per feature, as tables over levels.

    tables : per feature, squared distance of each level of the places from each of the others'
    rows, columns : per feature, index of the level of each place, and of each of the others
    """

    tables: list[Floats]
    rows: list[Int64s]
    columns: list[Int64s]

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the covariance matrix: number of places, number of other places."""
        return len(self.rows[0]), len(self.columns[0])

    def expand(self, table: Floats, feature: int) -> Floats:
        """From a table over the levels of a feature to a matrix over the pairs of places."""
        return np.asarray(
            table.take(self.columns[feature], axis=1).take(self.rows[feature], axis=0)
        )

    @cached_property
    def squares(self) -> Floats:
        """Squared distance of each pair along each feature; shape (features, places, others)."""
        return np.stack([self.expand(table, at) for at, table in enumerate(self.tables)])

    def scaled(self, lengths: Floats) -> Iterator[tuple[int, Floats]]:
        """Each feature with its table divided by the square of its length scale."""
        for feature, (table, length) in enumerate(zip(self.tables, lengths, strict=True)):
            yield feature, table / length**2


def pairs_of(places: Floats, others: Floats, level_counts: Int64s) -> Pairs:
    """Squared distances of places from other places.

    Parameters
    ----------
    places, others : in the unit cube; shapes (places, features) and (others, features)
    level_counts : of values that each feature can have; shape (features,)
    """
    tables, rows, columns = [], [], []
    for column, other_column, count in zip(places.T, others.T, level_counts, strict=True):
        nominal = max(NOMINAL_SHARE / max(int(count) - 1, 1), LEAST_NOMINAL_SHARE)
        levels, row = distinct(column)
        other_levels, other = distinct(other_column)
        difference = levels[:, None] - other_levels
        tables.append((1 - nominal) * difference**2 + nominal * (difference != 0))
        rows.append(row)
        columns.append(other)
    return Pairs(tables=tables, rows=rows, columns=columns)


def covariance_of(pairs: Pairs, lengths: Floats, covariance: Covariance) -> Floats:
    """Covariance matrix, 1 for equal places; shape (places, others).

    Parameters
    ----------
    lengths : length scales; shape (features,)
    """
    additive, square = np.zeros(pairs.shape), np.zeros(pairs.shape)
    for feature, table in pairs.scaled(lengths):
        square += pairs.expand(table, feature)
        if covariance.additive:
            additive += pairs.expand(_covariance_and_slope(table, covariance.smooth)[0], feature)
    joint, _ = _covariance_and_slope(square, covariance.smooth)
    return _weighted(additive / len(lengths), joint, covariance)


def covariance_with_slopes(
    pairs: Pairs, lengths: Floats, covariance: Covariance
) -> tuple[Floats, Callable[[Floats], Floats]]:
    """`covariance_of`, and a function for its gradient by the logarithms of the lengths.

    Returns
    -------
    The covariance matrix, and a function from weights of its entries, shape (places, others), to
    the gradient of the weighted sum of the entries, shape (features,)
    """
    squares = pairs.squares / lengths[:, None, None] ** 2
    joint, joint_slope = _covariance_and_slope(squares.sum(axis=0), covariance.smooth)
    additive, additive_slopes = np.zeros(pairs.shape), []
    if covariance.additive:
        for feature, table in pairs.scaled(lengths):
            values, slope = _covariance_and_slope(table, covariance.smooth)
            additive += pairs.expand(values, feature)
            additive_slopes.append(pairs.expand(table * slope, feature))
    share = covariance.additive_share

    def gradient_of(weights: Floats) -> Floats:
        weighted = (1 - share) * weights * joint_slope
        gradient = np.array([(weighted * square).sum() for square in squares])
        for feature, slope in enumerate(additive_slopes):
            gradient[feature] += share / len(lengths) * (weights * slope).sum()
        return gradient

    return _weighted(additive / len(lengths), joint, covariance), gradient_of


def _weighted(additive: Floats, joint: Floats, covariance: Covariance) -> Floats:
    share = covariance.additive_share
    return share * additive + (1 - share) * joint


def _covariance_and_slope(square: Floats, smooth: bool) -> tuple[Floats, Floats]:
    """The covariance function of squared distances, and -2 times its derivative."""
    if smooth:
        covariance = np.exp(-0.5 * square)
        return covariance, covariance
    distance = SQRT_5 * np.sqrt(square)
    decay = np.exp(-distance)
    return (1 + distance + 5 / 3 * square) * decay, 5 / 3 * (1 + distance) * decay
