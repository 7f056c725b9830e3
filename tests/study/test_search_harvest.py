"""Harvest: what comes from arrays is what one evaluation at a time gives, and enters once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

import chipdse
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.store.store import Store
from chipdse.study.harvest.cheap import CheapPoints, CheapSpace
from chipdse.study.question.space import Axis, Condition, Space
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.results.front import knee_of
from chipdse.study.storage.attributes import HARVESTED_FROM
from chipdse.study.storage.trials import by_evaluation, finished
from tests.support import kernels
from tests.support import small_sweep as sweeps
from tests.support.metric_columns import metric_columns

SWEEP = """
block = "mac_array"
rules = ["tiles >= 100 * columns", "(arrangement == 'monolithic') == (chiplets == 1)"]
[hardware]
rows = 1
columns = [1, 2]
operand_bits = 2
accumulator_bits = [4, 10]       # 4 bits overflow: these points fail
signed = false
[workload]
length = 32
depth = 8
[library]
name = "sky130"
[operating]
vdd_v = [0.6, 1.0, 1.8]
temperature_c = [25.0, 85.0]
clock_frac = [0.5, 1.0]
[package]
node_nm = [65.0, 130.0]
tiles = [100, 200000]
arrangement = ["monolithic", "organic"]
chiplets = [1, 2]
link_transfers_per_s = 4e9
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
cost_usd = "minimize"
[limits]
peak_temperature_c = { max = 70 }
vdd_v = { max = 1.5 }
[search]
trials = 4
sampler = "random"
"""


def read(folder: Path, text: str = SWEEP) -> Sweep:
    file = folder / "small.toml"
    file.write_text(text)
    return read_sweep(file)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = kernels.lend(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIPDSE_CACHE", str(folder))
        yield Store(root=folder / "stages")


EXPENSIVE: dict[str, Any] = {"columns": 2, "accumulator_bits": 10}


@pytest.fixture(scope="module")
def harvested(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Sweep, CheapSpace, CheapPoints]:
    """Every cheap point around one netlist."""
    sweep = read(tmp_path_factory.mktemp("sweep"))
    cheap = CheapSpace.of(sweep)
    numbers = cheap.numbers(EXPENSIVE)
    design = sweep.template.design({**EXPENSIVE, **cheap.part.point_at(int(numbers[0]))})
    _, hardware = build_hardware(design, store)
    points = cheap.evaluate(
        EXPENSIVE,
        design,
        numbers,
        lambda points: corners_of(design, hardware, store, points),
        lambda one: job_of(one, hardware),
    )
    return sweep, cheap, points


@pytest.mark.tools
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_arrays_equal_single_evaluations(
    harvested: tuple[Sweep, CheapSpace, CheapPoints], store: Store, data: Any
) -> None:
    sweep, cheap, points = harvested
    row = data.draw(st.integers(0, len(points.numbers) - 1))
    point = {**EXPENSIVE, **cheap.part.point_at(int(points.numbers[row]))}
    alone = evaluate(sweep.template.design(point), store)
    columns = points.metrics.flat()
    for name, value in alone.flat().items():
        np.testing.assert_array_equal(columns[name][row], value, err_msg=name)
    for name, amount in alone.constraints().items():
        assert points.constraints[name][row] == (1.0 if np.isnan(amount) else amount)
    assert points.estimated[row] == (alone.system.evidence == "estimated")


@pytest.mark.tools
def test_cheap_points_are_those_the_rules_leave(
    harvested: tuple[Sweep, CheapSpace, CheapPoints],
) -> None:
    sweep, cheap, points = harvested
    found = {tuple(cheap.part.point_at(int(number)).items()) for number in points.numbers}
    names = cheap.part.names
    expected = {
        tuple((name, point[name]) for name in names)
        for point in sweep.space.points()
        if point["columns"] == 2 and point["accumulator_bits"] == 10
    }
    assert found == expected
    assert len(expected) == 3 * 2 * 2 * 2 * 2  # two tiles x two arrangements, less 100 tiles


@pytest.mark.tools
def test_the_local_front_is_what_the_definition_says(
    harvested: tuple[Sweep, CheapSpace, CheapPoints],
) -> None:
    _, _, points = harvested
    feasible = points.violation <= 0
    assert 0 < feasible.sum() < len(feasible)
    values = points.objectives[feasible]
    beaten = [(((values <= one).all(1)) & ((values < one).any(1))).any() for one in values]
    expected = set(points.numbers[feasible][~np.array(beaten)])
    assert set(points.local_front().numbers) == expected


def cheap_points(objectives: list[list[float]], violation: list[float]) -> CheapPoints:
    return CheapPoints(
        numbers=np.arange(len(objectives)),
        metrics=metric_columns(len(objectives)),
        constraints={"limit": np.array(violation)},
        estimated=np.zeros(len(objectives), dtype=bool),
        objectives=np.array(objectives),
    )


def test_with_no_feasible_point_the_least_violating_are_kept() -> None:
    points = cheap_points([[1, 9], [9, 1], [9, 9], [0, 0]], [0.5, 0.5, 0.5, 0.7])
    assert points.local_front().numbers.tolist() == [0, 1]


def test_points_without_a_value_are_left_out() -> None:
    points = cheap_points([[1, np.nan], [5, 5]], [0, 0])
    assert points.local_front().numbers.tolist() == [1]
    with pytest.raises(chipdse.errors.InfeasibleError, match="none of 1 supplies"):
        cheap_points([[1, np.nan]], [0]).local_front()


def test_the_knee_is_nearest_to_the_best_of_everything() -> None:
    assert knee_of(np.array([[0.0, 100.0], [1.0, 10.0], [5.0, 0.0]])) == 1


@pytest.mark.tools
def test_a_stopped_sweep_goes_on_and_nothing_enters_twice(store: Store, tmp_path: Path) -> None:
    read(tmp_path)
    for trials in (2, 4):
        study = sweeps.here(tmp_path / "small.toml", tmp_path / "study", trials=trials)
    trials = finished(study.folder.study)
    groups = by_evaluation(trials)
    assert len(groups) == 4
    failed = [group for group in groups if group[0].state == TrialState.FAIL]
    assert [len(group) for group in failed] == [1, 1]  # one trial each, though its front is lost
    assert all(set(group[0].params) == set(EXPENSIVE) for group in failed)
    seen = [tuple(one.params.items()) for one in trials if one.state == TrialState.COMPLETE]
    assert len(set(seen)) == len(seen) > 10
    for group in groups:
        assert HARVESTED_FROM not in group[0].user_attrs
        assert all(one.user_attrs["origin"] == "harvested" for one in group[1:])
    table = study.points()
    assert len(table) == len(trials)
    assert (table["origin"] == "proposed").sum() == 4
    one = table[(table["state"] == "feasible") & (table["columns"] == 2)].iloc[0]
    names = study.folder.sweep.space.names
    point = study.folder.sweep.space.point({name: one[name] for name in names})
    alone = evaluate(study.folder.sweep.template.design(point), store)
    assert one["energy_per_op_j"] == alone.system.energy_per_op_j
    best = optuna.load_study(storage=study.folder.storage.optuna, study_name="study").best_trials
    assert {trial.number for trial in best} == set(study.front()["trial"])


@pytest.mark.tools
def test_a_space_too_large_is_sampled_and_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipdse.study.harvest.cheap.CHEAP_LIMIT", 20)
    cheap = CheapSpace.of(read(tmp_path))
    assert cheap.is_sampled
    numbers = cheap.numbers(EXPENSIVE)
    assert 0 < len(numbers) <= 20
    assert numbers.tolist() == CheapSpace.of(read(tmp_path)).numbers(EXPENSIVE).tolist()
    whole = cheap.part.allowed_among(np.arange(cheap.part.size), EXPENSIVE)
    assert set(numbers) < set(whole)


def axis(group: str, name: str) -> st.SearchStrategy[Axis]:
    values = st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True).map(sorted)
    return values.map(lambda found: Axis(group=group, name=name, values=tuple(found)))


@pytest.mark.slow
@given(
    st.tuples(axis("hardware", "a"), axis("operating", "b"), axis("hardware", "c")),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_both_parts_together_are_the_space(
    axes: tuple[Axis, ...], least_sum: int, most_product: int
) -> None:
    conditions = (
        Condition(names=frozenset("ab"), holds=lambda p: p["a"] + p["b"] >= least_sum),
        Condition(names=frozenset("ac"), holds=lambda p: p["a"] * p["c"] <= most_product),
        Condition(names=frozenset("b"), holds=lambda p: p["b"] != 3),
    )
    space = Space(axes=axes, conditions=conditions)
    expensive, cheap = space.part(cheap=False), space.part(cheap=True)
    every = [one for one in map(space.point_at, range(space.size)) if space.allowed(one)]
    assert list(space.points()) == every
    found = []
    for point in expensive.points():
        own = cheap.allowed_among(np.arange(cheap.size), point)
        assert len(own)  # only points around which something is allowed are proposed
        found += [{**point, **cheap.point_at(int(number))} for number in own]
    key = lambda point: tuple(sorted(point.items()))  # noqa: E731
    assert sorted(map(key, found)) == sorted(map(key, every))
    assert all(space.point_at(space.number_of(point)) == point for point in every)


def test_harvest_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="search.harvest = 'no'; write true or false"):
        read(tmp_path, SWEEP + 'harvest = "no"\n')
    assert read(tmp_path).harvests
    plain = read(tmp_path, SWEEP + "harvest = false\n")
    assert not plain.harvests
    assert plain.proposed_space.size == plain.space.size
