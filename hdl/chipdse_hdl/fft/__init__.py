"""A streaming fast Fourier transform: one complex sample in and out per cycle, at any pace.

A chain of butterflies, each with a delay line that brings the two halves of a block together
(single-path delay feedback, decimation in frequency [1]_). Radix 2 rotates behind every
butterfly; radix 4, written 2**2, only behind every second one: in between, only by a quarter turn,
which needs no multiplier. Results leave in bit-reversed order.

References
----------
.. [1] S. He, M. Torkelson, "A new approach to pipeline FFT processor", Proc. IPPS, 766-770, 1996.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.fft.model import cycles, work
from chipdse_hdl.fft.parameters import FftParameters, FftWorkload

if TYPE_CHECKING:
    from chipdse_hdl.fft.hardware import Fft

__all__ = ["BLOCK", "Fft", "FftParameters", "FftWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.fft.hardware", name="Fft")
__getattr__ = HARDWARE.attribute  # `Fft` is imported with Amaranth, when asked for

BLOCK = Block(
    name="fft",
    summary="streaming fast Fourier transform, radix 2 and 2**2",
    parameters=FftParameters,
    workload=FftWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.fft.bench",
    work=work,
    cycles=cycles,
)
