"""Temperature against others' results: exact series of layered plates, and 3D-ICE's test cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pytest import approx

from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Rectangle, Stack, centred
from tests.support.system_cases import COPPER, GREASE, layer


def compound_series(
    source: Rectangle,
    width: float,
    height: float,
    layers: Sequence[tuple[float, float]],
    film: float,
    terms: int = 300,
):
    """Mean and largest rise per watt of a rectangle on a plate of several layers.

    The rise is a sum of products of cosines; each mode sees the layers as a chain, from the film
    of the cooler upwards: ``Y' = k b (Y + k b tanh(b t)) / (k b + Y tanh(b t))`` with its wave
    number b (Muzychka, Culham and Yovanovich, Thermal spreading resistance of eccentric heat
    sources on rectangular flux channels, J. Electronic Packaging 125(2), 2003, for one layer).

    Parameters
    ----------
    source : rectangle on the first layer, anywhere on it
    width, height : of all layers, whose sides are adiabatic
    layers : (thickness, conductivity) from the source to the cooler
    film : of the cooler [W/m²/K]
    """
    m, n = np.meshgrid(np.arange(terms), np.arange(terms), indexing="ij")
    x, y = source.left_m + width / 2, source.bottom_m + height / 2
    kx, ky = m * np.pi / width, n * np.pi / height

    def mean(k: np.ndarray, start: float, length: float):
        """Mean of cos(k s) over the source."""
        safe = np.where(k == 0, 1.0, k)
        means = (np.sin(safe * (start + length)) - np.sin(safe * start)) / (safe * length)
        return np.where(k == 0, 1.0, means)

    wave = np.hypot(kx, ky)
    passes = np.full(wave.shape, film)
    for thickness, conductivity in reversed(layers):
        kb, t = conductivity * wave, np.tanh(wave * thickness)
        flat = passes / (1 + passes * thickness / conductivity)  # the mode without waves
        with np.errstate(invalid="ignore"):
            waved = kb * (passes + kb * t) / (kb + passes * t)
        passes = np.where(wave == 0, flat, waved)
    over_source = mean(kx, x, source.width_m) * mean(ky, y, source.height_m)
    weight = np.where(m == 0, 1.0, 2.0) * np.where(n == 0, 1.0, 2.0) / (width * height)
    rises = weight * over_source / passes
    places_x = np.linspace(x, x + source.width_m, 41)
    places_y = np.linspace(y, y + source.height_m, 41)
    field = np.cos(np.outer(places_x, kx[:, 0])) @ rises @ np.cos(np.outer(ky[0], places_y))
    return float((rises * over_source).sum()), float(field.max())


def test_a_uniformly_heated_plate_is_one_resistance_after_another() -> None:
    """A source on the whole plate has the uniform mode alone: layers and film in a row."""
    layers, side, film = [(1e-3, 400.0), (2e-3, 130.0)], 0.02, 5000.0
    mean, hottest = compound_series(centred("heat", side, side), side, side, layers, film)
    assert mean == approx((1e-3 / 400 + 2e-3 / 130 + 1 / film) / side**2)
    assert hottest == approx(mean)


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        Rectangle(name="heat", left_m=-0.006, bottom_m=0.001, width_m=0.004, height_m=0.003),
        Rectangle(name="heat", left_m=0.0, bottom_m=-0.006, width_m=0.006, height_m=0.012),
    ],
    ids=["off_centre", "at_the_edge"],
)
def test_a_die_on_interface_and_spreader_is_the_series(place) -> None:
    """A second judge beside HotSpot: off-centre heat on silicon, grease and copper of one size.

    Mean and hottest point of the source within 1 % of the exact solution at 40 cells across.
    """
    side, film = 0.012, 1 / (0.2 * 0.012**2)
    layers = [(0.3e-3, 130.0), (5e-5, 4.0), (2e-3, 400.0)]
    stack = Stack(
        layers=(
            layer("heated", 1e-8, side, sources=[place]),
            layer("die", 0.3e-3, side, slices=6),
            layer("grease", 5e-5, side, GREASE),
            layer("spreader", 2e-3, side, COPPER, slices=6),
        ),
        cooler_resistance_k_per_w=0.2,
    )
    solved = solve(assemble(stack, 40))
    mean, hottest = compound_series(place, side, side, layers, film)
    assert solved.average[0, 0] == approx(mean, rel=0.01)
    assert solved.peak_rise(np.ones(1))[0] == approx(hottest, rel=0.01)


# Kelvin, as printed: github.com/esl-epfl/3d-ice at bb462f1, test/solid/steady/output_top.txt,
# output_bottom.txt and output_both.txt, for topsink.stk, bottomsink.stk and bothsink.stk beside
# them with background.flp and four_elements.flp. Sridhar et al., 3D-ICE, ICCAD 2010.
ICE = {
    "top": (0.1, np.inf, 307.821, 310.008),
    "bottom": (1e12, 0.1, 307.441, 310.388),
    "both": (0.1, 0.1, 303.745, 305.004),
}


@pytest.mark.slow
@pytest.mark.parametrize("sink", ICE)
def test_two_dies_are_those_of_3d_ice(sink) -> None:
    """Two dies of 50 um, face outwards, 50 W spread on one and 2 x 12.5 W in squares of the other.

    The heat transfer coefficient of 1e5 W/m²K on 10 x 10 mm is 0.1 K/W to 300 K. The two cells of
    50 x 200 um whose temperatures are printed are sources without power here. The largest
    difference is 0.009 K, of rises of 4 to 10 K.
    """
    side = 0.01

    def part(name: str, left: float, bottom: float, width: float, height: float):
        return Rectangle(
            name=name,
            left_m=left - side / 2,
            bottom_m=bottom - side / 2,
            width_m=width,
            height_m=height,
        )

    whole = part("whole", 0, 0, side, side)
    squares = [
        part("sw", 0, 0, side / 2, side / 2),
        part("ne", side / 2, side / 2, side / 2, side / 2),
    ]
    first, second = part("first", 5e-3, 4.8e-3, 5e-5, 2e-4), part("second", 0, 0, 5e-5, 2e-4)
    cooler, board, first_k, second_k = ICE[sink]
    stack = Stack(
        layers=(
            layer("bottom source", 2e-6, side, sources=[whole, first]),
            layer("bottom die", 48e-6, side),
            layer("top die", 48e-6, side),
            layer("top source", 2e-6, side, sources=[*squares, second]),
        ),
        cooler_resistance_k_per_w=cooler,
        board_resistance_k_per_w=board,
    )
    solved = solve(assemble(stack, 50))
    watts = {"whole": 50.0, "sw": 12.5, "ne": 12.5}
    rises = solved.rise(np.array([watts.get(name, 0.0) for name in solved.sources]))
    kelvin = dict(zip(solved.sources, 300 + rises, strict=True))
    assert kelvin["first"] == approx(first_k, abs=0.01)
    assert kelvin["second"] == approx(second_k, abs=0.01)
