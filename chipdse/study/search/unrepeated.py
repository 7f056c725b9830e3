"""Samplers that propose each point of a finite space once, whatever Optuna sampler is inside."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from chipdse.errors import InfeasibleError
from chipdse.sorting import among
from chipdse.study.question.space import Point, Space
from chipdse.study.storage.counted import is_harvested, is_interrupted
from chipdse.study.storage.trials import violation

SUGGESTIONS = 20
"""So often the inner sampler may propose a repeated or forbidden point before one is drawn."""


class Unrepeated(BaseSampler):
    """Proposes only allowed points that no earlier trial of the study has.

    The inner sampler proposes a few times; if all its proposals are repeated or forbidden, an
    unseen point is drawn at random (from the list of all points if the space is small enough).

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
        rest = every[~among(every, sorted(seen))]
        return self._space.point_at(int(rest[self._random.randrange(len(rest))]))

    def seen_numbers(self, study: optuna.Study, but: int) -> set[int]:
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


class OneEach(Unrepeated):
    """Shows the inner sampler one trial per evaluation: the proposed, without what was harvested.

    For samplers whose time grows faster with trials and front than their proposals improve, or that
    need the same constraints for every trial: they get the violation of each, if any is positive.
    """

    def _suggest(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Point:
        known = [
            known_trial
            for known_trial in study.get_trials(deepcopy=False)
            if self._is_shown(known_trial, trial)
        ]
        limited = any(
            violation(known_trial) > 0
            for known_trial in known
            if known_trial.state == TrialState.COMPLETE
        )
        shown = optuna.create_study(directions=study.directions)
        for known_trial in known:
            shown.add_trial(
                create_trial(
                    state=known_trial.state,
                    params={name: known_trial.params[name] for name in search_space},
                    distributions=search_space,
                    values=known_trial.values,
                    constraints={"violation": violation(known_trial)} if limited else None,
                )
            )
        shown_trial = shown.ask()
        return super()._suggest(shown, shown.get_trials()[shown_trial.number], search_space)

    def _is_shown(self, trial: FrozenTrial, but: FrozenTrial) -> bool:
        if is_harvested(trial) or trial.state not in (TrialState.COMPLETE, TrialState.RUNNING):
            return False
        return trial.number != but.number and set(self._space.names) <= set(trial.params)
