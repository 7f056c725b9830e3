"""Adders of two words, from ripple to parallel prefix, with registers in, out and across.

They differ in how carries get from where they start to where they matter. Every structure but
`operator` is gates only, no `+`: synthesis would put its own adder in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.adder.model import cycles, work
from chipdse_hdl.adder.parameters import AdderParameters, AdderWorkload
from chipdse_hdl.block import Block, Hardware

if TYPE_CHECKING:
    from chipdse_hdl.adder.hardware import Adder

__all__ = ["Adder", "AdderParameters", "AdderWorkload", "BLOCK"]

HARDWARE = Hardware(module="chipdse_hdl.adder.hardware", name="Adder")
__getattr__ = HARDWARE.attribute  # `Adder` is imported with Amaranth, when asked for

BLOCK = Block(
    name="adder",
    summary="a + b, by ripple, carry-select or parallel prefix; pipelined",
    parameters=AdderParameters,
    workload=AdderWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.adder.bench",
    work=work,
    cycles=cycles,
)
