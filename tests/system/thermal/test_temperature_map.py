"""The map of a die: even power is the even die's, and heat lies where the power is."""

from __future__ import annotations

import numpy as np
import pytest

from chipdse.system.arrays.temperature import geometry_of
from chipdse.system.described import evaluate_block
from chipdse.system.parameters import PackageParameters
from chipdse.system.temperature_map import temperature_maps
from chipdse.system.thermal.stack import Rectangle
from chipdse.technology.constants import Sources
from tests.support.system_cases import block

SIDE_M = 4e-3


def halves(power_w: tuple[float, float]):
    """A die of 16 mm² of which each half has a power, and its geometry."""
    package = PackageParameters(die_overhead_frac=0.0, tiles=1)
    evaluation = evaluate_block(block(area_m2=SIDE_M**2), package)
    geometry = geometry_of(evaluation.columns, evaluation.parts.dies, 0)
    assert geometry.dies[0].area_m2 == pytest.approx(SIDE_M**2)
    rectangles = [
        Rectangle(
            name=str(left), left_m=left, bottom_m=-SIDE_M / 2, width_m=SIDE_M / 2, height_m=SIDE_M
        )
        for left in (-SIDE_M / 2, 0.0)
    ]
    (die,) = temperature_maps(geometry, [rectangles], [np.array(power_w)], Sources())
    return die, geometry


@pytest.mark.slow
def test_power_in_halves() -> None:
    even, _ = halves((1.0, 1.0))
    assert even.hotspot_k == pytest.approx(0.0, abs=1e-9 * even.even_peak_k)
    assert even.rise_k == pytest.approx(even.rise_k[:, ::-1], rel=1e-9)
    left, _ = halves((2.0, 0.0))
    right, _ = halves((0.0, 2.0))
    assert left.even_peak_k == pytest.approx(even.even_peak_k)
    assert left.hotspot_k > 0
    assert left.rise_k.argmax(axis=1).max() < left.rise_k.shape[1] / 2
    # The equations are linear: both halves together are the even die.
    assert left.rise_k + right.rise_k == pytest.approx(2 * even.rise_k, rel=1e-9)
    assert left.x_m[[0, -1]] == pytest.approx([-SIDE_M / 2, SIDE_M / 2])
    assert left.rise_k.shape == (len(left.y_m) - 1, len(left.x_m) - 1)


@pytest.mark.slow
def test_each_of_two_dies() -> None:
    package = PackageParameters(arrangement="organic", chiplets=2, tiles=2)
    evaluation = evaluate_block(block(area_m2=SIDE_M**2), package)
    geometry = geometry_of(evaluation.columns, evaluation.parts.dies, 0)
    half = float(np.sqrt(geometry.dies[0].area_m2)) / 2
    whole = Rectangle(name="w", left_m=-half, bottom_m=-half, width_m=2 * half, height_m=2 * half)

    def maps(*watts: float):
        powers = [np.array([each]) for each in watts]
        return temperature_maps(geometry, [[whole], [whole]], powers, Sources())

    left, right = maps(1.0, 1.0)
    assert left.rise_k == pytest.approx(right.rise_k[:, ::-1], rel=1e-6)  # they mirror each other
    assert left.x_m[[0, -1]] == pytest.approx([-half, half])
    hot, cold = maps(2.0, 0.0)
    assert hot.rise_k.min() > cold.rise_k.max()
    assert hot.hotspot_k == pytest.approx(0.0, abs=1e-9 * hot.even_peak_k)
    other, _ = maps(0.0, 2.0)
    assert hot.rise_k + other.rise_k == pytest.approx(2 * left.rise_k, rel=1e-9)
