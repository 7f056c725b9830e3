"""What all tests of a run share: compiled kernels, parsed libraries, and lists of modules.

Each is kept in the cache under a key of its content, so a cache that borrows them gives the same
results. A test with a cache of its own that is not about them borrows them with `lend`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

_FOLDER = "CHIPDSE_TEST_KERNELS"
COARSE = {"CHIPDSE_TEST_COARSE_TEMPERATURES": "1"}
"""Variables with which forked programs (`tests.support.programs`) do as `coarse_temperatures`."""
_LENT = ("kernels", "libraries", "liberty", "closures")
"""Folders of the cache (see `chipdse.store.derived`) whose content takes seconds to make."""


def begin() -> None:
    """Name the folder that all processes of this test run share."""
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="chipdse-kernels-")


def end() -> None:
    shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


def lend(cache: Path, names: Sequence[str] = _LENT) -> Path:
    """Give a cache what other tests have compiled and parsed; returns the cache."""
    for name in names:
        folder = cache / name
        if folder.is_symlink() and not folder.exists():
            folder.unlink()  # left by a run that was stopped
        if _FOLDER in os.environ and not folder.exists():
            cache.mkdir(parents=True, exist_ok=True)
            shared = Path(os.environ[_FOLDER]) / name
            shared.mkdir(exist_ok=True)
            folder.symlink_to(shared)
    return cache


def shared_folder(name: str) -> Path:
    """A folder that all tests of this run share; who fills it takes a lock."""
    folder = Path(os.environ[_FOLDER]) / name
    folder.mkdir(exist_ok=True)
    return folder


def coarse_temperatures(patch: pytest.MonkeyPatch) -> None:
    """Compute the hottest spot of a placement on few squares, in this process.

    The fine mesh is most of the time that a look into a point takes.
    """
    patch.setattr("chipdse.system.power_map.GRID", 3)
    patch.setattr("chipdse.system.power_map.MESH_CELLS", 6)


def keep_own(cache: Path, name: str) -> None:
    """Replace a borrowed folder of a cache by a copy, which a test may damage."""
    folder = cache / name
    content = folder.resolve()
    folder.unlink()
    shutil.copytree(content, folder)
