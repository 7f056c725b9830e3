"""Reference of `fft`, bit for bit; signal, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.fft.parameters import FftParameters, FftWorkload
from chipdse_hdl.fft.stages import twiddles
from chipdse_hdl.workloads.operands import stream_cycles, valid_cycles


def samples(p: FftParameters, workload: FftWorkload) -> np.ndarray:
    """The signal, int64[part, block, sample], with a block more: what follows when it is over."""
    random = np.random.default_rng(workload.seed)
    blocks = -(-workload.length // p.points) + 1 + p.latency_samples // p.points
    parts = random.standard_normal((2, blocks, p.points))
    noise = parts[0] + 1j * parts[1]
    if workload.signal == "ofdm":
        carriers = random.choice([-1, 1], (2, blocks, p.points))
        signal = np.fft.ifft(carriers[0] + 1j * carriers[1], axis=1) * np.sqrt(p.points)
        signal = signal + noise / 10
    elif workload.signal == "tones":
        time = np.arange(blocks * p.points)
        frequency, phase = random.random((2, 2))
        waves = np.exp(2j * np.pi * (np.outer(frequency, time) + phase[:, None]))
        signal = np.sqrt(2) * (waves[0] + waves[1] / 10).reshape(blocks, p.points)
    else:
        signal = noise
    full_scale = 2 ** (p.data_bits - 1)
    scaled = np.rint(workload.level * full_scale * np.stack([signal.real, signal.imag]))
    return scaled.clip(-full_scale, full_scale - 1).astype(np.int64)


def accepted(parameters: FftParameters, workload: FftWorkload) -> np.ndarray:
    """In which cycles a sample comes, bool[cycle]."""
    count = work(parameters, workload).count + parameters.latency_samples
    return valid_cycles(np.random.default_rng(workload.seed), count, workload.duty)


def reference(p: FftParameters, x: np.ndarray) -> np.ndarray:
    """What the hardware must output: int64[part, block, result], bit for bit, in its order."""
    blocks = x.shape[1]
    for stage in p.stages:
        first, second = np.moveaxis(x.reshape(2, blocks, -1, 2, stage.delay), 3, 0)
        x = np.stack([first + second, first - second], axis=3)
        if p.scaling == "half":
            x = (x + 1) >> 1
        x = x.reshape(2, blocks, -1, stage.block)
        if stage.multiplies:
            shift = p.twiddle_bits - 2
            (re, im), (c, s) = x, twiddles(stage, p.twiddle_bits)
            turned = np.stack([re * c - im * s, re * s + im * c])
            x = (turned + (1 << (shift - 1))) >> shift
        else:
            quarter = np.array(stage.turns) > 0
            x = np.where(quarter, np.stack([x[1], -x[0]]), x)
        x = x.reshape(2, blocks, -1)
    return x


def work(parameters: FftParameters, workload: FftWorkload) -> Work:
    """One operation is one sample in, and one result out."""
    count = -(-workload.length // parameters.points) * parameters.points
    return Work(
        count=count,
        unit="sample",
        input_bits=count * 2 * parameters.data_bits,
        output_bits=count * 2 * parameters.output_bits,
    )


def cycles(parameters: FftParameters, workload: FftWorkload) -> int:
    """Clock cycles until the last result of the last block has left."""
    count = work(parameters, workload).count + parameters.latency_samples
    return stream_cycles(count, workload.duty) + 1
