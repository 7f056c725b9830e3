"""The improvement expected of single points: box by box, against definitions."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process.kernels import RBF, Matern

from chipdse.study.results.front import hypervolume, is_on_front
from chipdse.study.search import surrogate
from chipdse.study.search.covariance import pairs_of
from chipdse.study.search.improvement import expected_improvement
from chipdse.study.search.lattice import evenness
from chipdse.study.search.processes import (
    Model,
    Prediction,
    _unlikely,
    deviation_of,
    fit_models,
    mean_of,
    predict_all,
    shortfall_of,
)


def certain(values: np.ndarray) -> list[list[Prediction]]:
    """Of points whose values are all but known."""
    tiny = np.full(len(values), 1e-9)
    return [[Prediction(mean=column, deviation=tiny, weight=1.0)] for column in values.T]


def improvement(front: np.ndarray, predictions: Sequence[Sequence[Prediction]]) -> np.ndarray:
    return expected_improvement(
        front, [partial(shortfall_of, own, -math.inf) for own in predictions]
    )


@pytest.mark.parametrize("objectives", [2, 3])
def test_what_is_certain_improves_by_the_hypervolume_it_adds(objectives: int) -> None:
    random = np.random.default_rng(objectives)
    known = random.random((12, objectives)) * 1.2  # some lie beyond the reference point
    front, points = known[is_on_front(known)], random.random((40, objectives)) * 1.2
    reference = np.ones(objectives)
    before = hypervolume(front, reference)
    added = [hypervolume(np.vstack([front, point]), reference) - before for point in points]
    assert max(added) > 0.01
    assert improvement(front, certain(points)) == pytest.approx(added, abs=1e-7)


def test_nothing_known_below_the_reference_point() -> None:
    beyond, point = np.array([[2.0, 2.0]]), np.array([[0.5, 0.2], [1.5, 0.2]])
    assert improvement(beyond, certain(point)) == pytest.approx([0.4, 0.0])


def test_the_shortfall_is_that_of_draws() -> None:
    one = Prediction(mean=np.array([-0.4]), deviation=np.array([0.5]), weight=1.0)
    values = -0.4 + 0.5 * np.random.default_rng(0).standard_normal(200_000)
    bounds = np.array([-1.0, 0.0, 0.7])
    expected = np.maximum(bounds - values[:, None], 0).mean(axis=0)
    assert one.shortfall(bounds)[0] == pytest.approx(expected, rel=0.01)


def test_no_value_is_expected_below_the_least() -> None:
    one = Prediction(mean=np.array([-0.4]), deviation=np.array([0.5]), weight=1.0)
    values = np.maximum(-0.4 + 0.5 * np.random.default_rng(0).standard_normal(200_000), -0.2)
    bounds = np.array([-1.0, -0.2, 0.0, 0.7])
    expected = np.maximum(bounds - values[:, None], 0).mean(axis=0)
    assert shortfall_of([one], -0.2, bounds)[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("objective", "least"),
    [([0.0, 1.0, 3.0], 0.0), ([1.0, 2.0, 3.0], -math.inf), ([-1.0, 0.0, 3.0], -math.inf)],
)
def test_an_objective_that_is_never_negative_has_a_least_value(
    objective: list[float], least: float
) -> None:
    fronts = [np.array([[value]]) for value in objective]
    assert surrogate._least_of(fronts, np.concatenate(fronts)) == [least]


def test_moments_of_a_mixture() -> None:
    ends = [
        Prediction(mean=np.array([m]), deviation=np.array([0.3]), weight=0.5) for m in (0.0, 2.0)
    ]
    assert mean_of(ends) == pytest.approx([1.0])
    assert deviation_of(ends) == pytest.approx([math.sqrt(0.09 + 1.0)])


def test_a_smooth_function_is_predicted_between_its_points() -> None:
    lattice = np.random.default_rng(1).permutation(
        np.stack(np.mgrid[:5, :5, :5], -1).reshape(-1, 3) / 4
    )
    places, at = lattice[:40], lattice[40:]

    def value(x: np.ndarray) -> np.ndarray:
        return np.sin(3 * x[:, 0]) + x[:, 1] ** 2

    models = fit_models(places, value(places))
    found = predict_all(places, value(places), models, at, at[:0])
    assert sum(model.weight for model in models) == pytest.approx(1.0)
    np.testing.assert_allclose(mean_of(found), value(at), atol=0.05)
    # The third coordinate does not matter; every draw of the lengths knows it.
    assert all(model.lengths.argmax() == 2 for model in models)


def test_from_few_points_the_lengths_are_uncertain() -> None:
    random = np.random.default_rng(0)
    models = fit_models(random.random((10, 6)), random.standard_normal(10))
    lengths = np.log([model.lengths for model in models])
    assert lengths.std(axis=0).mean() > 0.5


def covariance_by_hand(a: np.ndarray, b: np.ndarray, lengths: np.ndarray, smooth: bool) -> float:
    squares = [
        (0.8 * (x - y) ** 2 + 0.2 * (x != y)) / length**2
        for x, y, length in zip(a, b, lengths, strict=True)
    ]
    kernel = RBF() if smooth else Matern(nu=2.5)

    def at(square: float) -> float:
        return float(kernel([[0.0]], [[math.sqrt(square)]])[0, 0])

    return 0.5 * sum(map(at, squares)) / len(squares) + 0.5 * at(sum(squares))


@pytest.mark.parametrize("smooth", [False, True])
def test_the_likelihood_and_its_gradient(smooth: bool) -> None:
    random = np.random.default_rng(2)
    places, known = random.integers(0, 4, (9, 2)) / 3, random.standard_normal(9)
    pairs = pairs_of(places, places)
    at = np.log([0.4, 0.9, 0.05])
    value, gradient = _unlikely(at, pairs, known, smooth)
    lengths, noise = np.exp(at[:2]), math.exp(at[2])
    covariance = np.array(
        [[covariance_by_hand(a, b, lengths, smooth) for b in places] for a in places]
    )
    covariance += noise * np.eye(9)
    ones = np.linalg.solve(covariance, np.ones(9))
    mean = np.full(9, ones @ known / ones.sum())  # the most likely one
    assert value == pytest.approx(-multivariate_normal(mean, covariance).logpdf(known))
    steps = 1e-5 * np.eye(3)
    ends = [[_unlikely(at + sign * s, pairs, known, smooth)[0] for sign in (1, -1)] for s in steps]
    slopes = [(after - before) / 2e-5 for after, before in ends]
    assert gradient == pytest.approx(slopes, rel=1e-5)


def test_a_prediction_is_that_of_the_normal_distribution() -> None:
    """The mean and variance of a value among others that are known, by the joint distribution."""
    random = np.random.default_rng(3)
    places, values = random.integers(0, 4, (8, 3)) / 3, random.standard_normal(8)
    model = Model(smooth=False, lengths=np.array([0.5, 1.0, 2.0]), noise=0.01)
    at = np.array([[1 / 3, 1.0, 0.0]])
    (found,) = predict_all(places, values, [model], at, at[:0])
    every = np.vstack([places, at])
    joint = np.array(
        [[covariance_by_hand(a, b, model.lengths, False) for b in every] for a in every]
    )
    known, between = joint[:8, :8] + 0.01 * np.eye(8), joint[8, :8]
    ones = np.linalg.solve(known, np.ones(8))
    mean = ones @ values / ones.sum()
    assert found.mean[0] == pytest.approx(mean + between @ np.linalg.solve(known, values - mean))
    variance = 1 - between @ np.linalg.solve(known, between)
    assert found.deviation[0] == pytest.approx(values.std() * math.sqrt(variance))


def test_the_middle_of_a_feature_is_as_uncertain_as_its_ends() -> None:
    """With places alone, ends that nobody has seen would be far more uncertain than a middle."""
    ends = pairs_of(np.array([[0.0], [0.5], [1.0]]), np.array([[0.0], [0.5], [1.0]])).tables[0]
    assert ends[0, 1] / ends[0, 2] == pytest.approx(0.4)  # 0.25 by the places


def test_a_point_under_way_leaves_less_to_learn() -> None:
    places, values = np.array([[0.0], [0.1], [0.8], [1.0]]), np.array([0.0, 0.2, 0.7, 0.4])
    models, half = fit_models(places, values), np.array([[0.5]])
    free = predict_all(places, values, models, half, half[:0])
    busy = predict_all(places, values, models, half, half)
    for before, after in zip(free, busy, strict=True):
        assert after.mean == pytest.approx(before.mean)
        assert after.deviation[0] < 0.5 * before.deviation[0]


def test_a_constant_objective_has_one_certain_model() -> None:
    places = np.linspace(0, 1, 5)[:, None]
    models = fit_models(places, np.full(5, 3.0))
    assert mean_of(predict_all(places, np.full(5, 3.0), models, places, places[:0])) == (
        pytest.approx(3.0)
    )


def test_points_that_can_only_tie_promise_nothing() -> None:
    """The first objective has its best value wherever the first coordinate is 0."""
    grid = np.linspace(0, 1, 5)
    places = np.array([[a, b] for a in grid for b in grid])
    values = np.stack([places[:, 0], 3 * places[:, 1] + (1 - places[:, 0]) ** 2], axis=1) + 1
    order = [0, 24, 20, 4, 12, 10, 14, 22]
    seen = surrogate.SearchHistory(
        places=places[order],
        fronts=[values[at : at + 1] for at in order],
        trouble=np.zeros(len(order)),
        pending=places[:0],
    )
    left = np.setdiff1d(np.arange(25), order)
    best = left[int(surrogate.scores(places[left], seen).argmax())]
    assert places[best, 1] == 0  # a point of the front, not another with the best first objective


def test_a_design_that_is_even_has_every_level() -> None:
    """The point farthest from all others would be at an edge of every axis."""
    levels = np.linspace(0, 1, 3)
    places = np.array([[a, b, c] for a in levels for b in levels for c in levels])
    order = [0]
    while len(order) < 9:
        left = np.setdiff1d(np.arange(27), order)
        order.append(int(left[evenness(places[left], places[order]).argmax()]))
    for column in places[order].T:
        assert (np.unique(column, return_counts=True)[1] >= 2).all()
