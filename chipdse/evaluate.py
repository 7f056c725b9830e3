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
from pathlib import Path

from chipdse.design import Design
from chipdse.hardware.blocks_own import is_checked
from chipdse.hardware.elaborate import Rtl, elaborate, source_hash, versions
from chipdse.hardware.simulate import simulate
from chipdse.hardware.store import Store
from chipdse.hardware.synthesise import Synthesised, read_synthesised, synthesise
from chipdse.measure import Hardware, library_key, library_of, measure
from chipdse.metrics import Basis, Metrics
from chipdse.system.evaluate import evaluate_system


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
    return Metrics(block=report, system=system, basis=basis_of(design))


def basis_of(design: Design) -> Basis:
    """What a design's numbers rest on, for their evidence."""
    return Basis(activity="measured" if is_checked(design.block) else "estimated")


def build_hardware(design: Design, store: Store) -> tuple[Rtl, Hardware]:
    """The expensive stages: everything that runs a tool."""
    rtl = elaborate(design.block, design.parameters, store)
    run = simulate(design.block, design.parameters, design.workload, rtl, store)
    return rtl, Hardware(run=run, mapped=_synthesise(design, rtl, store))


def _synthesise(design: Design, rtl: Rtl, store: Store) -> Synthesised:
    inputs = {
        "rtl": rtl.content,
        "library": library_key(design.library),
        "options": dataclasses.asdict(design.synthesis),
        "source": source_hash("chipdse.hardware"),
        "versions": versions("pyosys"),
    }

    def build(folder: Path) -> None:
        liberty = library_of(design.library).liberty_files_for_synthesis(folder / "library")
        synthesise(rtl, liberty, design.synthesis, folder)

    folder = store.folder("synthesise", inputs, build)
    return read_synthesised(folder, rtl.top)
