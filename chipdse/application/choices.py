"""The memories and dies of a chip file as what a chip may have."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chipdse.application.compose import Task
from chipdse.application.files.chip_file import Application, Memories
from chipdse.application.files.dies import Layout
from chipdse.application.layers import LayerColumns
from chipdse.application.memories import Buffer, Dram, dram, sram_buffer
from chipdse.errors import DesignError
from chipdse.technology.constants import Sources


def buffers_of(
    memories: Memories, family: str | None, library: str, sources: Sources
) -> tuple[Buffer | None, ...]:
    """The buffers that a chip may have; only None where there is none.

    Parameters
    ----------
    family : of macros that goes with the library, where the file names none

    Raises
    ------
    DesignError : no family of macros, or a buffer below its smallest macro
    """
    if not memories.buffer_bytes:
        return (None,)
    family = memories.buffer_family or family
    if family is None:
        raise DesignError(
            f'no SRAM family goes with library {library!r}; name one: family = "ihp_1p"'
        )
    return tuple(sram_buffer(size, family, sources) for size in memories.buffer_bytes)


def outers_of(memories: Memories, sources: Sources) -> tuple[Dram | None, ...]:
    """The outer memories that a chip may have, number of units fastest; only None where there is
    none.

    Raises
    ------
    DesignError : the energy per bit of a kind is neither published nor given
    """
    stated = memories.dram
    if stated is None:
        return (None,)
    return tuple(
        dram(
            kind,
            units=units,
            energy_j_per_bit=stated.energy_j_per_bit,
            bandwidth_bits_per_s=stated.bandwidth_bits_per_s,
            idle_w=stated.idle_w,
            sources=sources,
        )
        for kind in stated.kinds
        for units in stated.units
    )


def library_at_buffer(
    layout: Layout | None, memories: Memories, libraries: Mapping[str, str]
) -> str:
    """The library with which the macros of the buffer go: that of the first part on its die.

    Parameters
    ----------
    libraries : of each part by its name
    """
    if layout is not None and memories.names[0]:
        near = layout.on(layout.places[memories.names[0]])
        for name, library in libraries.items():
            if name in near:
                return library
    return next(iter(libraries.values()))


def task_of(application: Application, memories: Memories) -> Task:
    """The application of a chip file as a task for arrays of chips."""
    outer = memories.dram
    return Task(
        layers=None if application.network is None else LayerColumns.of(application.layers),
        work=application.work,
        overlapped=application.overlapped,
        output_bits=application.output_bits,
        link_bits_per_s=math.inf if outer is None else outer.link_bits_per_s,
        link_j_per_bit=0.0 if outer is None else outer.link_j_per_bit,
    )
