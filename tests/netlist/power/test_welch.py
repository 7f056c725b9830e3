"""Welch's t-test from streaming sums."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from chipdse.netlist.power.welch import (
    Moments,
    Products,
    first_order,
    of_counts,
    second_order,
    threshold_of,
)


def test_both_orders_of_the_test_are_those_by_hand() -> None:
    # Means 2 and 5, variances of samples 1 and 4: t = -3 / sqrt(1/3 + 4/3) = -2.3238.
    fixed, random = Moments.of(np.array([[1.0, 2, 3]])), Moments.of(np.array([[3.0, 5, 7]]))
    assert first_order(fixed, random).tolist() == pytest.approx([-3 / np.sqrt(5 / 3)])
    # Squares about the means: 1, 0, 1 and 4, 0, 4; means 2/3 and 8/3, variances 2/9 and 32/9.
    expected = (2 / 3 - 8 / 3) / np.sqrt(2 / 9 / 3 + 32 / 9 / 3)
    assert second_order(fixed, random).tolist() == pytest.approx([expected])


@pytest.mark.slow
@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(2, 40))
def test_streaming_equals_all_at_once(seed: int, first: int, second: int) -> None:
    random = np.random.default_rng(seed)
    fixed, other = random.normal(3, 2, (5, first + second)), random.normal(3, 1, (5, 50))
    streamed = Moments.of(fixed[:, :first]) + Moments.of(fixed[:, first:])
    t = first_order(streamed, Moments.of(other))
    expected = scipy.stats.ttest_ind(fixed, other, axis=1, equal_var=False)
    assert t == pytest.approx(expected.statistic)
    about = [np.square(each - each.mean(axis=1, keepdims=True)) for each in (fixed, other)]
    spread = sum(each.var(axis=1) / each.shape[1] for each in about)
    expected_2 = (about[0].mean(axis=1) - about[1].mean(axis=1)) / np.sqrt(spread)
    assert second_order(streamed, Moments.of(other)) == pytest.approx(expected_2, rel=1e-6)


def test_second_order_sees_what_the_mean_hides() -> None:
    random = np.random.default_rng(0)
    fixed = Moments.of(random.choice([-1.0, 1.0], (1, 2000)))
    other = Moments.of(random.choice([-1.0, 0.0, 0.0, 1.0], (1, 2000)))
    assert abs(first_order(fixed, other)[0]) < 4.5 < abs(second_order(fixed, other)[0])


@given(st.integers(0, 100), st.integers(0, 100))
def test_counts_are_runs_of_zeros_and_ones(fixed: int, random: int) -> None:
    def of(ones: int) -> np.ndarray:
        return (np.arange(100) < ones).astype(np.float64)[None]

    t = of_counts(np.array([fixed]), np.array([random]), 100, 100)
    expected = first_order(Moments.of(of(fixed)), Moments.of(of(random)))
    assert t == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_nets_without_variance_have_no_score_or_an_infinite_one() -> None:
    constant, other = Moments.of(np.ones((2, 9))), Moments.of(np.array([[1.0] * 9, [2.0] * 9]))
    assert first_order(constant, other).tolist() == [0.0, -np.inf]


def test_threshold_grows_with_the_number_of_tests() -> None:
    # P(|t| > x) = 1e-5 / 1e6 for x = 6.807; tables of the normal distribution.
    assert threshold_of(1) == 4.5
    assert threshold_of(10**6) == pytest.approx(6.807, abs=1e-3)


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_correlation_of_parts_is_that_of_the_whole(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    values, model = random.normal(0, 1, (3, 61)), random.integers(-4, 5, 61).astype(float)
    values[0] += model
    parts = Products.of(values[:, :cut], model[:cut]) + Products.of(values[:, cut:], model[cut:])
    expected = [np.corrcoef(row, model)[0, 1] for row in values]
    assert parts.correlation == pytest.approx(expected, abs=1e-9)
