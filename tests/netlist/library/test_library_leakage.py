"""Leakage at corners where nothing else is characterised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.join import add_leakage, join_corners
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.liberty.writer import liberty_text
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.netlist.library.pack import load_packed, save_packed
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from tests.support.library_files import liberty


def corner(folder: Path, volts: float, celsius: float, leak: float, **given: object) -> CellLibrary:
    name = f"{volts}_{celsius}.lib"
    return read_liberty([liberty(folder, name, volts=volts, celsius=celsius, leak=leak, **given)])


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> CellLibrary:
    """Timing at 1.2 and 0.8 V, 25 °C; leakage there and at 85 °C: 3, 1, 48, 4 nW."""
    folder = tmp_path_factory.mktemp("leakage")
    timed = join_corners([corner(folder, 1.2, 25, 3, d=0.1), corner(folder, 0.8, 25, 1, d=0.4)])
    return add_leakage(timed, [corner(folder, 1.2, 85, 48), corner(folder, 0.8, 85, 4)])


def test_at_its_corners(library: CellLibrary) -> None:
    found = library.leakage_at([1.2, 0.8, 1.2, 0.8], [25, 25, 85, 85]).cells_w()[:, 0]
    assert found == pytest.approx([3e-9, 1e-9, 48e-9, 4e-9])
    assert library.leakage_grid.temperatures_c == (25.0, 85.0)
    assert library.grid.temperatures_c == (25.0,)
    assert library.corner_count == 2


def test_between_them_by_hand(library: CellLibrary) -> None:
    # half-way in temperature at 1.2 V: sqrt(3 * 48) = 12; in supply at 85 °C: sqrt(48 * 4)
    # half-way in both: the fourth root of 3 * 1 * 48 * 4 = 576 is 24 ** 0.5
    found = library.leakage_at([1.2, 1.0, 1.0], [55, 85, 55]).cells_w()[:, 0]
    assert found == pytest.approx([12e-9, 192**0.5 * 1e-9, 24**0.5 * 1e-9])
    # the same from an operating point of timing
    assert library.at(1.0, 25.0).leakage.cells_w()[0, 0] == pytest.approx(3**0.5 * 1e-9)


def test_timing_is_refused_where_leakage_alone_is_known(library: CellLibrary) -> None:
    with pytest.raises(DesignError, match=r"what library tiny_tt .*\(0.8 to 1.2 V at 25 °C\)"):
        library.at(1.0, 85.0)
    for volts, celsius in ((1.0, 86.0), (1.0, 24.0), (0.79, 85.0), (1.21, 25.0)):
        with pytest.raises(DesignError, match="the leakage of library .* never extrapolated"):
            library.leakage_at(volts, celsius)


def test_every_form_of_file_keeps_it(library: CellLibrary, tmp_path: Path) -> None:
    save_library(library, tmp_path / "saved.npz")
    save_packed(library, tmp_path / "packed.npz")
    for again in (load_saved(tmp_path / "saved.npz"), load_packed(tmp_path / "packed.npz")):
        assert again.supply_v.tolist() == [1.2, 0.8]
        assert again.leakage_grid.supply_v.tolist() == [1.2, 0.8, 1.2, 0.8]
        assert again.leakage_grid.temperature_c.tolist() == [25, 25, 85, 85]
        assert again.cell_leakage_w == pytest.approx(library.cell_leakage_w, rel=1e-3)
        assert again.leakage_at(1.0, 55.0).count == 1
    (tmp_path / "one.lib").write_text(liberty_text(library.at(1.0, 25.0)))
    exported = read_liberty([tmp_path / "one.lib"])
    assert exported.cell_leakage_w[0, 0] == pytest.approx(3**0.5 * 1e-9, rel=1e-11)


def test_what_cannot_be_packed(library: CellLibrary, tmp_path: Path) -> None:
    known = library.leakage_grid
    other = Corners(supply_v=known.supply_v[::-1], temperature_c=known.temperature_c[::-1])
    with pytest.raises(ValueError, match="first corner of leakage"):
        save_packed(replace(library, leakage_corners=other), tmp_path / "packed.npz")
    assert not list(tmp_path.iterdir())


def test_joins_keep_it(library: CellLibrary, tmp_path: Path) -> None:
    more = join_corners([library, corner(tmp_path, 1.4, 25, 5)])
    assert more.supply_v.tolist() == [1.2, 0.8, 1.4]
    assert more.leakage_at(1.3, 25).cells_w()[0, 0] == pytest.approx(15**0.5 * 1e-9)
    with pytest.raises(DesignError, match="leakage is given twice at 1.2 V 85 °C"):
        add_leakage(library, [corner(tmp_path, 1.2, 85, 5)])
    with pytest.raises(DesignError, match="only one has cell"):
        add_leakage(library, [corner(tmp_path, 1.2, 125, 5, cell="other")])


def test_power_at_more_temperatures(library: CellLibrary, tmp_path: Path) -> None:
    """Two inverters leak twice what one does, at every point asked for."""
    text = tmp_path / "two.v"
    text.write_text(
        "module two(a, y); input a; output y; wire n;\n"
        "inv u1(.A(a), .Y(n)); inv u2(.A(n), .Y(y)); endmodule\n"
    )
    netlist = read_verilog(text, library, "two")
    timing = analyse_timing(build_timing_graph(netlist, None), library.at(1.2, 25.0), 1e-9)
    activity = Activity(
        toggles=np.ones(netlist.net_count),
        high_fraction=np.full(netlist.net_count, 0.5),
        annotated=np.ones(netlist.net_count, dtype=bool),
        cycles=10,
        duration_s=10e-9,
        origin="replay",
    )
    power = analyse_power(
        timing, activity, leakage_at=library.leakage_at([1.2, 1.2, 1.0], [25, 55, 85])
    )
    assert power.leakage_w.sum() == pytest.approx(6e-9)
    assert power.leakage_elsewhere_w == pytest.approx([6e-9, 24e-9, 2e-9 * 192**0.5])
    assert not len(analyse_power(timing, activity).leakage_elsewhere_w)
    assert np.isfinite(power.total_w).all()
