"""Rewrites the assertions of all test files before the workers of a run collect them.

Each worker would rewrite every file, all of them at the same time: nine seconds of processor time
each in a fresh clone. The functions of pytest that do it are private; without one of them, the
workers do it themselves.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path

import pytest


def rewrite_all(config: pytest.Config, files: Sequence[Path]) -> None:
    """Leave the bytecode of all files where pytest looks for it, by a process per processor."""
    count = os.cpu_count() or 1
    forked = multiprocessing.get_context("fork")
    shares = [files[start::count] for start in range(count)]
    processes = [forked.Process(target=_rewrite, args=(config, share)) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _rewrite(config: pytest.Config, files: Sequence[Path]) -> None:
    from _pytest.assertion import rewrite

    with contextlib.suppress(AttributeError, TypeError, ValueError, OSError, SyntaxError):
        state = config.stash[rewrite.assertstate_key]
        for file in files:
            folder = rewrite.get_cache_dir(file)
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / (file.stem + rewrite.PYC_TAIL)
            if rewrite._read_pyc(file, target) is None:
                digest, code = rewrite._rewrite_test(file, config)
                rewrite._write_pyc(state, code, digest, target)
