"""The sampler made for this problem: Gaussian processes over the lattice of allowed points.

It looks at every candidate of a small space, and at a pool of them where the space is large; it
knows failures, missed limits and points under way, and whether each evaluation brought one point
or, harvested, a whole local front. `chipdse.study.search.surrogate` holds the mathematics.
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
from chipdse.study.storage.trials import by_evaluation, finished, trouble

START = 8
"""Points before the first model, or as many as there are axes if that is more: spread out."""
POOL = 2_000
"""Candidates drawn from a space with more points; neighbours of recent good ones join them."""


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
        known = look(study, space, groups, trial.number)
        places = places_of(space, numbers)
        if len(groups) < max(START, len(space.axes)):
            single = all(len(group) == 1 for group in groups)
            spread = evenness if single else nearest_distance
            score = spread(places, np.vstack([known.places, known.pending]))
        else:
            score = self.score(places, known)
        # Equal scores are drawn from, so that a flat model searches at random.
        best = np.flatnonzero(score >= score.max() - 1e-9 * abs(score.max()))
        chosen = int(np.random.default_rng(self._seed).choice(best))
        return dict(space.point_at(int(numbers[chosen])))

    def score(self, places: Floats, known: SearchHistory) -> Floats:
        """How much each place promises, given what is known: the largest is proposed."""
        return scores(places, known)

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
    """How far each place is from the nearest of the others.

    Taking the farthest makes a maximin design: M. Johnson, L. Moore, D. Ylvisaker, Journal of
    Statistical Planning and Inference 26, 1990, pages 131-148. Where evaluations bring local
    fronts, which say more, searches were measured with it.
    """
    return np.asarray(
        np.sqrt(((places[:, None] - other_places[None]) ** 2).sum(axis=2)).min(axis=1)
    )


def evenness(places: Floats, other_places: Floats) -> Floats:
    """How even a design becomes with each place: minus its wrap-around discrepancy, but a constant.

    The farthest place from the others would be an edge of every axis, and a design of edges does
    not show what depends on the middle of an axis. The wrap-around discrepancy knows no edges: F.
    Hickernell, Contemporary Mathematics 218, 1998 (Lattice rules: how well do they measure up?).

    Parameters
    ----------
    places : shape (places, features); the values that occur are the levels of a feature
    other_places : of the design; shape (points, features)

    Returns
    -------
    One number per place, to be made large
    """
    total = np.ones((len(places), len(other_places)))
    for column, other_column in zip(places.T, other_places.T, strict=True):
        levels = np.unique(np.concatenate([column, other_column]))
        at, other_at = (np.searchsorted(levels, values) for values in (column, other_column))
        apart = np.abs(at[:, None] - other_at[None]) / len(levels)
        total *= 1.5 - apart * (1 - apart)
    return np.asarray(-total.sum(axis=1))


def look(
    study: optuna.Study, space: Space, groups: Sequence[Sequence[FrozenTrial]], but: int
) -> SearchHistory:
    """What a study has seen, for the model.

    Parameters
    ----------
    groups : finished trials by evaluation
    but : the number of the trial that asks
    """
    signs = [1.0 if d == StudyDirection.MINIMIZE else -1.0 for d in study.directions]
    fronts, troubles = [], []
    for group in groups:
        good = [trial.values for trial in group if trouble(trial) == 0]
        fronts.append(np.array(good, dtype=np.float64).reshape(-1, len(signs)) * signs)
        troubles.append(0.0 if good else min(trouble(trial) for trial in group))
    running = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if trial.number != but and set(space.names) <= set(trial.params)
    ]
    return SearchHistory(
        places=_places(space, (group[0] for group in groups)),
        fronts=fronts,
        trouble=np.array(troubles),
        pending=_places(space, running),
        level_counts=_level_counts(space),
    )


def _recent(space: Space, groups: Sequence[Sequence[FrozenTrial]]) -> list[int]:
    """Numbers of the last points that were feasible: the search has been going towards them."""
    good = [group[0] for group in groups if any(trouble(trial) == 0 for trial in group)]
    return [space.number_of(space.point(trial.params)) for trial in good[-40:]]


def neighbours(space: Space, numbers: Iterable[int]) -> Int64s:
    """Points one step along one axis away from some points; of a choice, all other values."""
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
    """Where points lie, for the model: shape (points, features), each from 0 to 1."""
    columns = [np.zeros((len(numbers), 0))]
    for axis, place in zip(space.axes, space.places(numbers), strict=True):
        columns.append(_features(axis)[place])
    return np.hstack(columns)


def _places(space: Space, trials: Iterable[FrozenTrial]) -> Floats:
    numbers = [space.number_of(space.point(trial.params)) for trial in trials]
    return places_of(space, np.array(numbers, dtype=np.int64))


def _level_counts(space: Space) -> Int64s:
    """How many values each feature of the places of a space can have."""
    columns = [column for axis in space.axes for column in _features(axis).T]
    return np.array([len(np.unique(column)) for column in columns], dtype=np.int64)


def _features(axis: Axis) -> Floats:
    """Coordinates of an axis' values: numbers keep their order, each choice has its own."""
    if not axis.is_numeric:
        count = len(axis.values)
        return np.eye(count)[:, :1] if count == 2 else np.eye(count)
    numbers = np.array(axis.values, dtype=np.float64)
    if numbers[0] > 0 and widens(axis.values):
        numbers = np.log(numbers)
    width = max(float(numbers[-1] - numbers[0]), 1e-300)
    return np.asarray((numbers - numbers[0]) / width)[:, None]
