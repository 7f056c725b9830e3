"""A small RISC-V processor: RV32I or RV32E, one or two stages, serial or parallel shifts.

One instruction at a time; loads and serial shifts take several cycles. Instructions and data come
over ports; memories are outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.rv32.model import cycles, work
from chipdse_hdl.rv32.parameters import Rv32Parameters
from chipdse_hdl.rv32.workload import Rv32Workload

if TYPE_CHECKING:
    from chipdse_hdl.rv32.hardware import Rv32

__all__ = ["BLOCK", "Rv32", "Rv32Parameters", "Rv32Workload"]

HARDWARE = Hardware(module="chipdse_hdl.rv32.hardware", name="Rv32")
__getattr__ = HARDWARE.attribute  # `Rv32` is imported with Amaranth, when asked for

BLOCK = Block(
    name="rv32",
    summary="small RISC-V processor, RV32I or RV32E",
    parameters=Rv32Parameters,
    workload=Rv32Workload,
    hardware=HARDWARE,
    bench="chipdse_hdl.rv32.bench",
    work=work,
    cycles=cycles,
)
