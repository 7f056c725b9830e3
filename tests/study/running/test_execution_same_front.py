"""The same sweep wherever it runs and wherever its trials are: the same front."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import chipdse
from chipdse.errors import DesignError, MachineError
from chipdse.study.running.executors import open_workers
from tests.support import servers
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def postgresql() -> Iterator[servers.PostgreSQL]:
    with servers.postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def slurm() -> Iterator[servers.Slurm]:
    with servers.slurm() as cluster:
        yield cluster


def options(folder: Path) -> list[object]:
    """What Slurm has to know, as a user writes it."""
    file = folder / "slurm.toml"
    file.write_text('queue = "short"\nmemory = "400MB"\nwalltime = "00:10:00"\n'
                    'interface = "lo"\nskip_directives = ["--mem"]\n'
                    f'logs = "{folder}"\nscratch = "{folder}"\n')  # fmt: skip
    return ["--executor-options", file]


@pytest.mark.exhaustive  # test_faults_storage.py compares that front after restarts of PostgreSQL
def test_processes_and_postgresql(
    warm_store: Path, tmp_path: Path, postgresql: servers.PostgreSQL
) -> None:
    file = sweeps.sweep_file(tmp_path)
    sweeps.run(file, tmp_path / "study", warm_store, "--storage", postgresql.url("processes"))
    sweeps.assert_whole(tmp_path / "study")
    sweeps.assert_same_front(tmp_path / "study", warm_store / "undisturbed")


@pytest.mark.exhaustive  # test_faults_storage.py compares that front after workers were killed
@pytest.mark.parametrize("storage", ["file", "postgresql"])
def test_dask(
    warm_store: Path, tmp_path: Path, storage: str, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    where = []
    if storage == "postgresql":
        where = ["--storage", request.getfixturevalue("postgresql").url("dask")]
    file = sweeps.sweep_file(tmp_path)
    sweeps.run(file, tmp_path / "study", warm_store, "--executor", "dask", *where)
    sweeps.assert_whole(tmp_path / "study")
    sweeps.assert_same_front(tmp_path / "study", warm_store / "undisturbed")


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("storage", ["file", "postgresql"])
def test_slurm(
    warm_store: Path,
    tmp_path: Path,
    slurm: servers.Slurm,
    storage: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    monkeypatch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
    where: list[object] = ["--executor", "slurm", *options(tmp_path)]
    if storage == "postgresql":
        where += ["--storage", request.getfixturevalue("postgresql").url("slurm")]
    sweeps.run(sweeps.sweep_file(tmp_path), tmp_path / "study", warm_store, *where)
    sweeps.assert_whole(tmp_path / "study")
    sweeps.assert_same_front(tmp_path / "study", warm_store / "undisturbed")
    assert list(tmp_path.glob("dask-worker-*.out"))  # it did run as jobs
    left = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in left.splitlines() if " CG " not in line]


def test_an_executor_of_ones_own(
    warm_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    with ThreadPoolExecutor(2) as threads:
        chipdse.sweep(
            sweeps.sweep_file(tmp_path),
            study=tmp_path / "study",
            executor=threads,
            workers=2,
            report=False,
            progress=False,
        )
        assert threads.submit(int).result() == 0  # it is left open
    sweeps.assert_same_front(tmp_path / "study", warm_store / "undisturbed")


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("threads", "executor 'threads' is unknown; use processes, dask, slurm, pbs or dask:"),
        ("dask:", "'dask:' is unknown"),
        ("slurm:here", "'slurm:here' is unknown"),
    ],
)
def test_unknown_executors_are_refused(executor: str, message: str) -> None:
    with pytest.raises(DesignError, match=message), open_workers(executor):
        pass


def test_options_of_a_queue_are_checked(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    file = tmp_path / "slurm.toml"
    for text, message in [
        ('qeue = "short"', "'qeue' is not known here; did you mean 'queue'"),
        ("memory = 4", "memory = 4 must be text"),
        ('prologue = "module load x"', "must be a list of texts"),
        ("queue =", "not TOML"),
        ('queue = "short"', "slurm: the memory of a job is not given; write e.g. memory"),
    ]:
        file.write_text(text)
        with pytest.raises(DesignError, match=message), open_workers("slurm", 1, file):
            pass
    with pytest.raises(DesignError, match="are for slurm and pbs only"):
        open_workers("processes", 1, file).__enter__()


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr("chipdse.study.running.executors.CONNECT_S", 1)
    where = f"dask:tcp://127.0.0.1:{servers.free_port()}"
    with pytest.raises(MachineError, match="no Dask scheduler answers"), open_workers(where):
        pass
