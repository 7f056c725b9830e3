"""Reference of `ntt`, as the standards write the transforms; polynomials, work and cycles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.ntt.parameters import NttParameters, NttWorkload
from chipdse_hdl.ntt.schemes import ADDRESS_BITS, N, Scheme

Job = tuple[list[int], bool]  # coefficients, whether the inverse is wanted


def reference(scheme: Scheme, coefficients: Sequence[int], inverse: bool) -> list[int]:
    """The transform: FIPS 203, algorithms 9 and 10; FIPS 204, algorithms 41 and 42."""
    f, q, zetas = list(coefficients), scheme.modulus, scheme.zetas
    lengths = [1 << bit for bit in range(scheme.last_bit, ADDRESS_BITS)]
    if not inverse:
        i = 1
        for length in reversed(lengths):
            for start in range(0, N, 2 * length):
                for j in range(start, start + length):
                    t = zetas[i] * f[j + length] % q
                    f[j], f[j + length] = (f[j] + t) % q, (f[j] - t) % q
                i += 1
        return f
    i = len(zetas) - 1
    for length in lengths:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % q, zetas[i] * (f[j + length] - t) % q
            i -= 1
    return [value * scheme.scale % q for value in f]


def jobs(parameters: NttParameters, workload: NttWorkload) -> list[Job]:
    """The transforms of a workload; every second one is inverse, if the hardware can."""
    random = np.random.default_rng(workload.seed)
    q, shape = parameters.ring.modulus, (workload.polynomials, N)
    if workload.values == "uniform":
        values = random.integers(0, q, shape)
    else:
        values = (random.binomial(2, 0.5, shape) - random.binomial(2, 0.5, shape)) % q
    return [(row, parameters.inverse and n % 2 == 1) for n, row in enumerate(values.tolist())]


def work(parameters: NttParameters, workload: NttWorkload) -> Work:
    """One NTT is one transform of 256 coefficients, forward or inverse."""
    bits = workload.polynomials * N * parameters.ring.bits
    return Work(count=workload.polynomials, unit="NTT", input_bits=bits, output_bits=bits)


def cycles(parameters: NttParameters, workload: NttWorkload) -> int:
    """Clock cycles from the first word in to the last word out."""
    return workload.polynomials * parameters.transform_cycles + 1
