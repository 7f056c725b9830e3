"""`chipdse library characterise`: Liberty files from netlists, by real simulation."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from chipdse.characterise import run
from chipdse.characterise.description import read_description
from chipdse.characterise.run import simulate
from chipdse.cli import main
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve
from chipdse.store.sources import code_files
from tests.characterise.small_process import SLOW, TYPICAL, sky130_cells, small_process
from tools.characterise.compare import Comparison, at_one_corner, compare

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed"),
]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))


def characterise(description: Path, *options: str) -> int:
    target = description.parent / "liberty"
    return main(["library", "characterise", str(description), "--to", str(target), *options])


def against_shipped(file: Path, process: str) -> Comparison:
    """The shipped library at the points of a file: ours and theirs in its pairs."""
    again = load_library([file])
    shipped = resolve("sky130").load(process)
    return compare(at_one_corner(shipped.at(again.supply_v, again.temperature_c)), again)


def test_typical_cells_are_those_that_ship(tmp_path: Path) -> None:
    """The same netlists and models give the shipped numbers, which keep 11 bits of mantissa."""
    description = sky130_cells(tmp_path, ["inv_1", "dfxtp_1"], [("typical", 1.8, 25.0)])
    assert characterise(description) == 0
    found = against_shipped(tmp_path / "liberty" / "sky130_again_typical_25C_1p8V.lib", "typical")
    assert {"delay", "transition", "clock to output", "setup", "hold"} <= set(found.ours)
    for quantity in found.ours:
        ours, theirs, _ = found.pairs(quantity)
        if quantity in ("setup", "hold"):  # the last step of a bisection, 14 ps
            assert np.abs(ours - theirs).max() < 15e-12, quantity
        else:
            assert np.abs(found.errors(quantity)[0]).max() < 0.02, quantity


def test_slow_cells_are_near_those_that_ship(tmp_path: Path) -> None:
    """The shipped slow corner is inferred, so that it differs by a few per cent."""
    description = sky130_cells(
        tmp_path, ["inv_1", "nor2_1"], [("typical", 1.8, 25.0), ("slow", 1.6, 100.0)]
    )
    assert characterise(description) == 0
    found = against_shipped(tmp_path / "liberty" / "sky130_again_slow_100C_1p6V.lib", "slow")
    for quantity in ("delay", "transition", "input capacitance"):
        assert np.median(np.abs(found.errors(quantity)[0])) < 0.05, quantity
    # interpolated between 85 and 125 °C
    assert np.median(np.abs(found.errors("leakage by state")[0])) < 0.1


def test_the_files_make_a_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    description = small_process(tmp_path, ("inv", "nand", "buf"), corners=TYPICAL + SLOW)
    assert characterise(description) == 0
    said = capsys.readouterr()
    assert "mine: 3 cells, 2 corners" in said.out
    assert "6/6" in said.err
    command = said.out.splitlines()[-1].partition("use them: chipdse ")[2]
    assert main(command.split()) == 0
    entry = resolve("mine")
    assert entry.processes == ("typical", "slow")
    # nothing of a cell but the delay depends on the process here
    typical, slow = (entry.load(process) for process in entry.processes)
    rows = typical.arcs.rise_delay[typical.arcs.rise_delay >= 0]
    starts = typical.tables.start[rows]
    assert (slow.tables.values[0, starts] > typical.tables.values[0, starts]).all()


def test_energy_by_hand(tmp_path: Path) -> None:
    """An inverter's energy per cycle is that of its inner capacitances, whatever the load."""
    assert characterise(small_process(tmp_path, ("inv",))) == 0
    library = load_library([tmp_path / "liberty" / "mine_typical_25C_1p8V.lib"])
    powers, tables = library.powers, library.tables
    output = int(np.flatnonzero(powers.related >= 0)[0])
    total = sum(
        tables.values[0, tables.start[table] : tables.start[table + 1]].reshape(2, 2)
        for table in (powers.rise[output], powers.fall[output])
    )
    # Overlaps of drain and gate, 3 µm x 0.2 fF/µm = 0.6 fF, swing by twice the supply voltage:
    # 2 x 0.6 fF x V². A slow edge adds the charge of both transistors conducting.
    overlap_j = 2 * 0.6e-15 * 1.8**2
    fast = total[0]
    assert overlap_j < fast.min() and fast.max() < 3 * overlap_j
    # gate: 3 µm x 0.2 µm x 8.63 mF/m² = 5.2 fF, and both overlaps
    capacitance_f = float(library.pin_capacitance_f[0, 0, :2].mean())
    assert 5.2e-15 < capacitance_f < 5.2e-15 + 3 * 0.6e-15


def test_a_run_continues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    description = small_process(tmp_path)
    assert characterise(description) == 0
    written = (tmp_path / "liberty" / "mine_typical_25C_1p8V.lib").read_bytes()
    capsys.readouterr()
    assert characterise(description) == 0
    assert "2 cells at corners, 2 of them known" in capsys.readouterr().err
    assert (tmp_path / "liberty" / "mine_typical_25C_1p8V.lib").read_bytes() == written
    netlist = tmp_path / "cells.spice"
    netlist.write_text(
        netlist.read_text().replace("MN2 n1 B VSS VSS nch W=1u", "MN2 n1 B 0 0 nch W=2u")
    )
    assert characterise(description) == 0
    assert "2 cells at corners, 1 of them known" in capsys.readouterr().err
    assert (tmp_path / "liberty" / "mine_typical_25C_1p8V.lib").read_bytes() != written


def test_a_file_follows_from_code_simulator_and_compiled_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = tmp_path / "models.osdi"
    compiled.write_bytes(b"one")
    stated = read_description(small_process(tmp_path, ("inv",)))
    description = dataclasses.replace(stated, commands=(f"osdi {compiled}",))

    def key() -> str:
        return run.Characteriser(description, tmp_path / "work").task_key(
            run.Task(corner=0, cell=0)
        )

    before = key()
    assert key() == before
    compiled.write_bytes(b"two")
    assert key() != before
    compiled.write_bytes(b"one")
    assert key() == before
    with monkeypatch.context() as other:
        other.setattr(run, "simulator_version", lambda: "ngspice-0")
        assert key() != before
    with monkeypatch.context() as other:
        other.setattr(run, "code_of", lambda *builders: "another chipdse")
        assert key() != before
    files = code_files("chipdse.characterise.run:Characteriser")
    assert {f"chipdse.characterise.{name}" for name in ("sequential", "bench", "deck")} <= set(
        files
    )


def test_several_simulators_give_the_same(tmp_path: Path) -> None:
    description = small_process(tmp_path)
    for processes in ("1", "2"):
        work = tmp_path / processes
        assert characterise(description, "--processes", processes, "--work", str(work)) == 0
    first, second = (
        (tmp_path / processes / "typical_25C_1p8V" / "nand.json").read_text()
        for processes in ("1", "2")
    )
    assert first == second


def test_a_function_that_the_netlist_does_not_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    description = small_process(tmp_path, change=("!(A&B)", "!(A|B)"))
    assert characterise(description) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "cell nand: Y is 1 at A=0 B=1 in simulation, 0 by its function !(A|B)" in last


def test_models_that_the_netlist_does_not_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    description = small_process(tmp_path)
    models = tmp_path / "models.spice"
    models.write_text(models.read_text().replace("nch nmos", "other nmos"))
    assert characterise(description) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "inv" in last and "nch" in last


def test_a_missing_ngspice_is_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ctypes.util

    if ctypes.util.find_library("ngspice"):
        pytest.skip("the library of ngspice is installed, which PATH does not hide")
    description = read_description(small_process(tmp_path, ("inv",)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exception, match="ngspice is not installed or not on PATH; install it"):
        simulate(description, tmp_path / "work", 1, print)
