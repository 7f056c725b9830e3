"""The S-box of AES, or a round of AES-128: the field's standard example of a leaking circuit."""

from __future__ import annotations

from chipdse_hdl.aes_sbox.hardware import AesSbox
from chipdse_hdl.aes_sbox.model import cycles, work
from chipdse_hdl.aes_sbox.parameters import AesSboxParameters, AesSboxWorkload
from chipdse_hdl.aes_sbox.side_channel import operation
from chipdse_hdl.block import Block

__all__ = ["BLOCK", "AesSbox", "AesSboxParameters", "AesSboxWorkload"]

BLOCK = Block(
    name="aes_sbox",
    summary="S-box of AES or a round of it, plain or in two shares",
    parameters=AesSboxParameters,
    workload=AesSboxWorkload,
    hardware=AesSbox,
    bench="chipdse_hdl.aes_sbox.bench",
    work=work,
    cycles=cycles,
    operation=operation,
)
