"""The hash functions of FIPS 202: the Keccak permutation, some rounds per cycle, and its sponge.

A message enters word by word into the rate part of a state of 1600 bits; after each block the
permutation runs its 24 rounds; then the state's rate part leaves word by word as the digest. The
block pads by itself. One mode (SHA3-224 to SHAKE256) is built in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.keccak.model import cycles, work
from chipdse_hdl.keccak.parameters import KeccakParameters, KeccakWorkload
from chipdse_hdl.keccak.side_channel import operation

if TYPE_CHECKING:
    from chipdse_hdl.keccak.hardware import Keccak

__all__ = ["BLOCK", "Keccak", "KeccakParameters", "KeccakWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.keccak.hardware", name="Keccak")
__getattr__ = HARDWARE.attribute  # `Keccak` is imported with Amaranth, when asked for

BLOCK = Block(
    name="keccak",
    summary="SHA3 and SHAKE hash functions, some rounds of the permutation per cycle",
    parameters=KeccakParameters,
    workload=KeccakWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.keccak.bench",
    work=work,
    cycles=cycles,
    operation=operation,
)
