"""Distinct values and membership as NumPy gives them; QEMU runs `tests.support.portable.arrays`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chipdse.sorting import among, distinct, distinct_rows

SMALL = st.integers(-3, 3)


@pytest.mark.slow
@settings(max_examples=50)
@given(arrays.arrays(np.int32, arrays.array_shapes(min_side=0, max_dims=2), elements=SMALL))
def test_distinct_values_and_their_positions(values: np.ndarray) -> None:
    found, position = distinct(values)
    assert found.dtype == values.dtype and position.dtype == np.int64
    assert found.tolist() == sorted(set(values.ravel().tolist()))
    assert position.shape == values.shape and (found[position] == values).all()


@pytest.mark.slow
@settings(max_examples=50)
@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 3)), elements=SMALL))
def test_distinct_rows_and_their_positions(values: np.ndarray) -> None:
    found, position = distinct_rows(values)
    assert found.tolist() == [list(row) for row in sorted({tuple(r) for r in values.tolist()})]
    assert (found[position] == values).all()


@pytest.mark.slow
@settings(max_examples=50)
@given(arrays.arrays(np.int64, st.integers(0, 9), elements=SMALL), st.lists(SMALL))
def test_among_is_membership(values: np.ndarray, allowed: list[int]) -> None:
    assert among(values, allowed).tolist() == [value in allowed for value in values.tolist()]
