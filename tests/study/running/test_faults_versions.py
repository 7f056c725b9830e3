"""Drivers and workers of different versions, and an interruption of a second evaluation."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import chipdse
from chipdse.errors import MachineError
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage import fingerprint, kept_fingerprint
from chipdse.study.storage.fingerprint import parts_of
from chipdse.study.storage.folder import kept_in
from tests.study.test_study_fingerprint import edit, here, verilog
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.tools


class Interrupted(Executor):
    """Ctrl-C after so many points."""

    def __init__(self, points: int) -> None:
        self._left = points

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.exhaustive
def test_an_interrupted_re_evaluation_goes_on(tmp_path: Path) -> None:
    """A smaller budget too: every old point is evaluated again, and only new ones are shown."""
    folder = verilog(tmp_path / "p")
    here(folder, trials=4)
    edit(folder)
    arguments = {"study": folder / "study", "store": folder / "store", "workers": 1,
                 "report": False, "progress": False}  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        chipdse.sweep(folder / "sweep.toml", executor=Interrupted(2), re_evaluate=True, **arguments)
    assert len(chipdse.load_study(folder / "study").points()) == 2
    table = here(folder, trials=1).points()
    assert len(table) == 4 and not table.duplicated(["WIDTH", "clock_frac"]).any()
    fresh = sweeps.here(folder / "sweep.toml", folder / "fresh", store=folder / "cold").points()
    pd.testing.assert_frame_equal(
        sweeps.comparable(table), sweeps.comparable(fresh), check_dtype=False
    )


class Overtaken(Executor):
    """While a point is evaluated, another driver evaluates the study again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        study = chipdse.load_study(self._folder / "study").folder
        kept = kept_in(study.study.user_attrs)
        assert kept is not None
        other = fingerprint.Fingerprint(identity="f" * 12, parts=kept.parts)
        kept_fingerprint._write(study.storage.optuna, study.study._study_id, other, outdate=True)
        return future


def test_a_driver_of_the_old_version_stops_and_writes_nothing(tmp_path: Path) -> None:
    folder = verilog(tmp_path / "p")
    with pytest.raises(MachineError, match="another driver evaluates this study again"):
        chipdse.sweep(
            folder / "sweep.toml",
            study=folder / "study",
            store=folder / "store",
            executor=Overtaken(folder),
            workers=1,
            report=False,
            progress=False,
        )
    assert chipdse.load_study(folder / "study").points().empty


def test_a_worker_with_other_versions_is_refused(tmp_path: Path) -> None:
    from chipdse.study.running.outcome import evaluate_point

    folder = verilog(tmp_path / "p")
    plan = read_sweep(folder / "sweep.toml")
    driver = parts_of(plan) | {"tool pyosys": "0.1", "block counter.v": "0"}
    with pytest.raises(MachineError, match=r"a worker on .* counter\.v, pyosys \(0\.1, now "):
        evaluate_point(plan, {"WIDTH": 2, "clock_frac": 1.0}, tmp_path / "store", driver)
