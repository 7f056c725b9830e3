"""imec.netzero beside ACT, CATCH beside Chiplet Actuary: values by hand, limits, refusals."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.described import evaluate_block
from chipdse.system.evaluate import evaluate_system, evaluate_systems
from chipdse.system.parameters import CATCH_ARRANGEMENTS, PackageParameters
from chipdse.technology.constants import Sources, load_constants
from tests.support.system_cases import block

ACT = {28: 1.22, 14: 1.43, 10: 1.64, 7: 2.16, 5: 2.59, 3: 2.96}
IMEC = {28: 0.91, 14: 0.97, 10: 1.09, 7: 1.44, 5: 1.54, 3: 1.75}


def per_area_kg_per_cm2(**package) -> float:
    """Carbon per area of the silicon of a die."""
    parts = evaluate_block(block(), PackageParameters(**package)).parts
    return float(parts.carbon.dies_kg[0] / parts.dies.area_m2[0, 0]) / 1e4


@pytest.mark.parametrize("node_nm", ACT)
def test_both_sources_of_carbon_per_area(node_nm: int) -> None:
    act, imec = (
        per_area_kg_per_cm2(node_nm=node_nm, fab_carbon=source)
        for source in ("act", "imec_netzero")
    )
    assert act == approx(ACT[node_nm], abs=0.006)
    assert imec == approx(IMEC[node_nm])
    assert 1.33 < act / imec < 1.70  # as the two sources differ


def test_the_second_source_knows_neither_grid_nor_abatement() -> None:
    clean, dirty = ({"grid_fab": "iceland", "gas_abatement": 0.99}, {"grid_fab": "coal"})
    assert per_area_kg_per_cm2(node_nm=7, **clean) < per_area_kg_per_cm2(node_nm=7, **dirty) / 2
    theirs = {"node_nm": 7, "fab_carbon": "imec_netzero"}
    assert per_area_kg_per_cm2(**theirs, **clean) == per_area_kg_per_cm2(**theirs, **dirty)


def test_catch_one_die_by_hand() -> None:
    # 10 mm x 10 mm at 7 nm: D = 0.5 /cm2 x 0.64, alpha = 2: Y = (1 + 0.32/2)^-2 = 0.74316
    area = 100e-6
    package = PackageParameters(node_nm=7, cost_model="catch")
    metrics = evaluate_system(block(area_m2=area), package)
    good = (1 + 0.32 / 2) ** -2
    assert metrics.die_yield_frac == approx(good)
    # Whole dies on 300 mm with 5 mm edge and 0.2 mm scribe lane, as for Chiplet Actuary
    pitch = (10 + 0.2) ** 2
    dies = math.pi * 290**2 / 4 / pitch - math.pi * 290 / math.sqrt(2 * pitch)
    die = 0.132219 * math.pi * 300**2 / 4 / dies
    substrate = 4 * 100 * 0.005
    machines = 0.0774598 + 0.0985851
    expected = (substrate + die / good + machines + 100 * 0.1) / 0.999
    assert metrics.cost_usd == approx(expected)


def test_catch_interposer_is_a_recursion() -> None:
    area, count = 100e-6, 4
    package = PackageParameters(
        arrangement="silicon_interposer",
        chiplets=count,
        tiles=count,
        node_nm=7,
        link="ucie_advanced",
        cost_model="catch",
    )
    parts = evaluate_block(block(area_m2=area), package).parts
    made, dies = parts.fabrication, parts.dies
    mm2 = float(dies.silicon_m2[0]) * 1e6
    modules = float(dies.modules[0, 0]) * count
    good = 0.999**count * 0.999999 ** (modules * 140)
    assert made.placement_yield[0] == approx(good)
    interposer_yield = (1 + 1.1 * mm2 * 1e-5 * 0.3 / 2) ** -2
    assert made.interposer_yield[0] == approx(interposer_yield)
    wafer = math.pi * 300**2 / 4
    die = 0.132219 * wafer / made.dies_on_wafer[0, 0] / made.die_yield[0, 0]
    interposer = 0.021905 * wafer / made.interposers_on_wafer[0]
    inner = interposer / interposer_yield + count * die
    inner = (inner + count * (0.0704180 + 0.1408359) + 0.1 * mm2) / good
    substrate = 4 * 1.1 * mm2 * 0.005 * made.layer_factor[0]
    outer = (substrate + inner + 0.0774598 + 0.0985851 + 0.1 * 1.1 * mm2) / 0.999
    assert parts.cost.recurring.total[0] == approx(outer)


@pytest.mark.slow
@given(
    st.sampled_from(CATCH_ARRANGEMENTS),
    st.integers(1, 9),
    st.floats(1e-6, 2e-4),
    st.sampled_from([3, 5, 7, 12, 45, 130]),
)
@settings(max_examples=30)
def test_parts_are_positive_and_failures_cost(
    arrangement: str, chiplets: int, area: float, node_nm: int
) -> None:
    several = 1 if arrangement == "monolithic" else max(2, chiplets)
    package = PackageParameters(
        arrangement=arrangement,
        chiplets=several,
        tiles=several,
        node_nm=node_nm,
        cost_model="catch",
    )
    recurring = evaluate_block(block(area_m2=area), package).parts.cost.recurring
    for field in dataclasses.fields(recurring):
        assert getattr(recurring, field.name)[0] >= -1e-9
    perfect = {
        "cost.catch_alignment_yield": 1.0,
        "cost.catch_bond_yield": 1.0,
        "cost.catch_defect_density": 0.0,
    }
    tables = load_constants()
    ideal = Sources.of(dataclasses.replace(tables[key], value=v) for key, v in perfect.items())
    metrics = evaluate_system(block(area_m2=area), package, ideal)
    assert metrics.cost_usd <= recurring.total[0]


def test_the_best_chiplet_count_depends_on_the_cost_model() -> None:
    """800 mm2 at 7 nm on a silicon interposer: more chiplets pay by CATCH's yields."""
    counts = (2, 4, 9, 16, 25)
    best = {}
    for model in ("chiplet_actuary", "catch"):
        packages = [
            PackageParameters(
                arrangement="silicon_interposer",
                chiplets=n,
                tiles=3600,
                node_nm=7,
                link="ucie_advanced",
                cost_model=model,
            )
            for n in counts
        ]
        costs = evaluate_systems([block(area_m2=800e-6 / 3600)], packages)["cost_usd"][0]
        best[model] = counts[int(costs.argmin())]
    assert best["chiplet_actuary"] in (2, 4)
    assert best["catch"] in (9, 16)


def test_an_arrangement_without_figures_is_refused() -> None:
    with pytest.raises(DesignError, match=r"cost_model='catch' has no figures for .*'bridge'"):
        PackageParameters(arrangement="bridge", chiplets=2, tiles=2, cost_model="catch")
