"""kill -9 of workers, of the driver, of everything, at random times: nothing lost or done twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from optuna.trial import TrialState

import chipdse
from chipdse.study.running.status import read_status
from chipdse.study.storage.trials import by_evaluation, finished
from tests.support import servers
from tests.support import small_sweep as sweeps

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc"),
]
few_or_many = pytest.mark.parametrize(
    "count", [2, pytest.param(6, marks=pytest.mark.exhaustive)], ids="{}kills".format
)


def finished_points(study: Path) -> pd.DataFrame:
    """What is finished, whatever is under way; the front may still move."""
    try:
        return chipdse.load_study(study).points().drop(columns="on_front")
    except chipdse.errors.DesignError:
        return pd.DataFrame({"trial": []})


def assert_kept(before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Every finished trial is there still, as it was."""
    same = after[after["trial"].isin(before["trial"])]
    if len(before):
        pd.testing.assert_frame_equal(
            before.reset_index(drop=True), same.reset_index(drop=True), check_dtype=False
        )


def wait_for_trials(process: subprocess.Popen[str], study: Path, count: int) -> None:
    servers.wait_until(
        lambda: process.poll() is not None or sweeps.trials_done(study) >= count,
        f"{count} finished trials",
        600,
    )


# Python's own pool leaves a pipe of a killed worker to be closed by the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@few_or_many
def test_killed_workers_lose_no_point_and_repeat_none(
    warm_store: Path, tmp_path: Path, count: int
) -> None:
    draw, kills, study = random.Random(1), 0, tmp_path / "0"
    process = sweeps.start(sweeps.sweep_file(tmp_path), study, warm_store)
    while kills < count:
        wait_for_trials(process, study, sweeps.trials_done(study) + 2)
        time.sleep(draw.uniform(0, 0.3))
        if process.poll() is None and (workers := sweeps.workers_of(process)):
            server = [] if kills else sweeps.servers_of(process)  # first the workers' parent
            os.kill(draw.choice(server or workers), signal.SIGKILL)
            kills += 1
        elif process.poll() is not None:
            assert process.returncode == 0, process.communicate()[1]
            sweeps.assert_whole(study)
            sweeps.assert_same_front(study, warm_store / "undisturbed")
            study = tmp_path / str(int(study.name) + 1)
            process = sweeps.start(tmp_path / "small.toml", study, warm_store)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    sweeps.assert_whole(study)
    sweeps.assert_same_front(study, warm_store / "undisturbed")


@few_or_many
def test_a_killed_driver_loses_no_finished_point(
    warm_store: Path, tmp_path: Path, count: int
) -> None:
    draw, study, file = random.Random(2), tmp_path / "study", sweeps.sweep_file(tmp_path)
    before = finished_points(study)
    for kill in range(count):
        process = sweeps.start(file, study, warm_store)
        if kill % 2:
            wait_for_trials(process, study, len(before) + 2)
            time.sleep(draw.uniform(0, 0.2))
        else:
            time.sleep(draw.uniform(0.2, 4))
        process.kill()  # its workers notice by themselves
        process.communicate(timeout=600)
        after = finished_points(study)
        assert_kept(before, after)
        before = after
    process = sweeps.start(file, study, warm_store)  # and as a queue ends a job
    wait_for_trials(process, study, len(before) + 1)
    process.terminate()
    _, said = process.communicate(timeout=600)
    if process.returncode:
        assert process.returncode == 130
        assert "interrupted; run the same command again to go on" in said
        opened = chipdse.load_study(study).folder.study
        assert not opened.get_trials(states=(TrialState.RUNNING,))
        assert read_status(study).under_way == 0
    sweeps.run(file, study, warm_store)
    assert_kept(before, sweeps.assert_whole(study).drop(columns="on_front"))
    sweeps.assert_same_front(study, warm_store / "undisturbed")


@few_or_many
def test_everything_killed_at_once_loses_no_finished_point(tmp_path: Path, count: int) -> None:
    """All at once, with an empty store and harvested points: tools are killed half-way too."""
    text = sweeps.SWEEP.replace("sparsity = [0.0, 0.5]", "sparsity = [0.0, 0.2, 0.4, 0.6, 0.8]")
    text = text.replace("columns = [1, 2]", "columns = 1")
    text = text.replace("harvest = false", "harvest = true").replace("trials = 24", "trials = 5")
    draw, study, file = random.Random(3), tmp_path / "study", sweeps.sweep_file(tmp_path, text)
    before, store = finished_points(study), tmp_path / "store"
    for kill in range(count):
        process = sweeps.start(file, study, store)
        if kill % 2:  # within an evaluation
            wait_for_trials(process, study, min(sweeps.trials_done(study) + 1, 4))
            time.sleep(draw.uniform(0, 1))
        else:
            time.sleep(draw.uniform(1, 6))
        with contextlib.suppress(ProcessLookupError):  # it may be done
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=600)
        after = finished_points(study)
        assert_kept(before, after)
        before = after
    sweeps.run(file, study, store)
    sweeps.run(file, tmp_path / "undisturbed", store)
    whole, other = (
        sweeps.comparable(chipdse.load_study(path).points())
        for path in (study, tmp_path / "undisturbed")
    )
    pd.testing.assert_frame_equal(whole, other)
    opened = chipdse.load_study(study).folder.study
    assert len(by_evaluation(finished(opened))) == 5
    names = sweeps.parameters(study)
    assert not whole.duplicated(names).any()
