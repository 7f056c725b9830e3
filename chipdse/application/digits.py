"""The shipped network `digits` in integers: what the RTL of a measured array must give.

Two convolutions and a dense layer without biases. Between two layers the sums are divided by a
power of two, rounded, and limited to 0..127; the class is the largest sum of the last layer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from chipdse.application.layers import Layer
from chipdse.application.unfold import unfold_kernels, unfold_maps
from chipdse.arrays import Int64s

FOLDER = Path(str(resources.files("chipdse.application") / "networks" / "digits"))
LARGEST = 127  # of an activation


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """What else belongs to the network.

    shifts : of each layer but the last: binary logarithm of the divisor of its sums
    labels : the digit on each image of the shipped tensors
    test_accuracy : share of the images held back from training whose class is right
    """

    shifts: tuple[int, ...]
    labels: tuple[int, ...]
    test_accuracy: float

    @staticmethod
    def shipped() -> Quantisation:
        """That of the shipped network."""
        data = json.loads((FOLDER / "quantisation.json").read_text(encoding="utf-8"))
        return Quantisation(
            shifts=tuple(data["shifts"]),
            labels=tuple(data["labels"]),
            test_accuracy=data["test_accuracy"],
        )


def products(layer: Layer, inputs: Int64s, weights: Int64s) -> Int64s:
    """Sums of a layer for each image.

    Parameters
    ----------
    inputs : feature maps [image, channel, height, width], or [image, row, step] of a GEMM
    weights : kernels [filter, channel, height, width], or [step, column]

    Returns
    -------
    [image, filter, height, width], or [image, row, column]
    """
    convolution = layer.convolution
    if convolution is None:
        return np.asarray(inputs @ weights)
    sums = unfold_maps(convolution, inputs) @ unfold_kernels(convolution, weights)
    assert layer.window is not None
    shape = (len(inputs), convolution.filters, layer.window.rows, layer.window.columns)
    return np.asarray(sums.transpose(0, 1, 3, 2).reshape(shape))


def activations(sums: Int64s, shift: int) -> Int64s:
    """Inputs of the next layer: sums divided by 2^shift, rounded half up, within 0..127."""
    rounded = (sums + (1 << shift >> 1)) >> shift
    return np.asarray(np.clip(rounded, 0, LARGEST))


def run_digits(
    layers: Sequence[Layer], images: Int64s, weights: Sequence[Int64s], shifts: Sequence[int]
) -> tuple[list[Int64s], Int64s]:
    """The network in integers.

    Parameters
    ----------
    layers : of the network `digits`, or the first of them
    images : [image, 1, 8, 8], 0..127
    weights : of each layer, as `products` takes them
    shifts : of each layer but the last

    Returns
    -------
    Inputs of each layer as `products` takes them, and the sums of the last one [image, class]
    """
    inputs = [images.astype(np.int64)]
    for at, (layer, kernels) in enumerate(zip(layers, weights, strict=True)):
        given = inputs[at]
        if layer.convolution is None:
            given = given.reshape(len(images), layer.m, layer.k)
            inputs[at] = given
        sums = products(layer, given, kernels.astype(np.int64))
        if at == len(shifts):
            return inputs, sums.reshape(len(images), -1)
        inputs.append(activations(sums, shifts[at]))
    raise ValueError(f"{len(shifts)} shifts for {len(weights)} layers; use one less than layers")
