"""Systems far outside what can be built: constraints say so; no number is wrong or a warning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pytest import approx
from system_cases import block

from chipdse.errors import DesignError
from chipdse.system import yields
from chipdse.system.evaluate import evaluate_system
from chipdse.system.parameters import PackageParameters


def test_a_die_larger_than_the_wafer_has_no_cost():
    found = evaluate_system(block(), PackageParameters(tiles=10_000_000))  # 0.2 m²
    assert found.constraints["reticle"] > 0
    assert np.isnan([found.cost_usd, found.embodied_kgco2e, found.total_kgco2e]).all()
    assert found.throughput_ops_per_s == approx(1e16)


def test_dies_that_all_fail_have_no_cost():
    """Poisson at 0.13 m²: exp(-A·D) is below what a difference from 1 can hold."""
    for bonding in ("die", "wafer"):
        package = PackageParameters(
            arrangement="stack_hybrid", chiplets=2, tiles=10_000_000, yield_law="poisson",
            stack_bonding=bonding, link="ucie_3d", link_transfers_per_s=4e9,
        )  # fmt: skip
        found = evaluate_system(block(area_m2=1e-6), package)
        assert found.die_yield_frac == 0.0 and np.isnan(found.cost_usd)


def test_tiny_yields_keep_their_digits():
    assert yields.tested_good(1e-30, 1.0) == approx(1e-30)
    assert yields.outgoing_quality(1e-30, 1.0) == approx(1.0)
    assert yields.tested_good(0.8, 0.5) == approx(1 - 0.2 * 0.5)
    assert np.isnan(yields.dies_per_wafer(0.09, 0.3, 5e-3, 0.2e-3))


def test_what_does_not_leak_does_not_run_away():
    """A thousand kelvins, at which the library's leakage, continued, is beyond all numbers."""
    hot = block(dynamic_power_w=50.0, leakage_power_w=0.0)
    hot = dataclasses.replace(
        hot, leakage_temperatures_c=(25.0, 26.0), leakage_powers_w=(1e-5, 2e-5)
    )
    found = evaluate_system(hot, PackageParameters(tiles=200))
    assert found.constraints["runaway"] == 0 and found.leakage_power_w == 0
    assert found.constraints["temperature_k"] > 1000 and found.power_w == approx(1e4)


def test_a_link_of_ones_own_needs_figures():
    package = PackageParameters(arrangement="organic", chiplets=2, tiles=20000, link="custom")
    with pytest.raises(DesignError, match=r"link='custom' comes without figures; give them in"):
        evaluate_system(block(), package)
    alone = evaluate_system(block(), PackageParameters(tiles=1000, link="custom"))
    assert alone.link_power_w == 0 and alone.power_w > 0
