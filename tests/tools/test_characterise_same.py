"""`pack --check`: what is made again against the file that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.netlist.library.catalogue import shipped_file
from chipdse.netlist.library.pack import load_packed
from tools.characterise import __main__, again, settings
from tools.characterise.units import Units
from tools.characterise.variants import without_added


@pytest.fixture(scope="module")
def unit() -> Units:
    library = load_packed(shipped_file("sky130"))
    return Units(library=library, fo4_s=np.full(len(library.supply_v), 80e-12))


@pytest.mark.slow
def test_the_added_corners_are_left_out(unit: Units) -> None:
    whole, kept = unit.library, without_added(unit.library)
    assert len(whole.supply_v) - len(kept.supply_v) == len(settings.ADDED_TYPICAL)
    corners = zip(kept.supply_v.tolist(), kept.temperature_c.tolist(), strict=True)
    assert not set(corners) & set(settings.ADDED_TYPICAL)
    assert (kept.tables.values == whole.tables.values[: len(kept.supply_v)]).all()
    assert kept.leakage_grid == whole.leakage_grid
    assert len(without_added(kept).supply_v) == len(kept.supply_v)


def test_a_cell_that_differs_is_named(unit: Units) -> None:
    library = unit.library
    values, pins = library.tables.values[:2], library.pin_capacitance_f[:2].reshape(2, -1)
    theirs = np.concatenate([values, pins], axis=1)
    own = theirs * (1 + 0.5 * again.KEPT)  # within what the file keeps
    found = list(again._by_quantity(unit, own, theirs))
    assert {one.quantity: one.equal for one in found} == dict.fromkeys(
        ("delay", "transition", "setup and hold", "energy", "capacitance"), 1.0
    )
    assert sum(one.errors.shape[1] for one in found) == theirs.shape[1]
    chosen = again.entries_of(library, ("nor3_1",))
    own = np.where(chosen, 1.1 * theirs, theirs)
    for one in again._by_quantity(unit, own, theirs):
        named = again._cells(library, one)
        if one.quantity == "setup and hold":  # a gate has none
            assert named == [] and one.equal == 1.0
        else:
            assert len(named) == 1 and named[0].startswith("nor3_1 ")
            assert one.equal < 1.0


@pytest.mark.slow
def test_raw_results_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["characterise", "pack", "--work", str(tmp_path), "--check"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit, match="add --process slow or fast"):
        __main__.main()
    monkeypatch.setattr("sys.argv", [*command, "--process", "fast"])
    with pytest.raises(SystemExit, match=r"\d+ results are missing, the first Task"):
        __main__.main()
