"""Distinct values and membership: as NumPy gives them here, and the same under QEMU."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chipdse.sorting import among, distinct, distinct_rows

ROOT = Path(__file__).parents[2]
SMALL = st.integers(-3, 3)


@settings(max_examples=50)
@given(arrays.arrays(np.int32, arrays.array_shapes(min_side=0, max_dims=2), elements=SMALL))
def test_distinct_values_and_their_positions(values: np.ndarray) -> None:
    found, position = distinct(values)
    assert found.dtype == values.dtype and position.dtype == np.int64
    assert found.tolist() == sorted(set(values.ravel().tolist()))
    assert position.shape == values.shape and (found[position] == values).all()


@settings(max_examples=50)
@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 3)), elements=SMALL))
def test_distinct_rows_and_their_positions(values: np.ndarray) -> None:
    found, position = distinct_rows(values)
    assert found.tolist() == [list(row) for row in sorted({tuple(r) for r in values.tolist()})]
    assert (found[position] == values).all()


@settings(max_examples=50)
@given(arrays.arrays(np.int64, st.integers(0, 9), elements=SMALL), st.lists(SMALL))
def test_among_is_membership(values: np.ndarray, allowed: list[int]) -> None:
    assert among(values, allowed).tolist() == [value in allowed for value in values.tolist()]


def results() -> str:
    """A digest of distinct values, positions and membership, for arrays of many sizes and types."""
    random = np.random.default_rng(7)
    digest = hashlib.sha256()
    for size in (100, 300, 1000, 5000):
        for kind in (np.int32, np.int64, np.float32, np.float64, np.uint64):
            few = random.integers(0, 200, size).astype(kind)
            many = (random.random(size) * 2**30).astype(kind)
            rows = np.stack([few, few[::-1]], axis=1)
            parts = [*distinct(few), *distinct(many), *distinct_rows(rows), among(many, many[::3])]
            for part in parts:
                digest.update(part.tobytes())
    return digest.hexdigest()


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("processor", ["Nehalem", "Haswell"])
def test_same_on_another_processor(processor: str) -> None:
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("QEMU is not installed; sudo apt-get install qemu-user")
    program = "from tests.numerics.test_sorting import results; print(results())"
    command = [qemu, "-cpu", processor, sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == results()
