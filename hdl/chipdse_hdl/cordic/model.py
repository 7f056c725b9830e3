"""Reference of `cordic`, bit for bit; vectors, useful work and clock cycles of a workload."""

from __future__ import annotations

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.cordic.parameters import CordicParameters, CordicWorkload
from chipdse_hdl.workloads.operands import stream_cycles, valid_cycles


def vectors(
    p: CordicParameters, workload: CordicWorkload
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, y, angle (int64, with their sign) and whether they count, for each turn to take one."""
    random = np.random.default_rng(workload.seed)
    valid = valid_cycles(random, workload.length, workload.duty)
    full, turn = 2 ** (p.data_bits - 1), 2**p.angle_bits
    if workload.signal == "uniform":
        x, y = random.integers(-full, full, (2, len(valid)))
        return x, y, random.integers(-turn // 2, turn // 2, len(valid)), valid
    symbols = random.choice([-1, 1], (2, len(valid))) + random.normal(0, 0.1, (2, len(valid)))
    phase = workload.frequency * np.arange(len(valid)) + random.random()
    carried = 0.4 * (symbols[0] + 1j * symbols[1]) * np.exp(2j * np.pi * phase)
    x, y = (np.rint(full * part).clip(-full, full - 1) for part in (carried.real, carried.imag))
    angle = (np.rint(-phase * turn).astype(np.int64) + turn // 2) % turn - turn // 2
    return x.astype(np.int64), y.astype(np.int64), angle, valid


def reference(
    p: CordicParameters, x: np.ndarray, y: np.ndarray, angle: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the hardware must output, bit for bit: x and y, or the length and the angle."""
    turn = 2 ** (p.angle_bits + p.guard_bits)
    x, y, z = (value << p.guard_bits for value in (x, y, angle))
    if p.mode == "rotation":
        turns, left = (z >= turn // 4) | (z < -turn // 4), z >= 0
        z = np.where(turns, z - np.where(left, turn // 4, -turn // 4), z)
    else:
        turns, left = x < 0, y < 0
        z = np.where(turns, np.where(left, -turn // 4, turn // 4), 0)
    x, y = (
        np.where(turns, np.where(left, -y, y), x),
        np.where(turns, np.where(left, x, -x), y),
    )
    for shift, by in enumerate(p.angles):
        left = z >= 0 if p.mode == "rotation" else y < 0
        x, y, z = (
            np.where(left, x - (y >> shift), x + (y >> shift)),
            np.where(left, y + (x >> shift), y - (x >> shift)),
            np.where(left, z - by, z + by),
        )
    half = 1 << (p.guard_bits - 1)
    second = y if p.mode == "rotation" else z
    return (x + half) >> p.guard_bits, (second + half) >> p.guard_bits


def work(parameters: CordicParameters, workload: CordicWorkload) -> Work:
    """One operation is one vector."""
    rotates = parameters.mode == "rotation"
    second = parameters.output_bits if rotates else parameters.angle_bits
    inputs = 2 * parameters.data_bits + (parameters.angle_bits if rotates else 0)
    return Work(
        count=workload.length,
        unit="vector",
        input_bits=workload.length * inputs,
        output_bits=workload.length * (parameters.output_bits + second),
    )


def cycles(parameters: CordicParameters, workload: CordicWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    turns = stream_cycles(workload.length, workload.duty)
    return turns * parameters.interval_cycles + parameters.latency_cycles
