"""Gaussian processes of related quantities: the most likely kernel, and predictions."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, Matern, WhiteKernel

from chipdse.arrays import Floats


def predict(
    places: Floats, values: Floats, at: Floats, kernel: Kernel, pending: Floats | None = None
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of a Gaussian process with a kernel for standardised values.

    Parameters
    ----------
    pending : places about to be known: the mean stays, the uncertainty about them goes
    """
    offset, scale = float(values.mean()), float(values.std())
    if scale < 1e-12:
        return np.full(len(at), offset), np.zeros(len(at))
    known = (values - offset) / scale
    process = GaussianProcessRegressor(kernel, optimizer=None).fit(places, known)
    if pending is not None and len(pending):
        known = np.concatenate([known, process.predict(pending)])
        process.fit(np.vstack([places, pending]), known)
    mean, deviation = process.predict(at, return_std=True)
    return offset + scale * mean, scale * deviation


def fit_kernel(places: Floats, values: Floats) -> Kernel:
    """The most likely kernel: Matérn 5/2 with a length per feature, and noise."""
    # A feature that does not matter has a length beyond which nothing changes.
    lengths = Matern(np.ones(places.shape[1]), (0.1, 20.0), nu=2.5)
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * lengths + WhiteKernel(1e-3, (1e-6, 1.0))
    return _fitted(GaussianProcessRegressor(kernel), places, values)


def _fitted(process: GaussianProcessRegressor, places: Floats, values: Floats) -> Kernel:
    """The kernel that a process fits to standardised values."""
    spread = float(values.std())
    scaled = (values - values.mean()) / (spread if spread > 1e-12 else 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound
        return process.fit(places, scaled).kernel_
