"""Acquisition function: expected hypervolume improvement, predicted by Gaussian processes.

The hypervolume of a set is the mean, over directions from the reference point, of a power of the
distance that the set reaches along each direction [1]_ (`reach`). The reaches of an evaluation
along a fixed set of directions therefore determine its hypervolume, whether it gives one vector of
objectives or, harvested, a local front. A few principal components describe the reaches of all
points evaluated so far. A Gaussian process over the lattice models each component, and the expected
improvement is computed per direction from means and variances.

References
----------
.. [1] R. Zhang, D. Golovin, Random hypervolume scalarizations for provable multi-objective black
   box optimization, ICML 2020, proceedings of machine learning research 119, pages 11096-11105,
   lemma 5
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import ndtr
from scipy.stats import norm, qmc
from sklearn.gaussian_process.kernels import Kernel
from threadpoolctl import threadpool_limits

from chipdse.arrays import Floats, Int64s
from chipdse.kept import Kept
from chipdse.study.results.front import is_on_front
from chipdse.study.search.feasibility import feasible_probability
from chipdse.study.search.gaussian import fit_kernel, predict
from chipdse.study.search.improvement import expected_improvement
from chipdse.study.search.objectives import (
    ObjectiveModels,
    fit_objective,
    scaled_fronts,
    scaled_points,
)
from chipdse.study.search.processes import (
    deviation_of,
    fitted_count,
    mean_of,
    predict_all,
    shortfall_of,
)

DIRECTIONS = 256
COMPONENTS = 8
EXPLAINED = 0.99999
"""Principal components explain this share of the variance; at most `COMPONENTS` are used."""
QUANTILES = 9
WORTH = 0.005
"""Improvements of an objective by a smaller share of its range do not count. Many points of a
lattice share an objective's best value, and the model expects a small improvement at each."""
EXACT = 3
"""Up to this number of objectives, the improvement by single points is computed exactly."""
NODES, FARTHEST = 8, 5.0
"""Gauss-Legendre nodes of the integral over reaches, and its end in standard deviations."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchHistory:
    """The points that a search has evaluated or started.

    places : of the points evaluated, in order, in the unit cube; shape (points, features)
    fronts : feasible objectives of each point, all minimised; empty where it failed
    violation : constraint violation of each: 0 feasible, up to 1 if limits are missed, 1 failed
    pending : places of the points under way
    level_counts : number of values of each feature; shape (features,)
    """

    places: Floats
    fronts: Sequence[Floats]
    violation: Floats
    pending: Floats
    level_counts: Int64s


def scores(candidates: Floats, history: SearchHistory) -> Floats:
    """Expected hypervolume improvement of candidates times the probability that they are feasible.

    Parameters
    ----------
    candidates : places; shape (candidates, features)

    Returns
    -------
    One score per candidate; larger is better, and all are equal while nothing can be predicted.
    """
    # OpenBLAS's threads wait actively: for these small matrices they quadruple the processor time.
    with threadpool_limits(limits=1, user_api="blas"):
        return _scores(candidates, history)


def _scores(candidates: Floats, history: SearchHistory) -> Floats:
    good = [at for at, front in enumerate(history.fronts) if len(front)]
    probability = feasible_probability(
        candidates, history.places, history.violation, history.level_counts
    )
    if len(good) < 2:
        return probability
    fronts, places = [history.fronts[at] for at in good], history.places[good]
    if all(len(front) == 1 for front in fronts):
        gain = _gain_of_points(candidates, places, fronts, history.pending, history.level_counts)
    else:
        kernels = _kernels_of(places, fronts)
        gain = _gain_of_fronts(candidates, places, fronts, history.pending, kernels)
    return gain * probability


def _gain_of_fronts(
    candidates: Floats,
    places: Floats,
    fronts: Sequence[Floats],
    pending: Floats,
    kernels: Sequence[Kernel],
) -> Floats:
    """Expected hypervolume improvement if each evaluation gives a local front."""
    reaches = reach_of(fronts)
    mean, variance = predict_many(places, reaches, candidates, kernels, pending)
    best, power = reaches.max(axis=0), fronts[0].shape[1]
    if len(pending):  # points under way count with their predicted means
        best = np.maximum(best, predict_many(places, reaches, pending, kernels)[0].max(axis=0))
    return expected_gain(mean, variance, np.maximum(best, 0.0), power)


def _gain_of_points(
    candidates: Floats,
    places: Floats,
    fronts: Sequence[Floats],
    pending: Floats,
    level_counts: Int64s,
) -> Floats:
    """The same if each evaluation gives one point: each objective has models of its own."""
    objectives = _objectives_of(places, np.concatenate(fronts), level_counts)
    values = scaled_points(np.concatenate(fronts), objectives)
    assumed = values
    if len(pending):  # points under way count with their predicted means
        nothing = pending[:0]
        expected = [
            mean_of(predict_all(places, column, objective.models, pending, nothing, level_counts))
            for column, objective in zip(values.T, objectives, strict=True)
        ]
        assumed = np.vstack([values, np.stack(expected, axis=1)])
    predictions = [
        predict_all(places, column, objective.models, candidates, pending, level_counts)
        for column, objective in zip(values.T, objectives, strict=True)
    ]
    least = _lower_bounds(fronts, values)
    if values.shape[1] <= EXACT:
        shortfalls = [
            partial(shortfall_of, prediction, float(bound))
            for prediction, bound in zip(predictions, least, strict=True)
        ]
        return expected_improvement(assumed[is_on_front(assumed)] - WORTH, shortfalls)
    directions = directions_of(values.shape[1])
    best = reach(assumed, directions).clip(min=0.0)
    mean, deviation = (
        np.stack([moment(prediction) for prediction in predictions], axis=1)
        for moment in (mean_of, deviation_of)
    )
    return growth_of_points(mean, deviation, directions, best, least)


def _lower_bounds(fronts: Sequence[Floats], values: Floats) -> Floats:
    """Lower bound of each objective, scaled: that of zero if one value is zero and none negative.

    A positive objective is modelled by its logarithm, which has no bound. If a value is zero, the
    model would predict negative values near it, which would improve on every evaluated point.

    Parameters
    ----------
    values : the same, scaled; shape (points, objectives)
    """
    return np.where(np.concatenate(fronts).min(axis=0) == 0, values.min(axis=0), -math.inf)


def growth_of_points(
    mean: Floats, deviation: Floats, directions: Floats, best: Floats, least: Floats
) -> Floats:
    """Mean over directions of the expected growth of the reach's power when one point is added.

    The point reaches beyond t if each objective is below 1 minus t times the direction. As the
    objectives are modelled independently, the probability is a product of normal distributions, and
    the expected growth of the power p is the integral of p t^(p-1) times this probability above the
    best reach.

    Parameters
    ----------
    mean, deviation : of each candidate's objectives; shape (candidates, objectives)
    directions : shape (directions, objectives)
    best : reach of the evaluated points, not negative; shape (directions,)
    least : lower bound of each objective; shape (objectives,)

    Returns
    -------
    One value per candidate
    """
    power = mean.shape[1]
    deviation = np.maximum(deviation, 1e-6)
    distance = 1.0 - mean  # from the reference point
    # The probability is negligible beyond this number of deviations of any objective.
    end = _along_all(np.minimum(distance + FARTHEST * deviation, 1.0 - least), directions)
    half = np.maximum(end - best, 0.0) / 2
    growth = np.zeros(len(mean))
    for node, weight in zip(*np.polynomial.legendre.leggauss(NODES), strict=True):
        reached = best + half * (1 + node)
        probability = np.ones_like(reached)
        for direction, margin, sigma in zip(directions.T, distance.T, deviation.T, strict=True):
            probability *= ndtr((margin[:, None] - reached * direction) / sigma[:, None])
        growth += weight * (half * power * reached ** (power - 1) * probability).mean(axis=1)
    return growth


def reach_of(fronts: Sequence[Floats]) -> Floats:
    """Reach of each front along each direction, of `scaled_fronts`; shape (fronts, directions).

    Zero is at the reference point; fronts beyond it have small negative values.
    """
    scaled = scaled_fronts(fronts)
    directions = directions_of(scaled[0].shape[1])
    return np.stack([reach(front, directions) for front in scaled])


def reach(front: Floats, directions: Floats) -> Floats:
    """The largest multiple of each direction that a point of the front dominates.

    Parameters
    ----------
    front : shape (points, objectives); the reference point is at 1, all are minimised
    directions : shape (directions, objectives), positive
    """
    return np.asarray(_along(1.0 - front, directions).max(axis=0)).clip(min=-0.2)


def _along(distance: Floats, directions: Floats) -> Floats:
    """`_along_all` of distances that are at least -0.2."""
    return _along_all(np.maximum(distance, -0.2), directions)


def _along_all(distance: Floats, directions: Floats) -> Floats:
    """The reach of each point, from its distances to the reference point; (points, directions)."""
    reached = distance[:, 0, None] / directions[:, 0]
    for objective in range(1, distance.shape[1]):
        np.minimum(reached, distance[:, objective, None] / directions[:, objective], out=reached)
    return reached


def directions_of(objectives: int) -> Floats:
    """Directions spread evenly over the positive part of the sphere."""
    points = qmc.Sobol(objectives, scramble=True, rng=np.random.default_rng(0)).random(DIRECTIONS)
    gauss = np.abs(norm.ppf(np.clip(points, 1e-9, 1 - 1e-9)))
    lengths = np.linalg.norm(gauss, axis=1, keepdims=True)
    return np.asarray(np.maximum(gauss / lengths, 1e-3))


def expected_gain(mean: Floats, variance: Floats, best: Floats, power: int) -> Floats:
    """Mean over directions of the expected growth of the reach's power; one value per row."""
    shape = (-1, *[1] * mean.ndim)
    z = norm.ppf((np.arange(QUANTILES) + 0.5) / QUANTILES).reshape(shape)
    reached = np.maximum(mean + z * np.sqrt(variance), 0.0) ** power
    return np.asarray(np.maximum(reached - best**power, 0.0).mean(axis=(0, 2)))


def predict_many(
    places: Floats,
    values: Floats,
    at: Floats,
    kernels: Sequence[Kernel],
    pending: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Means and variances of many related quantities, by their principal components.

    Parameters
    ----------
    values : shape (points, quantities)
    at : places to predict at
    kernels : one per component; more components are not modelled
    pending : places under way (`predict`)

    Returns
    -------
    Two arrays of shape (places, quantities)
    """
    centre = values.mean(axis=0)
    amounts, axes = _components(values - centre)
    amounts, axes = amounts[:, : len(kernels)], axes[: len(kernels)]
    rest = values - centre - amounts @ axes
    mean = np.tile(centre, (len(at), 1))
    variance = np.tile((rest**2).mean(axis=0), (len(at), 1))
    for amount, axis, kernel in zip(amounts.T, axes, kernels, strict=False):
        component_mean, component_deviation = predict(places, amount, at, kernel, pending)
        mean += component_mean[:, None] * axis
        variance += (component_deviation[:, None] * axis) ** 2
    return mean, variance


def _components(centred: Floats) -> tuple[Floats, Floats]:
    """Principal components, the greatest first: amounts [points, components] and axes."""
    left, size, axes = np.linalg.svd(centred, full_matrices=False)
    share = np.cumsum(size**2) / max(float((size**2).sum()), 1e-300)
    count = min(int(np.searchsorted(share, EXPLAINED)) + 1, COMPONENTS, len(size))
    return left[:, :count] * size[:count], axes[:count]


def _kernels_of(places: Floats, fronts: Sequence[Floats]) -> list[Kernel]:
    """Kernels of the principal components of the reaches, fitted to the first points."""
    count = fitted_count(len(places))

    def fitted() -> list[Kernel]:
        reaches = reach_of(fronts[:count])
        amounts, _ = _components(reaches - reaches.mean(axis=0))
        return [fit_kernel(places[:count], amount) for amount in amounts.T]

    key = (places[:count].tobytes(), *(front.tobytes() for front in fronts[:count]))
    return _KERNELS.value(key, fitted)


def _objectives_of(places: Floats, values: Floats, level_counts: Int64s) -> list[ObjectiveModels]:
    """Models of the objectives of single points, fitted to the first points."""
    count = fitted_count(len(places))

    def fitted() -> list[ObjectiveModels]:
        return [fit_objective(places[:count], column, level_counts) for column in values[:count].T]

    key = (level_counts.tobytes(), places[:count].tobytes(), values[:count].tobytes())
    return _OBJECTIVES.value(key, fitted)


_KERNELS: Kept[tuple[bytes, ...], list[Kernel]] = Kept(8)
_OBJECTIVES: Kept[tuple[bytes, ...], list[ObjectiveModels]] = Kept(8)
