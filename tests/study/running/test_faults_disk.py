"""Full disks under the store and under the study, and a damaged store: one line, nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import chipdse
from chipdse.store.care import entries, verify
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.tools


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size; skips where none can be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True
    )
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def enlarge(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=500m", folder], check=True)


def failing(process: subprocess.Popen[str]) -> str:
    """The last line of a sweep that stopped with exit code 1."""
    _, said = process.communicate(timeout=600)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    return said.splitlines()[-1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_stores_disk_is_full(warm_store: Path, tmp_path: Path) -> None:
    file, study = sweeps.sweep_file(tmp_path), tmp_path / "study"
    with small_disk(tmp_path / "disk", "400k") as disk:
        line = failing(sweeps.start(file, study, disk))
        assert "the store" in line
        assert "cannot be written (No space left on device); free some space" in line
        points = chipdse.load_study(study).points()
        assert not (points["state"] == "failed").any()
        enlarge(disk)
        sweeps.run(file, study, disk)
        sweeps.assert_whole(study)
        sweeps.assert_same_front(study, warm_store / "undisturbed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_studys_disk_is_full(warm_store: Path, tmp_path: Path) -> None:
    file = sweeps.sweep_file(tmp_path)
    with small_disk(tmp_path / "disk", "220k") as disk:
        line = failing(sweeps.start(file, disk / "study", warm_store))
        assert "cannot be" in line
        assert "what is finished is safe" in line
        enlarge(disk)
        before = chipdse.load_study(disk / "study").points()
        assert not (before["state"] == "failed").any()
        sweeps.here(file, disk / "study", store=warm_store / "stages")
        after = sweeps.assert_whole(disk / "study")
        assert set(before["trial"]) <= set(after["trial"])
        sweeps.assert_same_front(disk / "study", warm_store / "undisturbed")


def test_a_damaged_and_truncated_store_is_repaired(
    untouched_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "cache" / "stages"  # it holds what this sweep reads, no more
    shutil.copytree(untouched_store / "stages", store)
    results = [one.path for one in entries(store) if one.kind == "result"]
    for place, folder in enumerate(sorted(results)):
        victim = max(
            (path for path in folder.iterdir() if path.name != "inputs.json"),
            key=lambda path: path.stat().st_size,
        )
        if place % 2:
            os.truncate(victim, victim.stat().st_size // 2)
        else:
            victim.write_bytes(b"\0" + victim.read_bytes()[1:] + b"\0")
    assert chipdse.cli.main(["cache", "verify", "--store", str(store)]) == 1
    assert f"{len(results)} results, {len(results)} damaged" in capsys.readouterr().out
    # In a process of its own: this one may still know results that it read before.
    sweeps.run(sweeps.sweep_file(tmp_path), tmp_path / "study", store.parent)
    assert verify(store) == []
    assert len(chipdse.load_study(tmp_path / "study").points()) == sweeps.TRIALS
    sweeps.assert_same_front(tmp_path / "study", untouched_store / "undisturbed")
