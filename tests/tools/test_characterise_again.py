"""Characterise three cells again and compare with what ships."""

from __future__ import annotations

import contextlib
import gc
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.ngspice_process import NgspiceProcess
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.liberty.reader import read_liberty
from tools.characterise import assemble, run
from tools.characterise.compare import at_one_corner, compare
from tools.characterise.liberty_text import library_text

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed"),
]

# Shipped numbers keep 11 bits of mantissa; another version of ngspice may take other time steps.
TOLERANCE = 0.01


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("characterise")


# tests/characterise/test_library_characterise.py has the flip-flop in every run, by the verb.
@pytest.mark.parametrize(
    "name", ["inv_1", "nand2_1", pytest.param("dfxtp_1", marks=pytest.mark.exhaustive)]
)
def test_again_equals_what_ships(name: str, work: Path) -> None:
    with run.Characteriser(work) as characteriser:
        for kind in ("timing", "leakage"):
            failure = characteriser.do(run.Task(kind, "typical", 1.8, 25.0, name))
            assert failure is None
    file = work / f"{name}.lib"
    file.write_text(library_text([assemble.read_cell(work, name, 1.8, 25.0)], 1.8, 25.0, "again"))
    shipped = at_one_corner(resolve("sky130").load().at(1.8, 25.0))
    found = compare(read_liberty([file]), shipped)
    assert {"delay", "input capacitance", "leakage by state"} <= set(
        found.ours
    ) or name == "dfxtp_1"
    for quantity in found.ours:
        ours, theirs, _ = found.pairs(quantity)
        if quantity in ("setup", "hold"):  # a bisection's last step
            assert np.abs(ours - theirs).max() < 5e-12, quantity
        else:
            assert np.abs(found.errors(quantity)[0]).max() < TOLERANCE, quantity


def test_the_program_does_what_the_library_does() -> None:
    deck = "* divider\nv1 a 0 dc 2\nr1 a b 1k\nr2 b 0 3k\n.end"
    for start in (NgspiceProcess, run.simulator):
        with start() as simulator:
            simulator.load(deck)
            # 2 V x 3 / 4; the current leaves the source: 2 V / 4 kohm
            point = simulator.operating_point(["b", "i(v1)"])
            assert point["b"] == pytest.approx(1.5)
            assert point["i(v1)"] == pytest.approx(-0.5e-3)


@pytest.mark.parametrize("ended", ["as it should", "by a fault", "killed", "killed while asked"])
def test_the_program_and_its_folder_do_not_outlive_it(ended: str) -> None:
    # Warnings are errors here: a stream or a folder left to the collector fails this test.
    simulator = NgspiceProcess()
    process, folder = simulator._process, Path(simulator._folder.name)
    assert process.poll() is None and folder.is_dir()
    with contextlib.suppress(RuntimeError, SimulationError), simulator:
        simulator.load("* divider\nv1 a 0 dc 2\nr1 a 0 1k\n.end")
        if ended == "by a fault":
            raise RuntimeError
        if ended.startswith("killed"):
            process.kill()
        if ended == "killed while asked":
            simulator.load("* another\nv1 a 0 dc 2\nr1 a 0 1k\n.end")
    assert process.returncode is not None and not folder.exists()
    simulator.close()
    del simulator
    gc.collect()


def test_no_program_leaves_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "ngspice"
    broken.parent.mkdir()
    broken.write_text("no program at all")
    broken.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("PATH", str(broken.parent))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(OSError):
        NgspiceProcess()
    assert list(scratch.iterdir()) == []
