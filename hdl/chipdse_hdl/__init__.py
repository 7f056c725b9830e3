"""What we build: blocks of hardware as Amaranth components.

To add a block: a folder, its name here, and what docs/developers/adding_a_block.md lists.
"""

from __future__ import annotations

import importlib

from chipdse_hdl.block import Block

_MODULES = (
    *("mac_array", "dot_product", "adder", "multiplier"),  # arithmetic
    *("fir", "fft", "cordic"),  # signal processing
    *("keccak", "ascon", "aes_sbox", "ntt"),  # security
    *("fifo", "noc_router", "d2d_link"),  # data movement
    "rv32",  # control
)

BLOCKS: dict[str, Block] = {
    name: importlib.import_module(f"chipdse_hdl.{name}").BLOCK for name in _MODULES
}
