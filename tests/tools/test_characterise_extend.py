"""Corners that were added to the typical library: behind its own, which are as they were."""

from __future__ import annotations

import numpy as np
import pytest

from chipdse.netlist.library.catalogue import resolve, shipped_file
from tools.characterise import settings
from tools.characterise.extend import extend


@pytest.mark.slow
def test_added_corners_stand_behind_the_others() -> None:
    library = resolve("sky130").load()
    corners = list(zip(library.supply_v.tolist(), library.temperature_c.tolist(), strict=True))
    added = list(settings.ADDED_TYPICAL)
    assert corners[-len(added) :] == added
    assert corners[0] == (settings.NOMINAL_SUPPLY_V, settings.NOMINAL_TEMPERATURE_C)
    assert len(set(corners)) == len(corners)
    made = library.provenance["corners added"]
    assert isinstance(made, dict)
    assert made["-40 C"] == ["1.95 V", "0.7 V"]


@pytest.mark.slow
def test_a_library_is_not_extended_twice(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("again")
    with pytest.raises(SystemExit, match="has the corners already"):
        extend(shipped_file("sky130"), folder, folder / "out.npz")
    assert not (folder / "out.npz").exists()


@pytest.mark.slow
def test_slews_follow_the_inverter_at_added_corners() -> None:
    """Every slew axis grows by one factor, and loads stay."""
    library = resolve("sky130").load()
    ratio = library.tables.axis_values[-1] / library.tables.axis_values[0]
    assert len(np.unique(ratio.round(2))) == 2
    assert ratio.min() == pytest.approx(1, rel=1e-3)
