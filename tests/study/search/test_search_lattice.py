"""The sampler of our own: its mathematics by hand and against definitions, its search on toys."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from optuna.trial import TrialState
from scipy.stats import norm

from chipdse.study.question.space import Axis, Condition, Space
from chipdse.study.results.front import hypervolume
from chipdse.study.search import surrogate
from chipdse.study.search.lattice import START, neighbours, places_of
from chipdse.study.search.samplers import choose_sampler, make_sampler
from chipdse.study.search.surrogate import (
    SearchHistory,
    directions_of,
    expected_gain,
    predict_many,
    reach,
    scores,
)
from chipdse.study.storage.attributes import FAILURE, HARVESTED_FROM


@pytest.mark.slow
@settings(max_examples=30)
@given(
    arrays.arrays(
        float,
        st.tuples(st.integers(1, 12), st.integers(2, 4)),
        elements=st.floats(0.0, 0.9),
    )
)
def test_the_mean_of_the_reach_is_the_hypervolume(front: Any) -> None:
    """Zhang and Golovin 2020, lemma 5, with c = pi^(k/2) / 2^k / gamma(k/2 + 1)."""
    k = front.shape[1]
    constant = math.pi ** (k / 2) / 2**k / math.gamma(k / 2 + 1)
    mean = float((reach(front, directions_of(k)).clip(min=0) ** k).mean())
    true = hypervolume(front, np.ones(k))
    assert constant * mean == pytest.approx(true, rel=0.25, abs=0.01)


def test_reach_by_hand() -> None:
    # From (1, 1) along (1, 1)/sqrt 2 a point at (0.5, 0.2) is passed after 0.5 sqrt 2.
    diagonal = np.full((1, 2), math.sqrt(0.5))
    assert reach(np.array([[0.5, 0.2]]), diagonal) == pytest.approx([0.5 * math.sqrt(2)])
    # A second point that reaches further along it decides.
    assert reach(np.array([[0.5, 0.2], [0.3, 0.3]]), diagonal) == pytest.approx([0.7 * 2**0.5])


def test_what_is_certain_gains_exactly_what_it_adds() -> None:
    mean, best = np.array([[0.5, 0.8], [0.2, 0.1]]), np.array([0.4, 0.5])
    gain = expected_gain(mean, np.zeros((2, 2)), best, 2)
    # ((0.25 - 0.16) + (0.64 - 0.25)) / 2; the second reaches nowhere beyond the best
    assert gain == pytest.approx([0.24, 0.0])


def test_what_is_uncertain_may_gain() -> None:
    gain = expected_gain(np.full((2, 1), 0.3), np.array([[0.0], [0.09]]), np.array([0.4]), 2)
    assert gain[0] == 0
    assert gain[1] > 0


def test_related_quantities_are_predicted_together() -> None:
    places = np.random.default_rng(1).random((40, 2))
    factor = np.sin(3 * places[:, 0])
    values = factor[:, None] * np.linspace(1, 2, 30) + 5
    from chipdse.study.search.gaussian import fit_kernel

    kernels = [fit_kernel(places, factor)]
    at = np.array([[0.2, 0.5], [0.7, 0.1]])
    mean, variance = predict_many(places, values, at, kernels)
    expected = np.sin(3 * at[:, 0])[:, None] * np.linspace(1, 2, 30) + 5
    np.testing.assert_allclose(mean, expected, atol=0.05)
    assert (variance < 0.01).all()


def test_models_that_were_forgotten_are_fitted_again() -> None:
    """More spaces in one process than models are kept."""
    random = np.random.default_rng(5)
    spaces = [random.random((4, 1)) for _ in range(10)]
    fronts = [random.random((1, 2)) for _ in range(4)]
    first, *_ = [surrogate._kernels_of(places, fronts) for places in spaces]
    again = surrogate._kernels_of(spaces[0], fronts)
    assert [kernel.theta.tolist() for kernel in again] == [k.theta.tolist() for k in first]


def test_a_point_under_way_is_worth_less_the_second_time() -> None:
    places = np.array([[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]])
    fronts = [np.array([[1 + x**2, 1 + (1 - x) ** 2]]) for x in places[:, 0]]
    nothing, half = np.zeros((0, 1)), np.array([[0.5]])
    free = SearchHistory(
        places=places,
        fronts=fronts,
        violation=np.zeros(6),
        pending=nothing,
        level_counts=np.array([7]),
    )
    busy = dataclasses.replace(free, pending=half)
    assert scores(half, free)[0] > 0
    assert scores(half, busy)[0] < 0.2 * scores(half, free)[0]


AXES = (
    Axis(group="hardware", name="a", values=(1, 2, 4, 8, 16)),
    Axis(group="hardware", name="b", values=(0, 1, 2, 3, 4, 5, 6, 7)),
    Axis(group="hardware", name="c", values=("x", "y", "z")),
    Axis(group="hardware", name="d", values=(False, True)),
)
SPACE = Space(
    axes=AXES,
    conditions=(Condition(names=frozenset("ab"), holds=lambda p: p["a"] * p["b"] < 80),),
)


def test_places_are_in_the_unit_cube_and_tell_points_apart() -> None:
    assert SPACE.every is not None
    places = places_of(SPACE, SPACE.every)
    assert places.min() == 0
    assert places.max() == 1
    assert len(np.unique(places, axis=0)) == len(SPACE.every)
    # powers of two lie evenly; of two choices one coordinate, of three three
    assert sorted(set(places[:, 0])) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert places.shape[1] == 1 + 1 + 3 + 1


def test_neighbours_differ_in_one_value() -> None:
    point = {"a": 1, "b": 3, "c": "y", "d": True}
    found = [SPACE.point_at(int(n)) for n in neighbours(SPACE, [SPACE.number_of(point)])]
    found = [one for one in found if one != point]
    changed = [{name for name in point if one[name] != point[name]} for one in found]
    assert sorted(map(sorted, changed)) == [["a"], ["b"], ["b"], ["c"], ["c"], ["d"]]
    assert {one["b"] for one in found} == {2, 3, 4}


def structured(point: dict[str, Any]) -> tuple[float, float]:
    cost = 1 + math.log2(point["a"]) + 2 * (point["c"] == "x") + point["d"]
    speed = (1 + 0.3 * (point["c"] == "y")) * (9 - abs(point["b"] - 5)) * point["a"] ** 0.25
    return 10 + cost * (1 + 0.1 * point["b"]), -speed


def search(
    sampler: str,
    seed: int,
    trials: int,
    fails: Callable[[dict[str, Any]], bool],
    workers: int = 1,
) -> tuple[float, int]:
    """Hypervolume found of the structured problem, and how many trials failed.

    workers : trials under way at once; the oldest ends when the next is proposed
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["minimize", "minimize"])
    values: list[tuple[float, float]] = []
    running: list[optuna.Trial] = []
    for number in range(trials + workers - 1):
        if number < trials:
            study.sampler = make_sampler(sampler, SPACE, trials, 100 * seed + number)
            running.append(study.ask(SPACE.distributions()))
        if number < workers - 1:
            continue
        trial = running.pop(0)
        point = SPACE.point(trial.params)
        if fails(point):
            trial.set_user_attr(FAILURE, "no")
            study.tell(trial, state=TrialState.FAIL)
        else:
            values.append(structured(point))
            study.tell(trial, values[-1])
    every = np.array([structured(point) for point in SPACE.points() if not fails(point)])
    reference = every.max(axis=0) + 1e-9
    return (
        hypervolume(np.array(values), reference) / hypervolume(every, reference),
        trials - len(values),
    )


@pytest.mark.slow
def test_it_finds_more_than_chance_does() -> None:
    ours = [search("lattice", seed, 25, lambda point: False)[0] for seed in (1, 2)]
    chance = [search("random", seed, 25, lambda point: False)[0] for seed in range(20)]
    assert min(ours) > np.quantile(chance, 0.8)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_it_stops_going_where_points_fail(workers: int) -> None:
    def fails(point: dict[str, Any]) -> bool:
        return bool(point["c"] == "y")

    _, ours = search("lattice", 1, 24, fails, workers)
    assert ours < 24 / 3  # a third of the points fail


@pytest.mark.slow
def test_points_under_way_are_not_proposed_again() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["minimize", "minimize"])
    seen = set()
    for number in range(START + 4):
        study.sampler = make_sampler("lattice", SPACE, 50, number)
        trial = study.ask(SPACE.distributions())
        seen.add(SPACE.number_of(SPACE.point(trial.params)))
        if number < START:
            study.tell(trial, structured(SPACE.point(trial.params)))
    assert len(seen) == START + 4


@pytest.mark.slow
def test_a_space_too_large_to_list_is_searched_in_part() -> None:
    axes = tuple(Axis(group="hardware", name=n, values=tuple(range(20))) for n in "abcde")
    space = Space(axes=axes)
    assert space.every is None
    study = optuna.create_study(directions=["minimize", "minimize"])
    for number in range(START + 3):
        study.sampler = make_sampler("lattice", space, 50, number)
        trial = study.ask(space.distributions())
        point = space.point(trial.params)
        study.tell(trial, (1.0 + float(point["a"]), 40.0 - float(point["a"]) + float(point["b"])))
    last = [space.point(trial.params)["b"] for trial in study.trials[-3:]]
    assert min(map(float, last)) <= 5


def test_auto_takes_every_point_where_the_budget_covers_them() -> None:
    assert SPACE.every is not None
    assert choose_sampler(SPACE, len(SPACE.every)) == "grid"
    assert choose_sampler(SPACE, len(SPACE.every) - 1) == "lattice"


@pytest.mark.parametrize("best", [0.0, 0.3, 0.9, 1.6])
def test_growth_of_one_objective_is_the_expected_improvement(best: float) -> None:
    mean, deviation = np.array([[0.4], [0.9], [-0.2]]), np.array([[0.2], [0.05], [0.5]])
    growth = surrogate.growth_of_points(
        mean, deviation, np.ones((1, 1)), np.array([best]), np.array([-math.inf])
    )
    # The closed form (Jones, Schonlau, Welch 1998) of what lies below 1 - best.
    z = (1.0 - best - mean) / deviation
    closed = (deviation * (z * norm.cdf(z) + norm.pdf(z)))[:, 0]
    assert growth == pytest.approx(closed, rel=2e-3, abs=1e-7)


@pytest.mark.slow
def test_growth_of_two_objectives_is_that_of_draws() -> None:
    draws = np.random.default_rng(3)
    mean, deviation = draws.random((5, 2)), draws.random((5, 2)) * 0.4 + 0.01
    directions = surrogate.directions_of(2)
    known = surrogate.reach(np.array([[0.2, 0.7], [0.6, 0.3]]), directions)
    growth = surrogate.growth_of_points(mean, deviation, directions, known, np.full(2, -math.inf))
    normal = draws.standard_normal((20_000, 2))
    for row, got in enumerate(growth):
        room = 1.0 - (mean[row] + normal * deviation[row])
        reached = np.maximum((room[:, None] / directions).min(axis=2), known)
        assert got == pytest.approx(float((reached**2 - known**2).mean()), rel=0.05, abs=2e-4)


@pytest.mark.parametrize("harvested", [False, True])
def test_a_search_of_single_points_starts_with_every_level(harvested: bool) -> None:
    """After local fronts it starts with the points farthest from each other, as measured."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = Space(axes=tuple(Axis(group="hardware", name=n, values=(1, 2, 3)) for n in "abcd"))
    study = optuna.create_study(directions=["minimize", "minimize"])
    values = []
    for number in range(START):
        study.sampler = make_sampler("lattice", space, 50, number)
        trial = study.ask(space.distributions())
        values.append(list(space.point(trial.params).values()))
        study.tell(trial, (1.0, 2.0))
        if harvested:
            study.add_trial(
                optuna.trial.create_trial(
                    params=trial.params,
                    distributions=space.distributions(),
                    values=(2.0, 1.0),
                    user_attrs={HARVESTED_FROM: trial.number},
                )
            )
    middles = (np.array(values)[1:] == 2).sum()  # the first is drawn
    assert middles <= 3 if harvested else middles >= 6
