"""How a sweep is doing: counted from its trials, kept in a file that a second terminal can follow.

STUDY/status.json is written whole, often, by the driver that runs in that folder.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chipdse.arrays import Floats
from chipdse.store.files import write_whole
from chipdse.study.results.front import REFERENCE, hypervolume, is_on_front
from chipdse.study.running.time_left import TimeLeft
from chipdse.study.storage.attributes import FAILURE
from chipdse.study.storage.counted import is_harvested
from chipdse.study.storage.layout import STATUS, no_status, status_text

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from chipdse.study.question.sweep_file import Sweep

RUNNING, WAITING = "running", "waiting"
"""States of a sweep under way; any other says why it ended."""
SILENCE_S = 60.0
"""A driver that wrote nothing for so long has died [s]."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a sweep is.

    state : "running", "waiting" (for workers, other drivers or the storage), or why it ended
    trials, budget : finished, and to be finished
    points : these, and those harvested with them
    under_way : being evaluated for this driver
    workers : points that may be under way at once
    feasible : points within every limit
    infeasible : points that miss a limit
    failures : failed trials by reason
    front : points on it
    hypervolume_growth : hypervolume of the front over that of the first feasible points; it never
        falls (`growth_of`)
    seconds_per_trial : mean time of an evaluation [s]
    trials_per_hour : finished by this run
    left_s : expected time until the budget is spent [s]; None where the evaluations that ended
        are too few or too different to know it (`time_left`), or other drivers share them
    version : the fingerprint of its points, and the versions of the programs that make them
    driver, pid : which process writes this
    began, updated : in UTC
    """

    state: str
    trials: int
    budget: int
    points: int = 0
    under_way: int = 0
    workers: int = 0
    feasible: int = 0
    infeasible: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    front: int = 0
    hypervolume_growth: float | None = None
    seconds_per_trial: float | None = None
    trials_per_hour: float | None = None
    left_s: float | None = None
    version: str = ""
    driver: str = ""
    pid: int = 0
    began: str = ""
    updated: str = ""

    @property
    def failed(self) -> int:
        """Failed trials."""
        return sum(self.failures.values())

    @property
    def is_under_way(self) -> bool:
        """Whether its driver still ran when this was written."""
        return self.state in (RUNNING, WAITING)


def take_stock(sweep: Sweep, trials: Sequence[FrozenTrial]) -> dict[str, Any]:
    """The fields of a status that follow from the trials that count."""
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    feasible = [trial for trial in done if is_feasible(trial)]
    seconds = [s for trial in trials if (s := trial.user_attrs.get("seconds"))]
    # Trials that were begun together end in any order; what was first stays first.
    values = losses(sweep, sorted(feasible, key=_ended))
    return {
        "trials": sum(not is_harvested(trial) for trial in trials),
        "points": len(trials),
        "feasible": len(feasible),
        "infeasible": len(done) - len(feasible),
        "failures": failures_by_reason(trials),
        "front": int(is_on_front(values).sum()) if len(values) else 0,
        "hypervolume_growth": growth_of(values),
        "seconds_per_trial": sum(seconds) / len(seconds) if seconds else None,
    }


def _ended(trial: FrozenTrial) -> tuple[datetime.datetime, int]:
    return trial.datetime_complete or datetime.datetime.max, trial.number


def is_feasible(trial: FrozenTrial) -> bool:
    """Whether a complete trial is within every limit."""
    return all(amount <= 0 for amount in trial.constraints.values())


def losses(sweep: Sweep, trials: Sequence[FrozenTrial]) -> Floats:
    """Objectives of complete trials, all to be made small; shape (trials, objectives)."""
    signs: Floats = np.array([o.sign for o in sweep.objectives])
    values: Floats = np.array([trial.values for trial in trials], dtype=np.float64)
    return values.reshape(-1, len(sweep.objectives)) * signs


def growth_of(values: Floats) -> float | None:
    """Hypervolume of points over that of the first of them, at a reference that never moves.

    The first points are those until every objective has two values. The reference is the worst
    value of each objective among them, and a tenth of their range beyond it.

    Parameters
    ----------
    values : shape (points, objectives), all minimised, in the order of evaluation

    Returns
    -------
    At least 1, and never less with more points; None while an objective has one value only
    """
    if not len(values):
        return None
    lows, highs = (f.accumulate(values, axis=0) for f in (np.minimum, np.maximum))
    varies = (highs > lows).all(axis=1)
    if not varies.any():
        return None
    first = int(np.argmax(varies)) + 1
    low, high = lows[first - 1], highs[first - 1]
    scaled = (values - low) / (high - low)
    reference = np.full(values.shape[1], REFERENCE)
    return hypervolume(scaled, reference) / hypervolume(scaled[:first], reference)


def failures_by_reason(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """How often trials failed for each reason, the most frequent first.

    Reasons that differ in numbers only are one; the first of them stands for all.
    """
    counts: collections.Counter[str] = collections.Counter()
    named: dict[str, str] = {}
    for trial in trials:
        if reason := trial.user_attrs.get(FAILURE):
            text = reason.partition("; full log:")[0]
            kind = re.sub(r"\d+(\.\d+)?", "#", text)
            counts[named.setdefault(kind, text)] += 1
    return dict(counts.most_common())


@dataclass(kw_only=True)
class StatusFile:
    """Writes the status of a run into its study's folder.

    folder : the study's
    driver : who runs it
    budget : trials
    version : of its points, for people
    """

    folder: Path
    driver: str
    budget: int
    version: str = ""
    status: Status = field(init=False)
    _began: float = field(init=False)
    _written: float = field(init=False, default=0.0)
    _trials_before: int | None = field(init=False, default=None)
    _time_left: TimeLeft = field(init=False, default_factory=TimeLeft)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self.status = Status(
            state=WAITING,
            trials=0,
            budget=self.budget,
            version=self.version,
            driver=self.driver,
            pid=os.getpid(),
            began=_now(),
        )

    def update(self, state: str, **changes: Any) -> Status:
        """Write what has changed; the rest, and rate and time left, follow."""
        status = dataclasses.replace(self.status, state=state, updated=_now(), **changes)
        if self._trials_before is None:
            self._trials_before = status.trials
        done, elapsed = status.trials - self._trials_before, time.monotonic() - self._began
        rate = done / elapsed if done > 0 and elapsed > 0 else None
        left = self._left_s(status, done) if status.is_under_way else None
        self.status = dataclasses.replace(
            status,
            trials_per_hour=rate and 3600 * rate,
            left_s=left,
        )
        text = json.dumps(dataclasses.asdict(self.status), indent=1)
        write_whole(self.folder / STATUS, text + "\n")
        self._written = time.monotonic()
        return self.status

    def _left_s(self, status: Status, done: int) -> float | None:
        """Expected time until the budget is spent [s]; None if others evaluate points too."""
        if done > self._time_left.count:
            return None
        return self._time_left.expected_s(status.budget - status.trials, max(status.workers, 1))

    def add_evaluation(self, seconds: float, *, is_stored: bool) -> None:
        """An evaluation of this driver ended: the time left is expected from its duration [s].

        Parameters
        ----------
        is_stored : whether the store had all of its results
        """
        workers = max(self.status.workers, 1)
        self._time_left.add(seconds, time.monotonic(), workers=workers, is_stored=is_stored)

    def renew(self) -> None:
        """Show that the driver lives, now and then, where nothing has changed."""
        if time.monotonic() - self._written > SILENCE_S / 4:
            self.update(self.status.state)


def read_status(folder: Path) -> Status:
    """The status that a study's driver wrote last; one that died is said to have.

    Raises
    ------
    DesignError : there is none
    """
    text = status_text(folder)
    try:
        known = {field.name for field in dataclasses.fields(Status)}
        content = json.loads(text)  # an older version may have written other fields too
        status = Status(**{name: content[name] for name in known & content.keys()})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise no_status(folder) from error
    if status.is_under_way and not _lives(status):
        return dataclasses.replace(status, state="its driver died; run the sweep again to go on")
    return status


def _lives(status: Status) -> bool:
    if status.driver.partition(":")[0] == socket.gethostname():
        try:
            os.kill(status.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    updated = datetime.datetime.fromisoformat(status.updated)
    age = datetime.datetime.now(datetime.UTC) - updated
    return age.total_seconds() < SILENCE_S


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
