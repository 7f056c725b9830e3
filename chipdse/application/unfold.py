"""Convolutions as matrix products: the words under the kernel, position by position."""

from __future__ import annotations

import numpy as np

from chipdse.application.layers import Convolution
from chipdse.arrays import Int64s


def unfold_maps(convolution: Convolution, maps: Int64s) -> Int64s:
    """Rows of A of every group of a convolution.

    Parameters
    ----------
    maps : feature maps [image, channel, height, width]

    Returns
    -------
    [image, group, position, step]; a step is a word of one input channel under the kernel, channels
    slowest; the padding is zero
    """
    c = convolution
    above, left, below, right = c.padding
    padded = np.pad(maps, ((0, 0), (0, 0), (above, below), (left, right)))
    reach = tuple((c.kernel[axis] - 1) * c.dilation[axis] + 1 for axis in (0, 1))
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[
        :, :, :: c.stride[0], :: c.stride[1], :: c.dilation[0], :: c.dilation[1]
    ]  # [image, channel, y, x, kernel y, kernel x]
    images, _, height, width = windows.shape[:4]
    grouped = windows.reshape(
        (images, c.groups, c.channels // c.groups, height * width, -1)
    ).transpose(0, 1, 3, 2, 4)
    return np.ascontiguousarray(grouped).reshape(images, c.groups, height * width, -1)


def unfold_kernels(convolution: Convolution, kernels: Int64s) -> Int64s:
    """Columns of B of every group.

    Parameters
    ----------
    kernels : [filter, channel of the group, height, width]

    Returns
    -------
    [group, step, filter of the group]
    """
    groups = convolution.groups
    filters = kernels.reshape(groups, len(kernels) // groups, -1)
    return np.ascontiguousarray(filters.transpose(0, 2, 1))
