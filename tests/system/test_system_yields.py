"""Yield laws, wafers, test and assembly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from chipdse.system.models import yields
from chipdse.system.parameters import PackageParameters

MM2 = 1e-6


def test_negative_binomial_by_hand() -> None:
    # A = 100 mm², D = 0.1 /cm², α = 2: A·D = 0.1, Y = 1.05**-2
    assert yields.yield_negative_binomial(100 * MM2, 1000.0, 2.0) == approx(1.05**-2)


def test_murphy_by_hand() -> None:
    # A·D = 1: ((1 - 1/e) / 1)²
    assert yields.yield_murphy(1e-4, 1e4) == approx((1 - math.exp(-1)) ** 2)
    assert yields.yield_murphy(0.0, 1e4) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("law", yields.YIELD_LAWS.values(), ids=yields.YIELD_LAWS)
@given(area_mm2=st.floats(1, 800), defects_per_cm2=st.floats(0.01, 1), larger=st.floats(1.01, 3))
def test_a_law_gives_a_share_that_falls_with_area_and_defects(
    law: yields.YieldLaw, area_mm2: float, defects_per_cm2: float, larger: float
) -> None:
    area_m2, defects_per_m2 = area_mm2 * MM2, defects_per_cm2 * 1e4
    share = law(area_m2, defects_per_m2, 10.0)
    assert 0 < law(larger * area_m2, defects_per_m2, 10.0) < share < 1
    assert law(area_m2, larger * defects_per_m2, 10.0) == approx(
        law(larger * area_m2, defects_per_m2, 10.0)
    )


@pytest.mark.parametrize("name", yields.YIELD_LAWS)
def test_every_law_is_a_choice_of_a_package(name: str) -> None:
    assert PackageParameters(yield_law=name).yield_law == name


@given(st.floats(0, 5))
def test_many_clusters_are_poisson(defects: float) -> None:
    clustered = yields.yield_negative_binomial(1.0, defects, 1e8)
    assert clustered == approx(yields.yield_poisson(1.0, defects), rel=1e-6)


@given(st.floats(1e-3, 5))
def test_laws_are_ordered(defects: float) -> None:
    """Clustering helps: Poisson <= Murphy <= the law with one cluster parameter."""
    poisson, murphy = yields.yield_poisson(1.0, defects), yields.yield_murphy(1.0, defects)
    assert poisson <= murphy + 1e-12 <= yields.yield_negative_binomial(1.0, defects, 1.0) + 1e-9


@given(st.floats(0.1, 800), st.floats(1.01, 3))
def test_larger_dies_yield_less(area_mm2: float, ratio: float) -> None:
    small, large = area_mm2 * MM2, ratio * area_mm2 * MM2
    for law in (yields.yield_poisson, yields.yield_murphy):
        assert law(large, 1000.0) < law(small, 1000.0)


def test_dies_per_wafer_by_hand() -> None:
    # 100 mm² with 0.2 mm scribe: A' = 10.2² = 104.04; π·145²/A' - π·290/√(2·A')
    expected = math.pi * 145**2 / 104.04 - math.pi * 290 / math.sqrt(2 * 104.04)
    assert yields.dies_per_wafer(100 * MM2, 0.3, 5e-3, 0.2e-3) == approx(expected)


def test_perfect_test_passes_the_good_ones() -> None:
    assert yields.tested_good(0.8, 1.0) == approx(0.8)
    assert yields.outgoing_quality(0.8, yields.tested_good(0.8, 1.0)) == approx(1.0)


def test_no_test_passes_all() -> None:
    assert yields.tested_good(0.8, 0.0) == 1.0
    assert yields.outgoing_quality(0.8, yields.tested_good(0.8, 0.0)) == approx(0.8)


def test_assembly_by_hand() -> None:
    # 2 dies at 0.999, 1000 bonds at 0.999999
    found = yields.assembly_yield(2, 1000, 1e-4, 0.999, 0.999999)
    assert found == approx(0.999**2 * 0.999999**1000)


def test_arrays_and_numbers_agree() -> None:
    areas = np.array([1.0, 50.0, 800.0]) * MM2
    for law in (yields.yield_poisson, yields.yield_murphy):
        assert law(areas, 900.0) == approx([law(a, 900.0) for a in areas])


@pytest.mark.parametrize("area_mm2", [0.1, 1, 100, 858])
def test_from_tiny_to_reticle(area_mm2: float) -> None:
    assert 0 < yields.yield_negative_binomial(area_mm2 * MM2, 1100.0, 10.0) < 1
    assert yields.dies_per_wafer(area_mm2 * MM2, 0.3, 5e-3, 0.2e-3) > 40
