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
from chipdse.study.search.covariance import Covariance, pairs_of
from chipdse.study.search.improvement import expected_improvement
from chipdse.study.search.lattice import evenness
from chipdse.study.search.processes import (
    COVARIANCES,
    Model,
    Prediction,
    deviation_of,
    fit_mixture,
    mean_of,
    negative_log_likelihood,
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
    assert surrogate._lower_bounds(fronts, np.concatenate(fronts)) == [least]


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
    places, at, counts = lattice[:40], lattice[40:], np.array([5, 5, 5])

    def value(x: np.ndarray) -> np.ndarray:
        return np.sin(3 * x[:, 0]) + x[:, 1] ** 2

    models = fit_mixture(places, value(places), counts).models
    found = predict_all(places, value(places), models, at, at[:0], counts)
    assert sum(model.weight for model in models) == pytest.approx(1.0)
    np.testing.assert_allclose(mean_of(found), value(at), atol=0.05)
    # The third coordinate does not matter; every draw of the lengths knows it.
    assert all(model.lengths.argmax() == 2 for model in models)


def test_from_few_points_the_lengths_are_uncertain() -> None:
    random = np.random.default_rng(0)
    places, values = random.random((10, 6)), random.standard_normal(10)
    models = fit_mixture(places, values, np.full(6, 10)).models
    lengths = np.log([model.lengths for model in models])
    assert lengths.std(axis=0).mean() > 0.5


LEVELS = np.array([4, 4, 4])
"""Of the features: so the nominal part of `covariance_by_hand` has the weight 0.4 / 3."""


def covariance_by_hand(
    a: np.ndarray, b: np.ndarray, lengths: np.ndarray, covariance: Covariance
) -> float:
    nominal = 0.4 / 3
    squares = [
        ((1 - nominal) * (x - y) ** 2 + nominal * (x != y)) / length**2
        for x, y, length in zip(a, b, lengths, strict=True)
    ]
    kernel = RBF() if covariance.smooth else Matern(nu=2.5)

    def at(square: float) -> float:
        return float(kernel([[0.0]], [[math.sqrt(square)]])[0, 0])

    joint = at(sum(squares))
    additive = sum(map(at, squares)) / len(squares)
    return (additive + joint) / 2 if covariance.additive else joint


def matrix_by_hand(places: np.ndarray, lengths: np.ndarray, covariance: Covariance) -> np.ndarray:
    return np.array(
        [[covariance_by_hand(a, b, lengths, covariance) for b in places] for a in places]
    )


@pytest.mark.parametrize("covariance", COVARIANCES, ids=str)
def test_the_likelihood_and_its_gradient(covariance: Covariance) -> None:
    random = np.random.default_rng(2)
    places, values = random.integers(0, 4, (9, 2)) / 3, random.standard_normal(9)
    pairs = pairs_of(places, places, LEVELS[:2])
    at = np.log([0.4, 0.9, 0.05])
    value, gradient = negative_log_likelihood(at, pairs, values, covariance)
    lengths, noise = np.exp(at[:2]), math.exp(at[2])
    joint = matrix_by_hand(places, lengths, covariance) + noise * np.eye(9)
    assert value == pytest.approx(-multivariate_normal(cov=joint).logpdf(values))
    steps = 1e-5 * np.eye(3)
    ends = [
        [negative_log_likelihood(at + sign * s, pairs, values, covariance)[0] for sign in (1, -1)]
        for s in steps
    ]
    slopes = [(after - before) / 2e-5 for after, before in ends]
    assert gradient == pytest.approx(slopes, rel=1e-5)


@pytest.mark.parametrize("covariance", COVARIANCES, ids=str)
def test_a_prediction_is_that_of_the_normal_distribution(covariance: Covariance) -> None:
    """The mean and variance of a value among others that are known, by the joint distribution."""
    random = np.random.default_rng(3)
    places, values = random.integers(0, 4, (8, 3)) / 3, random.standard_normal(8)
    model = Model(covariance=covariance, lengths=np.array([0.5, 1.0, 2.0]), noise=0.01)
    at = np.array([[1 / 3, 1.0, 0.0]])
    (found,) = predict_all(places, values, [model], at, at[:0], LEVELS)
    joint = matrix_by_hand(np.vstack([places, at]), model.lengths, covariance)
    matrix, cross = joint[:8, :8] + 0.01 * np.eye(8), joint[8, :8]
    solution = np.linalg.solve(matrix, values - values.mean())
    assert found.mean[0] == pytest.approx(values.mean() + cross @ solution)
    variance = 1 - cross @ np.linalg.solve(matrix, cross)
    assert found.deviation[0] == pytest.approx(values.std() * math.sqrt(variance))


def test_the_fewer_levels_the_more_alike_are_those_that_differ() -> None:
    """With places alone, ends that nobody has seen would be far more uncertain than a middle."""
    levels = np.array([[0.0], [0.5], [1.0]])
    for count, ratio in ((3, 0.4), (4, 0.35), (5, 0.325), (9, 0.2875), (101, 0.2875)):
        squares = pairs_of(levels, levels, np.array([count])).tables[0]
        assert squares[0, 1] / squares[0, 2] == pytest.approx(ratio)


def test_a_point_under_way_leaves_less_to_learn() -> None:
    places, values = np.array([[0.0], [0.1], [0.8], [1.0]]), np.array([0.0, 0.2, 0.7, 0.4])
    models, half = fit_mixture(places, values, np.array([11])).models, np.array([[0.5]])
    free = predict_all(places, values, models, half, half[:0], np.array([11]))
    busy = predict_all(places, values, models, half, half, np.array([11]))
    for before, after in zip(free, busy, strict=True):
        assert after.mean == pytest.approx(before.mean)
        assert after.deviation[0] < 0.5 * before.deviation[0]


def test_a_constant_objective_has_one_certain_model() -> None:
    places = np.linspace(0, 1, 5)[:, None]
    models = fit_mixture(places, np.full(5, 3.0), np.array([5])).models
    assert mean_of(
        predict_all(places, np.full(5, 3.0), models, places, places[:0], np.array([5]))
    ) == (pytest.approx(3.0))


def test_a_value_that_is_added_between_others_changes_the_models() -> None:
    """The places of the points stay; fewer levels are more alike."""
    places = np.random.default_rng(0).integers(0, 3, (8, 2)) / 2
    values = 1 + np.random.default_rng(1).random((8, 2))
    few, more = (
        surrogate._objectives_of(places, values, np.array([count, 3]))[0].models for count in (3, 4)
    )
    assert any((one.lengths != other.lengths).any() for one, other in zip(few, more, strict=True))


def test_points_that_can_only_tie_promise_nothing() -> None:
    """The first objective has its best value wherever the first coordinate is 0."""
    grid = np.linspace(0, 1, 5)
    places = np.array([[a, b] for a in grid for b in grid])
    values = np.stack([places[:, 0], 3 * places[:, 1] + (1 - places[:, 0]) ** 2], axis=1) + 1
    order = [0, 24, 20, 4, 12, 10, 14, 22]
    seen = surrogate.SearchHistory(
        places=places[order],
        fronts=[values[at : at + 1] for at in order],
        violation=np.zeros(len(order)),
        pending=places[:0],
        level_counts=np.array([5, 5]),
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
