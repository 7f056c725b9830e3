"""Slow and fast transistors of the shipped library against four official corners, all cells.

The docs page holds the same table; the limits here are goals, not what was reached.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from chipdse.netlist.library.catalogue import resolve
from tools.characterise.compare import Comparison, at_one_corner, compare, report
from tools.characterise.official import read_official

pytestmark = pytest.mark.slow
# A slow and a fast one in every run, at either temperature.
CORNERS = (
    "ss_100C_1v60",
    "ff_n40C_1v76",
    *(
        pytest.param(name, marks=pytest.mark.exhaustive)
        for name in ("ss_n40C_1v76", "ff_100C_1v95")
    ),
)
PROCESS = {"ss": "slow", "ff": "fast"}


@cache
def compared(file: Path) -> Comparison:
    official = read_official(file)
    library = resolve("sky130").load(PROCESS[file.name[:2]])
    ours = library.at(official.supply_v, official.temperature_c)
    return compare(at_one_corner(ours), official)


@pytest.fixture(params=CORNERS)
def found(request: pytest.FixtureRequest, shared: Path) -> Comparison:
    return compared(shared / "reference" / "corners" / "official" / f"{request.param}.json.gz")


def errors(found: Comparison, quantity: str) -> np.ndarray:
    return np.abs(found.errors(quantity)[0])


@pytest.mark.parametrize(
    "quantity", ["delay", "transition", "clock to output", "input capacitance"]
)
def test_the_median_error_at_a_corner_is_below_5_per_cent(found: Comparison, quantity: str) -> None:
    assert np.median(errors(found, quantity)) <= 0.05, report(found)


@pytest.mark.parametrize("quantity", ["delay", "transition", "clock to output"])
def test_nine_points_in_ten_are_within_twelve_percent(found: Comparison, quantity: str) -> None:
    assert np.mean(errors(found, quantity) <= 0.12) >= 0.9, report(found)


def test_energy_with_its_load(found: Comparison) -> None:
    assert np.median(errors(found, "energy with load")) <= 0.05, report(found)


def test_leakage_is_within_20_per_cent_of_the_official_corners(found: Comparison) -> None:
    assert np.median(errors(found, "leakage of the cell")) <= 0.2, report(found)


@pytest.mark.parametrize("quantity", ["setup", "hold"])
def test_setup_and_hold_at_a_corner_are_within_30_ps(found: Comparison, quantity: str) -> None:
    ours, theirs, _ = found.pairs(quantity)
    assert np.median(np.abs(ours - theirs)) <= 30e-12, report(found)
