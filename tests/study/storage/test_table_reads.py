"""Tables of points are read from SQLite without Optuna, and equal what Optuna reads."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import shutil
import sqlite3
from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.distributions import json_to_distribution
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState

from chipdse.errors import MachineError
from chipdse.report.importance import importance
from chipdse.study.results.points import front_table, points_table, row_of, rows_of
from chipdse.study.storage import table_reads
from chipdse.study.storage.fast_reads import SqlStorage
from chipdse.study.storage.folder import open_study
from chipdse.study.storage.table_reads import SCHEMA, TABLES, counted_trials, study_attributes
from chipdse.study.storage.trials import finished
from tests.study.test_study_complete import database, fill
from tests.support.report_cases import make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 90 points, some of which failed or miss a limit."""
    path = tmp_path_factory.mktemp("tables") / "study"
    make_study(path, 90, on_disk=True)
    return path


@pytest.fixture
def changed(folder: Path, tmp_path: Path) -> Path:
    """A copy of the study that may be changed."""
    return Path(shutil.copytree(folder, tmp_path / "study"))


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path / "study.db")) as connection, connection:
        connection.execute(statement)


def metric_texts(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path / "study.db")) as connection:
        question = "select value_json from trial_user_attributes where key = 'metrics'"
        return [text for (text,) in connection.execute(question)]


@pytest.mark.slow
def test_the_tables_are_optunas(tmp_path: Path) -> None:
    fill(database(tmp_path))
    storage = RDBStorage(database(tmp_path))
    assert {"alembic_version", *models.BaseModel.metadata.tables} == TABLES
    assert storage.get_head_version() == SCHEMA


@pytest.mark.slow
def test_points_and_front_equal_those_of_optuna(folder: Path) -> None:
    study = open_study(folder)
    assert study.database is not None
    table = points_table(study)
    assert "_opened" not in vars(study)  # Optuna did not open it
    expected = rows_of(study.sweep, finished(study.study))
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert set(table["state"]) == {"feasible", "infeasible", "failed"}
    front, count = front_table(study)
    on_front = expected[expected["on_front"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(front, on_front, check_exact=True)
    assert (count, len(front) > 1) == (90, True)
    row = row_of(study, 3)
    assert row == {k: v for k, v in expected.to_dict("records")[3].items() if k != "on_front"}
    assert row_of(study, 90) is None


@pytest.mark.slow
def test_the_objectives_alone_are_read_without_metrics(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They equal those of the whole table; metrics are only read of points without objectives."""
    study, decoded = open_study(folder), []
    expected = points_table(study)
    goals = [objective.metric for objective in study.sweep.objectives]
    read = table_reads._decoded
    monkeypatch.setattr(table_reads, "_decoded", lambda text: (decoded.append(text), read(text))[1])
    table = points_table(study, every_metric=False)
    assert not decoded
    points_table(study)
    assert set(decoded) == set(metric_texts(folder))
    assert set(goals) <= set(table.columns) < set(expected.columns)
    pd.testing.assert_frame_equal(table, expected[table.columns], check_exact=True)


def test_importance_is_that_of_optunas_trials(folder: Path) -> None:
    study = open_study(folder)
    found = importance(study)
    assert "_opened" not in vars(study)  # Optuna did not open it
    assert found == importance(dataclasses.replace(study, database=None))
    assert len(found) > 1


@pytest.mark.slow
def test_trials_of_every_kind_equal_those_of_optuna(tmp_path: Path) -> None:
    study, _ = fill(database(tmp_path))
    kinds = {
        "text": optuna.distributions.CategoricalDistribution(["one", "two"]),
        "flag": optuna.distributions.CategoricalDistribution([False, True]),
        "whole": optuna.distributions.IntDistribution(1, 64, log=True),
        "real": optuna.distributions.FloatDistribution(0.5, 2.5),
    }
    retried = study.ask()
    retried.set_user_attr("failure", "ToolError: “名前”")
    study.tell(retried, state=TrialState.FAIL)
    study.enqueue_trial({"rows": 8}, user_attrs={"retry_of": retried.number})
    trial = study.ask(kinds)
    trial.set_constraint("limit", 0.25)
    trial.set_user_attr("metrics", {"rows": 8, "speed": math.inf, "delay": 5e-324})
    study.tell(trial, [math.inf] * len(study.directions))
    interrupted = study.ask()
    study.tell(interrupted, state=TrialState.FAIL)
    study.ask()
    read = counted_trials(tmp_path / "study.db", study.study_name)
    assert read is not None
    storage = SqlStorage(database(tmp_path))
    expected = finished(optuna.load_study(study_name=study.study_name, storage=storage))
    assert [one.number for one in read[0]] == [one.number for one in expected]
    assert read[1] == len(expected) >= 3
    for one, other in zip(read[0], expected, strict=True):
        assert one.state.name == other.state.name
        assert one.params == other.params
        assert list(map(type, one.params.values())) == list(map(type, other.params.values()))
        assert one.values == list(other.values or [])
        ranges = {name: json_to_distribution(text) for name, text in one.distributions.items()}
        assert ranges == other.distributions
        assert list(one.constraints.items()) == list(other.constraints.items())
        assert one.user_attrs == {key: other.user_attrs[key] for key in one.user_attrs}
        assert one.user_attrs.get("metrics") == other.user_attrs.get("metrics")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("drop table trial_heartbeats", "lacks the table trial_heartbeats"),
        ("update study_user_attributes set value_json = '{'", "cannot be opened: Expecting"),
    ],
)
def test_another_file_is_left_to_optuna(changed: Path, statement: str, words: str) -> None:
    name = open_study(changed).name
    change(changed, statement)
    assert study_attributes(changed / "study.db", name) is None
    with pytest.raises(Exception, match=words):
        open_study(changed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update trials set datetime_start = 'yesterday' where number = 4", "Invalid isoformat"),
        ("update trial_values set value_type = 'odd' where trial_id = 4", "odd"),
        ("update trial_user_attributes set value_json = '{' where trial_id = 4", "Expecting"),
        ("delete from trial_params where trial_id = 4", "has lost its"),
    ],
)
def test_damaged_trials_are_refused(changed: Path, statement: str, words: str) -> None:
    change(changed, statement)
    with pytest.raises(MachineError, match=words):
        points_table(open_study(changed))


def test_tables_of_another_version_are_read_by_optuna(changed: Path) -> None:
    study = open_study(changed)
    expected = points_table(study)
    change(changed, "update alembic_version set version_num = 'v9'")
    assert counted_trials(changed / "study.db", study.name) is None
    change(changed, f"update alembic_version set version_num = '{SCHEMA}'")
    pd.testing.assert_frame_equal(points_table(study), expected)
