"""Run a sweep: propose points, evaluate them in worker processes, tell Optuna, lose nothing."""

from __future__ import annotations

import collections
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from chipdse.errors import ChipdseError, MachineError
from chipdse.evaluate import evaluate
from chipdse.hardware.store import Store
from chipdse.study.folder import POINTS, StudyFolder, finished, points_table, write_atomically
from chipdse.study.points import front_size, objective_values, violations
from chipdse.study.samplers import make_sampler
from chipdse.study.space import ENUMERATE_LIMIT, Point, Space
from chipdse.study.sweepfile import Template

CRASHES = 2
"""A point that kills this many workers is recorded as failed."""


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


def evaluate_point(template: Template, point: Point, store: Path) -> Outcome:
    """Evaluate one point; a failure of its own is an outcome, all else stops the sweep."""
    start = time.monotonic()
    try:
        metrics = evaluate(template.design(point), Store(root=store))
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
    store: Path,
    *,
    trials: int,
    workers: int = 1,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Run or continue a study until it has `trials` finished trials or no point is left.

    Interrupted trials (Ctrl-C, a killed driver) are evaluated first. Every finished trial is in
    the storage before the next is proposed, so a kill loses at most the trials in flight.

    Parameters
    ----------
    store : folder of the stage results
    workers : processes
    tell : called after every trial
    """
    trials = min(trials, _points_in(folder.sweep.space))
    _requeue_interrupted(folder)
    ready: collections.deque[tuple[Trial, Point, int]] = collections.deque()
    running: dict[Future[Outcome], tuple[Trial, Point, int]] = {}
    pool = _pool(workers)
    table_written = time.monotonic()
    tell(_progress(folder, trials, ""))
    try:
        while True:
            _propose(folder, trials, workers - len(running) - len(ready), ready, running)
            while ready and len(running) < workers:
                trial, point, crashes = ready.popleft()
                future = pool.submit(evaluate_point, folder.sweep.template, point, store)
                running[future] = (trial, point, crashes)
            if not running:
                break
            failure = ""
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                trial, point, crashes = running.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    pool.shutdown(wait=False)
                    pool = _pool(workers)
                    _again(ready, trial, point, crashes, folder)
                    for trial, point, crashes in running.values():
                        _again(ready, trial, point, crashes, folder)
                    running.clear()
                    break
                _record(folder, trial, outcome)
                failure = outcome.failure
            tell(_progress(folder, trials, failure))
            if time.monotonic() - table_written > 10:
                write_points(folder)
                table_written = time.monotonic()
    except BaseException:
        _stop(pool)
        for trial, _, _ in (*running.values(), *ready):
            _mark_interrupted(folder.study, trial)
        raise
    finally:
        write_points(folder)
    pool.shutdown()


def write_points(folder: StudyFolder) -> None:
    """Write the table of points as CSV."""
    write_atomically(folder.path / POINTS, points_table(folder).to_csv(index=False))


def _propose(
    folder: StudyFolder,
    budget: int,
    room: int,
    ready: collections.deque[tuple[Trial, Point, int]],
    running: dict[Future[Outcome], tuple[Trial, Point, int]],
) -> None:
    """Ask for as many points as there is room and budget for."""
    sweep, study = folder.sweep, folder.study
    room = min(room, budget - len(finished(study)) - len(running) - len(ready))
    for _ in range(room):
        number = len(study.get_trials(deepcopy=False))
        study.sampler = make_sampler(sweep.sampler, sweep.space, budget, sweep.seed + number)
        trial = study.ask(sweep.space.distributions())
        ready.append((trial, sweep.space.point(trial.params), 0))


def _again(
    ready: collections.deque[tuple[Trial, Point, int]],
    trial: Trial,
    point: Point,
    crashes: int,
    folder: StudyFolder,
) -> None:
    """A worker died on this point: try once more, then record the failure."""
    if crashes + 1 >= CRASHES:
        reason = f"ToolError: the worker process died {CRASHES} times on this point"
        _record(folder, trial, Outcome(metrics=None, failure=reason))
    else:
        ready.append((trial, point, crashes + 1))


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


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(os.getpid(),))


def _start_worker(driver: int) -> None:
    """Ctrl-C is the driver's to handle; without a driver a worker ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers now; what they were building is not in the store yet and is lost."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
