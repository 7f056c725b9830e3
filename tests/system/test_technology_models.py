"""Node scaling and narrow wires."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.models import scaling
from chipdse.system.restated import wire_resistivity as interconnect
from chipdse.technology.constants import Sources, load_constants


def test_delay_factor_by_hand() -> None:
    # 130 nm at 1.2 V: -76.65·1.728 + 334.9·1.44 - 493.4·1.2 + 275.8
    expected = -76.65 * 1.728 + 334.9 * 1.44 - 493.4 * 1.2 + 275.8
    assert scaling.factor("delay", "n130", 1.2, Sources()) == approx(expected)


def test_energy_shrinks_from_130_to_7() -> None:
    moved = scaling.scale("energy", 1.0, ("n130", 1.2), ("hp7", 0.7), Sources())
    assert 0.001 < moved < 0.05


@given(st.sampled_from(["delay", "energy", "power"]), st.floats(0.7, 1.2))
def test_there_and_back(quantity: str, vdd: float) -> None:
    there = scaling.scale(quantity, 3.0, ("n65", vdd), ("hp14", 0.8), Sources())
    back = scaling.scale(quantity, there, ("hp14", 0.8), ("n65", vdd), Sources())
    assert back == approx(3.0)


def test_area_is_the_table() -> None:
    assert scaling.scale_area(1e-6, 130, 7, Sources()) == approx(0.0092e-6)


@pytest.mark.parametrize(
    ("quantity", "flavour", "vdd", "message"),
    [
        ("delay", "n5", 0.7, "node 'n5' is not one of n180"),
        ("delay", "n180", 2.5, "outside the supplies for which the delay of 'n180'"),
        ("energy", "n130", 0.2, "outside the supplies"),
        ("noise", "n130", 1.2, "quantity 'noise' is not one of"),
    ],
)
def test_scaling_refuses(quantity: str, flavour: str, vdd: float, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        scaling.factor(quantity, flavour, vdd, Sources())


COPPER = {"bulk_ohm_m": 2.2e-8, "mean_free_path_m": 39e-9, "specularity": 0.52, "reflection": 0.43}


def test_wide_wires_are_bulk() -> None:
    assert interconnect.wire_resistivity(**COPPER, width_m=1e-3) == approx(2.2e-8, rel=1e-3)


@given(st.floats(10e-9, 1e-6), st.floats(1.05, 3))
def test_narrow_wires_resist_more(width: float, ratio: float) -> None:
    narrow = interconnect.wire_resistivity(**COPPER, width_m=width)
    wide = interconnect.wire_resistivity(**COPPER, width_m=width * ratio)
    assert narrow > wide > 2.2e-8


def test_local_wires_match_the_published_figure() -> None:
    """NS-Cache takes 6.0 µΩ·cm for local copper at 14 nm and below: about 25 nm wide lines."""
    published = load_constants()["materials.resistivity.copper_scaled"].value
    widths = np.array([20e-9, 32e-9])
    narrow, wide = interconnect.wire_resistivity(**COPPER, width_m=widths)
    assert wide < published < narrow


def test_surface_scattering_by_hand() -> None:
    # 3/8 · 2e-8 · 0.5 · 40 nm / 20 nm
    assert interconnect.surface_scattering(2e-8, 40e-9, 0.5, 20e-9) == approx(0.75e-8)
