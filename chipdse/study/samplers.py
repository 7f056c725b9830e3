"""Samplers that propose each point of a finite space once, whatever Optuna sampler is inside."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.space import ENUMERATE_LIMIT, Point, Space, key_of
from chipdse.study.trials import is_harvested, is_interrupted

SUGGESTIONS = 20
"""So often the inner sampler may propose a repeated or forbidden point before one is drawn."""


class Unrepeated(BaseSampler):
    """Proposes only allowed points that no earlier trial of the study has.

    The inner sampler is asked a few times; if it insists on points seen or forbidden, one unseen
    point is drawn at random (from the list of all where the space is small enough to list).

    Parameters
    ----------
    inner : any Optuna sampler, or None to draw at random
    space : what may be proposed
    seed : of the random draws
    """

    def __init__(self, inner: BaseSampler | None, space: Space, seed: int) -> None:
        self._inner = inner
        self._space = space
        self._random = random.Random(seed)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._space.distributions()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        if self._inner is not None:
            self._inner.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        if self._inner is not None:
            self._inner.after_trial(study, trial, state, values)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        raise AssertionError("every parameter is sampled together")

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        seen = seen_points(study, self._space, trial.number)
        for _ in range(SUGGESTIONS if self._inner is not None else 0):
            point = self._suggest(study, trial, search_space)
            if key_of(point) not in seen and self._space.allowed(point):
                return point
        return self._draw(seen)

    def _suggest(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Point:
        assert self._inner is not None
        relative = self._inner.infer_relative_search_space(study, trial)
        params = self._inner.sample_relative(study, trial, relative) if relative else {}
        for name, distribution in search_space.items():
            if name not in params:
                params[name] = self._inner.sample_independent(study, trial, name, distribution)
        return self._space.point(params)

    def _draw(self, seen: set[Any]) -> Point:
        if self._space.size > ENUMERATE_LIMIT:
            for _ in range(10_000):
                point = self._space.point_at(self._random.randrange(self._space.size))
                if key_of(point) not in seen and self._space.allowed(point):
                    return point
            raise InfeasibleError(
                "10000 draws found no new point that the rules allow; they leave too few of the "
                f"{self._space.size} combinations: make the space smaller"
            )
        rest = [point for point in self._space.points() if key_of(point) not in seen]
        return self._random.choice(rest)


class InOrder(Unrepeated):
    """The grid: the first allowed point that no earlier trial has."""

    def __init__(self, space: Space) -> None:
        super().__init__(None, space, 0)

    def _draw(self, seen: set[Any]) -> Point:
        return next(point for point in self._space.points() if key_of(point) not in seen)


def seen_points(study: optuna.Study, space: Space, but: int = -1) -> set[Any]:
    """Keys of the points that trials have, done or under way; interrupted ones do not count.

    Parameters
    ----------
    but : the number of a trial to leave out
    """
    states = (TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING)
    names = {axis.name for axis in space.axes}
    keys = set()
    for trial in study.get_trials(deepcopy=False, states=states):
        params = trial.params or trial.system_attrs.get("fixed_params", {})
        if trial.number == but or is_harvested(trial) or is_interrupted(trial):
            continue
        if names <= set(params):
            keys.add(key_of(space.point(params)))
    return keys


def _tpe(space: Space, seed: int) -> BaseSampler:
    startup = min(10, max(4, space.size // 10))
    return TPESampler(seed=seed, n_startup_trials=startup)


_SAMPLERS: dict[str, Callable[[Space, int], BaseSampler]] = {
    "grid": lambda space, seed: InOrder(space),
    "random": lambda space, seed: Unrepeated(None, space, seed),
    "tpe": lambda space, seed: Unrepeated(_tpe(space, seed), space, seed),
    "nsga2": lambda space, seed: Unrepeated(
        NSGAIISampler(seed=seed, population_size=20), space, seed
    ),
}
SAMPLERS = ("auto", *sorted(_SAMPLERS))


def make_sampler(name: str, space: Space, trials: int, seed: int) -> BaseSampler:
    """The sampler of that name; "auto" is the grid if it fits the budget, else TPE.

    Optuna's samplers read the study afresh at every trial, so one made anew for each trial, with a
    seed of its own, continues an interrupted study exactly where it stopped.
    """
    if name == "auto":
        name = "grid" if space.size <= trials else "tpe"
    if name not in _SAMPLERS:
        raise DesignError(f"sampler {name!r} is unknown; use one of {', '.join(SAMPLERS)}")
    return _SAMPLERS[name](space, seed)
