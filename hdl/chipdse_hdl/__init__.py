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

BLOCKS: dict[str, Block]
"""Every block by name; imported when they are first asked for: a bench needs its own block alone,
and all of them take longer to import than a short simulation runs."""


def __getattr__(name: str) -> object:
    """`BLOCKS`, at its first use."""
    if name != "BLOCKS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    blocks = {each: importlib.import_module(f"{__name__}.{each}").BLOCK for each in _MODULES}
    return globals().setdefault(name, blocks)
