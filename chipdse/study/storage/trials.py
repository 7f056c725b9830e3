"""The state of trials: which of them count, were interrupted, or belong to a dead driver.

A failed Optuna trial counts only if it has a reason. A failed trial without a reason was
interrupted: its driver was stopped, or died after the point was proposed and before its result was
stored.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from chipdse.study.storage.attributes import (
    DRIVER,
    FINGERPRINT,
    HARVESTED_FROM,
    OUTDATED,
    RETRY_OF,
)
from chipdse.study.storage.counted import counted, is_harvested, is_interrupted


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that count, by number (`counted`).

    Optuna's cache may list a trial of another version than the study's as complete.
    """
    version = study.user_attrs.get(FINGERPRINT, {}).get("id")
    return counted(study.get_trials(deepcopy=False), version)


def violation(trial: FrozenTrial) -> float:
    """Constraint violation: 0 for a feasible trial, up to 1 if it misses limits, 1 if it failed."""
    if trial.state != TrialState.COMPLETE:
        return 1.0
    missed = sum(amount for amount in trial.constraints.values() if amount > 0)
    return missed / (1 + missed) if math.isfinite(missed) else 1.0


def by_evaluation(trials: Iterable[FrozenTrial]) -> list[list[FrozenTrial]]:
    """Trials that count, grouped by evaluation: each evaluated trial first, in order."""
    groups: dict[int, list[FrozenTrial]] = {}
    for trial in trials:
        groups.setdefault(trial.user_attrs.get(HARVESTED_FROM, trial.number), []).append(trial)
    return [groups[number] for number in sorted(groups)]


def proposed(study: optuna.Study) -> int:
    """The number of points proposed so far, whatever their result.

    An interruption does not change this number, so a seed derived from it gives equal points.
    """
    trials = study.get_trials(deepcopy=False)
    return sum(
        not (is_interrupted(trial) or is_harvested(trial) or RETRY_OF in trial.user_attrs)
        for trial in trials
    )


def left_behind(
    study: optuna.Study, driver: str, driver_trials: Collection[int], shared: bool
) -> list[FrozenTrial]:
    """Running trials whose driver no longer works on them.

    Parameters
    ----------
    driver : name of the calling driver; a folder has only one driver
    driver_trials : numbers of the trials that this driver is evaluating
    shared : whether there may be other drivers; a trial without a driver's name is abandoned,
        because drivers write their name inside `chipdse.study.storage.storage.alone`
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [
        trial
        for trial in running
        if trial.number not in driver_trials
        and (not shared or trial.user_attrs.get(DRIVER) in (None, driver))
    ]


def queue_interrupted(study: optuna.Study, names: Iterable[str]) -> None:
    """Put the points of interrupted trials first in the queue, each once.

    Parameters
    ----------
    names : names of all parameters
    """
    names = tuple(names)
    trials = study.get_trials(deepcopy=False)
    number_by_key = {
        _key(trial, names): trial.number for trial in trials if not is_interrupted(trial)
    }
    for trial in trials:
        if is_interrupted(trial) and set(names) <= set(_params(trial)):
            key, replaced = _key(trial, names), trial.user_attrs.get(RETRY_OF)
            if key not in number_by_key or number_by_key[key] == replaced:
                # The trial that an outdated trial replaced is outdated too.
                _enqueue(study, trial, None if OUTDATED in trial.user_attrs else replaced)
                number_by_key[key] = -1


def outdated_points(study: optuna.Study, names: Iterable[str]) -> int:
    """How many points of an earlier version are still to be evaluated again."""
    names = tuple(names)
    trials = study.get_trials(deepcopy=False)
    done = {
        _key(trial, names)
        for trial in trials
        if trial.state.is_finished() and not is_interrupted(trial)
    }
    old = {_key(trial, names) for trial in trials if OUTDATED in trial.user_attrs}
    return len(old - done)


def queue_failed(study: optuna.Study) -> int:
    """Queue every failed point again; returns their number."""
    failed = [trial for trial in finished(study) if trial.state == TrialState.FAIL]
    for trial in failed:
        _enqueue(study, trial, trial.number)
    return len(failed)


def _enqueue(study: optuna.Study, trial: FrozenTrial, replaced: int | None) -> None:
    attributes = {} if replaced is None else {RETRY_OF: replaced}
    study.enqueue_trial(dict(_params(trial)), user_attrs=attributes)


def _key(trial: FrozenTrial, names: tuple[str, ...]) -> tuple[object, ...]:
    params = _params(trial)
    return tuple(params.get(name) for name in names)


def _params(trial: FrozenTrial) -> dict[str, Any]:
    # Optuna writes the parameters of a queued trial one by one; it may be interrupted half-way.
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}
