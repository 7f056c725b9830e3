"""The shipped library over supply and temperature behaves as transistors do."""

from __future__ import annotations

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import resolve, shipped_file
from chipdse.netlist.library.library import FIRST_CHECK, CellLibrary
from chipdse.report.pictures.library_summary import fo4

MEASURED_V = (1.8, 1.6, 1.4, 1.2, 1.0, 0.9, 0.8)


@pytest.fixture(scope="module")
def library() -> CellLibrary:
    return resolve("sky130").load()


def corners(library: CellLibrary, temperature_c: float) -> np.ndarray:
    """Indices of the corners of one temperature, supply rising."""
    own = np.flatnonzero(library.temperature_c == temperature_c)
    return own[np.argsort(library.supply_v[own])]


def tables(library: CellLibrary, numbers: np.ndarray) -> np.ndarray:
    """Positions of all values of some tables."""
    start = library.tables.start
    return np.concatenate([np.arange(start[t], start[t + 1]) for t in numbers if t >= 0])


@pytest.mark.slow
def test_size_and_range(library: CellLibrary) -> None:
    assert shipped_file("sky130").stat().st_size <= 6e6
    for temp in (-40.0, 25.0, 85.0, 125.0):
        own = library.supply_v[library.temperature_c == temp]
        assert (own.min(), own.max()) == (0.7 if temp < 0 else 0.5, 1.95)
    room = library.supply_v[library.temperature_c == 25]
    assert set(MEASURED_V) <= set(room.tolist())
    assert len(library.cells) >= 70
    assert {25.0, 85.0} <= set(library.temperature_c.tolist())


def test_provenance_travels(library: CellLibrary) -> None:
    made = library.provenance
    assert {"origin", "date", "simulator", "layouts", "options", "calibration"} <= set(made)
    assert "SkyWater PDK Authors" in str(made["origin"])
    assert "15 nm" in str(made["calibration"])


def test_outside_is_refused(library: CellLibrary) -> None:
    lowest = library.supply_v[library.temperature_c == 25].min()
    for volts, celsius in ((lowest - 0.01, 25.0), (1.96, 25.0), (1.2, 200.0), (1.2, -41.0)):
        with pytest.raises(DesignError, match="never extrapolated"):
            library.at(volts, celsius)


def test_a_missing_cell_is_named(library: CellLibrary) -> None:
    with pytest.raises(DesignError, match="has no cell 'sky130_fd_sc_hd__sdfxtp_1'"):
        library.cell("sky130_fd_sc_hd__sdfxtp_1")


def test_inverter_slows_and_saves_as_the_supply_falls(library: CellLibrary) -> None:
    for temp in np.unique(library.temperature_c):
        own = corners(library, float(temp))
        speed = fo4(library.at(library.supply_v[own], float(temp)))
        assert (np.diff(speed.delay_s) < 0).all()
        assert (np.diff(speed.energy_j) > 0).all()
        assert (np.diff(speed.leakage_w) > 0).all()


def test_inverter_against_another_characterisation(library: CellLibrary) -> None:
    """The same cells and models by other hands: FO4 [ps], energy [fJ], leakage [pW] by supply.

    They used the drawn stress distance (slower and less leaky, more so near threshold) and a load
    that does not shrink with the supply, as gates do.
    """
    delay = np.array([82, 104, 146, 243, 589, 1241, 3775]) * 1e-12
    energy = np.array([35.8, 28.3, 21.7, 15.9, 11.1, 8.9, 7.0]) * 1e-15
    leakage = np.array([4.64, 3.16, 2.10, 1.37, 0.86, 0.67, 0.51]) * 1e-12
    speed = fo4(library.at(MEASURED_V, 25.0))
    assert speed.delay_s[:3] == pytest.approx(delay[:3], rel=0.05)
    assert speed.delay_s == pytest.approx(delay, rel=0.25)
    assert speed.energy_j == pytest.approx(energy, rel=0.2)
    assert speed.leakage_w == pytest.approx(leakage, rel=0.2)


def test_every_arc_slows_as_the_supply_falls(library: CellLibrary) -> None:
    """Delay plus slew, table by table at its middle, for every arc: no corner out of line."""
    arcs = library.arcs
    timed = np.flatnonzero((arcs.kind < FIRST_CHECK) & (arcs.rise_delay >= 0))
    middle = 3 * 7 + 3
    for numbers in (arcs.rise_slew[timed], arcs.fall_slew[timed]):
        places = library.tables.start[numbers] + middle
        for temp in np.unique(library.temperature_c):
            own = corners(library, float(temp))
            values = library.tables.values[own][:, places]
            assert (np.diff(values, axis=0) < 0).all()


def test_energy_falls_and_capacitance_stays_as_the_supply_falls(library: CellLibrary) -> None:
    own = corners(library, 25.0)
    powers = library.powers
    out = np.flatnonzero(powers.related >= 0)
    middle = 3 * 7 + 3
    total = sum(
        library.tables.values[own][:, library.tables.start[t] + middle]
        for t in (powers.rise[out], powers.fall[out])
    )
    rising = np.diff(total, axis=0) > 0
    assert rising.mean() > 0.98
    used = library.pin_capacitance_f[own][:, :, 0] > 0
    high = library.pin_capacitance_f[own[-1]][used[-1], 0]
    low = library.pin_capacitance_f[own[0]][used[-1], 0]
    assert (low < 1.15 * high).all()
    assert (low > 0.5 * high).all()


def test_leakage_rises_with_temperature_by_state(library: CellLibrary) -> None:
    temps = library.leakage_grid.temperatures_c
    assert temps == (-40.0, 25.0, 85.0, 125.0)
    for volts in np.unique(library.supply_v[library.temperature_c == 25]):
        assert (np.diff(library.leakage_at(volts, temps).groups_w(), axis=0) >= 0).all()


def test_leakage_is_known_at_every_supply_and_temperature(library: CellLibrary) -> None:
    room = library.supply_v[library.temperature_c == 25]
    for temp in library.leakage_grid.temperatures_c:
        found = library.leakage_at(np.sort(room), temp).groups_w()
        # cold stacks leak less than 0.2 fW, which the simulator's own conductance blurs
        assert (np.diff(np.maximum(found, 2e-16), axis=0) >= 0).all()
        assert (np.diff(found.sum(axis=1)) > 0).all()
    with pytest.raises(DesignError, match="the leakage of library sky130"):
        library.leakage_at(room.min() - 0.01, 25.0)
    with pytest.raises(DesignError, match="the leakage of library sky130"):
        library.leakage_at(1.8, 126.0)


def test_supply_between_corners_lies_between_them(library: CellLibrary) -> None:
    low, middle, high = fo4(library.at([1.0, 1.04, 1.1], 25.0)).delay_s
    assert high < middle < low


def test_near_threshold_hot_is_fast(library: CellLibrary) -> None:
    """Temperature inversion: mobility wins at 1.8 V, threshold voltage near threshold."""
    cold, hot = (fo4(library.at([0.7, 1.8], t)).delay_s for t in (25.0, 85.0))
    assert hot[1] > cold[1]
    assert hot[0] < cold[0]
    # the lower the supply, the more the cold slows, over the whole range of temperature
    temps = np.array([-40.0, 25.0, 85.0, 125.0])
    delay = np.array([fo4(library.at([0.8, 1.0, 1.2, 1.8], t)).delay_s for t in temps])
    assert (np.diff(delay[:, :3], axis=0) < 0).all()
    slowing = delay[0] / delay[-1]
    assert (np.diff(slowing) < 0).all()
    assert slowing[0] > 10
    assert slowing[-1] == pytest.approx(1, abs=0.03)


def test_area_is_the_layout(library: CellLibrary) -> None:
    # one site is 0.46 µm x 2.72 µm; an inverter takes three
    inverter = library.cell("sky130_fd_sc_hd__inv_1")
    assert inverter.area_m2 == pytest.approx(3 * 0.46e-6 * 2.72e-6)
    sites = [cell.area_m2 / (0.46e-6 * 2.72e-6) for cell in library.cells]
    assert sites == pytest.approx(np.round(sites), rel=1e-6)
