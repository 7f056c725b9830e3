"""Derived metrics: computed as by hand, refused in one line, and used as any other metric."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pytest import approx

from chipdse.errors import DesignError
from chipdse.metrics import Basis
from chipdse.study.question.derived import derived_columns, evidence_in
from chipdse.study.question.sweep_file import Sweep, read_sweep
from tests.support import kernels, programs
from tests.support import small_sweep as sweeps
from tests.support.small_sweep import call

DERIVED = """
[derived]
ops_per_j = "1 / energy_per_op_j"
speed_per_area = { expression = "throughput_ops_per_s / area_mm2", unit = "op/s/mm2" }
area_mm2 = "block_area_m2 * 1e6"
"""


def read(folder: Path, derived: str, text: str = sweeps.SWEEP) -> Sweep:
    file = folder / "derived.toml"
    file.write_text(text + derived)
    return read_sweep(file)


def column(folder: Path, expression: str, **values: object) -> list[float]:
    sweep = read(folder, f'[derived]\nnumber = "{expression}"')
    given = {name: np.array(value, dtype=float) for name, value in values.items()}
    return list(derived_columns(sweep.derived, given)["number"])


def test_columns_by_hand(tmp_path: Path) -> None:
    assert column(tmp_path, "power_w / tiles + columns", power_w=[6, 9], tiles=[2, 3], columns=1) \
        == [4, 4]  # fmt: skip
    assert column(tmp_path, "max(power_w, 2) - min(cost_usd, 1)", power_w=[1, 3], cost_usd=[0, 5]) \
        == [2, 2]  # fmt: skip
    assert column(tmp_path, "(power_w > 2 and power_w < 4) * cost_usd", power_w=[1, 3, 5],
                  cost_usd=[7, 7, 7]) == [0, 7, 0]  # fmt: skip
    assert column(tmp_path, "clog2(tiles) + tiles // 4 + tiles % 4", tiles=[1, 5, 8]) == [1, 5, 5]
    assert column(tmp_path, "-abs(power_w)", power_w=[-2, 2]) == [-2, -2]


def test_what_has_no_value_is_nan(tmp_path: Path) -> None:
    values = column(tmp_path, "power_w / cost_usd", power_w=[1, 0, 1], cost_usd=[0, 0, 2])
    assert np.isnan(values[:2]).all() and values[2] == 0.5


def test_fixed_parameters_are_numbers_too(tmp_path: Path) -> None:
    # depth = 8 is fixed in the file; volume has its default, a million systems
    assert column(tmp_path, "power_w * depth", power_w=[2]) == [16]
    assert column(tmp_path, "nre_usd * volume", nre_usd=[2]) == [2e6]


def test_evidence_is_that_of_the_weakest_part(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        '[derived]\narea = "2 * block_area_m2"\ncost = "area * total_cost_usd"\nn = "2 * tiles"',
    )
    kind = {
        name: evidence_in(sweep.derived, name, "estimated", Basis()) for name in ("area", "cost")
    }
    assert kind == {"area": "measured", "cost": "estimated"}
    assert evidence_in(sweep.derived, "cost", "modelled", Basis()) == "modelled"
    assert evidence_in(sweep.derived, "area", "modelled", Basis(cells="modelled")) == "modelled"
    assert evidence_in(sweep.derived, "n", "estimated", Basis()) == "input"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('power_w = "2 * cost_usd"', "the name 'power_w' is taken"),
        ('columns = "2 * cost_usd"', "the name 'columns' is taken"),
        ('trial = "2 * cost_usd"', "the name 'trial' is taken"),
        ('min = "2 * cost_usd"', "the name 'min' is taken"),
        ('"a b" = "2 * cost_usd"', "'a b' is not a name"),
        ('a = "2 * costusd"', "'costusd' is not a metric or a number of this sweep"),
        ('a = "b + cost_usd"\nb = "cost_usd"', "'b' is not a metric"),
        ('a = "a + cost_usd"', "'a' is not a metric"),
        ('a = "cost_usd > 1"', "is a condition or compares text"),
        ("a = \"cost_usd * (values == 'x')\"", "is a condition or compares text"),
        ('a = "1 + 1"', "names no metric"),
        ('a = "cost_usd ** 9"', "uses more than"),
        ('a = "cost_usd.real"', "uses more than"),
        ('a = "abs(cost_usd, power_w)"', "has no value"),
        (f'a = "{"9" * 400} * cost_usd"', "has no value"),
        ('a = "min()" ', "names no metric"),
        ("a = 3", "is not an expression"),
        ('a = { expression = "cost_usd", units = "x" }', "'units' is not known here"),
        ('a = { expression = "cost_usd", unit = 1 }', "must be text"),
        ('a = "cost_usd +"', "is not an expression"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DesignError) as error:
        read(tmp_path, f"[derived]\n{line}\n")
    assert message in str(error.value) and "derived" in str(error.value)
    assert len(str(error.value)) < 1200


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("harvest", [True, False])
def test_objectives_and_limits(warm_store: Path, tmp_path: Path, harvest: bool) -> None:
    text = sweeps.SWEEP.replace('energy_per_op_j = "minimize"', 'ops_per_j = "maximize"')
    text = text.replace('block_area_m2 = "minimize"', 'area_mm2 = "minimize"')
    text = text.replace("harvest = false", f"harvest = {str(harvest).lower()}")
    limits = DERIVED.replace("speed_per_area =", "later =").replace("/ area_mm2", "/ block_area_m2")
    text += limits + "[limits]\nlater = { min = 1.0 }\narea_mm2 = { max = 0.002 }\n"
    file = sweeps.sweep_file(tmp_path, text)
    study = tmp_path / "study"
    if harvest:  # by worker processes, to which the expressions are sent
        sweeps.run(file, study, warm_store)
    else:
        sweeps.here(file, study, store=warm_store / "stages")
    points = json.loads(call("front", study, "--all", "--json").stdout)
    assert any(point["on_front"] for point in points)
    for point in points:
        assert point["ops_per_j"] == approx(1 / point["energy_per_op_j"])
        assert point["area_mm2"] == approx(point["block_area_m2"] * 1e6)
        assert point["later"] == approx(point["throughput_ops_per_s"] / point["block_area_m2"])
        missed = "area_mm2 <= 0.002" in point["violations"]
        assert missed == (point["area_mm2"] > 0.002)
    best = max((p for p in points if p["state"] == "feasible"), key=lambda p: p["ops_per_j"])
    assert best["on_front"]


@pytest.mark.tools
def test_what_is_finite_nowhere_is_named(warm_store: Path, tmp_path: Path) -> None:
    text = sweeps.SWEEP.replace('energy_per_op_j = "minimize"', 'endless = "minimize"')
    text = text.replace("harvest = false", "harvest = true").replace("trials = 24", "trials = 1")
    text += '[derived]\nendless = "energy_per_op_j / (depth - depth)"\n'
    done = programs.chipdse(
        *("sweep", sweeps.sweep_file(tmp_path, text), "--study", tmp_path / "study"),
        environment=os.environ | {"CHIPDSE_CACHE": str(kernels.lend(warm_store))},
        code=1,
    )
    assert "[derived] endless is finite in none of them" in done.stderr
