"""A queue of words between a producer and a consumer that keep different time.

Three organisations of the same queue: words that move up one place whenever one leaves, words that
stay where they were written while two pointers go round, and the same with a clocked memory and an
output register, as a memory macro needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.fifo.model import cycles, work
from chipdse_hdl.fifo.parameters import FifoParameters, FifoWorkload

if TYPE_CHECKING:
    from chipdse_hdl.fifo.hardware import Fifo

__all__ = ["BLOCK", "Fifo", "FifoParameters", "FifoWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.fifo.hardware", name="Fifo")
__getattr__ = HARDWARE.attribute  # `Fifo` is imported with Amaranth, when asked for

BLOCK = Block(
    name="fifo",
    summary="queue of words with valid and ready on both sides",
    parameters=FifoParameters,
    workload=FifoWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.fifo.bench",
    work=work,
    cycles=cycles,
)
