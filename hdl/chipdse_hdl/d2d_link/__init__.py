"""The digital ends of a link between two dies: what coding and protection cost in logic.

A flit becomes a frame, the frame goes over fewer wires in several beats, wires may be inverted in
groups so that fewer of them are high or toggle, and a parity wire or a checksum tells the receiver
of errors, which may ask for what it missed. Both ends are one block, the wires between them ports.
"""

from __future__ import annotations

from chipdse_hdl.block import Block
from chipdse_hdl.d2d_link.hardware import D2dLink
from chipdse_hdl.d2d_link.model import cycles, work
from chipdse_hdl.d2d_link.parameters import D2dLinkParameters, D2dLinkWorkload

__all__ = ["BLOCK", "D2dLink", "D2dLinkParameters", "D2dLinkWorkload"]

BLOCK = Block(
    name="d2d_link",
    summary="both digital ends of a link between dies: serialiser, coding, protection, replay",
    parameters=D2dLinkParameters,
    workload=D2dLinkWorkload,
    hardware=D2dLink,
    bench="chipdse_hdl.d2d_link.bench",
    work=work,
    cycles=cycles,
)
