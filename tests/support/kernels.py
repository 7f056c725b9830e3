"""Compiled kernels for all tests of a run; few tests with a cache of their own are about them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_FOLDER = "CHIPDSE_TEST_KERNELS"


def begin() -> None:
    """Name the folder that all processes of this test run share."""
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="chipdse-kernels-")


def end() -> None:
    shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


def lend(cache: Path) -> Path:
    """Give a cache without kernels those that other tests have compiled; returns the cache."""
    folder = cache / "kernels"
    if folder.is_symlink() and not folder.exists():
        folder.unlink()  # left by a run that was stopped
    if _FOLDER in os.environ and not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(os.environ[_FOLDER])
    return cache
