"""Samplers that propose each point of a finite space once, whatever Optuna sampler is inside."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.space import Point, Space
from chipdse.study.trials import is_harvested, is_interrupted

SUGGESTIONS, SLOW_SUGGESTIONS = 20, 2
"""So often the inner sampler may propose a repeated or forbidden point before one is drawn; the
Gaussian process, which is fitted anew each time and seldom changes its mind, less often."""


class Unrepeated(BaseSampler):
    """Proposes only allowed points that no earlier trial of the study has.

    The inner sampler is asked a few times; if it insists on points seen or forbidden, one unseen
    point is drawn at random (from the list of all where the space is small enough to list).

    Parameters
    ----------
    inner : any Optuna sampler, or None to draw at random
    space : what may be proposed
    seed : of the random draws
    suggestions : how often the inner sampler is asked
    """

    def __init__(
        self, inner: BaseSampler | None, space: Space, seed: int, suggestions: int = SUGGESTIONS
    ) -> None:
        self._inner = inner
        self._suggestions = suggestions
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
        seen = self.seen_numbers(study, trial.number)
        for _ in range(self._suggestions if self._inner is not None else 0):
            point = self._suggest(study, trial, search_space)
            if self._space.number_of(point) not in seen and self._space.allowed(point):
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

    def _draw(self, seen: set[int]) -> Point:
        every = self._space.every
        if every is None:
            for _ in range(10_000):
                number = self._random.randrange(self._space.size)
                point = self._space.point_at(number)
                if number not in seen and self._space.allowed(point):
                    return point
            raise InfeasibleError(
                "10000 draws found no new point that the rules allow; they leave too few of the "
                f"{self._space.size} combinations: make the space smaller"
            )
        rest = every[~np.isin(every, np.array(sorted(seen), dtype=np.int64))]
        return self._space.point_at(int(rest[self._random.randrange(len(rest))]))

    def seen_numbers(self, study: optuna.Study, but: int = -1) -> set[int]:
        """Numbers of the points that trials have, done or under way, other than trial `but`.

        Interrupted trials do not count; nor do harvested ones, whose expensive point is their
        proposer's.
        """
        names = set(self._space.names)
        numbers = set()
        for trial in study.get_trials(deepcopy=False):
            if trial.number == but or is_harvested(trial) or is_interrupted(trial):
                continue
            params = trial.params or trial.system_attrs.get("fixed_params", {})
            if names <= set(params):
                numbers.add(self._space.number_of(self._space.point(params)))
        return numbers


class InOrder(Unrepeated):
    """The grid: the first allowed point that no earlier trial has."""

    def __init__(self, space: Space) -> None:
        super().__init__(None, space, 0)

    def _draw(self, seen: set[int]) -> Point:
        points = self._space.points()
        return next(point for point in points if self._space.number_of(point) not in seen)


def _tpe(space: Space, seed: int) -> BaseSampler:
    startup = min(10, max(4, space.size // 10))
    return Unrepeated(TPESampler(seed=seed, n_startup_trials=startup), space, seed)


def _nsga2(space: Space, seed: int) -> BaseSampler:
    return Unrepeated(NSGAIISampler(seed=seed, population_size=20), space, seed)


def _gp(space: Space, seed: int) -> BaseSampler:
    if importlib.util.find_spec("torch") is None:  # Optuna imports it at the first suggestion
        raise DesignError(
            "sampler 'gp' is Optuna's and needs torch: pip install 'chipdse[gp]'; "
            "or use sampler 'lattice', which needs nothing more"
        )
    return Unrepeated(GPSampler(seed=seed), space, seed, SLOW_SUGGESTIONS)


def _lattice(space: Space, seed: int) -> BaseSampler:
    from chipdse.study.lattice import Lattice  # scikit-learn takes a second to import

    return Lattice(space, seed)


_SAMPLERS: dict[str, Callable[[Space, int], BaseSampler]] = {
    "gp": _gp,
    "grid": lambda space, seed: InOrder(space),
    "lattice": _lattice,
    "nsga2": _nsga2,
    "random": lambda space, seed: Unrepeated(None, space, seed),
    "tpe": _tpe,
}
SAMPLERS = ("auto", *_SAMPLERS)


def choose_sampler(space: Space, trials: int) -> str:
    """What "auto" stands for: every point if the budget covers the space, else "lattice"."""
    count = space.size if space.every is None else len(space.every)
    return "grid" if count <= trials else "lattice"


def make_sampler(name: str, space: Space, trials: int, seed: int) -> BaseSampler:
    """The sampler of that name; "auto" is what `choose_sampler` says.

    Samplers read the study afresh at every trial, so one made anew for each trial, with a seed of
    its own, continues an interrupted study exactly where it stopped.

    Raises
    ------
    DesignError : no such sampler, or it lacks a package
    """
    if name == "auto":
        name = choose_sampler(space, trials)
    if name not in _SAMPLERS:
        raise DesignError(f"sampler {name!r} is unknown; use one of {', '.join(SAMPLERS)}")
    return _SAMPLERS[name](space, seed)
