"""Which points a driver of a study takes: those that were left behind, then proposed ones."""

from __future__ import annotations

import collections
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from optuna.trial import Trial, TrialState

from chipdse.study.question.space import Point
from chipdse.study.running.budget import Budget, is_stalled
from chipdse.study.running.plan import evaluations_in
from chipdse.study.running.status import is_feasible, losses
from chipdse.study.search.parts import open_space
from chipdse.study.search.samplers import make_sampler
from chipdse.study.storage.attributes import DRIVER
from chipdse.study.storage.fast_writes import ask
from chipdse.study.storage.folder import StudyFolder
from chipdse.study.storage.optuna_private import study_id_of, trial_id_of
from chipdse.study.storage.storage import Heartbeat, alone, give_up_stale
from chipdse.study.storage.trials import (
    by_evaluation,
    finished,
    left_behind,
    proposed,
    queue_interrupted,
)

SPENT = "every evaluation of the budget is done"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A trial under way, and the number of workers that died while they evaluated it."""

    trial: Trial
    point: Point
    deaths: int = 0


@dataclass(kw_only=True)
class Claims:
    """The points that one driver has taken and no worker evaluates yet.

    ready : points that wait for a worker
    others : number of trials that other drivers have under way
    ending : why no more points are proposed; empty while some may be
    """

    folder: StudyFolder
    budget: Budget
    heartbeat: Heartbeat
    ready: collections.deque[Task] = field(default_factory=collections.deque)
    others: int = 0
    ending: str = ""
    began: float = field(default_factory=time.monotonic)

    def claim(self, running: Sequence[Task], room: Callable[[], int]) -> None:
        """Queue what was left behind, then propose as many points as there is room for.

        Parameters
        ----------
        running : points of this driver that a worker evaluates
        room : how many more points this driver may have under way
        """
        study, storage = self.folder.study, self.folder.storage
        with alone(storage, study.study_name):
            self._check_version()
            give_up_stale(storage, study)
            task_numbers = [task.trial.number for task in (*running, *self.ready)]
            for trial in left_behind(study, self.folder.driver, task_numbers, storage.shared):
                study.tell(trial.number, state=TrialState.FAIL)
            queue_interrupted(study, self.folder.sweep.proposed_space.distributions())
            under_way = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            self.others = len(under_way) - len(task_numbers)
            done = by_evaluation(finished(study))
            rest = self.budget.trials - len(done) - len(under_way)
            self.ending = self._ending(rest)
            if not self.ending:
                for _ in range(min(rest, room())):
                    self._propose()

    def _check_version(self) -> None:
        with self.folder.storage.optuna.engine.connect() as connection:
            self.folder.check(connection, study_id_of(self.folder.study))

    def _ending(self, rest: int) -> str:
        """Why no more points are proposed; empty while the budget leaves some."""
        if rest <= 0:
            return SPENT
        if self.is_late():
            return "the time is up"
        if self.budget.patience is not None:
            feasible = [
                [
                    trial
                    for trial in group
                    if trial.state == TrialState.COMPLETE and is_feasible(trial)
                ]
                for group in by_evaluation(finished(self.folder.study))
            ]
            groups = [losses(self.folder.sweep, group) for group in feasible]
            if is_stalled(groups, self.budget.patience):
                return f"no better front in the last {self.budget.patience} evaluations"
        return ""

    def _propose(self) -> None:
        sweep, study = self.folder.sweep, self.folder.study
        space = open_space(sweep, study)
        seed = sweep.seed + proposed(study)
        name = sweep.sampler
        if name == "auto" and evaluations_in(sweep) <= self.budget.trials:
            name = "grid"
        elif name == "auto" and sweep.chip is not None:
            name = "lattice"
        study.sampler = make_sampler(name, space, self.budget.trials, seed)
        with warnings.catch_warnings():
            # We record heartbeats ourselves.
            warnings.filterwarnings("ignore", "Heartbeat of storage")
            trial = ask(study, space.distributions())
        if self.folder.storage.shared:
            self.heartbeat.add(trial_id_of(trial))
            trial.set_user_attr(DRIVER, self.folder.driver)
        self.ready.append(Task(trial=trial, point=space.point(trial.params)))

    def is_late(self) -> bool:
        """Whether the time of the budget is over."""
        return time.monotonic() - self.began > self.budget.seconds
