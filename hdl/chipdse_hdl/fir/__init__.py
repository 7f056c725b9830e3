"""A finite impulse response filter, y[n] = sum of h[k] * x[n - k] over the taps, exact.

Direct form delays the samples and adds all products at once; transposed form delays partial sums,
so that a product goes through one adder. Either takes one or several samples per cycle.
"""

from __future__ import annotations

from chipdse_hdl.block import Block
from chipdse_hdl.fir.hardware import Fir
from chipdse_hdl.fir.model import cycles, work
from chipdse_hdl.fir.parameters import FirParameters, FirWorkload

__all__ = ["BLOCK", "Fir", "FirParameters", "FirWorkload"]

BLOCK = Block(
    name="fir",
    summary="finite impulse response filter: direct, transposed, folded",
    parameters=FirParameters,
    workload=FirWorkload,
    hardware=Fir,
    bench="chipdse_hdl.fir.bench",
    work=work,
    cycles=cycles,
)
