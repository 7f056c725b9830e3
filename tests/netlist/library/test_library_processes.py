"""Slow, typical and fast transistors of a library: names, files, refusals and physics."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve, shipped_file
from chipdse.netlist.library.library import FIRST_CHECK, CellLibrary
from chipdse.netlist.library.mismatch import mismatch_file
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.netlist.library.pack import load_packed
from chipdse.netlist.library.user import add_library
from chipdse.report.pictures.library_summary import fo4
from tests.support.library_files import liberty

PROCESSES = ("slow", "typical", "fast")
CROSS_CORNERS = Path(__file__).parents[3] / "tools/characterise/data/cross_corners.json"


@cache
def shipped(process: str) -> CellLibrary:
    return resolve("sky130").load(process)


def common() -> list[tuple[float, float]]:
    """Corners that all three have."""
    sets = [
        set(zip(one.supply_v.tolist(), one.temperature_c.tolist(), strict=True))
        for one in map(shipped, PROCESSES)
    ]
    return sorted(set.intersection(*sets))


@pytest.mark.slow
def test_the_shipped_library_has_three_processes() -> None:
    entry = resolve("sky130")
    assert entry.processes == ("typical", "slow", "fast")
    assert [shipped(process).process for process in PROCESSES] == list(PROCESSES)
    assert entry.load() is entry.load("typical")
    assert [cell.name for cell in shipped("slow").cells] == [
        cell.name for cell in shipped("typical").cells
    ]


@pytest.mark.slow
def test_each_process_is_its_own_file() -> None:
    """What decides results of typical transistors does not change with the others."""
    entry = resolve("sky130")
    mismatch = mismatch_file("sky130")
    assert entry.files == entry.files_of("typical") == (shipped_file("sky130"), mismatch)
    assert entry.files_of("slow") == (shipped_file("sky130", "slow"), mismatch)
    assert load_packed(shipped_file("sky130", "fast")).process == "fast"
    assert sum(shipped_file("sky130", p).stat().st_size for p in PROCESSES) < 13.5e6


def test_an_unknown_process_is_refused() -> None:
    with pytest.raises(DesignError) as refused:
        resolve("sky130").load("slowest")
    assert str(refused.value) == (
        "library sky130 has no slowest process corner, only typical, slow and fast"
    )


def test_a_library_of_your_own_has_the_process_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    own = add_library("mine", [liberty(tmp_path, "a.lib", process="ss")])
    assert own.processes == ("slow",)
    assert own.load().process == own.load("slow").process == "slow"
    with pytest.raises(
        DesignError, match="library mine has no fast process corner, only slow; add its fast"
    ):
        own.load("fast")
    unnamed = add_library("plain", [liberty(tmp_path, "b.lib")])
    assert unnamed.processes == ("typical",)


def test_saving_keeps_the_process(tmp_path: Path) -> None:
    library = load_library([liberty(tmp_path, "a.lib")])
    assert library.process == "typical"
    for process in ("typical", "fast"):
        save_library(dataclasses.replace(library, process=process), tmp_path / "a.npz")
        assert load_saved(tmp_path / "a.npz").process == process


def test_an_older_file_has_typical_transistors(tmp_path: Path) -> None:
    save_library(load_library([liberty(tmp_path, "a.lib")]), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        arrays = dict(file)
    logic = json.loads(arrays["logic"].tobytes())
    del logic["process"]
    arrays["logic"] = np.frombuffer(json.dumps(logic).encode(), dtype=np.uint8)
    np.savez(tmp_path / "old.npz", **arrays)
    assert load_saved(tmp_path / "old.npz").process == "typical"


@pytest.mark.slow
def test_export_and_info_name_the_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    target = tmp_path / "slow.lib"
    given = ["--process", "slow", "--supply", "1.6V", "--temperature", "100C", "--to", str(target)]
    assert main(["library", "export", "sky130", *given]) == 0
    assert "87 cells at 1.6 V, 100 °C, slow transistors" in capsys.readouterr().out
    again = load_library([target])
    point = shipped("slow").at(1.6, 100.0)
    assert fo4(again.at()).delay_s == pytest.approx(fo4(point).delay_s, rel=1e-9)
    assert resolve([target]).processes == ("slow",)
    assert main(["library", "info", "sky130", "--process", "fast"]) == 0
    said = capsys.readouterr().out
    assert "70 corners, fast transistors" in said
    assert "slow transistors: " in said
    assert main(["library", "export", "sky130", "--process", "ss", "--to", str(target)]) == 2
    assert "has no ss process corner" in capsys.readouterr().err


@pytest.mark.slow
def test_outside_the_range_is_refused() -> None:
    for process in ("slow", "fast"):
        library = shipped(process)
        lowest = 0.8 if process == "slow" else 0.5
        assert library.at([1.95, lowest], -40.0).count == library.at([1.95, 0.5], 125.0).count == 2
        for volts, celsius in ((1.96, 25.0), (0.49, 25.0), (1.2, 126.0), (1.2, -41.0)):
            with pytest.raises(DesignError, match=f"library sky130_{process} .*never extrapolated"):
                library.at(volts, celsius)


# Lowest supply [V] from a temperature [°C] on, as docs/concepts/library.md states it.
LOWEST_V = {
    "slow": ((25.0, 0.5), (0.0, 0.7), (-40.0, 0.8)),
    "typical": ((25.0, 0.5), (-40.0, 0.7)),
    "fast": ((-40.0, 0.5),),
}


@pytest.mark.slow
@settings(max_examples=25)
@given(st.sampled_from(PROCESSES), st.floats(0.45, 2.0), st.floats(-45.0, 130.0))
def test_any_point_is_answered_or_refused_in_one_line(
    process: str, volts: float, celsius: float
) -> None:
    """Inside the range: finite numbers, and every arc is faster at 20 mV more."""
    library = shipped(process)
    lowest_v = next((low for from_c, low in LOWEST_V[process] if celsius >= from_c), np.inf)
    if not (lowest_v <= volts <= 1.95 and celsius <= 125.0):
        with pytest.raises(DesignError, match="never extrapolated") as refused:
            library.at(volts, celsius)
        assert "\n" not in str(refused.value)
        return
    assume(volts <= 1.93)
    point = library.at([volts, volts + 0.02], celsius)
    assert np.isfinite(point.interpolate(library.pin_capacitance_f)).all()
    leakage_w = point.leakage.cells_w()
    assert np.isfinite(leakage_w).all() and leakage_w.min() >= 0
    tables, arcs = library.tables, library.arcs
    timed = np.flatnonzero((arcs.kind < FIRST_CHECK) & (arcs.rise_delay >= 0))
    for numbers in (arcs.rise_delay[timed], arcs.fall_delay[timed]):
        slews_s = point.axes[:, tables.axis_start[tables.row_axis[numbers]] + 3]
        delay_s = point.interpolate(tables.values[:, tables.start[numbers] + 24]) + slews_s
        assert (delay_s[1] < delay_s[0]).all()


@pytest.mark.parametrize(
    ("process", "celsius", "supplies_v"),
    [
        ("slow", -40.0, (1.28, 1.35, 1.40, 1.44, 1.60, 1.76)),
        ("slow", 100.0, (1.40, 1.60)),
        ("fast", -40.0, (1.56, 1.65, 1.76, 1.95)),
        ("fast", 100.0, (1.65, 1.95)),
        ("typical", 100.0, (1.80,)),
    ],
)
def test_corners_of_the_foundry_are_covered(
    process: str, celsius: float, supplies_v: tuple[float, ...]
) -> None:
    """Each corner that SkyWater names exists, and every rising delay falls with the supply."""
    library = shipped(process)
    point = library.at(list(supplies_v), celsius)
    assert point.count == len(supplies_v)
    arcs = library.arcs
    timed = np.flatnonzero((arcs.kind < FIRST_CHECK) & (arcs.rise_delay >= 0))
    column = arcs.rise_delay[timed]
    values = point.interpolate(library.tables.values[:, library.tables.start[column] + 24])
    values = values + point.axes[:, library.tables.axis_start[library.tables.row_axis[column]] + 3]
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=0) < 0).all()
    assert point.leakage.cells_w().min() >= 0


@pytest.mark.slow
def test_slow_is_slower_and_fast_is_faster_at_every_corner() -> None:
    """Delay and transition of every arc at every point of its table, each plus the input's slew.

    Two transitions of fast transistors belong to another state of the other inputs than those of
    typical ones; a few of their points, at fast edges and small loads, are out of order.
    """
    arcs = shipped("typical").arcs
    timed = np.flatnonzero((arcs.kind < FIRST_CHECK) & (arcs.rise_delay >= 0))
    volts, temps = np.array(common()).T
    assert len(volts) >= 30
    for column in (arcs.rise_slew, arcs.fall_slew, arcs.rise_delay, arcs.fall_delay):
        slow, typical, fast = (
            whole_tables(process, column[timed], volts, temps) for process in PROCESSES
        )
        wrong = ~((slow > typical) & (typical > fast))
        if column is arcs.rise_delay or column is arcs.fall_delay:
            assert not wrong.any()
        assert not wrong[:, :, 2:, :].any() and not wrong[:, :, :, 2:].any()
        assert wrong.mean() < 2e-5


def whole_tables(
    process: str, numbers: np.ndarray, volts: np.ndarray, temps: np.ndarray
) -> np.ndarray:
    """Values plus the slew of their row, by corner, table, slew and load; times in s."""
    library = shipped(process)
    tables, point = library.tables, library.at(volts, temps)
    places = tables.start[numbers][:, None] + np.arange(49)
    rows = tables.axis_start[tables.row_axis[numbers]][:, None] + np.arange(7)
    values = point.interpolate(tables.values[:, places.ravel()])
    return values.reshape(len(volts), len(numbers), 7, 7) + point.axes[:, rows][..., None]


def test_a_fast_inverter_leaks_more_than_a_typical_one() -> None:
    """Slow and fast have the leakage that a foundry guarantees, so neither leaks less."""
    typical = shipped("typical").leakage_grid
    for process in ("slow", "fast"):
        library = shipped(process)
        known = library.leakage_grid
        both = sorted(
            set(zip(known.supply_v.tolist(), known.temperature_c.tolist(), strict=True))
            & set(zip(typical.supply_v.tolist(), typical.temperature_c.tolist(), strict=True))
        )
        volts, temps = np.array(both).T
        assert len(volts) >= 20
        ours = library.leakage_at(volts, temps).cells_w()
        usual = shipped("typical").leakage_at(volts, temps).cells_w()
        assert (ours >= usual).all()
        assert (ours.sum(axis=1) > 2 * usual.sum(axis=1)).all()


@pytest.mark.slow
def test_the_inverter_against_another_simulation(shared: Path) -> None:
    """A chain of inverters with the same models, simulated by other hands at 25 °C."""
    file = shared / "reference" / "corners" / "fo4_corners_25C.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == 9
    for row in rows:
        delay = {
            process: fo4(shipped(process).at(row["vdd"], 25.0)).delay_s[0] for process in PROCESSES
        }
        # their drawn stress distance slows edges, more so near threshold
        assert delay["slow"] / delay["typical"] == pytest.approx(row["ss_tt"], rel=0.08), row
        assert delay["fast"] / delay["typical"] == pytest.approx(row["ff_tt"], rel=0.08), row


def test_slow_and_fast_bound_the_cross_corners() -> None:
    """By ngspice (`python -m tools.characterise cross`): why the library has no sf and fs."""
    rows = json.loads(CROSS_CORNERS.read_text())
    assert {row["supply_v"] for row in rows} == {1.8, 1.0}
    for supply_v in (1.8, 1.0):
        at = {row["corner"]: row for row in rows if row["supply_v"] == supply_v}
        for name in at["slow"]:
            delay = not name.startswith(("hold", "setup")) and name.endswith("_s")
            if not delay:
                continue
            # chains of three-input NOR gates alone exceed slow ones by 3 % at 1.0 V
            for cross in ("sf", "fs"):
                assert at["fast"][name] < at[cross][name] < 1.03 * at["slow"][name], name
        assert at["fast"]["hold_slack_s"] < min(at[one]["hold_slack_s"] for one in ("sf", "fs"))


def test_every_arc_slows_as_the_supply_falls() -> None:
    """No corner out of line, simulated or inferred."""
    for process in ("slow", "fast"):
        library = shipped(process)
        arcs = library.arcs
        timed = np.flatnonzero((arcs.kind < FIRST_CHECK) & (arcs.rise_delay >= 0))
        for numbers in (arcs.rise_slew[timed], arcs.fall_slew[timed]):
            places = library.tables.start[numbers] + 3 * 7 + 3
            for temp in library.grid.temperatures_c:
                own = np.flatnonzero(library.temperature_c == temp)
                own = own[np.argsort(library.supply_v[own])]
                assert (np.diff(library.tables.values[own][:, places], axis=0) < 0).all()
