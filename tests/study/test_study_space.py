"""Search spaces, rules and fronts."""

import importlib.util
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from chipdse.errors import DesignError
from chipdse.study.question.rules import parse_rule
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.space import Axis, Condition, Space, read_axis
from chipdse.study.results.front import is_on_front
from chipdse.study.search.samplers import check_sampler, make_sampler
from chipdse.study.search.unrepeated import OneEach
from chipdse.study.storage.attributes import HARVESTED_FROM


def values(given: Any) -> tuple[Any, ...]:
    axis = read_axis("hardware", "x", given, "f.toml: hardware.x")
    assert isinstance(axis, Axis)
    return axis.values


def test_a_list_or_a_range_has_these_values() -> None:
    assert values([4, 2, 8]) == (2, 4, 8)
    assert values(["b", "a"]) == ("b", "a")
    assert values({"min": 1, "max": 4}) == (1, 2, 3, 4)
    assert values({"min": 4, "max": 9, "step": 2}) == (4, 6, 8)
    assert values({"min": 0.8, "max": 1.2, "step": 0.2}) == (0.8, 1.0, 1.2)
    assert values({"min": 3, "max": 20, "powers_of_two": True}) == (4, 8, 16)
    assert values({"min": 1.0, "max": 100.0, "count": 3, "log": True}) == (1.0, 10.0, 100.0)
    assert values({"min": 0.0, "max": 1.0, "count": 3}) == (0.0, 0.5, 1.0)
    assert read_axis("hardware", "x", 3, "here") == 3


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "no value"),
        ([1, 1], "repeats"),
        ([1, "a"], "mixes"),
        ([True, 1], "mixes"),
        ({"min": 4, "max": 2}, "swap"),
        ({"min": 1, "max": 2, "stepp": 1}, "unknown key"),
        ({"min": 1, "max": 2, "step": 0}, "above 0"),
        ({"min": 0.1, "max": 2.0}, "needs step or count"),
        ({"min": 5, "max": 7, "powers_of_two": True}, "no power of two"),
        ({"min": 0.0, "max": 2.0, "count": 3, "log": True}, "above 0"),
        ({"max": 2}, "min is missing"),
        ({"min": 1, "max": 1e9, "step": 1}, "larger step"),
        (float("nan"), "not finite"),
        ([[1]], "not a number"),
        ({"min": 1, "max": 8, "powers_of_two": True, "step": 2}, "leave one out"),
    ],
)
def test_bad_ranges_are_refused(given: Any, says: str) -> None:
    with pytest.raises(DesignError, match=says) as error:
        read_axis("hardware", "x", given, "f.toml: hardware.x")
    assert str(error.value).startswith("f.toml: hardware.x")


def test_a_rule_names_parameters_and_holds_as_python_says() -> None:
    rule = parse_rule("acc >= 2 * bits + clog2(rows) and rows != 3")
    assert rule.names == {"acc", "bits", "rows"}
    assert rule.holds({"acc": 19, "bits": 8, "rows": 8})
    assert not rule.holds({"acc": 18, "bits": 8, "rows": 8})
    assert not rule.holds({"acc": 99, "bits": 8, "rows": 3})
    assert parse_rule("1 < a < 4").holds({"a": 3})
    assert not parse_rule("1 < a < 4").holds({"a": 4})


@pytest.mark.parametrize(
    "text", ["__import__('os')", "a.b > 1", "a", "a +", "[a] == 1", "a ** 9 > 1", "f(a) > 1", "3"]
)
def test_rules_are_arithmetic_only(text: str) -> None:
    with pytest.raises(DesignError, match="rule"):
        parse_rule(text)


def test_a_rule_without_a_value_says_where() -> None:
    with pytest.raises(DesignError, match="a=1, b=0"):
        parse_rule("a / b > 1").holds({"a": 1, "b": 0})


def test_front_by_hand() -> None:
    points = np.array([[1.0, 5.0], [2.0, 3.0], [3.0, 3.0], [4.0, 1.0], [2.0, 3.0], [5.0, 5.0]])
    assert is_on_front(points).tolist() == [True, True, False, True, True, False]


@pytest.mark.slow
@given(
    arrays.arrays(float, st.tuples(st.integers(1, 30), st.integers(2, 4)), elements=st.floats(0, 9))
)
def test_front_is_what_the_definition_says(points: Any) -> None:
    def dominated(p: Any) -> bool:
        return any((q <= p).all() and (q < p).any() for q in points)

    assert is_on_front(points).tolist() == [not dominated(p) for p in points]


AXES = (
    Axis(group="hardware", name="a", values=(1, 2, 4)),
    Axis(group="hardware", name="b", values=("x", "y")),
    Axis(group="operating", name="c", values=(0.5, 1.0)),
    Axis(group="package", name="d", values=(False, True)),
)
SPACE = Space(
    axes=AXES,
    conditions=(
        Condition(
            names=frozenset("ab"), holds=lambda point: not (point["a"] == 1 and point["b"] == "x")
        ),
    ),
)


def objective(point: dict[str, Any]) -> tuple[float, float]:
    return point["a"] + (point["b"] == "x"), 5.0 / point["a"] + point["c"]


# Both take a second and more for each of their tests; their mathematics has tests of its own.
SLOW = ("tpe", "lattice")
CASES = [pytest.param(one, marks=pytest.mark.slow) if one in SLOW else one for one in SAMPLERS]


def run(sampler: str, trials: int, seed: int = 1) -> list[Any]:
    if sampler == "gp":
        pytest.importorskip("torch", reason="Optuna's GPSampler needs torch")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["minimize", "minimize"])
    points = []
    for number in range(trials):
        study.sampler = make_sampler(sampler, SPACE, trials, seed + number)
        trial = study.ask(SPACE.distributions())
        point = SPACE.point(trial.params)
        study.tell(trial, objective(point))
        points.append(frozenset(point.items()))
    return points


@pytest.mark.parametrize("sampler", CASES)
def test_every_sampler_proposes_every_allowed_point_once(sampler: str) -> None:
    everything = {frozenset(point.items()) for point in SPACE.points()}
    assert len(everything) == 24 - 4
    points = run(sampler, len(everything))
    assert set(points) == everything
    assert len(points) == len(everything)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", CASES)
def test_the_same_seed_proposes_the_same_points(sampler: str) -> None:
    assert run(sampler, 12) == run(sampler, 12)


def test_another_seed_proposes_other_points() -> None:
    assert run("random", 12, seed=1) != run("random", 12, seed=100)


def test_a_sampler_that_lacks_a_package_says_so() -> None:
    if importlib.util.find_spec("torch") is None:
        for asked in (lambda: make_sampler("gp", SPACE, 10, 1), lambda: check_sampler("gp")):
            with pytest.raises(DesignError, match=r"needs torch: pip install 'chipdse\[gp\]'"):
                asked()
    check_sampler("lattice")


def test_an_unknown_sampler_is_refused() -> None:
    with pytest.raises(DesignError, match="'best' is unknown; use one of auto"):
        make_sampler("best", SPACE, 10, 1)


class Looks(RandomSampler):
    """Keeps what it is shown."""

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        self.shown = [one for one in study.get_trials() if one.number != trial.number]
        return {}


def test_samplers_that_are_shown_one_trial_an_evaluation() -> None:
    """Of two evaluated points, one of them with harvest, one failed and one under way: three."""
    space, given = SPACE.part(cheap=False), SPACE.distributions()
    study = optuna.create_study(directions=["minimize", "minimize"])

    def add(number: int, **about: Any) -> None:
        params = {**space.point_at(number), "c": 0.5, "d": True}
        study.add_trial(create_trial(params=params, distributions=given, **about))

    add(1, values=[1.0, 2.0], constraints={"p": 3.0, "q": -1.0})
    add(1, values=[1.5, 1.5], user_attrs={HARVESTED_FROM: 0})
    add(2, values=[2.0, 1.0], constraints={"q": -1.0})
    add(3, state=TrialState.FAIL, user_attrs={"failure": "ToolError: it broke"})
    add(4, state=TrialState.RUNNING)
    inner = Looks(seed=1)
    study.sampler = OneEach(inner, space, 1)
    new = study.ask(space.distributions())
    assert set(new.params) == {"a", "b"}
    assert [one.params for one in inner.shown] == [space.point_at(at) for at in (1, 2, 4)]
    # The sum missed, 3, of itself and 1; the other misses nothing.
    assert [dict(one.constraints) for one in inner.shown[:2]] == [
        {"violation": 0.75},
        {"violation": 0},
    ]
    assert inner.shown[2].state == TrialState.RUNNING
