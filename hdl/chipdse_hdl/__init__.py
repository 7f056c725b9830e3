"""What we build: blocks of hardware as Amaranth components.

To add a block: a folder, its name here, and what docs/developers/adding_a_block.md lists.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from chipdse_hdl.block import Block

_MODULES = (
    # Arithmetic
    "mac_array",
    "dot_product",
    "adder",
    "multiplier",
    # Signal processing
    "fir",
    "fft",
    "cordic",
    # Security
    "keccak",
    "ascon",
    "aes_sbox",
    "ntt",
    # Data movement
    "fifo",
    "noc_router",
    "d2d_link",
    # Control
    "rv32",
)


class _Blocks(Mapping[str, Block]):
    """Every block by name; a block is imported when it is first asked for.

    A bench and a worker need one block alone, and all of them take longer to import than a short
    simulation runs.
    """

    def __getitem__(self, name: str) -> Block:
        if name not in _MODULES:
            raise KeyError(name)
        block: Block = importlib.import_module(f"{__name__}.{name}").BLOCK
        return block

    def __contains__(self, name: object) -> bool:
        return name in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


BLOCKS: Mapping[str, Block] = _Blocks()
