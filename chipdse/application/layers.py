"""Layers of a network as matrix products, and many of them as columns.

A layer is `count` products C[m, n] = A[m, k] @ B[k, n]: A are the inputs, B the weights (or a
second activation), C the outputs. A convolution has one row of A per output position and one
column of B per filter; its groups are separate products.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError

LARGEST = 2**31  # of a dimension: products of three stay exact as 64-bit floats in practice
LARGEST_MACS = 2**53  # above this number a 64-bit float skips integers


@dataclass(frozen=True, kw_only=True)
class Window:
    """The feature map behind the rows of A of one group of a convolution.

    rows, columns : output positions; m is their product times the batch
    used_columns : columns of the input map that any output position reads
    first_rows : rows of the input map that the first row of outputs reads
    next_rows : further rows that each further row of outputs reads
    used_rows : rows of the input map that any output position reads, without padding
    channels : input channels of the group
    """

    rows: int
    columns: int
    used_columns: int
    first_rows: int
    next_rows: int
    used_rows: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of a layer table.

    kind : "gemm", "matmul" (both operands are activations) or "conv"
    m, n, k : rows, columns and depth of one product
    count : products, one after another
    window : the feature map of a convolution; None otherwise
    convolution : as the table or file states it, for one input; None otherwise
    """

    name: str
    kind: str
    m: int
    n: int
    k: int
    count: int = 1
    window: Window | None = None
    convolution: Convolution | None = None

    def __post_init__(self) -> None:
        for label, value in (("m", self.m), ("n", self.n), ("k", self.k), ("count", self.count)):
            if not 1 <= value < LARGEST:
                raise DesignError(
                    f"layer {self.name!r}: {label}={value} must lie between 1 and {LARGEST - 1}"
                )
        if self.macs >= LARGEST_MACS:
            raise DesignError(
                f"layer {self.name!r} has {self.macs:.3g} MACs; use fewer than 2^53, or several "
                "layers"
            )

    @property
    def macs(self) -> int:
        """Multiplications of the layer, one per addition."""
        return self.m * self.n * self.k * self.count

    def batched(self, batch: int) -> Layer:
        """The layer for several inputs at once: weights are shared, activations are not."""
        if self.kind == "matmul":
            return dataclasses.replace(self, count=self.count * batch)
        if self.window is None:
            return dataclasses.replace(self, m=self.m * batch)
        # The maps of a batch count as one tall map: a block that spans two of them is counted
        # without the rows that only the first output row of a map reads anew.
        window = self.window
        tall = dataclasses.replace(
            window, rows=window.rows * batch, used_rows=window.used_rows * batch
        )
        return dataclasses.replace(self, m=self.m * batch, window=tall)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Layers in order.

    unmapped : operators of an ONNX file that are no layer, by kind, with their number
    """

    name: str
    layers: tuple[Layer, ...]
    unmapped: tuple[tuple[str, int], ...] = ()

    @property
    def macs(self) -> int:
        """Multiplications per task."""
        return sum(layer.macs for layer in self.layers)


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerColumns:
    """Many layers: each field is a column with one entry per layer, exact integers as floats.

    positions : units of A that a buffer holds: rows of outputs of a convolution, rows of a GEMM
    rows_per_position : rows of A per unit
    first_words, next_words : words of A in a buffer for the first unit, and for each further one
    input_words : words of A in all, each once
    """

    m: Floats
    n: Floats
    k: Floats
    count: Floats
    positions: Floats
    rows_per_position: Floats
    first_words: Floats
    next_words: Floats
    input_words: Floats

    @cached_property
    def macs(self) -> Floats:
        """Multiplications of each layer."""
        product: Floats = self.m * self.n * self.k * self.count
        return product

    @staticmethod
    def of(layers: Sequence[Layer]) -> LayerColumns:
        """The columns of some layers."""
        rows = np.array([_numbers(layer) for layer in layers], dtype=np.float64)
        names = [field.name for field in dataclasses.fields(LayerColumns)]
        return LayerColumns(**dict(zip(names, rows.reshape(-1, len(names)).T, strict=True)))


def _numbers(layer: Layer) -> tuple[int, ...]:
    shape = (layer.m, layer.n, layer.k, layer.count)
    window = layer.window
    if window is None:
        return (*shape, layer.m, 1, layer.k, layer.k, layer.m * layer.k)
    line = window.used_columns * window.channels
    return (
        *shape,
        window.rows,
        window.columns,
        window.first_rows * line,
        window.next_rows * line,
        window.used_rows * line,
    )


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A convolution as tables and ONNX files state it.

    input, kernel, stride, dilation : height and width
    padding : rows above, columns left, rows below, columns right of the map
    channels, filters : of all groups
    """

    name: str
    input: tuple[int, int]
    kernel: tuple[int, int]
    channels: int
    filters: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    count: int = 1

    def layer(self) -> Layer:
        """The products of the convolution, one per group.

        Raises
        ------
        DesignError : sizes that are no convolution
        """
        self._check()
        height, width = (self._output(axis) for axis in (0, 1))
        channels = self.channels // self.groups
        reach = [(self.kernel[axis] - 1) * self.dilation[axis] + 1 for axis in (0, 1)]
        # With a stride beyond the kernel some rows of the input are never read.
        next_rows = min(self.stride[0], self.kernel[0])
        first_rows = reach[0] if self.stride[0] < reach[0] else self.kernel[0]
        return Layer(
            name=self.name,
            kind="conv",
            m=height * width,
            n=self.filters // self.groups,
            k=self.kernel[0] * self.kernel[1] * channels,
            count=self.groups * self.count,
            convolution=self,
            window=Window(
                rows=height,
                columns=width,
                used_columns=self._used(1, width),
                first_rows=first_rows,
                next_rows=next_rows,
                used_rows=self._used(0, height),
                channels=channels,
            ),
        )

    def _output(self, axis: int) -> int:
        padded = self.input[axis] + self.padding[axis] + self.padding[axis + 2]
        reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
        return (padded - reach) // self.stride[axis] + 1

    def _used(self, axis: int, outputs: int) -> int:
        """Rows or columns of the input that some output reads."""
        reads = np.arange(outputs)[:, None] * self.stride[axis] - self.padding[axis]
        reads = reads + np.arange(self.kernel[axis])[None, :] * self.dilation[axis]
        return len(np.unique(reads[(reads >= 0) & (reads < self.input[axis])]))

    def _check(self) -> None:
        for label in ("input", "kernel", "stride", "dilation"):
            if min(getattr(self, label)) < 1:
                raise DesignError(f"layer {self.name!r}: {label} {getattr(self, label)} is below 1")
        if min(self.padding) < 0:
            raise DesignError(f"layer {self.name!r}: padding {self.padding} is below 0")
        for label in ("channels", "filters", "groups", "count"):
            if getattr(self, label) < 1:
                raise DesignError(f"layer {self.name!r}: {label}={getattr(self, label)} is below 1")
        for label in ("channels", "filters"):
            if getattr(self, label) % self.groups:
                raise DesignError(
                    f"layer {self.name!r}: {label}={getattr(self, label)} is no multiple of "
                    f"groups={self.groups}"
                )
        for axis, label in ((0, "height"), (1, "width")):
            if max(self.input[axis], self.kernel[axis]) > 2**20:
                raise DesignError(f"layer {self.name!r}: its {label} is above 2^20")
            if self._output(axis) < 1:
                padded = self.input[axis] + self.padding[axis] + self.padding[axis + 2]
                raise DesignError(
                    f"layer {self.name!r}: a kernel of {label} {self.kernel[axis]} (dilation "
                    f"{self.dilation[axis]}) is larger than the padded input of {label} {padded}"
                )
