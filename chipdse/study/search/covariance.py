"""How alike the values of an objective are at two points of a lattice: covariance functions.

An objective that is a sum of functions of single parameters is known from few points where half of
its covariance is a mean over the features, of a function of each feature alone [1]_. Others need a
covariance of all features together only (`Covariance`).

The squared distance between two levels of a feature is in part that of their places, and in part
the same for all levels that differ, the more the fewer levels there are. With places alone, the
ends of a feature are the least certain: they have neighbours on one side only, and a search visits
the corners of a lattice first.

References
----------
.. [1] D. Duvenaud, H. Nickisch, C. E. Rasmussen, Additive Gaussian processes, NIPS 2011, advances
   in neural information processing systems 24, pages 226-234
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.sorting import distinct

ALONE = 0.5
"""Share of an additive covariance that is a mean over the features."""
DIFFERENT, LEAST_DIFFERENT = 0.4, 0.05
"""Share of the squared distance that any two levels of a feature have, times its steps, and the
least one."""
SQRT_5 = math.sqrt(5.0)


@dataclass(frozen=True, kw_only=True)
class Covariance:
    """A covariance function of distances in units of lengths.

    smooth : squared-exponential instead of Matérn 5/2
    additive : `ALONE` of it is a mean over the features
    """

    smooth: bool
    additive: bool

    @property
    def alone(self) -> float:
        """Share that is a mean over the features."""
        return ALONE if self.additive else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Squared distances of some places from others, feature by feature, as tables over levels.

    tables : squared distance of each level from each of the others' levels
    rows, columns : the level of each place, and of each of the others
    """

    tables: list[Floats]
    rows: list[Int64s]
    columns: list[Int64s]

    @property
    def shape(self) -> tuple[int, int]:
        """Of a covariance: places, other places."""
        return len(self.rows[0]), len(self.columns[0])

    def spread(self, table: Floats, feature: int) -> Floats:
        """Of a table over the levels of a feature: the entry of each pair of places."""
        return np.asarray(table[:, self.columns[feature]][self.rows[feature]])

    def scaled(self, lengths: Floats) -> Iterator[tuple[int, Floats]]:
        """Each feature, and its table in units of its squared length."""
        for feature, (table, length) in enumerate(zip(self.tables, lengths, strict=True)):
            yield feature, table / length**2


def pairs_of(places: Floats, others: Floats, level_counts: Int64s) -> Pairs:
    """Pairs of places with others.

    Parameters
    ----------
    places, others : in the unit cube; shapes (places, features) and (others, features)
    level_counts : of values that each feature can have; shape (features,)
    """
    tables, rows, columns = [], [], []
    for column, other_column, count in zip(places.T, others.T, level_counts, strict=True):
        different = max(DIFFERENT / max(int(count) - 1, 1), LEAST_DIFFERENT)
        levels, row = distinct(column)
        other_levels, other = distinct(other_column)
        apart = levels[:, None] - other_levels
        tables.append((1 - different) * apart**2 + different * (apart != 0))
        rows.append(row)
        columns.append(other)
    return Pairs(tables=tables, rows=rows, columns=columns)


def covariance_of(pairs: Pairs, lengths: Floats, covariance: Covariance) -> Floats:
    """Covariance of each pair of places, 1 where they are the same; shape (places, others).

    Parameters
    ----------
    lengths : of the features
    """
    alone, square = np.zeros(pairs.shape), np.zeros(pairs.shape)
    for feature, table in pairs.scaled(lengths):
        square += pairs.spread(table, feature)
        if covariance.additive:
            alone += pairs.spread(_covariance_and_slope(table, covariance.smooth)[0], feature)
    together, _ = _covariance_and_slope(square, covariance.smooth)
    share = covariance.alone
    return share / len(lengths) * alone + (1 - share) * together


def slopes_along(pairs: Pairs, lengths: Floats, covariance: Covariance, pull: Floats) -> Floats:
    """Derivatives of the sum of `pull` times the covariance, by the logarithms of the lengths.

    Parameters
    ----------
    pull : one number per pair; shape (places, others)
    """
    squares = [pairs.spread(table, feature) for feature, table in pairs.scaled(lengths)]
    share = covariance.alone
    together = (
        (1 - share) * pull * _covariance_and_slope(np.sum(squares, axis=0), covariance.smooth)[1]
    )
    slopes = np.array([(together * square).sum() for square in squares])
    if covariance.additive:
        for feature, table in pairs.scaled(lengths):
            alone = pairs.spread(
                table * _covariance_and_slope(table, covariance.smooth)[1], feature
            )
            slopes[feature] += share / len(lengths) * (pull * alone).sum()
    return slopes


def _covariance_and_slope(square: Floats, smooth: bool) -> tuple[Floats, Floats]:
    """A covariance function of squared distances, and minus twice its derivative."""
    if smooth:
        covariance = np.exp(-0.5 * square)
        return covariance, covariance
    far = SQRT_5 * np.sqrt(square)
    fallen = np.exp(-far)
    return (1 + far + 5 / 3 * square) * fallen, 5 / 3 * (1 + far) * fallen
