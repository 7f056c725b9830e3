"""How much each parameter decides, against Optuna's evaluator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, create_trial

from chipdse.report.importance import shares_of_parameters

SPACE: dict[str, BaseDistribution] = {
    "rows": IntDistribution(1, 7),
    "width": IntDistribution(1, 64, log=True),
    "vdd_v": FloatDistribution(0.5, 1.8),
    "load": FloatDistribution(1e-3, 10, log=True),
    "kind": CategoricalDistribution(["a", "b", "c"]),
    "many": IntDistribution(0, 500),
}


def trials(seed: int, count: int, space: dict[str, BaseDistribution]) -> list[FrozenTrial]:
    """Points drawn at random; one objective depends on three of the parameters."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        params: dict[str, Any] = {
            "rows": int(random.integers(1, 8)),
            "width": int(2 ** random.integers(0, 7)),
            "vdd_v": float(random.choice([0.5, 0.9, 1.0, 1.8])),
            "load": float(10.0 ** random.integers(-3, 2)),
            "kind": str(random.choice(["a", "b", "c"])),
            "many": int(random.integers(0, 501)),
        }
        params = {name: value for name, value in params.items() if name in space}
        value = params["rows"] * params.get("vdd_v", 1.0) ** 2 + (params.get("kind") == "b")
        made.append(create_trial(params=params, distributions=space, values=[float(value)]))
    return made


@pytest.mark.slow  # Optuna's package loads scikit-learn
@pytest.mark.parametrize("count", [2, 5, 24, 300])
@pytest.mark.parametrize("extended", [False, True])
def test_shares_are_those_of_optuna(count: int, extended: bool) -> None:
    """With parameters of all kinds; the second half may have a wider range."""
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    points = trials(1, count, SPACE)
    if extended:
        points += trials(2, count, SPACE | {"rows": IntDistribution(1, 9)})
    study = optuna.create_study()
    study.add_trials(points)
    points = study.get_trials()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(),
            params=list(shares_of_parameters(points, [float(t.values[0]) for t in points])),
            target=lambda trial: float(trial.values[0]),
        )
    found = shares_of_parameters(points, [float(trial.values[0]) for trial in points])
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    if count > 2:
        assert list(found)[:1] == list(expected)[:1]


def test_importance_of_twenty_points_is_that_by_hand() -> None:
    """Twenty points, of which the first two are good and have the first choice of each parameter.

    With a prior of one point, `half` has the probabilities (1/2, 1/2) everywhere and (2/3, 1/3)
    among good points, a divergence of 1/9; `most` has (9/14, 5/14) and (2/3, 1/3): 1/405.
    """
    space: dict[str, BaseDistribution] = {
        name: CategoricalDistribution(["a", "b"]) for name in ("half", "most", "fixed")
    }
    points = [
        create_trial(
            params={"half": "ab"[at // 10], "most": "ab"[at // 15], "fixed": "a"},
            distributions=space,
            values=[float(at)],
        )
        for at in range(20)
    ]
    values = [float(number) for number in range(20)]
    shares = shares_of_parameters(points, values)
    assert shares == pytest.approx({"half": 45 / 46, "most": 1 / 46})
    assert shares_of_parameters(points[:10], values[:10]) == {}
    assert shares_of_parameters([], []) == {}


def test_a_parameter_that_decides_nothing_has_a_small_share() -> None:
    points = trials(3, 400, SPACE)
    shares = shares_of_parameters(points, [float(trial.values[0]) for trial in points])
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares) == sorted(shares, key=lambda name: -shares[name])
    assert shares["rows"] + shares["vdd_v"] > 0.8 > 0.1 > shares["load"] + shares["width"]
