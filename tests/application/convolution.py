"""The convolution by its definition, as a reference."""

from __future__ import annotations

import numpy as np

from chipdse.application.layers import Convolution


def direct(c: Convolution, image: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """The convolution by its definition: results[filter, y, x]."""
    above, left, below, right = c.padding
    padded = np.pad(image, ((0, 0), (above, below), (left, right)))
    window = c.layer().window
    assert window is not None
    results = np.zeros((c.filters, window.rows, window.columns), np.int64)
    channels = c.channels // c.groups
    for f, y, x in np.ndindex(results.shape):
        first = f // (c.filters // c.groups) * channels
        for i, v, u in np.ndindex(channels, *c.kernel):
            at = y * c.stride[0] + v * c.dilation[0], x * c.stride[1] + u * c.dilation[1]
            results[f, y, x] += padded[first + i, *at] * kernels[f, i, v, u]
    return results
