"""Gaussian processes for objectives of single points: a mixture of models, weighted by evidence.

Four covariance functions are fitted to an objective: Matérn 5/2 and squared-exponential, each with
and without an additive part (`chipdse.study.search.covariance`). Length scales and noise have
log-normal priors [1]_. Few points leave them uncertain, and a single estimate of them would give
too small variances. The models of the mixture are therefore draws from Laplace's approximation of
the posterior; each covariance function gets draws in proportion to its evidence.

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
    covariance_with_slopes,
    pairs_of,
)

LENGTH_LOG_MEAN, LENGTH_LOG_DEVIATION = math.sqrt(2.0), math.sqrt(3.0)
"""Prior of a length scale for one feature; the median grows with the root of their number [1]_."""
NOISE_LOG_MEAN, NOISE_LOG_DEVIATION = -4.0, 1.0
"""Prior of the noise variance of standardised values: BoTorch's default."""
LENGTHS, NOISES = (0.025, 1000.0), (1e-6, 1.0)
COVARIANCES = tuple(
    Covariance(smooth=smooth, additive=additive)
    for additive in (False, True)
    for smooth in (False, True)
)
"""The covariance functions that are fitted to an objective."""
DRAWS = 8
"""Models of each objective."""
JITTER = 1e-10
"""Added to the diagonal besides the noise, so that the Cholesky factor exists."""
REFIT, FITTED = 1.1, 100
"""Length scales are fitted again when the number of points has grown by the factor `REFIT`, up to
`FITTED` points."""
CONSTANT = 1e-9
"""Values that differ by a smaller share of their size are equal."""
STEP = 0.05
"""Step of the finite differences of the posterior's gradient, in logarithms."""
SQRT_2_PI = math.sqrt(2 * math.pi)


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """One Gaussian process for an objective.

    lengths : length scales; shape (features,)
    noise : variance of the noise of standardised values
    weight : in the mixture; those of all models of an objective add up to 1
    """

    covariance: Covariance
    lengths: Floats
    noise: float
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Models of one quantity.

    log_evidence : logarithm of the probability density of the values, under all covariance
        functions together
    """

    models: list[Model]
    log_evidence: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """Normal distributions that one model predicts for an objective at some places.

    mean, deviation : shape (places,)
    """

    mean: Floats
    deviation: Floats
    weight: float

    def shortfall(self, bounds: Floats) -> Floats:
        """Expectation of ``max(bound - value, 0)``, in closed form; shape (places, bounds)."""
        deviation = self.deviation[:, None]
        z = (bounds - self.mean[:, None]) / deviation
        return np.asarray(deviation * (z * ndtr(z) + np.exp(-z * z / 2) / SQRT_2_PI))


def shortfall_of(predictions: Sequence[Prediction], least: float, bounds: Floats) -> Floats:
    """Expectation of ``max(bound - value, 0)`` over all models; shape (places, bounds).

    Parameters
    ----------
    least : lower bound of the value; minus infinity if it has none
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


def fit_mixture(places: Floats, values: Floats, level_counts: Int64s) -> Mixture:
    """Models of a quantity, drawn from their posterior.

    Parameters
    ----------
    values : in any unit; shape (points,)
    level_counts : of values that each feature can have; shape (features,)
    """
    if _is_constant(values):
        lengths = np.ones(places.shape[1])
        constant = Model(covariance=COVARIANCES[0], lengths=lengths, noise=1e-6)
        return Mixture(models=[constant], log_evidence=math.inf)
    pairs = pairs_of(places, places, level_counts)
    standardised = (values - values.mean()) / values.std()
    posteriors = [_posterior(pairs, standardised, covariance) for covariance in COVARIANCES]
    evidences = np.array([posterior.log_evidence for posterior in posteriors])
    models = [
        Model(
            covariance=covariance,
            lengths=np.exp(logarithms[:-1]),
            noise=float(np.exp(logarithms[-1])),
            weight=1 / DRAWS,
        )
        for covariance, count, posterior in zip(
            COVARIANCES, _draw_counts(evidences), posteriors, strict=True
        )
        for logarithms in posterior.draws(count)
    ]
    log_evidence = float(np.logaddexp.reduce(evidences)) - len(values) * math.log(values.std())
    return Mixture(models=models, log_evidence=log_evidence)


def _is_constant(values: Floats) -> bool:
    return bool(np.ptp(values) <= CONSTANT * np.abs(values).max())


def _draw_counts(log_evidences: Floats) -> list[int]:
    """Number of draws of each covariance function: its share of the evidence, rounded."""
    weights = np.exp(log_evidences - log_evidences.max())
    cumulative = np.cumsum(weights) / weights.sum()
    drawn = [int((cumulative >= (at + 0.5) / DRAWS).argmax()) for at in range(DRAWS)]
    return [drawn.count(number) for number in range(len(cumulative))]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Posterior:
    """Laplace's approximation of the posterior of the logarithms of lengths and noise.

    mode, covariance : shapes (features + 1,) and (features + 1, features + 1); the noise is last
    """

    mode: Floats
    covariance: Floats
    log_evidence: float

    def draws(self, count: int) -> Floats:
        """Draws whose mean is the mode, before they are clipped; (count, features + 1)."""
        if not count:
            return np.zeros((0, len(self.mode)))
        normal = np.random.default_rng(0).standard_normal((count, len(self.mode)))
        normal -= normal.mean(axis=0)
        drawn = self.mode + normal @ np.linalg.cholesky(self.covariance).T
        return np.asarray(drawn.clip(*_bounds(len(self.mode)).T))


def _bounds(size: int) -> Floats:
    """Bounds of the logarithms of lengths and noise; shape (size, 2)."""
    return np.asarray(np.log([LENGTHS] * (size - 1) + [NOISES]))


def _posterior(pairs: Pairs, standardised: Floats, covariance: Covariance) -> _Posterior:
    """The posterior of lengths and noise from standardised values.

    Parameters
    ----------
    pairs : of the places with each other
    """
    features = len(pairs.tables)
    mean = np.full(features + 1, LENGTH_LOG_MEAN + 0.5 * math.log(features))
    deviation = np.full(features + 1, LENGTH_LOG_DEVIATION)
    mean[-1], deviation[-1] = NOISE_LOG_MEAN, NOISE_LOG_DEVIATION

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = negative_log_likelihood(logarithms, pairs, standardised, covariance)
        residual = (logarithms - mean) / deviation
        # The density of lengths and noise themselves, not of their logarithms.
        prior = 0.5 * float(residual @ residual) + float(logarithms.sum())
        return value + prior, gradient + residual / deviation + 1.0

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
        mode=optimum.x,
        covariance=(axes / values) @ axes.T,
        log_evidence=-float(optimum.fun) - 0.5 * float(np.log(values).sum()),
    )


def negative_log_likelihood(
    logarithms: Floats, pairs: Pairs, standardised: Floats, covariance: Covariance
) -> tuple[float, Floats]:
    """Negative log marginal likelihood, and its gradient.

    Parameters
    ----------
    logarithms : of lengths and noise; shape (features + 1,)
    pairs : of the places with each other
    standardised : values with mean 0 and variance 1; shape (points,)
    """
    count = len(standardised)
    lengths, noise = np.exp(logarithms[:-1]), math.exp(logarithms[-1])
    matrix, gradient_of = covariance_with_slopes(pairs, lengths, covariance)
    matrix[np.diag_indices(count)] += noise + JITTER
    factor = cho_factor(matrix, lower=True, check_finite=False)
    inverse = cho_solve(factor, np.eye(count), check_finite=False)
    solution = inverse @ standardised
    value = 0.5 * float(standardised @ solution) + float(np.log(np.diag(factor[0])).sum())
    value += 0.5 * count * math.log(2 * math.pi)
    weights = inverse - np.outer(solution, solution)  # twice the derivative by the matrix
    gradient = np.empty(len(logarithms))
    gradient[:-1] = 0.5 * gradient_of(weights)
    gradient[-1] = 0.5 * noise * float(np.trace(weights))
    return value, gradient


def fitted_count(count: int) -> int:
    """The number of points that kernels are fitted to when `count` points are evaluated.

    It is the largest number up to `count` of the series 4, 5, 6, ..., in which each is `REFIT`
    times the one before, rounded up. The series ends at `FITTED`: more points change length scales
    little, and the time of a fit grows with the cube of their number. The number depends on the
    count alone, so a search that is continued on another machine fits the same kernels.
    """
    first, end = min(count, 4), min(count, FITTED)
    while first < end and (larger := math.ceil(first * REFIT)) <= end:
        first = larger
    return first


def predict_all(
    places: Floats,
    values: Floats,
    models: Sequence[Model],
    at: Floats,
    pending: Floats,
    level_counts: Int64s,
) -> list[Prediction]:
    """Predictions of each model at some places, of the value without noise.

    Parameters
    ----------
    at : the places
    pending : places under way: they reduce the variance and leave the mean unchanged
    level_counts : of values that each feature can have; shape (features,)
    """
    given = np.vstack([places, pending])
    within, across = pairs_of(given, given, level_counts), pairs_of(at, given, level_counts)
    return [_predict(values, model, within, across) for model in models]


def _predict(values: Floats, model: Model, within: Pairs, across: Pairs) -> Prediction:
    """The prediction of one model.

    Parameters
    ----------
    values : at the first of the given places; the others are pending
    within, across : pairs of the given places, and of the places to predict at with them
    """
    count = len(values)
    offset, deviation = float(values.mean()), float(values.std())
    if _is_constant(values):
        deviation = max(CONSTANT * abs(offset), 1e-300)
    matrix = covariance_of(within, model.lengths, model.covariance)
    matrix[np.diag_indices(len(matrix))] += model.noise + JITTER
    cross = covariance_of(across, model.lengths, model.covariance)
    factor = cho_factor(matrix[:count, :count], lower=True, check_finite=False)
    solution = cho_solve(factor, (values - offset) / deviation, check_finite=False)
    mean = cross[:, :count] @ solution
    if len(matrix) > count:
        factor = cho_factor(matrix, lower=True, check_finite=False)
    whitened = solve_triangular(factor[0], cross.T, lower=True, check_finite=False)
    variance = np.maximum(1.0 - (whitened**2).sum(axis=0), 1e-10)
    return Prediction(
        mean=offset + deviation * mean,
        deviation=np.maximum(deviation * np.sqrt(variance), 1e-9),
        weight=model.weight,
    )
