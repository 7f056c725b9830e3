"""A finite impulse response filter, y[n] = sum of h[k] * x[n - k] over the taps, exact.

Direct form delays the samples and adds all products at once; transposed form delays partial sums,
so that a product goes through one adder. Either takes one or several samples per cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.fir.model import cycles, work
from chipdse_hdl.fir.parameters import FirParameters, FirWorkload

if TYPE_CHECKING:
    from chipdse_hdl.fir.hardware import Fir

__all__ = ["BLOCK", "Fir", "FirParameters", "FirWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.fir.hardware", name="Fir")
__getattr__ = HARDWARE.attribute  # `Fir` is imported with Amaranth, when asked for

BLOCK = Block(
    name="fir",
    summary="finite impulse response filter: direct, transposed, folded",
    parameters=FirParameters,
    workload=FirWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.fir.bench",
    work=work,
    cycles=cycles,
)
