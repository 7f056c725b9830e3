"""The shipped library against the official Liberty file at 1.8 V, 25 °C, over all its cells.

The docs page holds the same table; the limits here are goals, not what was reached.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve
from tools.characterise.compare import Comparison, at_one_corner, compare, report

pytestmark = pytest.mark.slow

# States with a series stack off: the official values do not scale with the cell.
STACKS = {
    *("a222oi_1", "a31o_1", "nand2_2", "nand2_4", "nand3_1", "nand4_1", "nor2_4", "o2111ai_1"),
    *("o211a_1", "o211ai_1", "o21ba_1", "o21bai_1", "o221a_1", "o22a_1", "o22ai_1", "o31ai_1"),
}


@pytest.fixture(scope="module")
def found(shared: Path) -> Comparison:
    file = shared / "pdk" / "sky130hd" / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
    return compare(at_one_corner(resolve("sky130").load().at(1.8, 25.0)), load_library([file]))


def median(found: Comparison, quantity: str) -> float:
    return float(np.median(np.abs(found.errors(quantity)[0])))


@pytest.mark.parametrize(
    ("quantity", "most"),
    [
        ("delay", 0.05),
        ("transition", 0.05),
        ("input capacitance", 0.05),
        ("leakage by state", 0.05),
        ("energy with load", 0.05),
    ],
)
def test_the_median_error_of_cells_is_below_its_bound(
    found: Comparison, quantity: str, most: float
) -> None:
    assert median(found, quantity) <= most, report(found)


@pytest.mark.parametrize("quantity", ["delay", "transition"])
def test_points_within_ten_percent(found: Comparison, quantity: str) -> None:
    assert np.mean(np.abs(found.errors(quantity)[0]) <= 0.1) >= 0.91, report(found)


def test_clock_to_output_everywhere(found: Comparison) -> None:
    assert np.abs(found.errors("clock to output")[0]).max() <= 0.1, report(found)


@pytest.mark.parametrize("quantity", ["setup", "hold"])
def test_setup_and_hold_are_within_15_ps(found: Comparison, quantity: str) -> None:
    ours, theirs, _ = found.pairs(quantity)
    assert np.median(np.abs(ours - theirs)) <= 15e-12


def test_cells_beyond_a_quarter_are_the_known_ones(found: Comparison) -> None:
    """Explained in docs/concepts/library.md: delays near zero, and energy that is split."""
    adders = {"fa_1", "ha_1"}
    for quantity in ("transition", "input capacitance", "clock to output"):
        assert not (np.abs(found.errors(quantity)[0]) > 0.25).any(), quantity
    errors, cells = found.errors("energy with load")
    beyond = {str(cell).split("__")[1] for cell in cells[np.abs(errors) > 0.25]}
    assert beyond <= adders | {"xor2_1"}
    errors, cells = found.errors("leakage by state")
    leaky = {str(cell).split("__")[1] for cell in cells[np.abs(errors) > 0.25]}
    assert leaky <= STACKS
    assert (np.abs(errors) > 0.25).mean() < 0.03
    ours, theirs, _ = found.pairs("delay")
    errors, _ = found.errors("delay")
    far = np.abs(errors) > 0.25
    assert far.mean() < 0.001
    assert (np.abs(theirs[far]) < 60e-12).all()
    assert (np.abs(ours - theirs)[far] < 30e-12).all()


def test_a_library_equals_itself() -> None:
    one = at_one_corner(resolve("sky130").load().at(1.8, 25.0))
    same = compare(one, one)
    for quantity in same.ours:
        assert np.abs(same.errors(quantity)[0]).max() < 1e-12
