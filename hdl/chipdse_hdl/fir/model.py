"""Reference of `fir`; signal, pauses, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.fir.parameters import FirParameters, FirWorkload
from chipdse_hdl.workloads.signals import correlated


def samples(parameters: FirParameters, workload: FirWorkload) -> np.ndarray:
    """The signal of a workload, int64[length], rounded and clipped to `data_bits`."""
    random = np.random.default_rng(workload.seed)
    if workload.signal == "tone":
        phase = 2 * np.pi * (workload.frequency * np.arange(workload.length) + random.random())
        signal = np.sqrt(2) * np.sin(phase)
    else:
        signal = random.standard_normal(workload.length)
        if workload.signal == "speech":
            signal = correlated(signal, workload.correlation)
    full_scale = 2 ** (parameters.data_bits - 1)
    scaled = np.rint(workload.level * full_scale * signal)
    return scaled.clip(-full_scale, full_scale - 1).astype(np.int64)


def waits(parameters: FirParameters, workload: FirWorkload) -> np.ndarray:
    """Cycles that a feeder lets pass before each word, evenly, beyond what the filter asks for."""
    words = -(-workload.length // parameters.samples_per_cycle)
    starts = np.floor(np.arange(words) * parameters.folding / workload.duty).astype(int)
    return np.diff(starts, prepend=-parameters.folding) - parameters.folding


def reference(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What the hardware must output: one sum per sample; before the first sample all are zero."""
    return np.convolve(x.astype(np.int64), coefficients.astype(np.int64))[: len(x)]


def work(parameters: FirParameters, workload: FirWorkload) -> Work:
    """One sample is one output of the whole filter."""
    return Work(
        count=workload.length,
        unit="sample",
        input_bits=workload.length * parameters.data_bits,
        output_bits=workload.length * parameters.output_bits,
    )


def cycles(parameters: FirParameters, workload: FirWorkload) -> int:
    """Clock cycles of a workload without pauses, latency included."""
    intervals = waits(parameters, workload) + parameters.folding
    return int(intervals.sum()) - parameters.folding + 1 + parameters.latency_cycles
