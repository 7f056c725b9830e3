"""Which sentences and tables of the concepts' and how-to pages hold which figures of stored runs.

See `docs/figures.py`. Each module has the texts of one page, as its page words them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from figures import Runs
from page_figures import Text

from concept_texts.chips import chips
from concept_texts.glitches import glitches
from concept_texts.guarantee import guarantee
from concept_texts.library import library
from concept_texts.memories import memories
from concept_texts.nodes import nodes
from concept_texts.packages import packages
from concept_texts.physical import physical
from concept_texts.power_over_time import power_over_time
from concept_texts.searching import searching
from concept_texts.shipped_sweeps import shipped_sweeps

PAGES: dict[str, Callable[[Runs], Iterator[Text]]] = {
    "docs/blocks/sweeps.md": shipped_sweeps,
    "docs/concepts/glitches.md": glitches,
    "docs/concepts/guarantee.md": guarantee,
    "docs/concepts/library.md": library,
    "docs/concepts/packages.md": packages,
    "docs/concepts/physical.md": physical,
    "docs/concepts/power_over_time.md": power_over_time,
    "docs/concepts/searching.md": searching,
    "docs/howto/chips.md": chips,
    "docs/howto/memories.md": memories,
    "docs/howto/nodes.md": nodes,
}


SWEEPS: dict[str, tuple[str, ...]] = {
    "docs/concepts/packages.md": ("mac_array_packages",),
    "docs/concepts/power_over_time.md": ("masked",),
    "docs/howto/memories.md": ("memory_boundary",),
    "docs/howto/nodes.md": ("nodes",),
}


BENCHMARKS: dict[str, tuple[str, ...]] = {
    "docs/concepts/glitches.md": ("mapping",),
    "docs/concepts/searching.md": ("composed",),
    "docs/howto/chips.md": ("digits_chips",),
    "docs/concepts/guarantee.md": ("guarantee",),
    "docs/concepts/library.md": ("flavours",),
    "docs/concepts/packages.md": ("package_ranges",),
    "docs/concepts/physical.md": ("physical_keccak", "physical_front", "physical_front_delay"),
}
