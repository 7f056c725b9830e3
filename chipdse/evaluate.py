"""One design through every stage. START HERE: this page is the program.

    block, parameters -- elaborate -> RTL -- simulate ---> checked, recorded run
                                         -- synthesise -> netlist of cells
    run, netlist ------- measure --------> timing and power at (supply, temperature, clock)
    block, package ----- evaluate_system -> throughput, temperature, cost, carbon

Every stage's result is kept in the store under the hash of exactly what it depends on, so a change
of supply, clock or package runs no simulator and no synthesis.
"""

from __future__ import annotations

import dataclasses
import functools

from chipdse.blocks.own import is_checked
from chipdse.design import Design
from chipdse.hardware.elaborate import Rtl, elaborate, versions
from chipdse.hardware.memories import family_for, with_memories
from chipdse.hardware.simulate import simulate
from chipdse.hardware.synthesise import Synthesised, map_to_cells, read_synthesised
from chipdse.metrics import Metrics, basis_of
from chipdse.netlist.library.macros import macro_cells
from chipdse.netlist.library.pack import load_packed
from chipdse.stages.analyse import Hardware
from chipdse.stages.library import guarded, library_of, library_version
from chipdse.stages.measure import measure
from chipdse.store.sources import Builder, code_of
from chipdse.store.store import Store
from chipdse.system.evaluate import evaluate_system
from chipdse.technology.sram import macro_figures


def evaluate(design: Design, store: Store) -> Metrics:
    """Take one design through every stage; results land in the store.

    Raises
    ------
    DesignError : the input is wrong
    ToolError : an outside program failed, or the simulation differs from the reference
    InfeasibleError : the design is legal but cannot be built
    """
    _, hardware = build_hardware(design, store)  # simulated, synthesised
    report, block = measure(design, hardware, store)  # replayed, timed, powered
    system = evaluate_system(block, design.package)  # packaged
    basis = basis_of(dataclasses.asdict(report), checked=is_checked(design.block))
    return Metrics(block=report, system=system, basis=basis)


def build_hardware(design: Design, store: Store) -> tuple[Rtl, Hardware]:
    """The expensive stages: everything that runs a tool."""
    rtl = elaborate(design.block, design.parameters, store)
    rtl = with_memories(rtl, *memory_choice(design), store)
    run = simulate(design.block, design.parameters, design.workload, rtl, store)
    mapped = _synthesise(design, rtl, store)
    return rtl, Hardware(run=run, mapped=mapped, macros=rtl.macros)


def memory_choice(design: Design) -> tuple[int, str]:
    """From how many bits on a memory is a macro, and of which family; "" if there is none."""
    options, entry = design.synthesis, library_of(design.library)
    known = entry.name if entry.saved is not None else entry.files[0].name
    return options.memory_macro_bits, family_for(known, options.memory_family)


def _synthesise(design: Design, rtl: Rtl, store: Store) -> Synthesised:
    # What became of memories is in the RTL already.
    options = dataclasses.replace(design.synthesis, memory_macro_bits=0, memory_family="auto")
    version, entry = library_version(design.library), library_of(design.library)
    code: list[Builder] = [map_to_cells, *([macro_cells] if rtl.macros else [])]
    if entry.saved is not None:  # read, and written as Liberty
        code.append(load_packed)
    inputs = {
        "rtl": rtl.content,
        "library": version.digests,
        "macros": [dataclasses.asdict(macro_figures(size)) for size in rtl.macros],
        "options": dataclasses.asdict(options),
        "code": code_of(*code),
        "versions": versions("pyosys"),
    }
    macros = macro_cells(rtl.macros).cells if rtl.macros else ()
    build = functools.partial(map_to_cells, rtl, entry, options, black_boxes=macros)
    folder = store.folder("synthesise", inputs, guarded(design.library, version, build))
    return read_synthesised(folder, rtl.top)
