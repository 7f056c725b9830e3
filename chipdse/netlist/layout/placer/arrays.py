"""The placer's arrays: pins by net, charges by node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Floats, Int32s, Int64s
from chipdse.sorting import distinct


@dataclass(frozen=True, kw_only=True, eq=False)
class Pins:
    """The node of each pin of each net; pins are sorted by net.

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


def wired_pins(pin_net: Int32s, pin_node: Int32s) -> tuple[Int64s, Pins]:
    """Nets with two pins or more, renumbered without gaps, and their numbers."""
    first = np.flatnonzero(np.diff(pin_net, prepend=-1))
    degree = np.diff(np.append(first, len(pin_net)))
    keep = np.repeat(degree >= 2, degree)
    numbers, net = distinct(pin_net[keep])
    pins = Pins(net=net.astype(np.int32), node=pin_node[keep].astype(np.int32))
    return numbers.astype(np.int64), pins


def sums(index: NDArray[Any], values: Floats, count: int) -> Floats:
    """Sum of the values at each index, in their order."""
    return np.bincount(index, values, count).astype(np.float64, copy=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Charges:
    """The areas that need space, at offsets from nodes (a cell larger than a bin has several).

    node : [charges], ascending
    offset_x, offset_y : from the node's centre, in bins
    area : in bins
    """

    node: Int32s
    offset_x: Floats
    offset_y: Floats
    area: Floats
