"""Gaussian processes over the lattice: their kernels, fitted with and without priors.

References
----------
.. [1] C. Hvarfner, E. O. Hellsten, L. Nardi, Vanilla Bayesian optimization performs great in high
   dimensions, ICML 2024, proceedings of machine learning research 235, pages 20793-20817
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
from scipy.optimize import Bounds, minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, Matern, WhiteKernel

from chipdse.arrays import Floats

LENGTH_LOG_MEAN, LENGTH_LOG_DEVIATION = math.sqrt(2.0), math.sqrt(3.0)
"""Of the lengths' prior for one feature; the median grows with the root of their number [1]_."""
NOISE_LOG_MEAN, NOISE_LOG_DEVIATION = -4.0, 1.0
"""Of the prior of the noise's variance, of standardised values: BoTorch's default."""


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


def fit_probable_kernel(places: Floats, values: Floats) -> Kernel:
    """The most probable kernel: Matérn 5/2 with a length per feature, and noise.

    From few points the likelihood alone takes most lengths to their bounds. Lengths and noise have
    log-normal priors; that of the lengths grows with the root of the number of features, as the
    distances between points do [1]_.
    """
    features = places.shape[1]
    usual = math.exp(LENGTH_LOG_MEAN - LENGTH_LOG_DEVIATION**2) * math.sqrt(features)
    lengths = Matern(np.full(features, usual), (0.025, 1000.0), nu=2.5)
    kernel = lengths + WhiteKernel(math.exp(NOISE_LOG_MEAN - NOISE_LOG_DEVIATION**2), (1e-6, 1.0))
    return _fitted(GaussianProcessRegressor(kernel, optimizer=_most_probable), places, values)


def _fitted(process: GaussianProcessRegressor, places: Floats, values: Floats) -> Kernel:
    """The kernel that a process fits to standardised values."""
    spread = float(values.std())
    scaled = (values - values.mean()) / (spread if spread > 1e-12 else 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound
        return process.fit(places, scaled).kernel_


def _most_probable(
    objective: Callable[..., tuple[float, Floats]], initial: Floats, bounds: Floats
) -> tuple[Floats, float]:
    """Logarithms of lengths and noise of the highest posterior density."""
    mean = np.full(len(initial), LENGTH_LOG_MEAN + 0.5 * math.log(len(initial) - 1))
    deviation = np.full(len(initial), LENGTH_LOG_DEVIATION)
    mean[-1], deviation[-1] = NOISE_LOG_MEAN, NOISE_LOG_DEVIATION

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = objective(logarithms)
        off = (logarithms - mean) / deviation
        prior = 0.5 * float(off @ off) + float(logarithms.sum())
        return value + prior, gradient + off / deviation + 1.0

    best = minimize(loss, initial, jac=True, bounds=Bounds(*bounds.T), method="L-BFGS-B")
    return best.x, best.fun
