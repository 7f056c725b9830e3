"""Which sentences and tables of the blocks' pages hold which figures of the stored runs.

See `docs/figures.py`. The texts of a page `docs/blocks/NAME.md` are in the file `NAME.py`: its
function `texts` gives them. A page of one block has the figures of the sweep of that name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

from figures import Runs
from page_figures import Text

_NAMES = sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))
NAMES = [name for name in _NAMES if name != "common"]

PAGES: dict[str, Callable[[Runs], Iterator[Text]]] = {
    f"docs/blocks/{name}.md": importlib.import_module(f"block_texts.{name}").texts for name in NAMES
}

SWEEPS: dict[str, tuple[str, ...]] = {
    **{f"docs/blocks/{name}.md": (name,) for name in NAMES},
    "docs/blocks/rv32.md": ("rv32", "rv32_programs"),
    "docs/blocks/blocks.md": (
        "zero_gating",
        "fifo",
        "noc_router",
        "rv32",
        "fir_folding",
        "memory_boundary",
    ),
}

BENCHMARKS: dict[str, tuple[str, ...]] = {
    "docs/blocks/d2d_link.md": ("link_coding",),
    "docs/blocks/multiplier.md": ("block_choices",),
    "docs/blocks/blocks.md": ("block_choices",),
}
