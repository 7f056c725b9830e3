"""The frozen chips of three parts: composed and whole-chip search, and the front they look for."""

from __future__ import annotations

import numpy as np
import pytest
from optuna.logging import ERROR, set_verbosity

from benchmarks.search.compare import Truth
from benchmarks.search.composed import ChipSearch, curve
from benchmarks.search.frozen_chip import FrozenChips, load


@pytest.fixture(scope="module")
def frozen() -> FrozenChips:
    set_verbosity(ERROR)
    return load()


def test_every_part_point_is_known(frozen: FrozenChips) -> None:
    assert frozen.sweep.chip is not None
    for part in frozen.sweep.chip.parts:
        numbers = {part.hardware.number_of(point) for point in part.hardware.points()}
        assert set(frozen.points[part.name]) == numbers
        assert all(len(some) == 2 for some in frozen.points[part.name].values())  # supplies


@pytest.mark.slow
def test_composing_pays_from_the_second_evaluation(frozen: FrozenChips) -> None:
    """Whole-chip search measures three part points per evaluation, composed search one."""
    truth = Truth(frozen.front)
    composed, whole = (ChipSearch(frozen, mode).run("random", 1, 6) for mode in (True, False))
    assert [count for count, _ in composed] == [3, 4, 5, 6, 7, 8]
    assert whole[-1][0] > 8
    assert np.array_equal(composed[0][1], whole[0][1])  # the same first chip
    shares = curve(truth, composed, 6)
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] < 1
    assert curve(truth, composed[:2], 4) == [*shares[:2], shares[1], shares[1]]


@pytest.mark.slow
def test_composed_search_ends_with_the_true_front(frozen: FrozenChips) -> None:
    assert frozen.sweep.chip is not None
    gave = ChipSearch(frozen, True).run("random", 1, 100)
    assert len(gave) == frozen.sweep.chip.evaluations == 27
    share = curve(Truth(frozen.front), gave, 27)[-1]
    assert share == pytest.approx(1, abs=1e-9)
