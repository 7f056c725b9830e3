"""A small real sweep for tests of what surrounds it: 24 points on four designs, quick when warm.

Dies have thousands of tiles: the heat equations of a die much smaller than its sink take seconds.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

import chipdse
from chipdse.cli import main
from tests.support import kernels

CHIPDSE = Path(sys.executable).with_name("chipdse")
TRIALS = 24
SWEEP = f"""
question = "Does it survive?"
block = "mac_array"
[hardware]
rows = 1
columns = [1, 2]
operand_bits = 2
accumulator_bits = 10
signed = false
[workload]
length = 32
depth = 8
sparsity = [0.0, 0.5]
[library]
name = "sky130"
[operating]
clock_frac = [0.5, 0.75, 1.0]
[package]
tiles = [1000, 10000, 100000]
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
block_area_m2 = "minimize"
[search]
trials = {TRIALS}
sampler = "random"
harvest = false
"""


def sweep_file(folder: Path, text: str = SWEEP) -> Path:
    file = folder / "small.toml"
    file.write_text(text)
    return file


def start(
    file: Path, study: Path, store: Path, *arguments: object, program: Sequence[object] = (CHIPDSE,)
) -> subprocess.Popen[str]:
    """`chipdse sweep` in a process of its own, as the leader of a group."""
    command = [*program, "sweep", file, "--study", study, "--workers", "2", "--no-report"]
    return subprocess.Popen(
        [str(word) for word in (*command, *arguments)],
        env=os.environ | {"CHIPDSE_CACHE": str(kernels.lend(store))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(file: Path, study: Path, store: Path, *arguments: object) -> str:
    """The same, to its end; what it said on stderr."""
    process = start(file, study, store, *arguments)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return errors


def here(file: Path, study: Path, **arguments: Any) -> chipdse.Study:
    """A sweep in this process, which has everything loaded."""
    with ThreadPoolExecutor(1) as thread:
        return chipdse.sweep(
            file, study=study, executor=thread, workers=1, report=False, progress=False, **arguments
        )


def call(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """What `chipdse WORDS` prints, as a process of its own would return it.

    For tests of what a verb answers. Tests of the installed program, of its start and of its end
    start a process.
    """
    output, errors = io.StringIO(), io.StringIO()
    texts = [str(word) for word in words]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            returned = main(texts)
        except SystemExit as end:
            returned = int(end.code or 0)
    done = subprocess.CompletedProcess(texts, returned, output.getvalue(), errors.getvalue())
    assert done.returncode == code, done.stderr + done.stdout
    return done


def trials_done(study: Path) -> int:
    """What the study's status file says; 0 while there is none."""
    try:
        done: int = json.loads((study / "status.json").read_text())["trials"]
    except FileNotFoundError:
        return 0
    return done


def workers_of(driver: subprocess.Popen[str]) -> list[int]:
    """Process ids of a driver's worker processes, of its own or of Dask."""
    spawned = [pid for pid in children(driver.pid) if "spawn_main" in command_of(pid)]
    return [*spawned, *(worker for server in servers_of(driver) for worker in children(server))]


def servers_of(driver: subprocess.Popen[str]) -> list[int]:
    """The process that forks a driver's own workers."""
    return [pid for pid in children(driver.pid) if "forkserver" in command_of(pid)]


def children(pid: int) -> list[int]:
    """Process ids of the children of all threads of a process; none where it is gone."""
    try:
        lines = [line.read_text() for line in Path(f"/proc/{pid}/task").glob("*/children")]
    except FileNotFoundError:
        return []
    return [int(child) for line in lines for child in line.split()]


def command_of(pid: int) -> str:
    """How a process was started; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return ""


def front(study: Path) -> pd.DataFrame:
    """The front, without the order in which it was found."""
    return comparable(chipdse.load_study(study).front())


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in table.columns if name != "trial"]
    return table[names].sort_values(names[2:7], ignore_index=True)


def parameters(study: Path) -> list[str]:
    return [axis.name for axis in chipdse.load_study(study).folder.sweep.space.axes]


def assert_same_front(study: Path, other: Path) -> None:
    pd.testing.assert_frame_equal(front(study), front(other))


def assert_whole(study: Path, trials: int = TRIALS) -> Any:
    """Every trial is there and no point twice; returns the points."""
    points = chipdse.load_study(study).points()
    assert len(points) == trials
    assert not points.duplicated(parameters(study)).any()
    return points
