"""A router of a network on chip: input buffers, a crossbar, wormhole switching.

Packets are chains of flits that stay together: the first one claims an output, the last one frees
it. Routes are computed at the source: the low bits of a head flit name the output and are shifted
out, so that the next router finds its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.noc_router.model import cycles, work
from chipdse_hdl.noc_router.parameters import NocRouterParameters, NocRouterWorkload

if TYPE_CHECKING:
    from chipdse_hdl.noc_router.hardware import NocRouter

__all__ = ["BLOCK", "NocRouter", "NocRouterParameters", "NocRouterWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.noc_router.hardware", name="NocRouter")
__getattr__ = HARDWARE.attribute  # `NocRouter` is imported with Amaranth, when asked for

BLOCK = Block(
    name="noc_router",
    summary="wormhole router of a network on chip, source routed",
    parameters=NocRouterParameters,
    workload=NocRouterWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.noc_router.bench",
    work=work,
    cycles=cycles,
)
