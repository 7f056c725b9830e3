"""What we build: blocks of hardware as Amaranth components. To add one: a file, and a line here."""

from __future__ import annotations

import importlib

from hdl.block import Block

_MODULES = (
    "mac_array",
    "fir",
    "fifo",
    "keccak",
    "ascon",
    "ntt",
    "d2d_link",
    "noc_router",
    "rv32",
    "adder",
    "multiplier",
    "dot_product",
    "fft",
    "cordic",
)

BLOCKS: dict[str, Block] = {name: importlib.import_module(f"hdl.{name}").BLOCK for name in _MODULES}
