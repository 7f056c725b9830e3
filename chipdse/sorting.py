"""Distinct values by a stable sort, which gives the same positions on every processor.

Where only positions are requested of it, NumPy sorts with vector instructions. Their order among
equal values depends on the processor, and QEMU's emulation of AVX2 sorts some arrays wrongly. A
stable sort uses neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Bools, Int64s

Element = TypeVar("Element", bound=np.generic)


def distinct(values: NDArray[Element]) -> tuple[NDArray[Element], Int64s]:
    """The distinct values in ascending order, and the position of each value among them.

    The positions have the shape of the values: ``distinct[position]`` equals the values.
    """
    unique, _, position = np.unique(values, return_index=True, return_inverse=True)
    return unique, position.reshape(values.shape).astype(np.int64, copy=False)


def distinct_rows(values: NDArray[Any]) -> tuple[NDArray[Any], Int64s]:
    """The distinct rows of a matrix in ascending order, and the position of each row."""
    unique, _, position = np.unique(values, axis=0, return_index=True, return_inverse=True)
    return unique, position.reshape(-1).astype(np.int64, copy=False)


def among(values: NDArray[Element], allowed: Sequence[Any] | NDArray[Element]) -> Bools:
    """Whether each value is one of those allowed.

    The same as ``numpy.isin``, which for some arrays sorts with vector instructions.
    """
    known = np.sort(np.asarray(allowed, dtype=values.dtype))
    if not len(known):
        return np.zeros(values.shape, dtype=np.bool_)
    place = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.asarray(known[place] == values)
