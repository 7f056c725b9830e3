"""Distributions of path delays: log-normal variables plus constants, and the normal tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats

LEAST_DEVIATION_S = 1e-18
_LEAST_SKEW = 1e-3  # a distribution of less is as a normal one


@dataclass(frozen=True, kw_only=True, eq=False)
class Skewed:
    """Log-normal variables plus constants, by mean, standard deviation and skewness."""

    mean: Floats
    deviation: Floats
    skew: Floats

    def spread(self) -> tuple[Floats, Floats]:
        """Relative and logarithmic standard deviation of the log-normal part."""
        # Its relative deviation u satisfies u³ + 3 u = skewness.
        half = np.maximum(self.skew, _LEAST_SKEW) / 2
        root = numerics.exp(numerics.log(half + np.sqrt(np.square(half) + 1)) / 3)
        relative = root - 1 / root
        return relative, np.sqrt(numerics.log(1 + np.square(relative)))

    def at(self, sigma: float) -> Floats:
        """The values below which lies the share of a normal variable below `sigma`."""
        relative, spread = self.spread()
        grown = numerics.exp(spread * sigma - np.square(spread) / 2) - 1
        values: Floats = self.mean + self.deviation * grown / relative
        return values

    def sigma(self, value: float) -> Floats:
        """How many deviations of a normal variable have the share below a value."""
        relative, spread = self.spread()
        place = (value - self.mean) / np.maximum(self.deviation, LEAST_DEVIATION_S)
        inner = np.maximum(1 + relative * place, 1e-300)
        sigmas: Floats = (numerics.log(inner) + np.square(spread) / 2) / spread
        return sigmas


def upper_tail(deviations: Floats) -> Floats:
    """Probability that a normal variable exceeds its mean by a number of deviations, within 1.2e-7.

    Chebyshev fit of the complementary error function (Numerical Recipes, `erfcc`); the same on
    every processor.
    """
    argument = np.abs(deviations) / np.sqrt(2.0)
    t = 1 / (1 + argument / 2)
    series = np.zeros_like(t)
    for coefficient in _ERFC:
        series = series * t + coefficient
    half = 0.5 * t * numerics.exp(series - np.square(argument))
    tail: Floats = np.where(deviations >= 0, half, 1 - half)
    return tail


_ERFC = (
    0.17087277,
    -0.82215223,
    1.48851587,
    -1.13520398,
    0.27886807,
    -0.18628806,
    0.09678418,
    0.37409196,
    1.00002368,
    -1.26551223,
)
