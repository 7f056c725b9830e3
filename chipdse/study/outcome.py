"""One point, evaluated where the executor puts it, and told to Optuna where the driver is."""

from __future__ import annotations

import contextlib
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState

from chipdse.errors import ChipdseError, MachineError
from chipdse.evaluate import evaluate
from chipdse.hardware.store import Store, default_store
from chipdse.study.folder import StudyFolder
from chipdse.study.points import objective_values, violations
from chipdse.study.space import Point
from chipdse.study.sweepfile import Template
from chipdse.study.trials import FAILURE


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one point: its metrics, or why there are none."""

    metrics: dict[str, float] | None
    constraints: dict[str, float] = field(default_factory=dict)
    system_evidence: str = ""
    failure: str = ""
    seconds: float = 0.0


def evaluate_point(template: Template, point: Point, store: Path | None) -> Outcome:
    """Evaluate one point; a failure of its own is an outcome, all else stops the sweep.

    Parameters
    ----------
    store : folder of stage results; None is this machine's own
    """
    start = time.monotonic()
    try:
        metrics = evaluate(template.design(point), Store(root=store or default_store()))
    except MachineError:
        raise  # every point would fail like this one: stop, and lose none
    except ChipdseError as error:
        reason = f"{type(error).__name__}: {error}"
        return Outcome(metrics=None, failure=reason, seconds=time.monotonic() - start)
    return Outcome(
        metrics=metrics.flat(),
        constraints=metrics.constraints(),
        system_evidence=metrics.system.evidence,
        seconds=time.monotonic() - start,
    )


def record(folder: StudyFolder, trial: Trial, outcome: Outcome) -> None:
    """Tell Optuna what came of a trial; the last call makes it count.

    May be done again when it was not heard of: a trial that is finished stays as it is.
    """
    with warnings.catch_warnings(), contextlib.suppress(UpdateFinishedTrialError):
        warnings.filterwarnings("ignore", "The constraint value is ignored")
        _record(folder, trial, outcome)


def _record(folder: StudyFolder, trial: Trial, outcome: Outcome) -> None:
    trial.set_user_attr("seconds", round(outcome.seconds, 3))
    if outcome.metrics is None:
        trial.set_user_attr(FAILURE, outcome.failure)
        folder.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        return
    trial.set_user_attr("metrics", outcome.metrics)
    trial.set_user_attr("system_evidence", outcome.system_evidence)
    values = {**trial.params, **outcome.metrics}
    limits = outcome.constraints | violations(folder.sweep, values)
    for name, amount in limits.items():
        trial.set_constraint(name, amount)
    losses = objective_values(folder.sweep, values)
    folder.study.tell(trial, losses, skip_if_finished=True)
