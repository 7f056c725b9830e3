"""A router of a network on chip: input buffers, a crossbar, wormhole switching.

Packets are chains of flits that stay together: the first one claims an output, the last one frees
it. Routes are computed at the source: the low bits of a head flit name the output and are shifted
out, so that the next router finds its own.
"""

from __future__ import annotations

from chipdse_hdl.block import Block
from chipdse_hdl.noc_router.hardware import NocRouter
from chipdse_hdl.noc_router.model import cycles, work
from chipdse_hdl.noc_router.parameters import NocRouterParameters, NocRouterWorkload

__all__ = ["BLOCK", "NocRouter", "NocRouterParameters", "NocRouterWorkload"]

BLOCK = Block(
    name="noc_router",
    summary="wormhole router of a network on chip, source routed",
    parameters=NocRouterParameters,
    workload=NocRouterWorkload,
    hardware=NocRouter,
    bench="chipdse_hdl.noc_router.bench",
    work=work,
    cycles=cycles,
)
