"""The stages that run tools: from a design to its recorded run and its netlist."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from chipdse.design import Design
from chipdse.hardware.elaborate import Rtl, elaborate
from chipdse.hardware.memories import family_for, with_memories
from chipdse.hardware.simulate import simulate
from chipdse.hardware.synthesise import Synthesised, map_to_cells, read_synthesised
from chipdse.netlist.library.macros import macro_cells
from chipdse.netlist.library.pack import load_packed
from chipdse.stages.library import guarded, library_of, library_version
from chipdse.stages.load import Hardware
from chipdse.store.sources import Builder
from chipdse.store.stage import Stage
from chipdse.store.store import Store
from chipdse.technology.sram import macro_figures


def build_hardware(design: Design, store: Store) -> tuple[Rtl, Hardware]:
    """RTL of a design, its checked and recorded run, and its netlist."""
    rtl = elaborate(design.block, design.parameters, store)
    memories = memory_choice(design)
    if memories is not None:
        rtl = with_memories(rtl, memories.macro_bits, memories.family, store)
    run = simulate(design.block, design.parameters, design.workload, rtl, store)
    mapped = synthesise_rtl(design, rtl, store)
    return rtl, Hardware(run=run, mapped=mapped, macros=rtl.macros)


@dataclass(frozen=True, kw_only=True)
class MemoryChoice:
    """Which memories of a design become SRAM macros.

    macro_bits : words times bits from which on a memory is a macro
    family : of the macros
    """

    macro_bits: int
    family: str


def memory_choice(design: Design) -> MemoryChoice | None:
    """Which memories become macros; None where all stay registers."""
    options, entry = design.synthesis, library_of(design.library)
    name = entry.name if entry.saved is not None else entry.files[0].name
    family = family_for(name, options.memory_family)
    if options.memory_macro_bits is None or family is None:
        return None
    return MemoryChoice(macro_bits=options.memory_macro_bits, family=family)


def synthesise_rtl(design: Design, rtl: Rtl, store: Store) -> Synthesised:
    """The netlist of a design's RTL in the cells of its library."""
    # What became of memories is in the RTL already.
    options = dataclasses.replace(design.synthesis, memory_macro_bits=None, memory_family="auto")
    version, entry = library_version(design.library), library_of(design.library)
    also: list[Builder] = [macro_cells] if rtl.macros else []
    if entry.saved is not None:  # it is written as Liberty
        also.append(load_packed)
    values = {
        "rtl": rtl.content,
        "library": version.digests,
        "macros": [dataclasses.asdict(macro_figures(size)) for size in rtl.macros],
        "options": dataclasses.asdict(options),
    }
    macros = macro_cells(rtl.macros).cells if rtl.macros else ()
    build = functools.partial(map_to_cells, rtl, entry, options, macros)
    guard = functools.partial(guarded, design.library, version)
    folder = SYNTHESISE.folder(store, values, build, also=also, guard=guard)
    return read_synthesised(folder, rtl.top)


SYNTHESISE = Stage(
    name="synthesise",
    does="maps the RTL to the cells of the library",
    inputs={
        "rtl": "hash of the RTL",
        "library": "hash of every file of the cell library",
        "macros": "what is known of each SRAM macro",
        "options": "options of synthesis, its seed included",
    },
    builder=map_to_cells,
    cases=(macro_cells, load_packed),
    packages=("pyosys",),
)
