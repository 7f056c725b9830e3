"""Signals and filters that workloads are made of."""

from __future__ import annotations

import numpy as np


def low_pass(taps: int, coefficient_bits: int) -> np.ndarray:
    """A low-pass filter, int64[taps]: windowed sinc, cut off at 0.15 of the sampling rate.

    Hamming window; scaled so that the largest coefficient is the largest positive number.
    Symmetric, so that its phase is linear.
    """
    position = np.arange(taps) - (taps - 1) / 2
    response = np.sinc(2 * 0.15 * position) * np.hamming(taps)
    largest = 2 ** (coefficient_bits - 1) - 1
    return np.rint(response / np.abs(response).max() * largest).astype(np.int64)


def correlated(noise: np.ndarray, correlation: float) -> np.ndarray:
    """First-order autoregressive: s[n] = correlation * s[n-1] + noise, of unit variance.

    What it shares with speech is only that neighbouring samples are alike; the default of 0.9 is
    an assumption, not a measurement.
    """
    scale = np.sqrt(1 - correlation**2)
    signal = np.empty_like(noise)
    state = signal[0] = noise[0]
    for n in range(1, len(noise)):
        state = signal[n] = correlation * state + scale * noise[n]
    return signal
