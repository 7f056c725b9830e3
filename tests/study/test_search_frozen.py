"""The frozen space: what it holds, and that the default search still finds nearly all of it."""

import numpy as np
import pytest
from optuna.logging import ERROR, set_verbosity

from benchmarks.search.compare import Search, Truth
from benchmarks.search.frozen import Frozen, load
from chipdse.study.search.samplers import choose_sampler

SEED = 1


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    set_verbosity(ERROR)
    return load()


def test_it_is_whole(frozen: Frozen) -> None:
    space = frozen.sweep.proposed_space
    assert space.every is not None
    assert len(frozen.points) == len(space.every) >= 500
    assert {space.number_of(one.point) for one in frozen.points} == set(space.every.tolist())


def test_fronts_follow_from_the_corners(frozen: Frozen) -> None:
    """Physics of packages may change; then `freeze.py` has to be run again, or this says so."""
    numbers, objectives = frozen.fronts[100]
    front = frozen.evaluate(100).local_front()
    assert set(front.numbers) == set(numbers)
    order = np.argsort(front.numbers), np.argsort(numbers)
    np.testing.assert_allclose(front.objectives[order[0]], objectives[order[1]], rtol=1e-5)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_default_search_finds_nearly_all(frozen: Frozen) -> None:
    """The worst of many seeds after 50 points is far above this, and chance is below it."""
    truth = Truth(frozen.front)
    assert choose_sampler(frozen.sweep.proposed_space, 50) == "lattice"
    found = {}
    for sampler in ("lattice", "random"):
        gave, _ = Search(frozen, None, True, None).run(sampler, SEED, 50)
        found[sampler] = truth.hypervolume_frac(np.concatenate(gave))
    assert found["lattice"] > found["random"]
    assert found["lattice"] > 0.97


def test_the_whole_front_measures_as_one(frozen: Frozen) -> None:
    truth = Truth(frozen.front)
    assert truth.hypervolume_frac(frozen.front) == pytest.approx(1.0)
    assert truth.distance(frozen.front) == 0
    half = frozen.front[::2]
    assert truth.hypervolume_frac(half) < 1
    assert truth.distance(half) > 0


@pytest.mark.slow
def test_failures_that_share_a_value_do_not_hide_the_front() -> None:
    """Seed 1 first meets four failures without replay, as the whole front of the links is."""
    set_verbosity(ERROR)
    links = load("link")
    truth = Truth(links.front)
    gave, _ = Search(links, None, True, None).run("lattice", 1, 26)
    assert sum(len(front) == 0 for front in gave[:8]) == 4
    assert truth.hypervolume_frac(np.concatenate(gave)) > 0.3
