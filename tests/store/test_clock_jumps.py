"""A clock that jumps: no answer is stale, and the cache's limit is kept."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from chipdse.store.care import LIMIT, entries, prune_if_due
from chipdse.store.derived import IN_USE_S, Derived, note_use
from chipdse.store.store import Store
from chipdse.study.storage.code import Code

YEAR_S = 365 * 86400.0


@pytest.mark.parametrize("jump_s", [-YEAR_S, 0.0, YEAR_S])
def test_a_file_of_the_same_size_and_date_is_read(tmp_path: Path, jump_s: float) -> None:
    file = tmp_path / "block.py"
    file.write_text("y = a ^ b\n")
    date_s = time.time() + jump_s
    os.utime(file, (date_s, date_s))
    code = Code(hashes={file: hashlib.sha256(file.read_bytes()).hexdigest()})
    assert code.changed() is None
    file.write_text("y = a & b\n")
    os.utime(file, (date_s, date_s))
    assert code.changed() == file
    file.write_text("y = a ^ b\n")  # a date alone is no change
    assert code.changed() is None


def test_the_limit_is_kept_after_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "stages"

    def build(folder: Path) -> None:
        (folder / "large").write_bytes(os.urandom(100_000))

    def results(root: Path) -> int:
        return sum(entry.kind == "result" for entry in entries(root))

    for number in range(3):
        Store(root=root).folder("stage", {"number": number}, build)
    (root / ".measured").touch()
    future_s = time.time() + YEAR_S
    os.utime(root / ".measured", (future_s, future_s))
    for entry in entries(root):
        os.utime(entry.path / "manifest.json", (future_s, future_s))
    assert results(root) == 3
    monkeypatch.setenv(LIMIT, "10KB")
    prune_if_due(root)
    assert results(root) == 0


def test_a_date_in_the_future_is_renewed_by_use(tmp_path: Path) -> None:
    file = tmp_path / "kernel.so"
    file.write_bytes(b"x")
    future_s = time.time() + YEAR_S
    os.utime(file, (future_s, future_s))
    note_use(file)
    assert abs(file.stat().st_mtime - time.time()) < YEAR_S / 2
    derived = Derived(
        folder="kernels", path=file, files=(file,), used_s=future_s, size_bytes=1, leftover=False
    )
    assert not derived.in_use
    assert IN_USE_S < YEAR_S
