"""Which trials of a study count, for trials of Optuna and for those that are read without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from chipdse.study.storage.attributes import (
    FAILURE,
    FINGERPRINT,
    HARVESTED_FROM,
    OUTDATED,
    RETRY_OF,
)

FINISHED = ("COMPLETE", "PRUNED", "FAIL")
"""Names of Optuna's states of finished trials."""


class State(Protocol):
    """A state of Optuna's."""

    @property
    def name(self) -> str: ...


class Trial(Protocol):
    """The part of Optuna's `FrozenTrial` that tables of points are made of."""

    @property
    def number(self) -> int: ...

    @property
    def state(self) -> State: ...

    @property
    def params(self) -> Mapping[str, Any]: ...

    @property
    def user_attrs(self) -> Mapping[str, Any]: ...

    @property
    def constraints(self) -> Mapping[str, float]: ...


AnyTrial = TypeVar("AnyTrial", bound=Trial)


def is_interrupted(trial: Trial) -> bool:
    """Whether a trial began but has no result that counts, so that its point must be evaluated
    again.
    """
    if trial.state.name != "FAIL":
        return False
    return FAILURE not in trial.user_attrs or OUTDATED in trial.user_attrs


def is_harvested(trial: Trial) -> bool:
    """Whether this trial was harvested from the evaluation of another trial."""
    return HARVESTED_FROM in trial.user_attrs


def counted(trials: Iterable[AnyTrial], version: str | None) -> list[AnyTrial]:
    """Trials that count: complete, or failed with a reason.

    A failed trial does not count after its point has been queued again. A trial of another version
    than the study's does not count either.

    Parameters
    ----------
    version : identity of the study's fingerprint; None if it has none
    """
    of_version = [
        trial
        for trial in trials
        if not is_interrupted(trial) and trial.user_attrs.get(FINGERPRINT, version) == version
    ]
    replaced = {trial.user_attrs.get(RETRY_OF) for trial in of_version}
    return [
        trial
        for trial in of_version
        if trial.state.name in FINISHED and trial.number not in replaced
    ]
