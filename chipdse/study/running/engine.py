"""Runs a sweep: proposes points, evaluates them on an executor and stores the results.

Each turn of the loop claims points, submits them to the executor and stores finished ones. If a
worker or a driver dies, the next turn of any driver of the study evaluates its points again.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    wait,
)
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from optuna.exceptions import OptunaError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from chipdse.errors import MachineError
from chipdse.store.files import write_whole
from chipdse.store.place import Read
from chipdse.store.store import default_store
from chipdse.study.results.points import described_columns, points_table
from chipdse.study.results.text import csv_text
from chipdse.study.running import status as states
from chipdse.study.running.budget import Budget
from chipdse.study.running.claims import SPENT, Claims, Task
from chipdse.study.running.executors import Workers, use_executor
from chipdse.study.running.finishes import record
from chipdse.study.running.interrupts import Interrupts
from chipdse.study.running.outcome import Outcome, evaluate_point
from chipdse.study.running.pace import Pace
from chipdse.study.running.plan import evaluations_in, plan_text
from chipdse.study.running.status import Status, StatusFile, take_stock
from chipdse.study.storage.code import Code
from chipdse.study.storage.folder import StudyFolder
from chipdse.study.storage.kept_fingerprint import add_reads
from chipdse.study.storage.layout import COLUMNS, POINTS
from chipdse.study.storage.optuna_private import trial_id_of
from chipdse.study.storage.storage import BEAT_S, Heartbeat, alone, patiently
from chipdse.study.storage.trials import (
    by_evaluation,
    finished,
    outdated_points,
    queue_failed,
)

T = TypeVar("T")

TURN_S = 2.0
"""Longest time of one turn [s]; each turn checks the time limit and the other drivers."""
TABLE_S = 10.0
"""Time between two writings of the table of points [s]; it is also written at the end."""
AHEAD = 1
"""Number of points that are proposed before a worker is free, so that no worker waits."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """What is called during a sweep: `status` after every change, `say` with messages."""

    status: Callable[[Status], None] = lambda status: None
    say: Callable[[str], None] = lambda text: None


def run_sweep(
    folder: StudyFolder,
    store: Path | None,
    *,
    budget: Budget,
    workers: Workers,
    retry_failed: bool = False,
    listener: Listener | None = None,
) -> Status:
    """Run or continue a study until its budget is spent or no point is left.

    Interrupted trials (Ctrl-C, a killed driver) are evaluated first. Every finished trial is in
    the storage before the next is proposed, so a kill loses at most the trials in flight.

    Parameters
    ----------
    store : folder of the stage results; None: each worker uses `default_store`
    workers : where points are evaluated
    retry_failed : evaluate failed points again
    listener : is called with the status and with messages

    Returns
    -------
    How the sweep ended
    """
    space = folder.sweep.proposed_space
    say = (listener or Listener()).say
    old = patiently(
        lambda: outdated_points(folder.study, space.distributions()), folder.storage, say
    )
    if old:
        done = patiently(lambda: len(by_evaluation(finished(folder.study))), folder.storage, say)
        say(f"{old} points are evaluated again: of an earlier version, or with added values")
        budget = replace(budget, trials=max(budget.trials, done + old))
    budget = replace(budget, trials=min(budget.trials, evaluations_in(folder.sweep)))
    with Interrupts() as interrupts, Heartbeat(folder.storage) as heartbeat:
        code = Code.of(
            folder.sweep.blocks,
            chip=folder.sweep.chip is not None,
            traced=folder.sweep.traced is not None,
        )
        sweep = _Sweep(
            folder=folder,
            store=store,
            claims=Claims(folder=folder, budget=budget, heartbeat=heartbeat),
            workers=workers,
            heartbeat=heartbeat,
            interrupts=interrupts,
            listener=listener or Listener(),
            code=code,
            file=StatusFile(
                folder=folder.path,
                driver=folder.driver,
                budget=budget.trials,
                version="" if folder.version is None else folder.version.text,
            ),
        )
        return sweep.run(retry_failed)


def write_points(folder: StudyFolder) -> None:
    """Write the table of points as CSV, and the description of its columns as JSON."""
    table = points_table(folder)
    described = described_columns(folder.sweep, table)
    write_whole(folder.path / POINTS, csv_text(table))
    write_whole(folder.path / COLUMNS, json.dumps(described, indent=1, ensure_ascii=False) + "\n")


@dataclass(kw_only=True)
class _Sweep:
    """One run of a sweep.

    claims : points of this driver that wait for a worker, and why no more are proposed
    running : points that a worker evaluates
    reads : inputs that the user's code read for points of this run
    """

    folder: StudyFolder
    store: Path | None
    claims: Claims
    workers: Workers
    heartbeat: Heartbeat
    interrupts: Interrupts
    listener: Listener
    code: Code
    file: StatusFile
    running: dict[Future[Outcome], Task] = field(default_factory=dict)
    reads: set[Read] = field(default_factory=set)
    looked: float = -math.inf
    stock: Pace = field(default_factory=Pace)
    table: Pace = field(default_factory=lambda: Pace(least_s=TABLE_S))

    @property
    def parts(self) -> Mapping[str, str]:
        """The parts of the fingerprint under which points are evaluated."""
        return self.folder.version.parts if self.folder.version is not None else {}

    def run(self, retry_failed: bool) -> Status:
        """Repeat turns until nothing is left to do."""
        try:
            if retry_failed:
                count = self._patiently(self._queue_failed)
                self.listener.say(f"{count} failed points are evaluated again")
            self._announce()
            self._tell(states.RUNNING)
            while not self._is_done():
                self._submit()
                if self._collect() and self.stock.is_due():
                    self._tell(states.RUNNING)
                else:
                    self.file.renew()
            self._patiently(lambda: write_points(self.folder))
            return self._tell(self.claims.ending)
        except OSError as error:
            stopped = MachineError(
                f"{self.folder.path} cannot be written ({error.strerror or error}); what is "
                "finished is safe: put that right and run the same command again"
            )
            self._give_up(stopped)
            raise stopped from error
        except BaseException as error:
            self._give_up(error)
            raise

    def _queue_failed(self) -> int:
        with alone(self.folder.storage, self.folder.study.study_name):
            return queue_failed(self.folder.study)

    def _announce(self) -> None:
        trials = self._patiently(lambda: finished(self.folder.study))
        store, room = self.store or default_store(), self._places()
        self.listener.say(plan_text(self.folder.sweep, self.claims.budget, trials, store, room))

    def _room(self) -> int:
        """Number of further points that may be under way.

        With one worker, each point is proposed only when all earlier results are known.
        """
        workers = self._places()
        return workers + (AHEAD if workers > 1 else 0) - len(self._tasks())

    def _is_done(self) -> bool:
        """Claim points if there is room. Returns whether nothing is, or will be, under way."""
        if self._room() > 0 or time.monotonic() - self.looked > BEAT_S:
            self._patiently(self._claim)
            self.looked = time.monotonic()
        if self._tasks():
            return False
        if self.claims.ending and not (self.claims.others and self.claims.ending == SPENT):
            return True
        self._tell(states.WAITING)  # other drivers have the last points: one may die
        self._pause(TURN_S)
        return False

    def _claim(self) -> None:
        self.claims.claim(list(self.running.values()), self._room)

    def _submit(self) -> None:
        """Submit ready points to free workers; after the time limit, none."""
        if self.claims.is_late():
            self._patiently(self._give_back)
        sweep = self.folder.sweep
        free = self._places() - sum(not future.done() for future in self.running)
        for _ in range(min(free, len(self.claims.ready))):
            point = self.claims.ready[0].point
            with use_executor(self.workers) as executor:
                future = executor.submit(evaluate_point, sweep, point, self.store, self.parts)
            self.running[future] = self.claims.ready.popleft()

    def _places(self) -> int:
        """Number of points that may be under way at once."""
        with use_executor(self.workers):
            return self.workers.room()

    def _give_back(self) -> None:
        """Leave points that wait for a worker to the next run of the study."""
        while self.claims.ready:
            trial = self.claims.ready[0].trial
            self.folder.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            self.heartbeat.remove(trial_id_of(trial))
            self.claims.ready.popleft()

    def _collect(self) -> bool:
        """Wait for a point and record all finished points. Returns whether a point finished."""
        with self.interrupts.let_in():
            done, _ = wait(self.running, timeout=TURN_S, return_when=FIRST_COMPLETED)
        self._submit()
        for future in done:
            task = self.running[future]
            outcome = self._outcome(future, task)
            if outcome is None:
                self.claims.ready.append(replace(task, deaths=task.deaths + 1))
            else:
                self._record(task, outcome)
                if outcome.failure is not None:
                    self.listener.say(f"failed: {outcome.failure}")
            del self.running[future]
        return bool(done)

    def _outcome(self, future: Future[Outcome], task: Task) -> Outcome | None:
        """The outcome of a task; None if its worker died and the point may be tried again."""
        self.code.check()
        try:
            with use_executor(self.workers):
                return future.result()
        except self.workers.lost:
            if task.deaths + 1 < self.workers.tries:
                return None
            if self.workers.killed():
                point = ", ".join(f"{name}={value}" for name, value in task.point.items())
                raise MachineError(
                    f"the worker was killed each time that it evaluated {point}; what is finished "
                    "is safe: give it more memory or use fewer --workers, then run the same "
                    "command again"
                ) from None
            reason = "ToolError: the worker process died each time that it evaluated this point"
            return Outcome(metrics=None, failure=reason)

    def _record(self, task: Task, outcome: Outcome) -> None:
        folder = self.folder
        if not outcome.reads <= self.reads:
            self._patiently(
                lambda: add_reads(folder.study, folder.storage, folder.sweep, outcome.reads)
            )
            self.reads |= outcome.reads
        self._patiently(lambda: self._write(task, outcome))
        self.file.add_evaluation(outcome.seconds, is_stored=outcome.is_stored)
        self.heartbeat.remove(trial_id_of(task.trial))

    def _write(self, task: Task, outcome: Outcome) -> None:
        """Record a point; in a sweep of chips under a lock: chips use parts of other drivers."""
        folder = self.folder
        is_chip = folder.sweep.chip is not None
        with (
            alone(folder.storage, folder.study.study_name) if is_chip else contextlib.nullcontext()
        ):
            record(folder, task.trial, outcome)

    def _give_up(self, error: BaseException) -> None:
        """Stop the workers, store finished points, leave the others for the next run."""
        with contextlib.suppress(Exception):  # an executor that is gone cannot be stopped
            self.workers.stop()
        failed = (OptunaError, SQLAlchemyError, OSError, MachineError)
        with contextlib.suppress(*failed):
            done = self.running if self.code.changed() is None else {}
            for future, task in done.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    record(self.folder, task.trial, future.result())
            for task in self._tasks():
                self.folder.study.tell(task.trial, state=TrialState.FAIL, skip_if_finished=True)
        state = f"stopped: {error}" if isinstance(error, Exception) else "interrupted"
        with contextlib.suppress(*failed):
            self.file.update(state, under_way=0)
            write_points(self.folder)

    def _tasks(self) -> list[Task]:
        return [*self.running.values(), *self.claims.ready]

    def _patiently(self, action: Callable[[], T]) -> T:
        def say(text: str) -> None:
            self.listener.say(text)
            with contextlib.suppress(OSError):
                self.file.update(states.WAITING)

        return patiently(action, self.folder.storage, say, self._pause)

    def _pause(self, seconds: float) -> None:
        with self.interrupts.let_in():
            time.sleep(seconds)

    def _tell(self, state: str) -> Status:
        """Compute the status, write it into the study's folder and pass it to the listener."""
        with self.stock.measured():
            trials = self._patiently(lambda: finished(self.folder.study))
            status = self.file.update(
                state,
                **take_stock(self.folder.sweep, trials),
                under_way=len(self.running),
                workers=self._places(),
            )
        if self.table.is_due():
            with self.table.measured():
                self._patiently(lambda: write_points(self.folder))
        self.listener.status(status)
        return status
