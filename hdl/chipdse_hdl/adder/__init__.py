"""Adders of two words, from ripple to parallel prefix, with registers in, out and across.

They differ in how carries get from where they start to where they matter. Every structure but
`operator` is gates only, no `+`: synthesis would put its own adder in its place.
"""

from __future__ import annotations

from chipdse_hdl.adder.hardware import Adder
from chipdse_hdl.adder.model import cycles, work
from chipdse_hdl.adder.parameters import AdderParameters, AdderWorkload
from chipdse_hdl.block import Block

__all__ = ["Adder", "AdderParameters", "AdderWorkload", "BLOCK"]

BLOCK = Block(
    name="adder",
    summary="a + b, by ripple, carry-select or parallel prefix; pipelined",
    parameters=AdderParameters,
    workload=AdderWorkload,
    hardware=Adder,
    bench="chipdse_hdl.adder.bench",
    work=work,
    cycles=cycles,
)
