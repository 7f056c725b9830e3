"""The placer's arrays: pins by net, charges by node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Floats, Int32s


@dataclass(frozen=True, kw_only=True, eq=False)
class Pins:
    """Which node each pin of each net sits on; pins are sorted by net.

    net : [pins] number of the net, every number from 0 occurs
    node : [pins]
    """

    net: Int32s
    node: Int32s

    @cached_property
    def start(self) -> Int32s:
        """First pin of each net, and the number of pins."""
        count = int(self.net[-1]) + 1 if len(self.net) else 0
        return np.searchsorted(self.net, np.arange(count + 1)).astype(np.int32)

    def spans(self, x: Floats) -> Floats:
        """Extent of each net along one axis."""
        if not len(self.net):
            return np.zeros(0)
        at, first = x[self.node], self.start[:-1]
        span: Floats = np.maximum.reduceat(at, first) - np.minimum.reduceat(at, first)
        return span


def sums(index: NDArray[Any], values: Floats, count: int) -> Floats:
    """Sum of the values at each index, in their order."""
    return np.bincount(index, values, count).astype(np.float64, copy=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Charges:
    """What takes up room: area at offsets from nodes (a cell larger than a bin has several).

    node : [charges], ascending
    offset_x, offset_y : from the node's centre, in bins
    area : in bins
    """

    node: Int32s
    offset_x: Floats
    offset_y: Floats
    area: Floats
