"""Trials are written as Optuna would write them, all or none."""

from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from chipdse.study.storage.fast_writes import ask, complete
from chipdse.study.storage.finish import FinishedTrial

DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "rows": IntDistribution(1, 8, log=True),
    "vdd_v": FloatDistribution(0.6, 1.8),
    "cooling": CategoricalDistribution(["air", "water"]),
}
PROPOSED = FinishedTrial(
    params={"vdd_v": 1.2, "cooling": "water"},
    values=[1e-12, float("inf")],
    attributes={"metrics": {"power_w": 0.5}, "seconds": 2.0},
    constraints={"timing": -0.25, "reticle": 0.5},
)
HARVESTED = [
    FinishedTrial(
        params={"rows": 4, "vdd_v": vdd_v, "cooling": "air"},
        values=[vdd_v, 1 / vdd_v],
        attributes={"origin": "harvested"},
        constraints={"worst": -1.0},
    )
    for vdd_v in (0.6, 0.9, 1.8)
]


def study(storage: Any) -> optuna.Study:
    return optuna.create_study(storage=storage, directions=["minimize", "maximize"])


def database(folder: Path) -> str:
    return f"sqlite:///{folder / 'study.db'}"


def fill(storage: Any) -> tuple[optuna.Study, int]:
    made = study(storage)
    for rows in (2, 4):  # another trial stays under way
        made.enqueue_trial({"rows": rows})
    _, trial = (made.ask({"rows": DISTRIBUTIONS["rows"]}) for _ in range(2))
    complete(made, trial._trial_id, PROPOSED, HARVESTED, DISTRIBUTIONS)
    return made, trial._trial_id


def seen(made: optuna.Study) -> list[Any]:
    return [
        (t.number, t.state, t.params, t.distributions, t.values, t.user_attrs, t.constraints)
        for t in made.get_trials()
    ]


@pytest.mark.slow
def test_a_database_holds_what_optuna_would_have_written(tmp_path: Path) -> None:
    by_optuna, _ = fill(None)  # in memory: Optuna's own calls
    by_us, _ = fill(database(tmp_path))
    expected = seen(by_optuna)
    assert [one[0] for one in expected] == [0, 1, 2, 3, 4]
    assert expected[1][1] == TrialState.COMPLETE
    assert expected[1][2] == {"rows": 4, "vdd_v": 1.2, "cooling": "water"}
    assert seen(by_us) == expected
    again = optuna.load_study(storage=database(tmp_path), study_name=by_us.study_name)
    assert seen(again) == expected
    times = [t.datetime_complete for t in again.get_trials() if t.state.is_finished()]
    running = again.get_trials()[0]
    assert all(running.datetime_start <= time for time in times if time is not None)


@pytest.mark.slow
def test_a_failed_trial_is_finished_too(tmp_path: Path) -> None:
    made = study(database(tmp_path))
    trial = made.ask({"rows": DISTRIBUTIONS["rows"]})
    complete(made, trial._trial_id, FinishedTrial(attributes={"failure": "no"}), [], DISTRIBUTIONS)
    only = made.get_trials()[0]
    assert (only.state, only.user_attrs, only.values) == (TrialState.FAIL, {"failure": "no"}, None)


@pytest.mark.slow
def test_a_trial_is_finished_once(tmp_path: Path) -> None:
    made, trial_id = fill(database(tmp_path))
    before = seen(made)
    with pytest.raises(UpdateFinishedTrialError):
        complete(made, trial_id, PROPOSED, HARVESTED, DISTRIBUTIONS)
    assert seen(made) == before


@pytest.mark.slow
def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    made = study(RDBStorage(database(tmp_path)))
    trial = made.ask({"rows": DISTRIBUTIONS["rows"]})
    wrong = FinishedTrial(params={"rows": 4}, values=[0.0, object()], attributes={})  # type: ignore[list-item]
    with pytest.raises(Exception, match="object"):
        complete(made, trial._trial_id, PROPOSED, [*HARVESTED, wrong], DISTRIBUTIONS)
    assert [t.state for t in made.get_trials()] == [TrialState.RUNNING]
    complete(made, trial._trial_id, PROPOSED, HARVESTED, DISTRIBUTIONS)
    assert [t.number for t in made.get_trials()] == [0, 1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("fixed", [{}, {"rows": 4}], ids=["drawn", "enqueued"])
def test_a_proposed_trial_is_the_one_that_optuna_would_propose(
    tmp_path: Path, fixed: dict[str, Any]
) -> None:
    opened = []
    for name, propose in (("by_optuna", optuna.Study.ask), ("by_us", ask)):
        storage = RDBStorage(f"sqlite:///{tmp_path / name}.db")
        made = optuna.create_study(storage=storage, sampler=RandomSampler(seed=1))
        made.enqueue_trial(fixed)
        trials = [propose(made, DISTRIBUTIONS) for _ in range(2)]
        assert [trial.params for trial in trials] == [trial.params for trial in made.get_trials()]
        trials[0].set_user_attr("driver", name)  # the storage is the trial's again
        opened.append(made)
    by_optuna, by_us = (
        [(t.number, t.state, t.params, t.distributions, t.system_attrs) for t in made.get_trials()]
        for made in opened
    )
    assert by_us == by_optuna
    assert opened[1].get_trials()[0].user_attrs == {"driver": "by_us"}


@pytest.mark.slow
def test_the_parameters_of_a_trial_are_one_transaction(tmp_path: Path) -> None:
    storage = RDBStorage(database(tmp_path))
    made = study(storage)
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement.split()[0])

    sqlalchemy.event.listen(storage.engine, "before_cursor_execute", note)
    sqlalchemy.event.listen(storage.engine, "commit", lambda connection: statements.append("END"))
    counts = []
    for distributions in ({}, DISTRIBUTIONS):
        statements.clear()
        ask(made, distributions)
        transactions = [one.split() for one in " ".join(statements).split("END")]
        counts.append(sum("INSERT" in one for one in transactions))
    assert counts[1] == counts[0] + 1


def test_other_storages_are_asked_as_ever() -> None:
    made = study(None)
    assert set(ask(made, DISTRIBUTIONS).params) == set(DISTRIBUTIONS)
    assert set(made.get_trials()[0].params) == set(DISTRIBUTIONS)
