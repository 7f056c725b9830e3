"""Code that changes under a running sweep: it stops in one line, and nothing is lost or wrong."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import chipdse
from chipdse.design import find_block
from chipdse.errors import ChipdseError, MachineError
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.liberty.writer import liberty_text
from chipdse.netlist.library.user import add_library
from chipdse.store.store import Store
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.running.outcome import evaluate_point
from chipdse.study.storage.code import Code, code_here
from chipdse.study.storage.fingerprint import parts_of
from tests.support import small_sweep as sweeps
from tests.support.counter_project import COUNTER, counter_project


class Edited(ProcessPoolExecutor):
    """One worker process; a file is edited before the second point is handed to it."""

    def __init__(self, file: Path) -> None:
        super().__init__(1, multiprocessing.get_context("spawn"))
        self._file, self._count = file, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._count += 1
        if self._count == 2:
            self._file.write_text("not Verilog any more")
        return super().submit(fn, *args, **kwargs)


@pytest.mark.tools
def test_an_edited_block_stops_its_sweep(tmp_path: Path) -> None:
    source = tmp_path / "counter.v"
    counter_project(tmp_path, (2, 3), harvest=True)
    study, store = tmp_path / "study", tmp_path / "store"
    with (
        Edited(source) as executor,
        pytest.raises(MachineError, match=r"counter\.v changed while .* start it again to go on"),
    ):
        chipdse.sweep(tmp_path / "sweep.toml", study=study, store=store, executor=executor,
                      workers=1, report=False, progress=False)  # fmt: skip
    points = chipdse.load_study(study).points()
    assert points["state"].tolist() == ["feasible"]
    source.write_text(COUNTER)
    sweeps.here(tmp_path / "sweep.toml", study, store=store)
    points = chipdse.load_study(study).points()
    assert points["state"].tolist() == ["feasible"] * 2 and set(points["WIDTH"]) == {2, 3}


VANISHING = """
import os
from pathlib import Path
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

class Vanishing(wiring.Component):
    def __init__(self, width=4):
        super().__init__({"a": In(width), "y": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.a + 1)
        for file in Path(os.environ["CHIPDSE_CONFIG"]).rglob("mine.toml"):
            file.unlink()
        return m
"""
VANISHING_SWEEP = """
question = "What if the library goes?"
block = "vanishing:Vanishing"
[hardware]
width = [4, 5]
[library]
name = "mine"
[objectives]
energy_per_op_j = "minimize"
block_area_m2 = "minimize"
[search]
sampler = "grid"
"""


@pytest.mark.tools
def test_a_library_removed_under_a_running_sweep_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vanishing.py").write_text(VANISHING)
    (tmp_path / "sweep.toml").write_text(VANISHING_SWEEP)
    liberty = tmp_path / "cells.lib"
    liberty.write_text(liberty_text(resolve("sky130").load().at([1.8], [25.0])))
    add_library("mine", [liberty], node_nm=130)
    study, store = tmp_path / "study", tmp_path / "store"
    with pytest.raises(MachineError, match=r"cannot go on: .*'mine' is not known.* is safe"):
        sweeps.here(tmp_path / "sweep.toml", study, store=store)
    assert "failed" not in set(chipdse.load_study(study).points()["state"])


@pytest.mark.slow
def test_what_counts_is_what_a_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "counter.v"
    counter_project(tmp_path)
    code = Code.of((find_block("counter.toml", tmp_path),))
    assert {file, tmp_path / "counter.toml"} < set(code.hashes)
    assert code.changed() is None
    file.write_text(COUNTER)  # another date, as an editor or git leaves it
    assert code.changed() is None
    file.write_text(COUNTER + "//")
    assert code.changed() == file
    file.unlink()
    assert code.changed() == file


@pytest.mark.slow
def test_a_worker_older_than_the_code_is_told(tmp_path: Path) -> None:
    """As of Dask, which outlives sweeps: it has the modules of its day."""
    counter_project(tmp_path, (2, 3, 4), harvest=True)
    code_here((find_block("counter.toml", tmp_path),))
    (tmp_path / "counter.v").write_text(COUNTER + "//")
    sweep = read_sweep(tmp_path / "sweep.toml")
    driver = parts_of(sweep)
    with pytest.raises(MachineError, match=r"is older than .*counter\.v; start the worker again"):
        evaluate_point(sweep, {"WIDTH": 2}, tmp_path / "store", driver)


def test_parts_of_the_package_that_make_points_count() -> None:
    names = {str(file) for file in Code.of((find_block("fir", Path()),)).hashes}
    for part in (
        "hdl/chipdse_hdl/fir/hardware.py",
        "hdl/chipdse_hdl/fir/model.py",
        "chipdse/evaluate.py",
        "netlist/activity/replay/replay.py",
        "study/harvest/harvest.py",
    ):
        assert any(name.endswith(part) for name in names), part
    assert not any("chipdse/report/" in name or "chipdse/cli/" in name for name in names)


def test_a_stage_built_from_changed_code_is_not_kept(tmp_path: Path) -> None:
    def changed() -> None:
        raise MachineError("hdl/chipdse_hdl/fir/__init__.py changed")

    def build(folder: Path) -> None:
        (folder / "result").write_text("of the new code")

    with pytest.raises(ChipdseError, match=r"fir/__init__\.py changed"):
        Store(root=tmp_path, check=changed).folder("stage", {"source": "old"}, build)
    found = Store(root=tmp_path).folder("stage", {"source": "old"}, lambda folder: None)
    assert not (found / "result").exists()
