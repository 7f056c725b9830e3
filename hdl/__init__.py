"""What we build: blocks of hardware as Amaranth components. To add one: a file, and a line here."""

from __future__ import annotations

from hdl import mac_array
from hdl.block import Block

BLOCKS: dict[str, Block] = {block.name: block for block in (mac_array.BLOCK,)}
