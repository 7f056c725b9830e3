"""Packed libraries: numbers come back within half a step, damage is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.library.join import join_corners
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.pack import load_packed, save_packed
from tests.support.library_files import liberty

HALF_STEP = 2 ** (0.51 / 2048) - 1


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> CellLibrary:
    folder = tmp_path_factory.mktemp("pack")
    corners = [
        read_liberty([liberty(folder, f"{v}.lib", volts=v, d=d, leak=leak)])
        for v, d, leak in ((1.2, 0.1, 3), (0.8, 0.4, 1), (0.5, 4000, 0.01))
    ]
    return join_corners(corners)


def test_round_trip(library: CellLibrary, tmp_path: Path) -> None:
    file = tmp_path / "packed.npz"
    save_packed(library, file)
    again = load_packed(file)
    assert again.supply_v.tolist() == [1.2, 0.8, 0.5]
    assert again.cells == library.cells
    assert again.tables.values == pytest.approx(library.tables.values, rel=2 * HALF_STEP)
    assert again.tables.axis_values == pytest.approx(library.tables.axis_values, rel=2 * HALF_STEP)
    assert again.cell_leakage_w == pytest.approx(library.cell_leakage_w, rel=2 * HALF_STEP)
    assert np.array_equal(again.pin_supply_v, library.pin_supply_v)
    assert again.at(1.0, 25.0).count == 1


number = st.floats(1e-18, 1e-3) | st.floats(-1e-3, -1e-18) | st.just(0.0)


@pytest.mark.slow
@given(st.lists(number, min_size=48, max_size=48))
def test_any_numbers_come_back(
    library: CellLibrary, tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    """Signs that differ between corners, zeros, and jumps of many decades."""
    values = np.array(numbers).reshape(3, 16)
    given_library = replace(library, tables=replace(library.tables, values=values))
    file = tmp_path_factory.getbasetemp() / "any.npz"
    save_packed(given_library, file)
    found = load_packed(file).tables.values
    assert found == pytest.approx(values, rel=HALF_STEP, abs=1e-40)


def test_what_a_packed_library_cannot_hold_is_refused(library: CellLibrary, tmp_path: Path) -> None:
    file = tmp_path / "packed.npz"
    swings = library.pin_supply_v.copy()
    swings[0, 0] = 3.3
    with pytest.raises(ValueError, match="pins at other voltages"):
        save_packed(replace(library, pin_supply_v=swings), file)
    with pytest.raises(DesignError):
        load_packed(tmp_path / "absent.npz")
    save_packed(library, file)
    whole = file.read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 30):
        file.write_bytes(whole[:length])
        with pytest.raises(DesignError):
            load_packed(file)
