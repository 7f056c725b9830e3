"""Trials read with plain queries are those that Optuna reads."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from chipdse.study.storage import fast_reads as sql_storage
from chipdse.study.storage.fast_reads import SqlStorage
from tests.study.test_study_complete import database, fill


@pytest.fixture
def both(tmp_path: Path) -> tuple[SqlStorage, RDBStorage]:
    """A file with trials of every state, and of a second study, open twice."""
    made, _ = fill(database(tmp_path))
    made.enqueue_trial({"rows": 8}, user_attrs={"retry_of": 3})
    failed = made.ask()
    failed.set_user_attr("failure", "ToolError: “名前”")
    made.tell(failed, state=TrialState.FAIL)
    other = optuna.create_study(storage=database(tmp_path), study_name="single")
    other.optimize(lambda trial: trial.report(2.5, 1) or trial.suggest_float("x", 0, 1), 3)
    return SqlStorage(database(tmp_path)), RDBStorage(database(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("states", [None, (TrialState.COMPLETE, TrialState.WAITING)])
@pytest.mark.parametrize("study", [1, 2])
def test_all_trials_are_optunas(
    both: tuple[SqlStorage, RDBStorage], study: int, states: object
) -> None:
    ours, theirs = (one.get_all_trials(study, states=states) for one in both)
    assert ours == theirs and len(ours) >= 3
    for one, other in zip(ours, theirs, strict=True):
        assert vars(one) == vars(other)
        assert list(one.params) == list(other.params)


@pytest.mark.few_cases(5)
@pytest.mark.slow
@pytest.mark.parametrize("listed", [500, 0])
@pytest.mark.parametrize(("unfinished", "after"), [({1}, 4), ({1, 5}, 2), (set(), 3), ({2}, 99)])
def test_new_and_unfinished_trials_are_optunas(
    both: tuple[SqlStorage, RDBStorage],
    unfinished: set[int],
    after: int,
    listed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sql_storage, "LISTED", listed)
    ours, theirs = (one._get_trials(1, None, set(unfinished), after) for one in both)
    assert ours == theirs


@pytest.mark.slow
def test_a_study_that_is_not_there_is_refused(both: tuple[SqlStorage, RDBStorage]) -> None:
    for one in both:
        with pytest.raises(KeyError):
            one.get_all_trials(7)
