"""Gaussian processes for objectives of single points: a mixture of models, weighted by evidence.

An objective is modelled with a Matérn 5/2 and with a squared-exponential covariance, each additive
and not (`chipdse.study.search.covariance`). Lengths and
noise have log-normal priors [1]_. Few points leave them uncertain, and the most probable ones alone
would be trusted too much: the models of the mixture are draws from Laplace's approximation of the
posterior, as many of each kind as its share of the evidence.

References
----------
.. [1] C. Hvarfner, E. O. Hellsten, L. Nardi, Vanilla Bayesian optimization performs great in high
   dimensions, ICML 2024, proceedings of machine learning research 235, pages 20793-20817
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import Bounds, minimize
from scipy.special import ndtr

from chipdse.arrays import Floats, Int64s
from chipdse.study.search.covariance import (
    Covariance,
    Pairs,
    covariance_of,
    pairs_of,
    slopes_along,
)

LENGTH_LOG_MEAN, LENGTH_LOG_DEVIATION = math.sqrt(2.0), math.sqrt(3.0)
"""Of the lengths' prior for one feature; the median grows with the root of their number [1]_."""
NOISE_LOG_MEAN, NOISE_LOG_DEVIATION = -4.0, 1.0
"""Of the prior of the noise's variance, of standardised values: BoTorch's default."""
LENGTHS, NOISES = (0.025, 1000.0), (1e-6, 1.0)
COVARIANCES = tuple(
    Covariance(smooth=smooth, additive=additive)
    for additive in (False, True)
    for smooth in (False, True)
)
"""Those that an objective may have."""
DRAWS = 8
"""Models of each objective."""
JITTER = 1e-10
"""Added to the diagonal besides the noise, so that factors exist."""
STEP = 0.05
"""Of a logarithm, for the curvature of the posterior."""
SQRT_2_PI = math.sqrt(2 * math.pi)


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """How one objective depends on the place.

    lengths : of the features; shape (features,)
    noise : variance, of standardised values
    weight : of all models of the objective
    """

    covariance: Covariance
    lengths: Floats
    noise: float
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Of one objective at some places, by one model: normal distributions.

    mean, deviation : shape (places,)
    """

    mean: Floats
    deviation: Floats
    weight: float

    def shortfall(self, bounds: Floats) -> Floats:
        """By how much the value is expected to stay below each bound; (places, bounds).

        The mean of what is positive of the bound minus the value, in closed form.
        """
        deviation = self.deviation[:, None]
        z = (bounds - self.mean[:, None]) / deviation
        return np.asarray(deviation * (z * ndtr(z) + np.exp(-z * z / 2) / SQRT_2_PI))


def shortfall_of(predictions: Sequence[Prediction], least: float, bounds: Floats) -> Floats:
    """By how much the value is expected to stay below each bound, over all models.

    Parameters
    ----------
    least : what the value cannot be below; minus infinity where nothing is known of it
    """
    if least > -math.inf:
        return np.maximum(
            shortfall_of(predictions, -math.inf, bounds)
            - shortfall_of(predictions, -math.inf, np.array([least])),
            0.0,
        )
    total = np.zeros((len(predictions[0].mean), len(bounds)))
    for prediction in predictions:
        total += prediction.weight * prediction.shortfall(bounds)
    return total


def mean_of(predictions: Sequence[Prediction]) -> Floats:
    """The mean of the value over all models."""
    total = np.zeros(len(predictions[0].mean))
    for prediction in predictions:
        total += prediction.weight * prediction.mean
    return total


def deviation_of(predictions: Sequence[Prediction]) -> Floats:
    """The standard deviation of the value over all models."""
    mean = mean_of(predictions)
    total = np.zeros_like(mean)
    for prediction in predictions:
        variance = prediction.deviation**2 + (prediction.mean - mean) ** 2
        total += prediction.weight * variance
    return np.asarray(np.sqrt(total))


def fit_models(places: Floats, values: Floats, level_counts: Int64s) -> list[Model]:
    """Models of an objective, drawn from their posterior.

    Parameters
    ----------
    values : in units of the range of interest; shape (points,)
    level_counts : of values that each feature can have; shape (features,)
    """
    if np.ptp(values) < 1e-12:
        lengths = np.ones(places.shape[1])
        return [Model(covariance=COVARIANCES[0], lengths=lengths, noise=1e-6)]
    pairs = pairs_of(places, places, level_counts)
    known = (values - values.mean()) / values.std()
    posteriors = [_posterior(pairs, known, covariance) for covariance in COVARIANCES]
    counts = _shares(np.array([posterior.evidence for posterior in posteriors]))
    return [
        Model(
            covariance=covariance,
            lengths=np.exp(logarithms[:-1]),
            noise=float(np.exp(logarithms[-1])),
            weight=1 / DRAWS,
        )
        for covariance, count, posterior in zip(COVARIANCES, counts, posteriors, strict=True)
        for logarithms in posterior.draws(count)
    ]


def _shares(evidences: Floats) -> list[int]:
    """How many of the draws each model gets: its share, rounded up or down."""
    weights = np.exp(evidences - evidences.max())
    ends = np.cumsum(weights) / weights.sum()
    reached = [int((ends >= (at + 0.5) / DRAWS).argmax()) for at in range(DRAWS)]
    return [reached.count(number) for number in range(len(ends))]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Posterior:
    """Laplace's approximation for the logarithms of lengths and noise.

    best, covariance : shapes (features + 1,) and (features + 1, features + 1); the noise is last
    evidence : its logarithm
    """

    best: Floats
    covariance: Floats
    evidence: float

    def draws(self, count: int) -> Floats:
        """So many draws, whose mean is the most probable point; (count, features + 1)."""
        if not count:
            return np.zeros((0, len(self.best)))
        normal = np.random.default_rng(0).standard_normal((count, len(self.best)))
        normal -= normal.mean(axis=0)
        drawn = self.best + normal @ np.linalg.cholesky(self.covariance).T
        return np.asarray(drawn.clip(*_bounds(len(self.best)).T))


def _bounds(size: int) -> Floats:
    """Of the logarithms of lengths and noise; shape (size, 2)."""
    return np.asarray(np.log([LENGTHS] * (size - 1) + [NOISES]))


def _posterior(pairs: Pairs, known: Floats, covariance: Covariance) -> _Posterior:
    """The posterior of lengths and noise from standardised values.

    Parameters
    ----------
    pairs : of the places among each other
    """
    features = len(pairs.tables)
    mean = np.full(features + 1, LENGTH_LOG_MEAN + 0.5 * math.log(features))
    deviation = np.full(features + 1, LENGTH_LOG_DEVIATION)
    mean[-1], deviation[-1] = NOISE_LOG_MEAN, NOISE_LOG_DEVIATION

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = _unlikely(logarithms, pairs, known, covariance)
        off = (logarithms - mean) / deviation
        # The density is that of lengths and noise, not of their logarithms.
        prior = 0.5 * float(off @ off) + float(logarithms.sum())
        return value + prior, gradient + off / deviation + 1.0

    bounds = Bounds(*_bounds(features + 1).T)
    optimum = minimize(
        loss,
        mean - deviation**2,
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 100},
    )
    curvature = np.empty((features + 1, features + 1))
    for at, step in enumerate(np.eye(features + 1) * STEP):
        curvature[at] = (loss(optimum.x + step)[1] - loss(optimum.x - step)[1]) / (2 * STEP)
    values, axes = np.linalg.eigh((curvature + curvature.T) / 2)
    values = np.maximum(values, 1 / LENGTH_LOG_DEVIATION**2)  # never wider than the prior
    return _Posterior(
        best=optimum.x,
        covariance=(axes / values) @ axes.T,
        evidence=-float(optimum.fun) - 0.5 * float(np.log(values).sum()),
    )


def _unlikely(
    logarithms: Floats, pairs: Pairs, known: Floats, covariance: Covariance
) -> tuple[float, Floats]:
    """Minus the logarithm of the marginal likelihood, and its gradient.

    Parameters
    ----------
    logarithms : of lengths and noise; shape (features + 1,)
    pairs : of the places among each other
    known : standardised values; shape (points,)
    """
    count = len(known)
    lengths, noise = np.exp(logarithms[:-1]), math.exp(logarithms[-1])
    between = covariance_of(pairs, lengths, covariance)
    between[np.diag_indices(count)] += noise + JITTER
    factor = cho_factor(between, lower=True, check_finite=False)
    inverse = cho_solve(factor, np.eye(count), check_finite=False)
    solved = inverse @ known
    value = 0.5 * float(known @ solved) + float(np.log(np.diag(factor[0])).sum())
    value += 0.5 * count * math.log(2 * math.pi)
    pull = inverse - np.outer(solved, solved)
    gradient = np.empty(len(logarithms))
    gradient[:-1] = 0.5 * slopes_along(pairs, lengths, covariance, pull)
    gradient[-1] = 0.5 * noise * float(np.trace(pull))
    return value, gradient


def predict_all(
    places: Floats,
    values: Floats,
    models: Sequence[Model],
    at: Floats,
    pending: Floats,
    level_counts: Int64s,
) -> list[Prediction]:
    """What each model expects of the value at some places, without the noise of an evaluation.

    Parameters
    ----------
    pending : places about to be known: the mean stays, the uncertainty about them goes
    level_counts : of values that each feature can have; shape (features,)
    """
    known = np.vstack([places, pending])
    among, across = pairs_of(known, known, level_counts), pairs_of(at, known, level_counts)
    return [_predict(values, model, among, across) for model in models]


def _predict(values: Floats, model: Model, among: Pairs, across: Pairs) -> Prediction:
    """By one model.

    Parameters
    ----------
    values : of the first of the known places; the others are pending
    among, across : pairs of the known places, and of the places asked for with them
    """
    count = len(values)
    offset, spread = float(values.mean()), max(float(values.std()), 1e-12)
    covariance = covariance_of(among, model.lengths, model.covariance)
    covariance[np.diag_indices(len(covariance))] += model.noise + JITTER
    between = covariance_of(across, model.lengths, model.covariance)
    factor = cho_factor(covariance[:count, :count], lower=True, check_finite=False)
    solved = cho_solve(factor, (values - offset) / spread, check_finite=False)
    mean = between[:, :count] @ solved
    if len(covariance) > count:
        factor = cho_factor(covariance, lower=True, check_finite=False)
    half = solve_triangular(factor[0], between.T, lower=True, check_finite=False)
    variance = np.maximum(1.0 - (half**2).sum(axis=0), 1e-10)
    return Prediction(
        mean=offset + spread * mean,
        deviation=np.maximum(spread * np.sqrt(variance), 1e-9),
        weight=model.weight,
    )
