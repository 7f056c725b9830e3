"""What a block counts: its unit of work."""

from __future__ import annotations

from chipdse_hdl.block import Block

from chipdse.units import OPERATION


def work_unit(block: Block) -> str:
    """The unit of a block's work, e.g. "MAC"; "op" if its default parameters have no work."""
    try:
        return str(block.work(block.parameters(), block.workload()).unit) or OPERATION
    except Exception:  # the user's function, which may accept only parameters that a sweep gives
        return OPERATION
