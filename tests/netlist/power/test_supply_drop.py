"""Drop of the supply over a resistive grid."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.power.supply_drop import supply_drop_v
from chipdse.technology.constants import Sources
from chipdse.technology.power_grid import PowerGrid, power_grid

GRID = PowerGrid(
    across_ohm=2.0, along_ohm=2.0, rail_ohm_per_m=0.0, rail_length_m=1e-4, rail_pitch_m=1e-5
)


def test_square_with_even_current() -> None:
    # V = 0.0736714 J R L² in the middle of a square (as in the torsion of a square bar); with 1 A
    # over L² it is 0.0736714 · 2 V.
    even = np.full((48, 48), 1 / 48**2)
    drop = supply_drop_v(even, 1e-3, 1e-3, GRID)
    assert drop.max() == pytest.approx(0.0736714 * 2.0, rel=2e-3)
    assert drop == pytest.approx(drop.T) and drop == pytest.approx(drop[::-1])


def test_strip_and_rails_by_hand() -> None:
    # Straps across alone: J Rx W² / 8 in the middle, J = 1 A / (W H): Rx W / (8 H) = 0.25 V.
    # Rails: J h r L² / 8 = 1 / 1e-6 · 1e-5 · 1e4 · 1e-8 / 8 = 1.25e-4 V.
    strip = dataclasses.replace(GRID, along_ohm=1e9, rail_ohm_per_m=1e4)
    drop = supply_drop_v(np.full((100, 4), 1 / 400), 1e-3, 1e-3, strip)
    assert drop.max() == pytest.approx(0.25 + 1.25e-4, rel=1e-3)
    rails = dataclasses.replace(strip, across_ohm=1e-12)
    assert supply_drop_v(np.full((4, 4), 1 / 16), 1e-3, 1e-3, rails).max() == pytest.approx(
        1.25e-4, rel=1e-6
    )


@pytest.mark.slow
@given(st.integers(0, 2**32))
def test_currents_add_and_only_lower_the_voltage(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.uniform(0, 1, (2, 9, 7))
    drops = [supply_drop_v(each, 2e-3, 1e-3, GRID) for each in (first, second, first + second)]
    assert drops[0] + drops[1] == pytest.approx(drops[2])
    assert (drops[0] > 0).all()


def test_grid_of_a_process() -> None:
    grid = power_grid("sky130", Sources())
    assert grid.across_ohm == pytest.approx(0.0285 * 74.8 / 3.2)
    assert grid.rail_ohm_per_m == pytest.approx(0.125 / 0.48e-6)
    with pytest.raises(DesignError, match=r"no supply grid .* process gt2n; known: sky130"):
        power_grid("gt2n", Sources())
