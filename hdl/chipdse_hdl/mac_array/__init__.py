"""A systolic matrix multiplier: the sums stay in place, the operands flow past them.

`rows` x `columns` processing elements form C = A @ B, one step of the inner dimension per cycle.
A enters at the left and moves right, B enters at the top and moves down; each element owns one
element of C. When a product is complete its rows leave at the left, one port per row. See
docs/blocks/blocks.md for a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.mac_array.contract import contract
from chipdse_hdl.mac_array.model import cycles, tile_workload, work
from chipdse_hdl.mac_array.parameters import MacArrayParameters, MacArrayWorkload

if TYPE_CHECKING:
    from chipdse_hdl.mac_array.hardware import MacArray

__all__ = ["BLOCK", "MacArray", "MacArrayParameters", "MacArrayWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.mac_array.hardware", name="MacArray")
__getattr__ = HARDWARE.attribute  # `MacArray` is imported with Amaranth, when asked for

BLOCK = Block(
    name="mac_array",
    summary="systolic matrix multiplier, output stationary",
    parameters=MacArrayParameters,
    workload=MacArrayWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.mac_array.bench",
    work=work,
    cycles=cycles,
    contract=contract,
    tile_workload=tile_workload,
)
