"""Voltage and temperature: interpolation in the logarithm, refusals, saving, the cache, export."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.library.cache import load_corners, load_library
from chipdse.netlist.library.join import join_corners
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.liberty.writer import liberty_text as export
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.tools import run_yosys
from tests.support.netlist_cases import CELLS, liberty_text, tiny_library


def corner(volts: float, degrees: float, scale: float = 1.0) -> CellLibrary:
    """The small library at a corner, with every table value and capacitance scaled."""

    def scaled(found: re.Match[str]) -> str:
        return re.sub(r"[\d.]+", lambda number: f"{float(number[0]) * scale:g}", found[0])

    cells = re.sub(r"values \([^)]*\)", scaled, CELLS)
    return tiny_library(liberty_text(cells, volts, degrees))


def first_value(library: CellLibrary, volts: float, degrees: float) -> float:
    """The first table value (rise delay of INV at slew 0, load 0) at an operating point."""
    operating = library.at(volts, degrees)
    return float(operating.interpolate(library.tables.values)[0, 0])


def test_between_two_voltages_by_hand() -> None:
    # 0.1 ns at 1.0 V and 0.4 ns at 0.8 V; half way the geometric mean, 0.2 ns
    library = join_corners([corner(1.0, 25), corner(0.8, 25, 4.0)])
    assert first_value(library, 0.9, 25) == pytest.approx(0.2e-9)
    # a quarter of the way from 0.8 V: exp(0.75 ln 0.4 + 0.25 ln 0.1)
    assert first_value(library, 0.85, 25) == pytest.approx(0.4e-9**0.75 * 0.1e-9**0.25)
    assert first_value(library, 1.0, 25) == pytest.approx(0.1e-9, rel=1e-15)
    # leakage is the same at both; voltages are linear
    operating = library.at(0.9, 25)
    assert operating.pin_supply_v[0] == pytest.approx(0.9)


def test_a_sparse_grid_interpolates_where_it_can() -> None:
    # 25 °C: 0.8, 1.0, 1.2 V; 85 °C: 1.0 and 1.2 V only
    library = join_corners(
        [
            corner(0.8, 25, 8.0),
            corner(1.0, 25, 4.0),
            corner(1.2, 25, 2.0),
            corner(1.0, 85, 8.0),
            corner(1.2, 85, 4.0),
        ]
    )
    # at 1.1 V: sqrt(4 * 2) at 25 °C, sqrt(8 * 4) at 85 °C; half way sqrt(sqrt(8) * sqrt(32)) = 4
    assert first_value(library, 1.1, 55) == pytest.approx(0.1e-9 * 4)
    assert first_value(library, 0.9, 25) == pytest.approx(0.1e-9 * math.sqrt(32))
    with pytest.raises(DesignError, match=r"0.8 to 1.2 V at 25 °C, 1 to 1.2 V at 85 °C"):
        library.at(0.9, 55)
    with pytest.raises(DesignError, match="never extrapolated"):
        library.at(1.3, 25)
    with pytest.raises(DesignError, match="choose a supply voltage"):
        library.at()
    points = library.at([0.8, 1.0, 1.2], 25)
    assert points.count == 3 and points.interpolate(library.tables.values).shape[0] == 3


def test_joining_in_two_steps_is_joining_at_once() -> None:
    corners = [corner(0.8, 25, 8), corner(1.0, 25, 4), corner(1.2, 25, 2)]
    steps = join_corners([join_corners(corners[:2]), corners[2]])
    assert_equal(steps, join_corners(corners))


def test_corners_may_share_axes_differently() -> None:
    # at 0.8 V the slew axis of XOR2's tables is its own
    own = '{ index_1 ("0, 2"); values ("0.2, 2.2", "0.6, 2.6"); }'
    cells = CELLS.replace('{ values ("0.2, 2.2", "0.4, 2.4"); }', own)
    library = join_corners([tiny_library(), tiny_library(liberty_text(cells, 0.8))])
    for volts in (1.0, 0.8):
        text = liberty_text() if volts == 1.0 else liberty_text(cells, 0.8)
        alone = export(tiny_library(text).at())
        assert export(library.at(volts, 25)).count("0.6, 2.6") == alone.count("0.6, 2.6")


def test_exported_supply_pins_are_power_or_ground_by_their_names() -> None:
    """Names of the public PDKs; VPWR was once written as a ground of 0 V."""
    power, ground = ("VPWR", "VPB", "VDD", "VNW"), ("VGND", "VNB", "VSS", "VPW", "gnd")
    pins = "".join(f"pg_pin ({name}) {{}} " for name in (*power, *ground))
    text = export(tiny_library(liberty_text(CELLS.replace("area : 1.5;", pins))).at())
    for names, kind, volts in ((power, "primary_power", 1), (ground, "primary_ground", 0)):
        for name in names:
            assert f"voltage_map ({name}, {volts});" in text
            assert f"pg_pin ({name}) {{ pg_type : {kind}; voltage_name : {name}; }}" in text


def test_a_single_corner_admits_only_itself() -> None:
    library = tiny_library()
    assert library.at().supply_v.tolist() == [1.0]
    for volts, degrees in ((1.05, 25), (1.0, 30)):
        with pytest.raises(DesignError, match="1 V at 25 °C"):
            library.at(volts, degrees)


def test_entries_that_are_not_positive_are_linear() -> None:
    # the slew axis starts at 0 in both; a table value of 0 in one corner is linear too
    low = tiny_library(liberty_text(CELLS.replace('"0.1, 2.1"', '"0, 2.1"'), 0.8))
    library = join_corners([tiny_library(), low])
    assert first_value(library, 0.9, 25) == pytest.approx(0.05e-9)
    assert library.at(0.9, 25).axes[0, 0] == 0.0


@given(st.floats(0.8, 1.2), st.floats(25, 85))
def test_between_corners_lies_between_them(volts: float, degrees: float) -> None:
    value = first_value(GRID, volts, degrees)
    assert 0.2e-9 * (1 - 1e-9) <= value <= 1.6e-9 * (1 + 1e-9)
    # log-linear in both: exact for data that is exponential in V and T
    exact = 0.1e-9 * 2 ** (3 - (volts - 0.8) / 0.2) * 2 ** ((degrees - 25) / 60)
    assert value == pytest.approx(exact, rel=1e-9)


GRID = join_corners(
    [corner(0.8, 25, 8), corner(1.2, 25, 2), corner(0.8, 85, 16), corner(1.2, 85, 4)]
)


def test_corners_that_disagree_are_named() -> None:
    other = liberty_text(CELLS.replace('function : "A ^ B"', 'function : "A | B"'), 0.8)
    with pytest.raises(DesignError, match="cell XOR2 differs in its functions"):
        join_corners([tiny_library(), tiny_library(other)])
    fewer = liberty_text(CELLS[: CELLS.index("cell (TRI)")], 0.8)
    with pytest.raises(DesignError, match="only one has cell TRI"):
        join_corners([tiny_library(), tiny_library(fewer)])
    arcs = liberty_text(CELLS.replace('when : "!B"', 'when : "B"', 1), 0.8)
    with pytest.raises(DesignError, match="conditions differ|arcs differ in cell XOR2"):
        join_corners([tiny_library(), tiny_library(arcs)])
    with pytest.raises(DesignError, match="two libraries are characterised at 1 V 25 °C"):
        join_corners([tiny_library(), tiny_library()])


def assert_equal(a: CellLibrary, b: CellLibrary, rel: float = 0.0) -> None:
    assert a.cells == b.cells and a.conditions == b.conditions and a.supplies == b.supplies
    for part in ("tables", "arcs", "powers", "leakages"):
        for name, value in vars(getattr(a, part)).items():
            np.testing.assert_allclose(value, getattr(getattr(b, part), name), rtol=rel)
    for name in ("pin_capacitance_f", "pin_supply_v", "cell_leakage_w", "supply_v"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=rel)


def test_saving_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "grid.npz"
    save_library(GRID, path)
    assert_equal(load_saved(path), GRID)
    save_library(GRID, path, single=True)
    assert_equal(load_saved(path), GRID, rel=1e-7)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DesignError, match="is not a saved cell library"):
        load_saved(path)


def test_the_cache_is_used_and_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "tiny.lib"
    source.write_text(liberty_text())
    first = load_library([source])
    (entry,) = (tmp_path / "cache/libraries").glob("*.npz")  # beside it lies its digest
    monkeypatch.setattr("chipdse.netlist.library.liberty.reader.LibertyFile", _refuse)
    assert_equal(load_library([source]), first)
    monkeypatch.undo()
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    entry.write_bytes(entry.read_bytes()[:-2000] + b"x" * 2000)
    assert_equal(load_library([source]), first)
    assert_equal(load_library([source]), first)
    source.write_text(liberty_text().replace("area : 1.5", "area : 1.75"))
    assert load_library([source]).cell("INV").area_m2 == pytest.approx(1.75e-12)
    assert len(list((tmp_path / "cache/libraries").glob("*.npz"))) == 2


def _refuse(*_: object) -> None:
    raise AssertionError("the cache was not used")


def test_files_of_several_corners_are_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    split = CELLS.index("cell (XOR2)")
    paths = []
    for volts in (1.0, 0.8):
        for name, cells in (("a", CELLS[:split]), ("b", CELLS[split:])):
            paths.append(tmp_path / f"{name}{volts}.lib")
            paths[-1].write_text(liberty_text(cells, volts))
    library = load_corners(paths)
    assert sorted(library.supply_v) == [0.8, 1.0] and "XOR2" in library.index


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ihp-sg13g2", "gt2n", "tiny"])
def test_export_reads_back_unchanged(shared: Path, family: str) -> None:
    if family == "tiny":
        library = GRID
    else:
        library = read_liberty([sorted((shared / "pdk" / family).glob("*.lib.gz"))[-1]])
    operating = library.at(library.supply_v[0], library.temperature_c[0])
    text = export(operating)
    again = read_liberty([Path("export.lib")], [text.encode()])
    assert again.cells == library.cells
    assert export(again.at()) == text
    point = (library.supply_v[0], library.temperature_c[0])
    assert (again.supply_v[0], again.temperature_c[0]) == point
    for name in ("rise_delay", "fall_slew"):
        for mine, theirs in zip(
            getattr(library.arcs, name), getattr(again.arcs, name), strict=True
        ):
            if mine >= 0:
                a, b = (_values(each, int(t)) for each, t in ((library, mine), (again, theirs)))
                np.testing.assert_allclose(a, b, rtol=1e-11)


def _values(library: CellLibrary, table: int) -> np.ndarray:  # type: ignore[type-arg]
    tables = library.tables
    return tables.values[0, tables.start[table] : tables.start[table + 1]]


@pytest.mark.tools
def test_yosys_maps_to_an_exported_library(tmp_path: Path) -> None:
    (tmp_path / "cells.lib").write_text(export(GRID.at(0.95, 40)))
    (tmp_path / "rtl.v").write_text(
        "module top(input clk, a, b, output reg q); always @(posedge clk) q <= a ^ b; endmodule"
    )
    run_yosys(
        "read_liberty -lib cells.lib\nread_verilog rtl.v\nsynth -top top\n"
        "dfflibmap -liberty cells.lib\nabc -liberty cells.lib\nopt_clean\n"
        "stat -liberty cells.lib\nwrite_verilog -noattr mapped.v\n",
        tmp_path,
    )
    mapped = (tmp_path / "mapped.v").read_text()
    assert "DFF" in mapped and "$_" not in mapped


@pytest.mark.slow
def test_slow_and_typical_files_are_not_one_axis(shared: Path) -> None:
    folder = shared / "pdk" / "ihp-sg13g2"
    files = [
        folder / "sg13g2_stdcell_typ_1p20V_25C.lib.gz",
        folder / "sg13g2_stdcell_slow_1p08V_125C.lib.gz",
    ]
    with pytest.raises(DesignError, match="typical and slow transistors.*--process"):
        load_corners(files)
    assert load_corners(files, "slow").supply_v.tolist() == [1.08]
    with pytest.raises(DesignError, match="no Liberty file is of fast"):
        load_corners(files, "fast")
