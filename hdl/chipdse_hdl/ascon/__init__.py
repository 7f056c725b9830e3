"""Ascon, the lightweight cryptography of NIST SP 800-232: Ascon-AEAD128 and Ascon-Hash256.

One permutation of 320 bits, some rounds per cycle, around it either authenticated encryption of
blocks of 128 bits (encryption, decryption or both) or a hash function over blocks of 64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.ascon.model import cycles, work
from chipdse_hdl.ascon.parameters import AsconParameters, AsconWorkload
from chipdse_hdl.ascon.side_channel import operation
from chipdse_hdl.block import Block, Hardware

if TYPE_CHECKING:
    from chipdse_hdl.ascon.hardware import Ascon

__all__ = ["Ascon", "AsconParameters", "AsconWorkload", "BLOCK"]

HARDWARE = Hardware(module="chipdse_hdl.ascon.hardware", name="Ascon")
__getattr__ = HARDWARE.attribute  # `Ascon` is imported with Amaranth, when asked for

BLOCK = Block(
    name="ascon",
    summary="Ascon-AEAD128 or Ascon-Hash256, some rounds of the permutation per cycle",
    parameters=AsconParameters,
    workload=AsconWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.ascon.bench",
    work=work,
    cycles=cycles,
    operation=operation,
)
