"""What is expected of points not evaluated yet: hypervolume improvement by Gaussian processes.

The hypervolume of a set is the mean, over directions from the reference point, of a power of how
far the set reaches along each [1]_ (`reach`). So a point's reach along a fixed set of directions
says all that the hypervolume asks of it, whether it brings one vector or, harvested, a whole front.
The reaches of the points evaluated so far differ in a few ways only: their principal components are
modelled, each by a Gaussian process over the lattice, and the expected improvement follows from the
processes' means and variances direction by direction, exactly: a mean of sums is the sum of means.

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
from chipdse.study.search.gaussian import fit_kernel, predict
from chipdse.study.search.improvement import expected_improvement
from chipdse.study.search.processes import (
    Model,
    deviation_of,
    fit_models,
    mean_of,
    predict_all,
    shortfall_of,
)

DIRECTIONS = 256
REACHED = 0.9
"""Quantile of the values seen that the range of single points reaches (`_scaled`)."""
COMPONENTS = 8
EXPLAINED = 0.99999
"""Principal components are added up to this share of the variance, at most `COMPONENTS`."""
MARGIN = 0.1
"""The reference point lies beyond the end of a range by this share of it (`_scaled`)."""
QUANTILES = 9
WORTH = 0.005
"""An objective that improves by less of its range counts as unchanged. Many points of a lattice
share an objective's best value; the model would promise a little beyond it at each of them."""
EXACT = 3
"""Up to so many objectives the improvement by single points is computed box by box."""
NODES, FARTHEST = 8, 5.0
"""Of the integral over reaches: Gauss-Legendre nodes, and its end in standard deviations."""
REFIT, FITTED = 1.1, 100
"""Length scales are fitted anew whenever there are so many times as many points, up to so many."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchHistory:
    """The points that a search has evaluated or started.

    places : of the points evaluated, in order, in the unit cube; shape (points, features)
    fronts : feasible objectives of each point, all minimised; empty where it failed
    trouble : of each: 1 it failed, between 0 and 1 it missed limits by more or less, 0 feasible
    pending : places of the points under way
    level_counts : of values that each feature can have; shape (features,)
    """

    places: Floats
    fronts: Sequence[Floats]
    trouble: Floats
    pending: Floats
    level_counts: Int64s


def scores(candidates: Floats, history: SearchHistory) -> Floats:
    """Expected hypervolume improvement of candidates times the probability that they are feasible.

    Parameters
    ----------
    candidates : places; shape (candidates, features)

    Returns
    -------
    One score a candidate, to be made large; zero everywhere if nothing can be said yet.
    """
    # OpenBLAS's threads wait actively: for these small matrices they quadruple the processor time.
    with threadpool_limits(limits=1, user_api="blas"):
        return _scores(candidates, history)


def _scores(candidates: Floats, history: SearchHistory) -> Floats:
    good = [at for at, front in enumerate(history.fronts) if len(front)]
    chance = feasible_probability(candidates, history)
    if len(good) < 2:
        return chance
    fronts, places = [history.fronts[at] for at in good], history.places[good]
    if all(len(front) == 1 for front in fronts):
        gain = _gain_of_points(candidates, places, fronts, history.pending, history.level_counts)
    else:
        kernels = _kernels_of(places, fronts)
        gain = _gain_of_fronts(candidates, places, fronts, history.pending, kernels)
    return gain * chance


def _gain_of_fronts(
    candidates: Floats,
    places: Floats,
    fronts: Sequence[Floats],
    pending: Floats,
    kernels: Sequence[Kernel],
) -> Floats:
    """Expected hypervolume improvement where each evaluation brings a local front."""
    reaches = reach_of(fronts)
    mean, variance = predict_many(places, reaches, candidates, kernels, pending)
    best, power = reaches.max(axis=0), fronts[0].shape[1]
    if len(pending):  # points under way are taken to give what is expected of them
        best = np.maximum(best, predict_many(places, reaches, pending, kernels)[0].max(axis=0))
    return expected_gain(mean, variance, np.maximum(best, 0.0), power)


def _gain_of_points(
    candidates: Floats,
    places: Floats,
    fronts: Sequence[Floats],
    pending: Floats,
    level_counts: Int64s,
) -> Floats:
    """The same where each brings one point: then each objective is modelled by itself."""
    values = np.concatenate(_scaled(fronts))
    models = _models_of(places, fronts, level_counts)
    known = values
    if len(pending):  # points under way are taken to give what is expected of them
        nothing = pending[:0]
        expected = [
            mean_of(predict_all(places, column, model, pending, nothing, level_counts))
            for column, model in zip(values.T, models, strict=True)
        ]
        known = np.vstack([values, np.stack(expected, axis=1)])
    predictions = [
        predict_all(places, column, model, candidates, pending, level_counts)
        for column, model in zip(values.T, models, strict=True)
    ]
    least = _least_of(fronts, values)
    if values.shape[1] <= EXACT:
        shortfalls = [
            partial(shortfall_of, prediction, float(bound))
            for prediction, bound in zip(predictions, least, strict=True)
        ]
        return expected_improvement(known[is_on_front(known)] - WORTH, shortfalls)
    directions = directions_of(values.shape[1])
    best = reach(known, directions).clip(min=0.0)
    mean, deviation = (
        np.stack([moment(prediction) for prediction in predictions], axis=1)
        for moment in (mean_of, deviation_of)
    )
    return growth_of_points(mean, deviation, directions, best, least)


def _least_of(fronts: Sequence[Floats], values: Floats) -> Floats:
    """What each objective cannot be below, in its scale: zero if one is zero and none negative.

    A positive objective is modelled by its logarithm, which knows no bound. Where one is zero, the
    model expects negative values beside it, which would improve on everything seen.

    Parameters
    ----------
    values : the same, scaled; shape (points, objectives)
    """
    return np.where(np.concatenate(fronts).min(axis=0) == 0, values.min(axis=0), -math.inf)


def growth_of_points(
    mean: Floats, deviation: Floats, directions: Floats, best: Floats, least: Floats
) -> Floats:
    """Mean over directions of the expected growth of the reach's power where one point joins.

    The point reaches beyond t if each objective is below 1 minus t times the direction. As the
    objectives are modelled independently, the probability is a product of normal distributions, and
    the expected growth of the power p is the integral of p t^(p-1) times it beyond the best reach.

    Parameters
    ----------
    mean, deviation : of each candidate's objectives; shape (candidates, objectives)
    directions : shape (directions, objectives)
    best : reach of the points known, not negative; shape (directions,)
    least : what each objective cannot be below; shape (objectives,)

    Returns
    -------
    One value per candidate
    """
    power = mean.shape[1]
    deviation = np.maximum(deviation, 1e-6)
    room = 1.0 - mean
    # Beyond this many deviations of the objective that limits a direction nothing is expected.
    farthest = _along_all(np.minimum(room + FARTHEST * deviation, 1.0 - least), directions)
    half = np.maximum(farthest - best, 0.0) / 2
    growth = np.zeros(len(mean))
    for node, weight in zip(*np.polynomial.legendre.leggauss(NODES), strict=True):
        reached = best + half * (1 + node)
        likely = np.ones_like(reached)
        for direction, far, spread in zip(directions.T, room.T, deviation.T, strict=True):
            likely *= ndtr((far[:, None] - reached * direction) / spread[:, None])
        growth += weight * (half * power * reached ** (power - 1) * likely).mean(axis=1)
    return growth


def reach_of(fronts: Sequence[Floats]) -> Floats:
    """How far each front reaches along each direction, in logarithms; (fronts, directions).

    Zero is at the reference point; what lies beyond it is cut off a little behind.
    """
    scaled = _scaled(fronts)
    directions = directions_of(scaled[0].shape[1])
    return np.stack([reach(front, directions) for front in scaled])


def reach(front: Floats, directions: Floats) -> Floats:
    """The largest multiple of each direction that stays dominated by a front's point.

    Parameters
    ----------
    front : shape (points, objectives); the reference point is at 1, all are minimised
    directions : shape (directions, objectives), positive
    """
    return np.asarray(_along(1.0 - front, directions).max(axis=0)).clip(min=-0.2)


def _along(room: Floats, directions: Floats) -> Floats:
    """How far each point lies along each direction, cut off behind zero; (points, directions)."""
    return _along_all(np.maximum(room, -0.2), directions)


def _along_all(room: Floats, directions: Floats) -> Floats:
    far = room[:, 0, None] / directions[:, 0]
    for objective in range(1, room.shape[1]):
        np.minimum(far, room[:, objective, None] / directions[:, objective], out=far)
    return far


def directions_of(objectives: int) -> Floats:
    """Directions spread evenly over the positive part of the sphere."""
    points = qmc.Sobol(objectives, scramble=True, rng=np.random.default_rng(0)).random(DIRECTIONS)
    gauss = np.abs(norm.ppf(np.clip(points, 1e-9, 1 - 1e-9)))
    lengths = np.linalg.norm(gauss, axis=1, keepdims=True)
    return np.asarray(np.maximum(gauss / lengths, 1e-3))


def _scaled(fronts: Sequence[Floats]) -> list[Floats]:
    """Logarithms where an objective has one sign, and a range scaled to [0, 1].

    The range is that of the front. Where each evaluation brings one point, few points make a narrow
    front; there the range reaches to the `REACHED` quantile of what was seen, so that the ends of
    the true front count too.
    """
    every = np.concatenate(fronts)
    for objective in range(every.shape[1]):
        column = every[:, objective]
        if (column > 0).all():
            every[:, objective] = np.log(column)
        elif (column < 0).all():  # a large positive number, turned round to be made small
            every[:, objective] = -np.log(-column)
    best = every[is_on_front(every)]
    low, high = best.min(axis=0), best.max(axis=0)
    if all(len(front) == 1 for front in fronts):
        high = np.maximum(high, np.quantile(every, REACHED, axis=0))
    width = np.where(high > low, high - low, 1.0) * (1 + MARGIN)
    return np.split((every - low) / width, np.cumsum([len(front) for front in fronts])[:-1])


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
    kernels : of the components; so many are modelled at most
    pending : places about to be known (`predict`)

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
        own_mean, own_deviation = predict(places, amount, at, kernel, pending)
        mean += own_mean[:, None] * axis
        variance += (own_deviation[:, None] * axis) ** 2
    return mean, variance


def _components(centred: Floats) -> tuple[Floats, Floats]:
    """Principal components, the greatest first: amounts [points, components] and axes."""
    left, size, axes = np.linalg.svd(centred, full_matrices=False)
    share = np.cumsum(size**2) / max(float((size**2).sum()), 1e-300)
    count = min(int(np.searchsorted(share, EXPLAINED)) + 1, COMPONENTS, len(size))
    return left[:, :count] * size[:count], axes[:count]


def _kernels_of(places: Floats, fronts: Sequence[Floats]) -> list[Kernel]:
    """Kernels of what is modelled, fitted to the first points (`_first`)."""
    count = _first(len(places))

    def fitted() -> list[Kernel]:
        reaches = reach_of(fronts[:count])
        amounts, _ = _components(reaches - reaches.mean(axis=0))
        return [fit_kernel(places[:count], amount) for amount in amounts.T]

    key = (places[:count].tobytes(), *(front.tobytes() for front in fronts[:count]))
    return _KERNELS.value(key, fitted)


def _models_of(places: Floats, fronts: Sequence[Floats], level_counts: Int64s) -> list[list[Model]]:
    """Models of the objectives of single points, fitted to the first points."""
    count = _first(len(places))

    def fitted() -> list[list[Model]]:
        values = np.concatenate(_scaled(fronts[:count]))
        return [fit_models(places[:count], column, level_counts) for column in values.T]

    points = (places[:count].tobytes(), *(front.tobytes() for front in fronts[:count]))
    return _MODELS.value((level_counts.tobytes(), *points), fitted)


_KERNELS: Kept[tuple[bytes, ...], list[Kernel]] = Kept(8)
_MODELS: Kept[tuple[bytes, ...], list[list[Model]]] = Kept(8)
_FEASIBLE: Kept[tuple[bytes, ...], Kernel] = Kept(8)


def _first(count: int) -> int:
    """The largest number within a count of the series 4, 5, 6, ..., each `REFIT` times the last.

    The series ends at `FITTED`: length scales are known by then, and each fit costs the cube.

    A kernel fitted to the first points serves until there are so many more. It follows from the
    points alone: a search that goes on elsewhere finds the same.
    """
    first, end = min(count, 4), min(count, FITTED)
    while first < end and (larger := math.ceil(first * REFIT)) <= end:
        first = larger
    return first


def feasible_probability(candidates: Floats, history: SearchHistory) -> Floats:
    """How likely each candidate is to give a feasible point."""
    if not len(history.trouble) or not (history.trouble > 0).any():
        return np.ones(len(candidates))
    # Feasible points are as far on the good side as failed ones on the bad.
    signed = np.where(history.trouble > 0, history.trouble, -1.0)
    count = _first(len(signed))
    key = (history.places[:count].tobytes(), signed[:count].tobytes())
    kernel = _FEASIBLE.value(key, lambda: fit_kernel(history.places[:count], signed[:count]))
    mean, deviation = predict(history.places, signed, candidates, kernel)
    return np.asarray(norm.cdf(-mean / np.maximum(deviation, 0.05)).clip(1e-6, 1.0))
