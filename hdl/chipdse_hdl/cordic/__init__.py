"""CORDIC: turning vectors, and finding their length and angle, by shifts and additions.

Each iteration turns by the angle whose tangent is a power of two, in one direction or the other
[1]_; vectors grow by `gain` on the way. Angles are words whose whole range is one turn.

References
----------
.. [1] J. E. Volder, IRE Trans. Electronic Computers EC-8(3), 330-334, 1959.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.cordic.model import cycles, work
from chipdse_hdl.cordic.parameters import CordicParameters, CordicWorkload

if TYPE_CHECKING:
    from chipdse_hdl.cordic.hardware import Cordic

__all__ = ["BLOCK", "Cordic", "CordicParameters", "CordicWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.cordic.hardware", name="Cordic")
__getattr__ = HARDWARE.attribute  # `Cordic` is imported with Amaranth, when asked for

BLOCK = Block(
    name="cordic",
    summary="vectors turned and measured by shifts and additions",
    parameters=CordicParameters,
    workload=CordicWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.cordic.bench",
    work=work,
    cycles=cycles,
)
