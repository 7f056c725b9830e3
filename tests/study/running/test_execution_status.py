"""What a sweep says before, during and after, and when it stops."""

from __future__ import annotations

import datetime
import itertools
import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst
from optuna.trial import FrozenTrial, create_trial

import chipdse
from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.store.store import Store
from chipdse.study.question.durations import parse_duration
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.results.front import hypervolume
from chipdse.study.running import outcome
from chipdse.study.running.budget import Budget, is_stalled
from chipdse.study.running.status import (
    Status,
    StatusFile,
    growth_of,
    read_status,
    take_stock,
)
from chipdse.study.running.time_left import WITHIN, TimeLeft
from chipdse.study.storage.fingerprint import parts_of
from tests.support import small_sweep as sweeps


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30min", 1800), ("2h", 7200), ("1d", 86400), ("1.5h", 5400)]
)
def test_a_duration_in_words_is_its_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["2", "0h", "-1h", "2 hours", "h", "", "nan s"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(DesignError, match="is not a duration; write e.g. 90s, 30min, 2h or 1d"):
        parse_duration(text)


def test_budgets_that_are_none() -> None:
    for wrong in ({"trials": 0}, {"trials": 1, "seconds": 0.0}, {"trials": 1, "patience": -1}):
        with pytest.raises(DesignError, match="must be"):
            Budget(**wrong)  # type: ignore[arg-type]


def test_patience_by_hand() -> None:
    # The third point is dominated, the fourth equals the first, the fifth is new on the front.
    points = [np.array([[x, y]], float) for x, y in [(1, 4), (3, 2), (3, 4), (1, 4), (2, 3)]]
    assert not is_stalled(points[:2], 2)
    assert is_stalled(points[:4], 2)
    assert not is_stalled(points[:4], 3)
    assert not is_stalled(points, 2)
    empty = np.empty((0, 2))
    assert is_stalled([empty, empty, empty], 2)
    assert not is_stalled([empty, points[0], empty], 2)


@pytest.mark.slow
@given(
    nst.arrays(float, st.tuples(st.integers(2, 12), st.just(2)), elements=st.integers(0, 5)),
    st.integers(1, 5),
)
def test_patience_is_about_the_hypervolume(values: np.ndarray[Any, Any], patience: int) -> None:
    """Stalled means that the hypervolume is what it was, with a reference beyond every point."""
    if len(values) > patience:
        reference = np.full(2, 6.0)
        before, now = hypervolume(values[:-patience], reference), hypervolume(values, reference)
        assert is_stalled([row[None] for row in values], patience) == math.isclose(before, now)


def test_growth_by_hand() -> None:
    assert growth_of(np.empty((0, 2))) is None
    assert growth_of(np.array([[1.0, 2.0], [3.0, 2.0]])) is None  # the second is always 2
    # The first two fix the reference: (1, 0) and (0, 1) up to (1.1, 1.1) have 0.21. The third is
    # worse than the reference in one; (0, 0) has 1.21.
    points = np.array([[4.0, 10.0], [2.0, 20.0], [9.0, 9.0], [2.0, 10.0]])
    assert growth_of(points[:2]) == pytest.approx(1)
    assert growth_of(points[:3]) == pytest.approx(1)
    assert growth_of(points) == pytest.approx(1.21 / 0.21)


@given(nst.arrays(float, st.tuples(st.integers(2, 12), st.just(2)), elements=st.integers(0, 5)))
def test_growth_never_falls(values: np.ndarray[Any, Any]) -> None:
    seen = [growth_of(values[:count]) for count in range(1, len(values) + 1)]
    known = [growth for growth in seen if growth is not None]
    assert known == seen[len(seen) - len(known) :]
    assert all(after >= before * (1 - 1e-12) for before, after in itertools.pairwise([1.0, *known]))


def test_growth_counts_trials_as_they_end(tmp_path: Path) -> None:
    """The second trial ends first, as one of two workers does: growth is that of its order."""
    sweep = read_sweep(sweeps.sweep_file(tmp_path))
    count, minutes = len(sweep.objectives), itertools.count(1)
    signs = [1.0 if objective.minimize else -1.0 for objective in sweep.objectives]

    def ended(number: int, loss: float) -> FrozenTrial:
        values = [sign * (loss + place / 10) for place, sign in enumerate(signs)]
        trial = create_trial(values=values)
        trial.number = number
        trial.datetime_complete = datetime.datetime(2026, 1, 1, 0, next(minutes))
        return trial

    assert count > 1
    later = [ended(1, 4.0), ended(2, 3.0), ended(3, 2.0)]
    early = take_stock(sweep, later)["hypervolume_growth"]
    late = take_stock(sweep, [ended(0, 9.0), *later])["hypervolume_growth"]
    assert early is not None and late == pytest.approx(early) and late > 1


def expected(
    durations: Sequence[float], workers: int, stored: Container[int] = ()
) -> list[tuple[float | None, float]]:
    """The expected and the true time left after each evaluation, each begun by a free worker."""
    estimate, ends, free = TimeLeft(), [], [0.0] * workers
    for number, seconds in enumerate(durations):
        worker = free.index(min(free))
        free[worker] += seconds
        ends.append((free[worker], number))
    left = []
    for count, (now, number) in enumerate(sorted(ends), start=1):
        estimate.add(durations[number], now, workers=workers, is_stored=number in stored)
        rest = len(durations) - count
        left.append((estimate.expected_s(rest, workers), max(free) - now))
    return left


# Of sweeps on two cores [s]. Those of adders and packages find most results in the store.
MAC_ARRAY = [44.4, 45.4, 22.9, 29.3, 29.6, 27.2, 22.9, 41.9, 18.6, 22.2, 33.3, 26.1, 34.2, 28.3,
             21.7, 25.7, 29.5, 13.0, 6.3, 9.9]  # fmt: skip
ADDERS = [7.9, 7.9, 0.4, 0.4, 0.6, 0.3, 0.7, 0.9, 0.2, 1.2, 1.0, 0.9, 9.9, 10.3, 0.8, 0.8, 0.8, 0.7]
FIR = [56.5, 35.8, 58.0, 28.6, 61.9, 80.7, 65.9, 35.4, 53.9, 52.5]
PACKAGES = [141.5, 0.4, 141.7, *[0.5] * 21, 67.9, 67.4, *[0.2] * 22, 24.2, 24.0, *[0.1] * 22]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("durations", [MAC_ARRAY, ADDERS, FIR, PACKAGES])
def test_time_left_is_right_within_a_factor_or_not_stated(
    durations: list[float], workers: int
) -> None:
    stored = {number for number, seconds in enumerate(durations) if seconds < 3}
    for left, true in expected(durations, workers, stored):
        assert left is None or true / WITHIN <= left <= true * WITHIN


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_time_left_is_stated_where_evaluations_are_alike(workers: int) -> None:
    """The first evaluation of each worker takes longer and does not count."""
    durations = [30.0] * workers + [10.0 + number % 3 for number in range(30)]
    left = expected(durations, workers)
    first, last = workers + max(4, 2 * workers) - 1, len(durations) - 2 * workers
    assert [number for number, (stated, _) in enumerate(left) if stated is not None] == [
        *range(first, last + (workers == 1))
    ]
    assert all(true / WITHIN <= stated <= true * WITHIN for stated, true in left if stated)


def test_time_left_is_unknown_after_a_stored_evaluation() -> None:
    left = [left for left, _ in expected([9.0] * 20, 1, stored={10})]
    assert left[9] == pytest.approx(9 * 10)
    assert left[10:14] == [None] * 4 and left[14] == pytest.approx(9 * 5)
    assert left[-1] is None  # no evaluation is left


def test_time_left_counts_the_time_between_evaluations() -> None:
    estimate = TimeLeft()
    for number in range(8):
        estimate.add(4.0, 5.0 * number, workers=1, is_stored=False)
    assert estimate.expected_s(10, 1) == pytest.approx(50)


def test_time_left_is_not_stated_where_drivers_share_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    file = StatusFile(folder=tmp_path, driver="d", budget=22)
    file.update("running", trials=2, workers=1)
    for _ in range(6):
        now[0] += 10
        file.add_evaluation(10.0, is_stored=False)
    assert file.update("running", trials=8).left_s == pytest.approx(14 * 10)
    assert file.update("running", trials=9).left_s is None


@pytest.mark.slow
def test_an_outcome_states_whether_the_store_had_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluated(sweep: Sweep, point: Point, stages: Store) -> outcome.Outcome:
        stages.folder("stage", {"point": point}, lambda folder: None)
        return outcome.Outcome(metrics=None)

    monkeypatch.setattr(outcome, "_evaluated", evaluated)
    plan = read_sweep(sweeps.sweep_file(tmp_path))
    is_stored = [
        outcome.evaluate_point(
            plan, {"columns": columns}, tmp_path / "store", parts_of(plan)
        ).is_stored
        for columns in (1, 1, 2)
    ]
    assert is_stored == [False, True, False]


def write_status(folder: Path, **changes: Any) -> None:
    folder.mkdir(exist_ok=True)
    values = {"state": "running", "trials": 3, "budget": 9, "pid": os.getpid(),
              "driver": f"{os.uname().nodename}:0", "began": "2026-01-01T00:00:00+00:00",
              "updated": "2026-01-01T00:00:00+00:00", **changes}  # fmt: skip
    (folder / "status.json").write_text(json.dumps(values))


def test_a_dead_driver_is_noticed(tmp_path: Path) -> None:
    write_status(tmp_path)
    assert read_status(tmp_path).state == "running"
    child = subprocess.Popen(["true"])
    child.wait()
    write_status(tmp_path, pid=child.pid)
    assert read_status(tmp_path).state == "its driver died; run the sweep again to go on"
    write_status(tmp_path, driver="elsewhere:0")  # there only the date tells
    assert not read_status(tmp_path).is_under_way
    write_status(tmp_path, driver="elsewhere:0", updated="2999-01-01T00:00:00+00:00")
    assert read_status(tmp_path).is_under_way


def test_status_of_no_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path)]) == 2
    assert "has no status.json; name the folder of a study" in capsys.readouterr().err
    (tmp_path / "status.json").write_text('{"state": "run')
    assert main(["status", str(tmp_path)]) == 2


@pytest.mark.tools
def test_before_during_and_after(
    warm_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    process = sweeps.start(sweeps.sweep_file(tmp_path), study, warm_store)
    seen: list[Status] = []
    while process.poll() is None:
        if (study / "status.json").exists():
            seen.append(read_status(study))
        time.sleep(0.05)  # the sweep needs the processor more than this does
    _, said = process.communicate()
    assert "36 points: 4 expensive (simulated, synthesised) with up to 9 cheap ones each" in said
    assert "24 evaluations, 0 done, 24 to go on 2 workers" in said
    assert "MB more" in said  # the store is warm: it knows the size of a point
    counts = [status.trials for status in seen]
    assert counts == sorted(counts)
    assert sum(0 < count < sweeps.TRIALS for count in counts) > 0
    assert any(status.is_under_way for status in seen)
    assert main(["status", str(study), "--json"]) == 0
    last = json.loads(capsys.readouterr().out)
    assert last["running"] is False
    assert last["state"] == "every evaluation of the budget is done"
    assert last["trials"] == sweeps.TRIALS
    assert last["front"] == len(chipdse.load_study(study).front())
    assert last["hypervolume_growth"] >= 1
    assert main(["status", str(study), "--follow"]) == 0
    assert "24 of 24 evaluations" in capsys.readouterr().out


@pytest.mark.tools
def test_a_sweep_stops_when_the_front_or_the_time_says_so(warm_store: Path, tmp_path: Path) -> None:
    text = sweeps.SWEEP.replace("trials = 24", "trials = 36\npatience = 6")
    study = tmp_path / "study"
    sweeps.here(sweeps.sweep_file(tmp_path, text), study, store=warm_store / "stages")
    status = read_status(study)
    assert status.state == "no better front in the last 6 evaluations"
    assert 6 < status.trials < 36
    sweeps.run(tmp_path / "small.toml", study, warm_store, "--time", "1s", "--patience", "36")
    assert read_status(study).state in ("the time is up", "every evaluation of the budget is done")


@pytest.mark.tools
def test_failed_points_are_tried_again_when_asked(
    warm_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep whose points fail for lack of a tool's file; then it is there."""
    text = sweeps.SWEEP.replace("accumulator_bits = 10", "accumulator_bits = [4, 10]")
    text = text.replace("sparsity = [0.0, 0.5]", "sparsity = 0.0").replace(
        "columns = [1, 2]", "columns = 1"
    )
    text = text.replace("trials = 24", "trials = 5")
    file, study = sweeps.sweep_file(tmp_path, text), tmp_path / "study"
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    sweeps.here(file, study)
    first = chipdse.load_study(study).points()
    failed = first[first["state"] == "failed"]
    assert 0 < len(failed) < 5
    again = sweeps.here(file, study).points()
    assert len(again) == 5
    assert (again["trial"] == first["trial"]).all()  # not unless it is asked for
    retried = sweeps.here(file, study, retry_failed=True).points()
    names = sweeps.parameters(study)
    assert len(retried) == 5
    assert not retried.duplicated(names).any()
    assert not set(failed["trial"]) & set(retried["trial"])  # the new attempts count instead
    assert retried["state"].value_counts().to_dict() == first["state"].value_counts().to_dict()


@pytest.mark.tools
@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (2, 1)])
def test_the_next_point_waits_for_a_worker(
    warm_store: Path, tmp_path: Path, workers: int, ahead: int
) -> None:
    """Of several workers none waits for a proposal; one alone gets each from all that is known."""
    file, study = sweeps.sweep_file(tmp_path), tmp_path / "study"
    with ThreadPoolExecutor(workers) as threads:
        chipdse.sweep(file, study=study, executor=threads, workers=workers, trials=12,
                      store=warm_store / "stages", report=False, progress=False)  # fmt: skip
    trials = chipdse.load_study(study).folder.study.get_trials()
    waiting = [
        number + 1 - sum(other.datetime_complete < trial.datetime_start for other in trials)
        for number, trial in enumerate(trials)
    ]  # proposed and not done when it was proposed, itself included
    assert max(waiting) == workers + ahead


class Late(ThreadPoolExecutor):
    """Takes four seconds before it begins."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        return super().submit(lambda: (time.sleep(4), fn(*args, **named))[1])


@pytest.mark.tools
def test_what_the_time_cut_off_comes_next(warm_store: Path, tmp_path: Path) -> None:
    """Two points are with workers when the time is up, the third goes back."""
    file, study = sweeps.sweep_file(tmp_path), tmp_path / "study"
    with Late(2) as late:
        quiet: dict[str, Any] = {"report": False, "progress": False, "store": warm_store / "stages"}
        cut = chipdse.sweep(file, study=study, executor=late, workers=2, time="3s", **quiet)
    assert read_status(study).state == "the time is up"
    assert len(cut.points()) == 2
    sweeps.here(file, study, store=warm_store / "stages")
    points = chipdse.load_study(study).points()
    assert len(points) == sweeps.TRIALS
    assert not points.duplicated(sweeps.parameters(study)).any()
