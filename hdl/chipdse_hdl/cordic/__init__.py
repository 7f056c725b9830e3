"""CORDIC: turning vectors, and finding their length and angle, by shifts and additions.

Each iteration turns by the angle whose tangent is a power of two, in one direction or the other
[1]_; vectors grow by `gain` on the way. Angles are words whose whole range is one turn.

References
----------
.. [1] J. E. Volder, IRE Trans. Electronic Computers EC-8(3), 330-334, 1959.
"""

from __future__ import annotations

from chipdse_hdl.block import Block
from chipdse_hdl.cordic.hardware import Cordic
from chipdse_hdl.cordic.model import cycles, work
from chipdse_hdl.cordic.parameters import CordicParameters, CordicWorkload

__all__ = ["BLOCK", "Cordic", "CordicParameters", "CordicWorkload"]

BLOCK = Block(
    name="cordic",
    summary="vectors turned and measured by shifts and additions",
    parameters=CordicParameters,
    workload=CordicWorkload,
    hardware=Cordic,
    bench="chipdse_hdl.cordic.bench",
    work=work,
    cycles=cycles,
)
