"""The digital ends of a link between two dies: what coding and protection cost in logic.

A flit becomes a frame, the frame goes over fewer wires in several beats, wires may be inverted in
groups so that fewer of them are high or toggle, and a parity wire or a checksum tells the receiver
of errors, which may ask for what it missed. Both ends are one block, the wires between them ports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.d2d_link.model import cycles, work
from chipdse_hdl.d2d_link.parameters import D2dLinkParameters, D2dLinkWorkload

if TYPE_CHECKING:
    from chipdse_hdl.d2d_link.hardware import D2dLink

__all__ = ["BLOCK", "D2dLink", "D2dLinkParameters", "D2dLinkWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.d2d_link.hardware", name="D2dLink")
__getattr__ = HARDWARE.attribute  # `D2dLink` is imported with Amaranth, when asked for

BLOCK = Block(
    name="d2d_link",
    summary="both digital ends of a link between dies: serialiser, coding, protection, replay",
    parameters=D2dLinkParameters,
    workload=D2dLinkWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.d2d_link.bench",
    work=work,
    cycles=cycles,
)
