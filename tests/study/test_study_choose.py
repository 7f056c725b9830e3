"""Picking a point: worked by hand, and refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.question.goals import Objective
from chipdse.study.results.choose import best, knee

SWEEP: Any = SimpleNamespace(
    objectives=(
        Objective(metric="energy_per_op_j", minimize=True),
        Objective(metric="throughput_ops_per_s", minimize=False),
    )
)
# Scaled to the front's range the distances to the ideal are 1, sqrt(0.1² + 0.5²) = 0.51 and 1.
TABLE = pd.DataFrame(
    {
        "trial": [3, 4, 5, 9],
        "state": ["feasible", "feasible", "feasible", "infeasible"],
        "on_front": [True, True, True, False],
        "energy_per_op_j": [1.0, 1.1, 2.0, 0.1],
        "throughput_ops_per_s": [10.0, 15.0, 20.0, 90.0],
        "cost_usd": [3.0, 2.0, 1.0, 0.5],
    }
)


def test_knee_is_nearest_to_the_ideal() -> None:
    assert knee(SWEEP, TABLE) == 4


def test_best_takes_the_objective_its_own_way_and_only_feasible_points() -> None:
    assert best(SWEEP, TABLE, "energy_per_op_j") == 3
    assert best(SWEEP, TABLE, "throughput_ops_per_s") == 5
    assert best(SWEEP, TABLE, "energy_per_op_j:max") == 5
    assert best(SWEEP, TABLE, "cost_usd:min") == 5


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("cost_usd", "write cost_usd:min or cost_usd:max"),
        ("cost_usd:least", "write cost_usd:min or cost_usd:max"),
        ("cost_us", "did you mean 'cost_usd'"),
        ("state", "'state' is not a metric"),
    ],
)
def test_unclear_requests_are_refused(metric: str, says: str) -> None:
    with pytest.raises(DesignError, match=says):
        best(SWEEP, TABLE, metric)


def test_without_a_feasible_point_there_is_nothing_to_pick() -> None:
    table = TABLE.assign(state="failed", on_front=False)
    for pick in (lambda: knee(SWEEP, table), lambda: best(SWEEP, table, "cost_usd:min")):
        with pytest.raises(InfeasibleError, match="no feasible point"):
            pick()
