"""The scale of each objective: its values or their logarithms, and the range that counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.search.judges import judge
from chipdse.study.search.objectives import (
    MARGIN,
    ObjectiveModels,
    fit_objective,
    logarithm,
    scaled_fronts,
    scaled_points,
)

LEVELS = np.array([5, 5, 5])
PLACES = np.random.default_rng(3).integers(0, 5, (20, 3)) / 4
LINEAR = ObjectiveModels(models=[], is_logarithmic=False)
LOGARITHMIC = ObjectiveModels(models=[], is_logarithmic=True)


def effects(places: np.ndarray) -> np.ndarray:
    return np.asarray(0.2 + 2 * places[:, 0] + places[:, 1] ** 2 + 3 * places[:, 2])


def test_a_sum_is_learned_from_its_values_and_a_product_from_logarithms() -> None:
    total, product = effects(PLACES), np.exp(effects(PLACES))
    assert not fit_objective(PLACES, total, LEVELS).is_logarithmic
    assert fit_objective(PLACES, product, LEVELS).is_logarithmic
    # The same of an objective that is to be large: its values are negative here.
    assert fit_objective(PLACES, -np.exp(-effects(PLACES)), LEVELS).is_logarithmic


def test_values_of_two_signs_have_no_logarithm() -> None:
    assert not fit_objective(PLACES, effects(PLACES) - 2, LEVELS).is_logarithmic


@settings(max_examples=10)
@given(st.sampled_from([1e-15, 1e-9, 1e3, 1e12]), st.booleans())
def test_units_do_not_change_the_scale(unit: float, is_product: bool) -> None:
    """Energies of 1e-12 J are not constant, and not better as logarithms for being small."""
    values = np.exp(effects(PLACES)) if is_product else effects(PLACES)
    assert fit_objective(PLACES, unit * values, LEVELS).is_logarithmic == is_product


def test_a_constant_objective_has_a_scale() -> None:
    models = fit_objective(PLACES, np.full(20, 3e-12), LEVELS).models
    assert [model.weight for model in models] == [1.0]


def test_logarithms_keep_the_order() -> None:
    np.testing.assert_allclose(logarithm(np.array([1, math.e])), [0, 1])
    np.testing.assert_allclose(logarithm(np.array([-math.e, -1])), [-1, 0])


def test_the_range_by_hand() -> None:
    # The front spans 1 to 4 and 1 to 4; nine tenths of the values are below 6.4 and 4.7.
    values = np.array([[1.0, 4.0], [4.0, 1.0], [5.0, 4.0], [7.0, 5.0]])
    scaled = scaled_points(values, [LINEAR, LINEAR])
    np.testing.assert_allclose(scaled[:, 0], (values[:, 0] - 1) / ((6.4 - 1) * (1 + MARGIN)))
    logarithms = scaled_points(values, [LOGARITHMIC, LINEAR])[:, 0]
    high = np.quantile(np.log(values[:, 0]), 0.9)
    np.testing.assert_allclose(logarithms, np.log(values[:, 0]) / (high * (1 + MARGIN)))


def test_the_range_stays_when_the_search_has_found_a_good_region() -> None:
    """Otherwise its other end would count no more, and would never be tried."""
    spread = np.stack([np.linspace(0, 1, 8), np.linspace(8, 9, 8)], axis=1)
    near = np.tile([[0.2, 1.0]], (40, 1))
    before = scaled_points(spread, [LINEAR, LINEAR])
    after = scaled_points(np.vstack([spread, near]), [LINEAR, LINEAR])
    np.testing.assert_allclose(after[:8, 0], before[:, 0])
    assert after[:8].max() < 1.1


def test_local_fronts_are_compared_in_logarithms() -> None:
    fronts = [np.array([[1.0, 100.0], [10.0, 10.0]]), np.array([[100.0, 1.0]])]
    first, second = scaled_fronts(fronts)
    np.testing.assert_allclose(first * (1 + MARGIN), [[0, 1], [0.5, 0.5]])
    np.testing.assert_allclose(second * (1 + MARGIN), [[1, 0]])
    # With a zero the values themselves are.
    first, second = scaled_fronts([np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])])
    np.testing.assert_allclose(first * (1 + MARGIN), [[0, 1]])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [100, 103])
def test_every_part_of_a_front_is_found(seed: int) -> None:
    """ZDT3's front has five parts; a range that shrinks ended searches with 0.78 of it."""
    zdt3 = judge("zdt3", None)
    gave, _ = zdt3.run("lattice", seed, 45)
    assert zdt3.share(np.concatenate(gave)) > 0.99
