"""Stores what came of a point, and everything that was harvested with it, in its study."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial

from chipdse.study.harvest.chips import composed_finishes, known_points
from chipdse.study.harvest.harvest import finishes
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.objectives import objective_values, violations
from chipdse.study.running.outcome import Outcome
from chipdse.study.storage.attributes import FAILED_PART, FAILURE, FINGERPRINT, ORIGIN, PROPOSED
from chipdse.study.storage.fast_writes import complete
from chipdse.study.storage.finish import FinishedTrial
from chipdse.study.storage.folder import StudyFolder
from chipdse.study.storage.optuna_private import trial_id_of
from chipdse.study.storage.trials import finished


def record(folder: StudyFolder, trial: Trial, outcome: Outcome) -> None:
    """Tell Optuna what came of a trial, in one transaction.

    May be done again when it was not heard of: a trial that is finished stays as it is.
    """
    sweep = folder.sweep
    seconds = {"seconds": round(outcome.seconds, 3)}
    harvested: list[FinishedTrial] = []
    if outcome.harvest is not None:
        expensive = sweep.proposed_space.point(trial.params)
        proposed, harvested = finishes(sweep, expensive, outcome.harvest, trial.number)
    elif outcome.parts is not None:
        expensive = sweep.proposed_space.point(trial.params)
        known = known_points(sweep.chip_question, finished(folder.study))
        proposed, harvested = composed_finishes(
            sweep, expensive, outcome.parts, known, trial.number
        )
    elif outcome.metrics is not None:
        proposed = _finish(sweep, trial, outcome)
    else:
        part = {} if outcome.failed_part is None else {FAILED_PART: outcome.failed_part}
        proposed = FinishedTrial(attributes={FAILURE: outcome.failure, **part})
    proposed = replace(proposed, attributes={**proposed.attributes, **seconds})
    version = {} if folder.version is None else {FINGERPRINT: folder.version.identity}
    proposed, *harvested = (
        replace(finish, attributes={**finish.attributes, **version})
        for finish in (proposed, *harvested)
    )
    distributions = sweep.space.distributions()
    with contextlib.suppress(UpdateFinishedTrialError):
        complete(folder.study, trial_id_of(trial), proposed, harvested, distributions, folder.check)


def _finish(sweep: Sweep, trial: Trial, outcome: Outcome) -> FinishedTrial:
    """What a trial that was evaluated alone holds."""
    assert outcome.metrics is not None
    values = {**trial.params, **outcome.metrics}
    losses = objective_values(sweep, values)
    if not all(map(math.isfinite, losses)):
        names = [
            objective.metric
            for objective, loss in zip(sweep.objectives, losses, strict=True)
            if not math.isfinite(loss)
        ]
        reason = f"InfeasibleError: {', '.join(names)} has no finite value here"
        return FinishedTrial(attributes={FAILURE: reason, "metrics": outcome.metrics})
    limits = outcome.constraints | violations(sweep, values)
    return FinishedTrial(
        values=losses,
        attributes={
            ORIGIN: PROPOSED,
            "metrics": outcome.metrics,
            "system_evidence": outcome.system_evidence,
        },
        # What has no value (a temperature that runs away) is no point to have.
        constraints={name: 1.0 if math.isnan(x) else x for name, x in limits.items()},
    )
