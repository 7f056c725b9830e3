"""Multipliers: how partial products are made, how they are added up, and where registers cut.

Products are exact, or lack their lowest places: what those would have held is then replaced by a
constant, and `error_bound` says how far off a product can be. Every structure but `operator` is
gates only, no `*` and no `+`: synthesis would put its own multiplier in its place.
"""

from __future__ import annotations

from chipdse_hdl.block import Block
from chipdse_hdl.multiplier.hardware import Multiplier
from chipdse_hdl.multiplier.model import cycles, work
from chipdse_hdl.multiplier.parameters import MultiplierParameters, MultiplierWorkload

__all__ = ["BLOCK", "Multiplier", "MultiplierParameters", "MultiplierWorkload"]

BLOCK = Block(
    name="multiplier",
    summary="a * b, by array, Wallace or Dadda tree, with or without Booth; pipelined, truncated",
    parameters=MultiplierParameters,
    workload=MultiplierWorkload,
    hardware=Multiplier,
    bench="chipdse_hdl.multiplier.bench",
    work=work,
    cycles=cycles,
)
