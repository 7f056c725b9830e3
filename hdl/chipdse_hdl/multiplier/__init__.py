"""Multipliers: how partial products are made, how they are added up, and where registers cut.

Products are exact, or lack their lowest places: what those would have held is then replaced by a
constant, and `error_bound` says how far off a product can be. Every structure but `operator` is
gates only, no `*` and no `+`: synthesis would put its own multiplier in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.multiplier.model import cycles, work
from chipdse_hdl.multiplier.parameters import MultiplierParameters, MultiplierWorkload

if TYPE_CHECKING:
    from chipdse_hdl.multiplier.hardware import Multiplier

__all__ = ["BLOCK", "Multiplier", "MultiplierParameters", "MultiplierWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.multiplier.hardware", name="Multiplier")
__getattr__ = (
    HARDWARE.attribute
)  # `Multiplier` is imported with Amaranth when it is first asked for

BLOCK = Block(
    name="multiplier",
    summary="a * b, by array, Wallace or Dadda tree, with or without Booth; pipelined, truncated",
    parameters=MultiplierParameters,
    workload=MultiplierWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.multiplier.bench",
    work=work,
    cycles=cycles,
)
