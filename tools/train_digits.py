"""Trains the shipped network `digits` and writes its tensors: `python -m tools.train_digits`.

Needs scikit-learn, whose copy of the test set of "Optical Recognition of Handwritten Digits"
(E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998) has the images. Training
is in NumPy, with a fixed seed; the last bits depend on its BLAS library.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from chipdse.application.digits import FOLDER, LARGEST, products, run_digits
from chipdse.application.layers import Layer
from chipdse.application.tables import read_network
from chipdse.application.unfold import unfold_kernels, unfold_maps

SEED, EPOCHS, BATCH, RATE = 1, 40, 32, 2e-3
HELD_BACK = 360  # images to test with
PER_DIGIT = 2  # images of each digit whose activations ship

Array = np.ndarray[Any, np.dtype[Any]]


def main() -> None:
    """Train, quantise, and write the tensors of a few test images."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(images))
    images, labels = images[order].reshape(-1, 1, 8, 8), labels[order]
    layers = read_network("digits").layers
    words = np.rint(images * LARGEST / images.max()).astype(np.int64)
    trained = train(layers, words[HELD_BACK:] / LARGEST, labels[HELD_BACK:])
    weights, shifts = quantise(layers, trained, words[HELD_BACK:])
    _, sums = run_digits(layers, words[:HELD_BACK], weights, shifts)
    accuracy = float(np.mean(sums.argmax(axis=1) == labels[:HELD_BACK]))
    chosen = np.concatenate(
        [np.flatnonzero(labels[:HELD_BACK] == digit)[:PER_DIGIT] for digit in range(10)]
    )
    inputs, _ = run_digits(layers, words[chosen], weights, shifts)
    FOLDER.mkdir(exist_ok=True)
    for layer, operand, kernels in zip(layers, inputs, weights, strict=True):
        np.save(FOLDER / f"{layer.name}.inputs.npy", operand.astype(np.int8))
        np.save(FOLDER / f"{layer.name}.weights.npy", kernels.astype(np.int8))
    data = {
        "shifts": shifts,
        "labels": labels[chosen].tolist(),
        "test_accuracy": round(accuracy, 4),
        "test_images": HELD_BACK,
    }
    (FOLDER / "quantisation.json").write_text(json.dumps(data) + "\n", encoding="utf-8")
    print(json.dumps(data))


def train(layers: Sequence[Layer], images: Array, labels: Array) -> list[Array]:
    """Weights as real numbers, by Adam on the cross entropy."""
    random = np.random.default_rng(SEED)
    weights = [random.normal(0, np.sqrt(2 / layer.k), _shape(layer)) for layer in layers]
    means, squares = ([np.zeros_like(w) for w in weights] for _ in range(2))
    step = 0
    for _ in range(EPOCHS):
        order = random.permutation(len(images))
        for start in range(0, len(order), BATCH):
            some, step = order[start : start + BATCH], step + 1
            slopes = gradients(layers, weights, images[some], labels[some])
            for w, mean, square, slope in zip(weights, means, squares, slopes, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope**2 - square)
                scaled = mean / (1 - 0.9**step)
                w -= RATE * scaled / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def gradients(
    layers: Sequence[Layer], weights: Sequence[Array], images: Array, labels: Array
) -> list[Array]:
    """Of the mean cross entropy, for each layer's weights."""
    inputs, sums = [images], []
    for layer, kernels in zip(layers, weights, strict=True):
        if layer.convolution is None:
            inputs[-1] = inputs[-1].reshape(len(images), layer.m, layer.k)
        sums.append(products(layer, inputs[-1], kernels))
        inputs.append(np.maximum(sums[-1], 0))
    scores = sums[-1].reshape(len(images), -1)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    chances[np.arange(len(labels)), labels] -= 1
    slope = (chances / len(labels)).reshape(sums[-1].shape)
    losses: list[Array] = []
    for at in reversed(range(len(layers))):
        layer, convolution = layers[at], layers[at].convolution
        if at < len(layers) - 1:
            slope = slope.reshape(sums[at].shape) * (sums[at] > 0)
        if convolution is None:
            losses.insert(0, np.einsum("imk,imn->kn", inputs[at], slope))
            slope = slope @ weights[at].T
            continue
        rows = unfold_maps(convolution, inputs[at])[:, 0]  # one group
        columns = slope.reshape(len(images), convolution.filters, -1).transpose(0, 2, 1)
        kernel = np.einsum("ipk,ipn->nk", rows, columns)
        losses.insert(0, kernel.reshape(weights[at].shape))
        spread = columns @ unfold_kernels(convolution, weights[at])[0].T
        slope = folded(layer, spread)
    return losses


def folded(layer: Layer, rows: Array) -> Array:
    """The transpose of `unfold_maps`: every word's sum over the positions that read it."""
    convolution, window = layer.convolution, layer.window
    assert convolution is not None and window is not None
    height, width = convolution.input
    above, left, below, right = convolution.padding
    maps = np.zeros((len(rows), convolution.channels, height + above + below, width + left + right))
    shape = (len(rows), window.rows, window.columns, convolution.channels, *convolution.kernel)
    words = rows.reshape(shape)
    for y, x in np.ndindex(*convolution.kernel):
        down, across = (
            slice(at, at + (count - 1) * stride + 1, stride)
            for at, count, stride in zip(
                (y, x), (window.rows, window.columns), convolution.stride, strict=True
            )
        )
        maps[:, :, down, across] += words[..., y, x].transpose(0, 3, 1, 2)
    return maps[:, :, above : above + height, left : left + width]


def quantise(
    layers: Sequence[Layer], trained: Sequence[Array], images: Array
) -> tuple[list[Array], list[int]]:
    """Weights of 8 bits, and the shifts after which the largest activations fill 7 bits."""
    weights = [np.rint(w * LARGEST / np.abs(w).max()).astype(np.int64) for w in trained]
    shifts: list[int] = []
    for at in range(len(layers) - 1):
        _, sums = run_digits(layers[: at + 1], images, weights[: at + 1], shifts)
        high = float(np.quantile(sums, 0.999))
        shifts.append(max(int(np.ceil(np.log2(high / LARGEST))), 0))
    return weights, shifts


def _shape(layer: Layer) -> tuple[int, ...]:
    convolution = layer.convolution
    if convolution is None:
        return (layer.k, layer.n)
    return (convolution.filters, convolution.channels // convolution.groups, *convolution.kernel)


if __name__ == "__main__":
    main()
