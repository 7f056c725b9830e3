"""The default sampler: Bayesian optimisation over the lattice of allowed points.

It scores every candidate of a small space, and a pool of candidates of a large one. It takes into
account failures, missed limits, points under way, and whether each evaluation gives one point or,
harvested, a local front. The mathematics is in `chipdse.study.search.surrogate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from chipdse.arrays import Floats, Int64s
from chipdse.sorting import among
from chipdse.study.question.space import Axis, Space, widens
from chipdse.study.search.surrogate import SearchHistory, scores
from chipdse.study.search.unrepeated import Unrepeated
from chipdse.study.storage.trials import by_evaluation, finished, violation

START = 8
"""Size of the space-filling design before the first model; the number of axes if that is more."""
POOL = 2_000
"""Candidates drawn from a space with more points; neighbours of recent feasible ones join them."""


class Lattice(Unrepeated):
    """Proposes the point with the highest expected hypervolume improvement."""

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(None, space, seed)
        self._seed = seed

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, object]:
        space, seen = self._space, self.seen_numbers(study, trial.number)
        groups = by_evaluation(finished(study))
        numbers = self._candidates(seen, groups)
        if not groups or not len(numbers):
            return dict(self._draw(seen))
        history = look(study, space, groups, trial.number)
        places = places_of(space, numbers)
        if len(groups) < max(START, len(space.axes)):
            single = all(len(group) == 1 for group in groups)
            spread = evenness if single else nearest_distance
            score = spread(places, np.vstack([history.places, history.pending]))
        else:
            score = self.score(places, history)
        # One of equal scores is drawn, so that a constant model searches at random.
        best = np.flatnonzero(score >= score.max() - 1e-9 * abs(score.max()))
        chosen = int(np.random.default_rng(self._seed).choice(best))
        return dict(space.point_at(int(numbers[chosen])))

    def score(self, places: Floats, history: SearchHistory) -> Floats:
        """The acquisition function: the place with the largest score is proposed."""
        return scores(places, history)

    def _candidates(self, seen: set[int], groups: Sequence[Sequence[FrozenTrial]]) -> Int64s:
        space = self._space
        every = space.every
        if every is None or len(every) > POOL:
            random = np.random.default_rng(self._seed)
            near = neighbours(space, _recent(space, groups))
            if every is None:
                drawn = random.integers(0, space.size, POOL)
                every = space.allowed_among(np.union1d(drawn, near))
            else:
                drawn = random.choice(every, POOL, replace=False)
                every = np.intersect1d(every, np.union1d(drawn, near))
        return np.asarray(every[~among(every, sorted(seen))])


def nearest_distance(places: Floats, other_places: Floats) -> Floats:
    """Distance of each place from the nearest of the others.

    Choosing the largest distance makes a maximin design: M. Johnson, L. Moore, D. Ylvisaker,
    Journal of Statistical Planning and Inference 26, 1990, pages 131-148. It is used if evaluations
    give local fronts; the documented searches were measured with it.
    """
    return np.asarray(
        np.sqrt(((places[:, None] - other_places[None]) ** 2).sum(axis=2)).min(axis=1)
    )


def evenness(places: Floats, other_places: Floats) -> Floats:
    """Negative wrap-around discrepancy of a design with each place added, but for a constant.

    The place with the largest distance from the others would be at an edge of every axis, and a
    design of edges does not show effects in the middle of an axis. The wrap-around discrepancy
    treats edges like other places: F. Hickernell, Contemporary Mathematics 218, 1998 (Lattice
    rules: how well do they measure up?).

    Parameters
    ----------
    places : shape (places, features); the values that occur are the levels of a feature
    other_places : of the design; shape (points, features)

    Returns
    -------
    One number per place; larger is more even
    """
    total = np.ones((len(places), len(other_places)))
    for column, other_column in zip(places.T, other_places.T, strict=True):
        levels = np.unique(np.concatenate([column, other_column]))
        at, other_at = (np.searchsorted(levels, values) for values in (column, other_column))
        distance = np.abs(at[:, None] - other_at[None]) / len(levels)
        total *= 1.5 - distance * (1 - distance)
    return np.asarray(-total.sum(axis=1))


def look(
    study: optuna.Study, space: Space, groups: Sequence[Sequence[FrozenTrial]], but: int
) -> SearchHistory:
    """The evaluated and started points of a study, for the model.

    Parameters
    ----------
    groups : finished trials by evaluation
    but : the number of the trial that is to be proposed
    """
    signs = [1.0 if d == StudyDirection.MINIMIZE else -1.0 for d in study.directions]
    fronts, violations = [], []
    for group in groups:
        good = [trial.values for trial in group if violation(trial) == 0]
        fronts.append(np.array(good, dtype=np.float64).reshape(-1, len(signs)) * signs)
        violations.append(0.0 if good else min(violation(trial) for trial in group))
    running = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if trial.number != but and set(space.names) <= set(trial.params)
    ]
    return SearchHistory(
        places=_places(space, (group[0] for group in groups)),
        fronts=fronts,
        violation=np.array(violations),
        pending=_places(space, running),
        level_counts=_level_counts(space),
    )


def _recent(space: Space, groups: Sequence[Sequence[FrozenTrial]]) -> list[int]:
    """Numbers of the last feasible points, near which the search continues."""
    good = [group[0] for group in groups if any(violation(trial) == 0 for trial in group)]
    return [space.number_of(space.point(trial.params)) for trial in good[-40:]]


def neighbours(space: Space, numbers: Iterable[int]) -> Int64s:
    """Neighbours of points: one step along one numeric axis, or any other value of a choice."""
    neighbour_numbers = []
    steps = np.cumprod([1, *(len(axis.values) for axis in reversed(space.axes))])[:-1][::-1]
    for number in numbers:
        for axis, step in zip(space.axes, steps, strict=True):
            count = len(axis.values)
            place = number // int(step) % count
            targets = (place - 1, place + 1) if axis.is_numeric else range(count)
            neighbour_numbers += [
                number + (target - place) * int(step) for target in targets if 0 <= target < count
            ]
    return np.array(neighbour_numbers, dtype=np.int64)


def places_of(space: Space, numbers: Int64s) -> Floats:
    """Coordinates of points for the model: shape (points, features), each from 0 to 1."""
    columns = [np.zeros((len(numbers), 0))]
    for axis, place in zip(space.axes, space.places(numbers), strict=True):
        columns.append(_features(axis)[place])
    return np.hstack(columns)


def _places(space: Space, trials: Iterable[FrozenTrial]) -> Floats:
    numbers = [space.number_of(space.point(trial.params)) for trial in trials]
    return places_of(space, np.array(numbers, dtype=np.int64))


def _level_counts(space: Space) -> Int64s:
    """Number of values of each feature of a space."""
    columns = [column for axis in space.axes for column in _features(axis).T]
    return np.array([len(np.unique(column)) for column in columns], dtype=np.int64)


def _features(axis: Axis) -> Floats:
    """Coordinates of an axis' values: one for numbers, one-hot coordinates for choices."""
    if not axis.is_numeric:
        count = len(axis.values)
        return np.eye(count)[:, :1] if count == 2 else np.eye(count)
    numbers = np.array(axis.values, dtype=np.float64)
    if numbers[0] > 0 and widens(axis.values):
        numbers = np.log(numbers)
    width = max(float(numbers[-1] - numbers[0]), 1e-300)
    return np.asarray((numbers - numbers[0]) / width)[:, None]
