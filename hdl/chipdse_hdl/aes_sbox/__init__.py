"""The S-box of AES, or a round of AES-128: the field's standard example of a leaking circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.aes_sbox.model import cycles, work
from chipdse_hdl.aes_sbox.parameters import AesSboxParameters, AesSboxWorkload
from chipdse_hdl.aes_sbox.side_channel import operation
from chipdse_hdl.block import Block, Hardware

if TYPE_CHECKING:
    from chipdse_hdl.aes_sbox.hardware import AesSbox

__all__ = ["BLOCK", "AesSbox", "AesSboxParameters", "AesSboxWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.aes_sbox.hardware", name="AesSbox")
__getattr__ = HARDWARE.attribute  # `AesSbox` is imported with Amaranth, when asked for

BLOCK = Block(
    name="aes_sbox",
    summary="S-box of AES or a round of it, plain or in two shares",
    parameters=AesSboxParameters,
    workload=AesSboxWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.aes_sbox.bench",
    work=work,
    cycles=cycles,
    operation=operation,
)
