"""The number-theoretic transform of ML-KEM (FIPS 203) and ML-DSA (FIPS 204), in place.

256 coefficients lie in banks of memory, two for each butterfly. Which bank an address belongs to is
the XOR of its digits, so that in every layer all coefficients of a cycle come from different banks
and go back to where they were.
"""

from __future__ import annotations

from chipdse_hdl.block import Block
from chipdse_hdl.ntt.hardware import Ntt
from chipdse_hdl.ntt.model import cycles, work
from chipdse_hdl.ntt.parameters import NttParameters, NttWorkload

__all__ = ["BLOCK", "Ntt", "NttParameters", "NttWorkload"]

BLOCK = Block(
    name="ntt",
    summary="number-theoretic transform of ML-KEM or ML-DSA, in place",
    parameters=NttParameters,
    workload=NttWorkload,
    hardware=Ntt,
    bench="chipdse_hdl.ntt.bench",
    work=work,
    cycles=cycles,
)
