"""Draws computed stage by stage are those of every draw of every system evaluated in full."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from chipdse.system.arrays.carbon import carbon_of, carbon_terms, grid_values
from chipdse.system.arrays.columns import BlockPoints, PackageColumns, TypicalLeakages
from chipdse.system.arrays.dies import dies_of
from chipdse.system.arrays.fabrication import fabrication_of
from chipdse.system.metrics import SystemColumns
from chipdse.system.parameters import PackageParameters
from chipdse.system.ranges import factored
from chipdse.system.ranges.draws import Systems
from chipdse.system.ranges.factored import blocks_of, values_of
from chipdse.system.ranges.inputs import sample
from chipdse.system.ranges.statistics import interval
from chipdse.technology.constants import Sources
from chipdse.technology.own_figures import read_own_table
from tests.support.fuzzing.examples import examples
from tests.support.system_cases import block

METRICS = tuple(
    field.name
    for field in dataclasses.fields(SystemColumns)
    if field.name not in ("embodied_low_kgco2e", "embodied_high_kgco2e")
)
PACKAGES = (
    PackageParameters(tiles=20000, node_nm=7, grid_use="50 g/kWh (40 to 80)"),
    PackageParameters(tiles=20000, node_nm=16, fab_carbon="imec_netzero", gas_abatement=0.99),
    PackageParameters(arrangement="organic", chiplets=2, tiles=20000, memory_dies=1,
                      memory_area_m2=5e-5, memory_technology="hbm2e", link="bow"),
    PackageParameters(arrangement="silicon_interposer", chiplets=2, tiles=20000,
                      link="ucie_advanced", grid_fab="ontario", cost_model="catch"),
    PackageParameters(arrangement="stack_hybrid", chiplets=2, tiles=20000, link="ucie_3d"),
    PackageParameters(arrangement="glass", chiplets=2, tiles=20000, link="ucie_advanced"),
)  # fmt: skip
RANGES = {
    "cost.wafer_price.n7": "9000 USD (6000 to 12000)",
    "cost.defect_density.n14": "0.2 /cm2 (0.1 to 0.3)",
    "cost.edge_loss": "5 mm (4 to 6)",
    "cost.tsv_pitch": "10 um (8 to 12)",
    "cost.reticle_area": "858 mm2 (2 to 858)",
    "carbon.fab_energy.n7": "2.15 kWh/cm2 (1.5 to 3)",
    "links.energy_to_16.ucie_advanced": "0.25 pJ/b (0.2 to 0.3)",
    "memory.device_energy.hbm2e": "3.9 pJ/b (3 to 5)",
    "cost.glass_price": "0.04 USD/mm2 (0.002 to 0.05)",
    "grids.intensity.taiwan": "642 g/kWh (400 to 700)",
}


def systems(chosen: list[int], ranged: list[str], *, error: bool, typical: bool) -> Systems:
    blocks = [block(leakage_power_w=2e-4, dynamic_power_w=2e-3 * (1 + n / 9)) for n in chosen]
    points = BlockPoints.of(blocks)
    if typical:
        usual = {
            "power_w": 0.5 * points.leakage_power_w,
            "temperature_c": points.temperature_c,
            "powers_w": 0.5 * points.leakage_powers_w,
        }
        points = dataclasses.replace(points, typical=TypicalLeakages(**usual))
    case = Systems.of(
        points,
        PackageColumns.of([PACKAGES[n] for n in chosen]),
        given=read_own_table({key: RANGES[key] for key in ranged}, ""),
    )
    if error:
        size = len(chosen)
        case = dataclasses.replace(
            case, error_low=np.full(size, -0.2), error_high=np.linspace(0.1, 0.3, size)
        )
    return case


@pytest.mark.slow
@given(
    st.lists(st.integers(0, len(PACKAGES) - 1), min_size=1, max_size=6),
    st.lists(st.sampled_from(sorted(RANGES)), max_size=3, unique=True),
    st.booleans(),
    st.booleans(),
)
@examples(8)
def test_stage_by_stage_is_draw_by_draw(
    chosen: list[int], ranged: list[str], error: bool, typical: bool
) -> None:
    case = systems(chosen, ranged, error=error, typical=typical)
    inputs = case.inputs()
    shares = sample(inputs, 64)
    full, allowed = case.values(inputs, shares, METRICS)
    fast, feasible = values_of(case, inputs, shares, METRICS)
    assert (allowed == feasible).all()
    for name in METRICS:
        assert fast[name] == approx(full[name], rel=1e-9, nan_ok=True), name


@pytest.mark.slow
def test_every_range_reaches_a_metric() -> None:
    """Each constant of the test above changes some metric of some package, or a limit."""
    for key in RANGES:
        assert any(reaches(key, package) for package in range(len(PACKAGES))), key


def reaches(key: str, package: int) -> bool:
    case = systems([package], [key], error=False, typical=False)
    inputs = [each for each in case.inputs() if key in {c.key for c in each.constants}]
    if not inputs:
        return False
    values, feasible = values_of(case, inputs, sample(inputs, 64), METRICS)
    changed = any(np.ptp(values[name], axis=0).max() > 0 for name in METRICS)
    return changed or bool(np.ptp(feasible.astype(int), axis=0).max() > 0)


def test_carbon_is_linear_in_grids_and_abatement() -> None:
    packages = PackageColumns.of(
        [dataclasses.replace(each, gas_abatement=0.96, grid_design="france") for each in PACKAGES]
    )
    blocks, sources = BlockPoints.of([block()] * len(PACKAGES)), Sources()
    dies = dies_of(blocks, packages, sources)
    fabrication = fabrication_of(packages, dies, sources)
    terms = carbon_terms(packages, dies, fabrication, sources)
    fab, design = (
        grid_values(packages.choices[n], sources)[0] for n in ("grid_fab", "grid_design")
    )
    stated = carbon_of(packages, dies, fabrication, sources)
    assert terms.at(fab, np.float64(0.96), design) == approx(stated.embodied_kg, rel=1e-12)


@pytest.mark.slow
def test_systems_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is some systems of one link and arrangement; together they are each system once."""
    case = systems([0, 3, 0, 4, 3, 0, 0], [], error=True, typical=False)
    inputs = case.inputs()
    shares = sample(inputs, 64)
    whole, _ = values_of(case, inputs, shares, METRICS)
    monkeypatch.setattr(factored, "_VALUES", 128)
    blocks = list(blocks_of(case, inputs, shares, METRICS))
    assert max(len(each.systems) for each in blocks) == 2
    assert sorted(np.concatenate([each.systems for each in blocks])) == list(range(7))
    parts, _ = values_of(case, inputs, shares, METRICS)
    for name in METRICS:
        assert (parts[name] == whole[name]).all()


def test_ends_of_the_sources_ranges_are_evaluated_in_full() -> None:
    case = systems([0, 1], [], error=False, typical=False)
    inputs = case.inputs()
    shares, names = sample(inputs, 64), ["embodied_low_kgco2e", "embodied_kgco2e"]
    assert np.isfinite(values_of(case, inputs, shares, names)[0][names[0]]).all()


@pytest.mark.slow
@given(st.lists(st.floats(-1e9, 1e9), min_size=64, max_size=200), st.floats(0.1, 0.99))
def test_interval_is_that_of_numpy(values: list[float], coverage: float) -> None:
    column = np.array(values)[:, None]
    low, high = interval(column, coverage)
    tail = (1 - coverage) / 2
    expected = np.quantile(column[:, 0], [tail, 1 - tail])
    assert (low[0], high[0]) == approx(tuple(expected), rel=1e-9, abs=1e-6)
    column[3] = np.nan
    assert np.isnan(interval(column)[0][0]) and np.isnan(interval(column)[1][0])
