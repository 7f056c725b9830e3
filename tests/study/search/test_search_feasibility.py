"""The probability that a point runs and is within the limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chipdse.arrays import Floats
from chipdse.study.search.feasibility import feasible_probability

LINE = np.linspace(0, 1, 12)[:, None]
"""Places of one parameter of twelve values."""


@pytest.mark.parametrize("violation", [0.5, 1.0], ids=["limits", "failures"])
def test_where_points_are_infeasible_the_probability_is_small(violation: float) -> None:
    at = np.array([[0.1], [0.9]])
    over = np.where(LINE[:, 0] > 0.5, violation, 0.0)
    low, high = feasible_probability(at, LINE, over, np.array([12]))
    assert low > 0.8
    assert high < 0.2


CUBE = np.array(list(itertools.product((0.0, 1.0), repeat=4)))


def after(failures: Floats) -> float:
    """The probability of the last corner, after half of the corners ran and others failed."""
    ran = CUBE[CUBE[:, 0] == 0]
    places = np.vstack([ran, failures])
    violation = np.repeat([0.0, 1.0], [len(ran), len(failures)])
    return float(feasible_probability(CUBE[-1:], places, violation, np.full(4, 2))[0])


def test_a_few_failures_do_not_exclude_the_value_that_they_share() -> None:
    """All failures have the other value of the first parameter, which need not be their cause."""
    other = CUBE[CUBE[:, 0] == 1]
    assert after(other[:4]) == pytest.approx(1 / 6)
    assert after(np.tile(other[:7], (3, 1))) == pytest.approx(1 / 23)


def test_if_all_points_failed_no_place_is_better_than_another() -> None:
    probability = feasible_probability(LINE, LINE[:3], np.ones(3), np.array([12]))
    assert probability == pytest.approx(np.full(12, 1 / 5))


def test_limits_are_learned_from_the_points_that_ran() -> None:
    """A failure within the limits does not move them."""
    over = np.where(LINE[:, 0] > 0.5, 0.5, 0.0)
    at = np.array([[0.9]])
    ran = feasible_probability(at, LINE, over, np.array([12]))
    places, violation = np.vstack([LINE, [[0.0]]]), np.append(over, 1.0)
    failed = feasible_probability(at, places, violation, np.array([12]))
    assert ran < 0.2
    assert failed <= ran
    assert failed > 0.5 * ran


def test_without_failures_and_missed_limits_every_point_is_feasible() -> None:
    assert (feasible_probability(LINE, LINE[:4], np.zeros(4), np.array([12])) == 1).all()
