"""Rows and columns of a table of points by the words of a user."""

from __future__ import annotations

import operator
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.results.select import matching, sorted_by, with_columns

UNITS = {"vdd_v": "V", "speed_ops_per_s": "MAC/s", "energy_per_op_j": "J/MAC"}
TABLE = pd.DataFrame(
    {
        "trial": [0, 1, 2, 3],
        "vdd_v": [0.9, 1.2, 1.8, float("nan")],
        "speed_ops_per_s": [2e9, 3e9, 4e12, 1e12],
        "energy_per_op_j": [1e-12, 2e-12, 5e-12, 5e-12],
        "drain": [True, False, True, False],
        "wires": ["none", "placed", "placed", None],
        "stages": [None, 2, "auto", 3],
    }
)


@pytest.mark.parametrize(
    ("condition", "trials"),
    [
        ("vdd_v <= 1.2", [0, 1]),
        ("vdd_v<=900mV", [0]),
        ("vdd_v != 1.2", [0, 2]),  # what is not known satisfies nothing
        ("speed_ops_per_s > 1 TMAC/s", [2]),
        ("speed_ops_per_s >= 3e9", [1, 2, 3]),
        ("energy_per_op_j = 5pJ/MAC", [2, 3]),
        ("energy_per_op_j < 2 pJ", [0]),
        ("drain = true", [0, 2]),
        ("drain != true", [1, 3]),
        ("wires == placed", [1, 2]),
        ("stages >= 2", [1, 3]),
        ("stages = auto", [2]),
    ],
)
def test_a_condition_chooses_rows(condition: str, trials: list[int]) -> None:
    assert matching(TABLE, [condition], UNITS)["trial"].tolist() == trials


@pytest.mark.slow
@given(
    st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
    st.sampled_from(["trial", "speed_ops_per_s", "energy_per_op_j"]),
    st.sampled_from([0, 2, 3e9, 5e-12]),
)
def test_numbers_are_compared_as_python_does(sign: str, name: str, value: float) -> None:
    compare: Any = {
        **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
        **{"=": operator.eq, "!=": operator.ne},
    }[sign]
    expected = [
        trial for trial, number in enumerate(TABLE[name].tolist()) if compare(number, value)
    ]
    if not expected:
        with pytest.raises(InfeasibleError, match=f"no point satisfies .*{name} is from"):
            matching(TABLE, [f"{name} {sign} {value!r}"], UNITS)
        return
    assert matching(TABLE, [f"{name} {sign} {value!r}"], UNITS)["trial"].tolist() == expected


def test_conditions_are_joined_and_the_empty_one_is_named() -> None:
    assert matching(TABLE, ["vdd_v > 1", "drain = true"], UNITS)["trial"].tolist() == [2]
    with pytest.raises(InfeasibleError, match=r"'drain = false': drain is one of true"):
        matching(TABLE, ["wires = placed", "vdd_v > 1.5", "drain = false"], UNITS)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("vdd_v", "is not a condition; write e.g."),
        ("< 3", "is not a condition"),
        ("vdd <= 1", "'vdd' is not a column; did you mean 'vdd_v'"),
        ("vdd_v <= low", "'low' is not a number; write one, or with its unit, V"),
        ("vdd_v <= 3 kg", "'3 kg' is not a number"),
        ("wires > 3", "'wires' has no numbers; use = or !="),
        ("drain < 1", "'drain' has no numbers"),
    ],
)
def test_a_wrong_condition_is_explained(condition: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        matching(TABLE, [condition], UNITS)


def test_rows_are_sorted_and_columns_chosen() -> None:
    assert sorted_by(TABLE, "speed_ops_per_s")["trial"].tolist() == [0, 1, 3, 2]
    assert sorted_by(TABLE, "energy_per_op_j", descending=True)["trial"].tolist() == [2, 3, 1, 0]
    assert sorted_by(TABLE, "wires")["trial"].tolist() == [3, 0, 1, 2]
    assert sorted_by(TABLE, "stages")["trial"].tolist()[:2] == [1, 3]
    assert list(with_columns(TABLE, ["wires", "trial"]).columns) == ["wires", "trial"]
    for wrong, message in ((["wire"], "did you mean 'wires'"), (["wires", "wires"], "twice")):
        with pytest.raises(DesignError, match=message):
            with_columns(TABLE, wrong)
    with pytest.raises(DesignError, match="--sort: 'speed' is not a column"):
        sorted_by(TABLE, "speed")
