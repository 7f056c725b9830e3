"""Crystals of dies: published conductivities, their directions and their fall with temperature."""

from __future__ import annotations

import numpy as np
import pytest
from pytest import approx
from scipy.integrate import quad
from scipy.optimize import brentq

from chipdse.system.arrays.geometry import DieOutline, Geometry, layers_of, material
from chipdse.system.evaluate import evaluate_system
from chipdse.system.parameters import DIE_MATERIALS, PackageParameters
from chipdse.system.thermal.hottest import hottest_points
from chipdse.system.thermal.stack import Layer, Material, Stack, centred
from chipdse.technology.constants import Sources
from tests.support.system_cases import block

POWER_LAWS = {"gan": (213.0, 1.43), "silicon_carbide": (387.0, 1.49), "gallium_oxide": (12.13, 1.0)}
"""Conductivity at 300 K [W/m/K] and exponent of its fall, as the sources state them."""


@pytest.mark.parametrize("name", POWER_LAWS)
@pytest.mark.parametrize("kelvin", [300.0, 350.0, 400.0, 440.0])
def test_conductivity_falls_by_the_published_power(name: str, kelvin: float) -> None:
    crystal = material(name, Sources())
    at_300, exponent = POWER_LAWS[name]
    assert crystal.softening is not None
    found = crystal.conductivity_w_per_mk / float(crystal.softening.ratio(np.array(kelvin)))
    assert found == approx(at_300 * (300 / kelvin) ** exponent, rel=2e-3)


def test_crystals_conduct_by_direction() -> None:
    carbide, oxide = (material(name, Sources()) for name in ("silicon_carbide", "gallium_oxide"))
    assert carbide.xyz == approx((387.0, 387.0, 387.0 * 0.7), rel=1e-3)
    assert oxide.xyz == approx((12.13, 14.09, 24.26))


AREA_M2, COOLER_K_PER_W = 1e-4, 0.1


def slab_rise_k(name: str, thickness_m: float, power_w: float) -> float:
    """Rise of a heated plate under a slab of a crystal."""
    outline = centred("all", AREA_M2**0.5, AREA_M2**0.5)
    copper = Material(name="copper", conductivity_w_per_mk=400.0)
    stack = Stack(
        layers=(
            Layer(name="heated", thickness_m=1e-6, outline=outline, material=copper,
                  sources=(outline,)),
            Layer(name="slab", thickness_m=thickness_m, outline=outline,
                  material=material(name, Sources())),
        ),
        cooler_resistance_k_per_w=COOLER_K_PER_W,
    )  # fmt: skip
    return hottest_points(stack, np.array([[power_w]]), 45.0, cells=16)[0].rise_k


def test_a_slab_of_gallium_oxide_is_kirchhoffs_integral() -> None:
    """Heat straight through: k(T) = 24.26 · 300/T, so the flux is 24.26 · 300 ln(T1/T0) / L."""
    power_w, thickness_m = 50.0, 1e-3
    top_k = 318.15 + power_w * COOLER_K_PER_W
    bottom_k = top_k * np.exp(power_w / AREA_M2 * thickness_m / (24.26 * 300))
    found_k = slab_rise_k("gallium_oxide", thickness_m, power_w)
    assert found_k == approx(bottom_k - 318.15, rel=2e-3)


def test_a_slab_of_silicon_carbide_uses_the_conductivity_through_it() -> None:
    power_w, thickness_m = 200.0, 2e-3
    top_k, flux = 318.15 + power_w * COOLER_K_PER_W, power_w / AREA_M2

    def missing(bottom_k: float) -> float:
        through = quad(lambda t: 271.0 * (300 / t) ** 1.49, top_k, bottom_k)[0]
        return float(through - flux * thickness_m)

    bottom_k = brentq(missing, top_k, top_k + 300)
    found_k = slab_rise_k("silicon_carbide", thickness_m, power_w)
    assert found_k == approx(bottom_k - 318.15, rel=2e-3)


def test_dies_that_conduct_better_are_cooler() -> None:
    package = {"arrangement": "silicon_interposer", "chiplets": 2, "tiles": 20000}
    peak_c = {
        name: evaluate_system(
            block(), PackageParameters(die_material=name, link="ucie_advanced", **package)
        ).peak_temperature_c
        for name in DIE_MATERIALS
    }
    ordered = ["silicon_carbide", "gan", "silicon", "gan_on_silicon", "gallium_oxide"]
    assert sorted(peak_c, key=peak_c.__getitem__) == ordered


def test_an_interposer_under_another_crystal_has_its_conductivity_at_350_k() -> None:
    def interposer(die_material: str) -> Material:
        geometry = Geometry(
            arrangement="silicon_interposer",
            dies=(DieOutline(name="die", area_m2=1e-5),),
            cooling="cold_plate",
            interface_material="grease",
            spreader_material="copper",
            die_material=die_material,
            die_thickness_m=15e-5,
            spreader_side_m=0.03,
            sink_side_m=0.06,
        )
        (layer,) = (la for la in layers_of(geometry, Sources()).layers if la.name == "interposer")
        return layer.material

    assert interposer("silicon").softening is not None
    # By hand: 0.03 + 1.56e-3 · 350 + 1.65e-6 · 350² = 0.7781 cm K/W.
    assert interposer("gan").softening is None
    assert interposer("gan").conductivity_w_per_mk == approx(100 / 0.7781, rel=1e-3)


def test_a_die_colder_than_its_crystal_was_measured_is_infeasible() -> None:
    cold = PackageParameters(die_material="silicon_carbide", ambient_c=0.0)
    assert evaluate_system(block(), cold).constraints["conductivity_table_k"] > 0
    warm = PackageParameters(die_material="silicon_carbide")
    assert evaluate_system(block(), warm).constraints["conductivity_table_k"] < 0
