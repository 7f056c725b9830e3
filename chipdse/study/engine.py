"""Run a sweep: propose points, evaluate them on an executor, tell Optuna, lose nothing."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Future,
    wait,
)
from dataclasses import dataclass, field, replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from chipdse.errors import ChipdseError, MachineError
from chipdse.evaluate import evaluate
from chipdse.hardware.store import Store, default_store
from chipdse.study.executors import Workers
from chipdse.study.folder import POINTS, StudyFolder, finished, points_table, write_atomically
from chipdse.study.points import front_size, objective_values, violations
from chipdse.study.samplers import make_sampler
from chipdse.study.space import ENUMERATE_LIMIT, Point, Space
from chipdse.study.sweepfile import Template


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one point: its metrics, or why there are none."""

    metrics: dict[str, float] | None
    constraints: dict[str, float] = field(default_factory=dict)
    system_evidence: str = ""
    failure: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a sweep is, told after every trial.

    front : points on it so far
    """

    trials: int
    budget: int
    failures: int
    infeasible: int
    front: int
    last_failure: str = ""


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


def run_sweep(
    folder: StudyFolder,
    store: Path | None,
    *,
    trials: int,
    workers: Workers,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Run or continue a study until it has `trials` finished trials or no point is left.

    Interrupted trials (Ctrl-C, a killed driver) are evaluated first. Every finished trial is in
    the storage before the next is proposed, so a kill loses at most the trials in flight.

    Parameters
    ----------
    store : folder of the stage results; None is each worker's own (`default_store`)
    workers : where points are evaluated
    tell : called after every trial
    """
    trials = min(trials, _points_in(folder.sweep.space))
    _requeue_interrupted(folder)
    flight = _Flight(workers=workers)
    table_written = time.monotonic()
    tell(_progress(folder, trials, ""))
    try:
        while True:
            _propose(folder, trials, flight)
            _submit(folder, store, flight)
            if not flight.running:
                break
            failure = _collect(folder, flight)
            tell(_progress(folder, trials, failure))
            if time.monotonic() - table_written > 10:
                write_points(folder)
                table_written = time.monotonic()
    except BaseException:
        workers.stop()
        for task in flight.tasks():
            _mark_interrupted(folder.study, task.trial)
        raise
    finally:
        write_points(folder)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """A trial under way, and how many workers died on it."""

    trial: Trial
    point: Point
    deaths: int = 0


@dataclass(kw_only=True)
class _Flight:
    """What is under way: waiting for a worker, and with one."""

    workers: Workers
    ready: collections.deque[_Task] = field(default_factory=collections.deque)
    running: dict[Future[Outcome], _Task] = field(default_factory=dict)

    def tasks(self) -> list[_Task]:
        return [*self.running.values(), *self.ready]


def write_points(folder: StudyFolder) -> None:
    """Write the table of points as CSV."""
    write_atomically(folder.path / POINTS, points_table(folder).to_csv(index=False))


def _propose(folder: StudyFolder, budget: int, flight: _Flight) -> None:
    """Ask for as many points as there is room and budget for."""
    sweep, study = folder.sweep, folder.study
    under_way = len(flight.tasks())
    room = min(flight.workers.room(), budget - len(finished(study))) - under_way
    for _ in range(room):
        number = len(study.get_trials(deepcopy=False))
        study.sampler = make_sampler(sweep.sampler, sweep.space, budget, sweep.seed + number)
        trial = study.ask(sweep.space.distributions())
        flight.ready.append(_Task(trial=trial, point=sweep.space.point(trial.params)))


def _submit(folder: StudyFolder, store: Path | None, flight: _Flight) -> None:
    """Hand what is ready to the executor."""
    submit = flight.workers.executor.submit
    while flight.ready:
        task = flight.ready[0]
        future = submit(evaluate_point, folder.sweep.template, task.point, store)
        flight.running[future] = flight.ready.popleft()


def _collect(folder: StudyFolder, flight: _Flight) -> str:
    """Wait for a point, record all that are done; the last failure's reason, if any."""
    failure = ""
    done, _ = wait(flight.running, return_when=FIRST_COMPLETED)
    for future in done:
        task = flight.running[future]
        outcome = _outcome(future, task, flight.workers)
        if outcome is None:
            flight.ready.append(replace(task, deaths=task.deaths + 1))
        else:
            _record(folder, task.trial, outcome)
            failure = outcome.failure or failure
        del flight.running[future]
    return failure


def _outcome(future: Future[Outcome], task: _Task, workers: Workers) -> Outcome | None:
    """What came of a task; None where its worker died and it may be tried again."""
    try:
        return future.result()
    except workers.lost:
        if task.deaths + 1 < workers.tries:
            return None
        reason = "ToolError: the worker process died each time that it evaluated this point"
        return Outcome(metrics=None, failure=reason)
    except (BrokenExecutor, CancelledError) as error:
        raise MachineError(
            "the executor is gone; start it again, then run the same command to go on"
        ) from error


def _points_in(space: Space) -> int:
    """Points the rules leave; for a space too large to list, the combinations."""
    return sum(1 for _ in space.points()) if space.size <= ENUMERATE_LIMIT else space.size


def _record(folder: StudyFolder, trial: Trial, outcome: Outcome) -> None:
    """Tell Optuna what came of a trial; the last call makes it count."""
    trial.set_user_attr("seconds", round(outcome.seconds, 3))
    if outcome.metrics is None:
        trial.set_user_attr("failure", outcome.failure)
        folder.study.tell(trial, state=TrialState.FAIL)
        return
    trial.set_user_attr("metrics", outcome.metrics)
    trial.set_user_attr("system_evidence", outcome.system_evidence)
    values = {**trial.params, **outcome.metrics}
    limits = outcome.constraints | violations(folder.sweep, values)
    for name, amount in limits.items():
        trial.set_constraint(name, amount)
    folder.study.tell(trial, objective_values(folder.sweep, values))


def _requeue_interrupted(folder: StudyFolder) -> None:
    """Close what an earlier run left open and put its points first in the queue."""
    study = folder.study
    for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        _mark_interrupted(study, Trial(study, frozen._trial_id))
    trials = study.get_trials(deepcopy=False)
    waiting = {_point_key(folder, t) for t in trials if t.state == TrialState.WAITING}
    counted = {_point_key(folder, t) for t in finished(study)}
    for frozen in trials:
        if "interrupted" in frozen.user_attrs and frozen.params:
            key = _point_key(folder, frozen)
            if key not in waiting | counted:
                waiting.add(key)
                study.enqueue_trial(dict(frozen.params))


def _point_key(folder: StudyFolder, trial: FrozenTrial) -> tuple[object, ...]:
    params = trial.params or trial.system_attrs.get("fixed_params", {})
    return tuple(params.get(axis.name) for axis in folder.sweep.space.axes)


def _mark_interrupted(study: optuna.Study, trial: Trial) -> None:
    trial.set_user_attr("interrupted", True)
    study.tell(trial, state=TrialState.FAIL)


def _progress(folder: StudyFolder, budget: int, failure: str) -> Progress:
    trials = finished(folder.study)
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    feasible = [trial for trial in done if all(x <= 0 for x in trial.constraints.values())]
    return Progress(
        trials=len(trials),
        budget=budget,
        failures=len(trials) - len(done),
        infeasible=len(done) - len(feasible),
        front=front_size(folder.sweep, [trial.values for trial in feasible]),
        last_failure=failure,
    )
