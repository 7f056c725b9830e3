"""The number-theoretic transform of ML-KEM (FIPS 203) and ML-DSA (FIPS 204), in place.

256 coefficients lie in banks of memory, two for each butterfly. Which bank an address belongs to is
the XOR of its digits, so that in every layer all coefficients of a cycle come from different banks
and go back to where they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.ntt.model import cycles, work
from chipdse_hdl.ntt.parameters import NttParameters, NttWorkload

if TYPE_CHECKING:
    from chipdse_hdl.ntt.hardware import Ntt

__all__ = ["BLOCK", "Ntt", "NttParameters", "NttWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.ntt.hardware", name="Ntt")
__getattr__ = HARDWARE.attribute  # `Ntt` is imported with Amaranth, when asked for

BLOCK = Block(
    name="ntt",
    summary="number-theoretic transform of ML-KEM or ML-DSA, in place",
    parameters=NttParameters,
    workload=NttWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.ntt.bench",
    work=work,
    cycles=cycles,
)
