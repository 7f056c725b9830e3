"""Systems far outside what can be built: constraints say so; no number is wrong or a warning."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from pytest import approx

from chipdse.errors import DesignError
from chipdse.report.pictures import package as package_picture
from chipdse.report.pictures.package import draw_package
from chipdse.report.pictures.package_parts import cost_parts
from chipdse.stages.operate import Corner, Job, operate
from chipdse.system.arrays.temperature import geometry_of, operator_for
from chipdse.system.described import evaluate_block
from chipdse.system.evaluate import evaluate_system
from chipdse.system.models import yields
from chipdse.system.parameters import PackageParameters
from tests.support.system_cases import block


def test_a_die_larger_than_the_wafer_has_no_cost() -> None:
    found = evaluate_system(block(), PackageParameters(tiles=10_000_000))  # 0.2 m²
    assert found.constraints["reticle"] > 0
    assert np.isnan([found.cost_usd, found.embodied_kgco2e, found.total_kgco2e]).all()
    assert found.throughput_ops_per_s == approx(1e16)


def test_dies_that_all_fail_have_no_cost() -> None:
    """Poisson at 0.13 m²: exp(-A·D) is below what a difference from 1 can hold."""
    for bonding in ("die", "wafer"):
        package = PackageParameters(
            arrangement="stack_hybrid",
            chiplets=2,
            tiles=10_000_000,
            yield_law="poisson",
            stack_bonding=bonding,
            link="ucie_3d",
            link_transfers_per_s=4e9,
        )
        found = evaluate_system(block(area_m2=1e-6), package)
        assert found.die_yield_frac == 0.0 and np.isnan(found.cost_usd)


def test_tiny_yields_keep_their_digits() -> None:
    assert yields.tested_good(1e-30, 1.0) == approx(1e-30)
    assert yields.outgoing_quality(1e-30, yields.tested_good(1e-30, 1.0)) == approx(1.0)
    assert yields.tested_good(0.8, 0.5) == approx(1 - 0.2 * 0.5)
    assert np.isnan(yields.dies_per_wafer(0.09, 0.3, 5e-3, 0.2e-3))


def test_what_does_not_leak_does_not_run_away() -> None:
    """A thousand kelvins, at which the library's leakage, continued, is beyond all numbers."""
    hot = block(dynamic_power_w=50.0, leakage_power_w=0.0)
    hot = dataclasses.replace(
        hot, leakage_temperatures_c=(25.0, 26.0), leakage_powers_w=(1e-5, 2e-5)
    )
    found = evaluate_system(hot, PackageParameters(tiles=200))
    assert found.constraints["runaway"] == 0 and found.leakage_power_w == 0
    assert found.constraints["temperature_k"] > 1000 and found.power_w == approx(1e4)


def test_a_link_of_ones_own_needs_figures() -> None:
    package = PackageParameters(arrangement="organic", chiplets=2, tiles=20000, link="custom")
    with pytest.raises(DesignError, match=r"link='custom' comes without figures; give them in"):
        evaluate_system(block(), package)
    alone = evaluate_system(block(), PackageParameters(tiles=1000, link="custom"))
    assert alone.link_power_w == 0 and alone.power_w > 0


LOOKED_INTO = {
    "a few gates": (block(area_m2=6.6e-10), {}),
    "one transistor": (block(area_m2=1e-13), {}),
    "larger than a wafer": (block(area_m2=1e-7), {"tiles": 10_000_000}),
    "fused": (block(dynamic_power_w=10.0), {"tiles": 20_000_000 // 2}),
    "runs away": (
        block(
            leakage_power_w=1e-3, leakage_temperatures_c=(25.0, 125.0), leakage_powers_w=(1e-3, 2.0)
        ),
        {"arrangement": "organic", "chiplets": 2, "tiles": 20000},
    ),
    "no link fits": (
        block(area_m2=2.5e-8),  # its edge of 0.16 mm is shorter than a module of the link
        {
            "arrangement": "silicon_interposer",
            "chiplets": 2,
            "tiles": 2,
            "memory_dies": 4,
            "link": "ucie_advanced",
        },
    ),
    "coarser than any table": (block(node_nm=2000.0), {}),
    "hotter than silicon": (block(temperature_c=300.0), {}),
}


# Their pictures take seconds: a small die in a large package needs a fine mesh.
SLOW = ("no link fits", "one transistor")
CASES = [
    pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in LOOKED_INTO
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_what_is_scored_can_be_looked_into(case, tmp_path: Path) -> None:
    """The same figures, NaN included, and a picture: also where no limit of a real die holds."""
    measured, values = LOOKED_INTO[case]
    package = PackageParameters(**values)
    scored, opened = evaluate_system(measured, package), evaluate_block(measured, package)
    assert (scored.constraints.get("link_edge", 0) > 0) == (case == "no link fits")
    for field in dataclasses.fields(scored):
        value = getattr(scored, field.name)
        same = approx(value, nan_ok=True) if isinstance(value, float | dict) else value
        assert getattr(opened.metrics, field.name) == same, field.name
    if np.isfinite(scored.cost_usd):
        assert sum(cost_parts(opened).values()) == approx(scored.cost_usd + scored.nre_usd)
    draw_package(opened, tmp_path / "package.svg")
    assert (tmp_path / "package.svg").stat().st_size > 10_000


def test_temperatures_that_are_equal_in_five_digits_have_one_colour() -> None:
    low, high = package_picture.colour_span(45.6359866785, 45.6359866805)
    assert (low, high) == approx((45.63099, 45.64099), abs=1e-5)
    assert package_picture.colour_span(40.0, 40.5) == (40.0, 40.5)


def test_points_of_a_harvest_are_checked_as_single_ones() -> None:
    """A leakage table with a 0 in it: `BlockMetrics` refuses it, and so does `operate`."""
    corner = Corner(
        vdd_v=1.8, temperature_c=25.0, critical_path_s=1e-9, worst_hold_slack_s=0.0,
        internal_energy_j={"combinational": 1e-12}, switching_energy_j={"combinational": 1e-12},
        leakage_w={"combinational": 1e-9, "sequential": 0.0}, leakage_temperatures_c=(25.0, 125.0),
        leakage_powers_w=(0.0, 1e-6), cell_count=1, sequential_count=0, area_m2=1e-10,
        annotated_frac=1.0,
    )  # fmt: skip
    job = Job(op_count=1, cycle_count=1, io_bits_per_op=1.0, node_nm=130.0)
    points = (np.zeros(1, dtype=np.int64), np.array([np.nan]), np.ones(1), job)
    with pytest.raises(DesignError, match="needs ascending temperatures and powers > 0"):
        operate([corner], *points)
    right = dataclasses.replace(corner, leakage_powers_w=(1e-9, 1e-6))
    assert operate([right], *points).metrics_at(0).leakage_powers_w == (1e-9, 1e-6)
    negative = dataclasses.replace(right, switching_energy_j={"combinational": -1e-11})
    with pytest.raises(DesignError, match="block dynamic_power_w=.* must be finite and >= 0"):
        operate([negative], *points)


def test_a_layer_of_dies_is_one_map_of_temperature() -> None:
    # The mesh cuts silicon into slices; the picture shows the hottest of them.
    opened = evaluate_block(block(), PackageParameters(tiles=64))
    geometry = geometry_of(opened.columns, opened.parts.dies, 0)
    operator = operator_for(geometry, opened.sources).fine
    slices = [operator.network.stack.layers[i].sources for i in operator.network.slice_layer]
    assert sum(map(bool, slices)) > 1
    rise = operator.cell_rise(np.ones(len(operator.sources)))
    (shown,) = package_picture._shown_slices(rise, operator)
    cells = operator.network.cell[shown]
    assert (
        rise[cells[cells >= 0]].max() == rise[np.concatenate(operator.network.source_cells)].max()
    )
