"""Storages and machines that go away: PostgreSQL restarted, a driver dead, a Dask worker lost."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import chipdse
from chipdse.errors import DesignError
from chipdse.study.storage.attributes import DRIVER
from chipdse.study.storage.storage import open_storage
from tests.support import servers
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.tools

# A driver is given up after three seconds without a sign instead of a minute and a half.
IMPATIENT = (
    "import sys; import chipdse.study.storage.storage as storage; "
    "storage.BEAT_S, storage.GRACE_S = 1, 3; "
    "from chipdse.cli import main; sys.exit(main())"
)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[servers.PostgreSQL]:
    with servers.postgresql() as server:
        yield server


def wait_for(study: Path, trials: int, process: subprocess.Popen[str]) -> None:
    servers.wait_until(
        lambda: process.poll() is not None or sweeps.trials_done(study) >= trials,
        f"{trials} finished trials",
        600,
    )
    assert process.poll() is None, process.communicate()[1]


def test_postgresql_restarted(
    warm_store: Path, tmp_path: Path, postgresql: servers.PostgreSQL
) -> None:
    study, url = tmp_path / "study", postgresql.url("restarted")
    process = sweeps.start(sweeps.sweep_file(tmp_path), study, warm_store, "--storage", url)
    for trials in (1, 8):
        wait_for(study, trials, process)
        postgresql.stop()
        postgresql.start()
    wait_for(study, 12, process)
    postgresql.stop()
    servers.wait_until(lambda: '"waiting"' in (study / "status.json").read_text(), "waiting")
    postgresql.start()
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert "the storage does not answer (" in said
    assert "the storage answers again, after" in said
    sweeps.assert_whole(study)
    sweeps.assert_same_front(study, warm_store / "undisturbed")


def test_another_driver_takes_over(
    warm_store: Path, tmp_path: Path, postgresql: servers.PostgreSQL
) -> None:
    """Two drivers, as of two institutions, share a study; one dies with points under way."""
    url, program = postgresql.url("shared"), ("-c", IMPATIENT)
    file, here, there = sweeps.sweep_file(tmp_path), tmp_path / "a" / "one", tmp_path / "b" / "one"
    first, second = (
        sweeps.start(file, study, warm_store, "--storage", url, program=program)
        for study in (here, there)
    )
    wait_for(here, 3, first)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    _, said = second.communicate(timeout=600)
    assert second.returncode == 0, said
    sweeps.assert_whole(there)
    sweeps.assert_same_front(there, warm_store / "undisturbed")
    sweeps.assert_same_front(here, there)  # the dead one's folder shows the same study
    trials = chipdse.load_study(there).folder.study.get_trials()
    assert len({trial.user_attrs.get(DRIVER) for trial in trials if trial.values}) == 2


def test_another_sweep_of_the_same_name_is_refused(
    warm_store: Path,
    tmp_path: Path,
    postgresql: servers.PostgreSQL,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    url = postgresql.url("names")
    file = sweeps.sweep_file(tmp_path)
    sweeps.here(file, tmp_path / "a" / "one", storage=url, trials=1)
    other = sweeps.sweep_file(tmp_path, sweeps.SWEEP.replace("depth = 8", "depth = 4"))
    with pytest.raises(DesignError, match="is a study of another sweep: its workload differs"):
        chipdse.sweep(other, study=tmp_path / "b" / "one", storage=url, progress=False)


def test_storages_that_do_not_open(tmp_path: Path) -> None:
    port = servers.free_port()
    for url, message in [
        ("no url", "'no url' is no URL; write postgresql://HOST/DATABASE"),
        ("mysql://here/base", "is not supported; write postgresql://HOST/DATABASE"),
        (f"sqlite:///{tmp_path}/no/folder.db", "cannot be opened: unable to open database file"),
    ]:
        with pytest.raises(DesignError, match=message):
            open_storage(url, tmp_path)
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(DesignError, match="cannot be opened: .*refused") as error:
        open_storage(f"postgresql://me:secret@127.0.0.1:{port}/base", tmp_path)
    assert "secret" not in str(error.value)


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("lost_after", [(4,), (1, 8)], ids=["one", "two"])
def test_dask_workers_lost(warm_store: Path, tmp_path: Path, lost_after: tuple[int, ...]) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed")
    study = tmp_path / "study"
    process = sweeps.start(sweeps.sweep_file(tmp_path), study, warm_store, "--executor", "dask")
    for trials in lost_after:
        wait_for(study, trials, process)
        workers = sweeps.workers_of(process)
        assert len(workers) >= 2
        os.kill(workers[-1], signal.SIGKILL)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    sweeps.assert_whole(study)
    sweeps.assert_same_front(study, warm_store / "undisturbed")


def test_a_renamed_folder_keeps_its_shared_study(
    warm_store: Path, tmp_path: Path, postgresql: servers.PostgreSQL
) -> None:
    """Its name is the folder's at the start; the folder may get another one."""
    url, file = postgresql.url("renamed"), sweeps.sweep_file(tmp_path)
    options = {"storage": url, "store": warm_store / "stages", "sampler": "random"}
    first = sweeps.here(file, tmp_path / "old", trials=2, **options)
    first.folder.path.rename(tmp_path / "new")
    assert len(chipdse.load_study(tmp_path / "new").points()) == 2
    more = sweeps.here(file, tmp_path / "new", trials=3, **options)
    assert more.folder.study.study_name == "old" and len(more.points()) == 3

    with pytest.raises(DesignError, match=r"has no study 'old'; name the storage that has it"):
        sweeps.here(file, tmp_path / "new", **(options | {"storage": postgresql.url("empty")}))
    (tmp_path / "new" / "study.json").write_text(
        (tmp_path / "new" / "study.json").read_text().replace("/renamed", "/empty")
    )
    with pytest.raises(DesignError, match="has no study 'old'"):
        chipdse.load_study(tmp_path / "new")
