"""One design through every stage. START HERE: this page is the program.

    block, parameters -- elaborate -> RTL -- simulate ---> checked, recorded run
                                         -- synthesise -> netlist of cells
    run, netlist ------- measure --------> timing and power at (supply, temperature, clock)
    block, package ----- evaluate_system -> throughput, temperature, cost, carbon

The result of each stage in `STAGES` is kept in the store under the hash of exactly what it depends
on, so a change of supply, clock or package runs no simulator and no synthesis.
"""

from __future__ import annotations

import dataclasses

from chipdse.blocks.own import is_checked
from chipdse.design import Design
from chipdse.hardware.elaborate import ELABORATE
from chipdse.hardware.map_module import MAP_MODULE
from chipdse.hardware.memories import MAP_MEMORIES
from chipdse.hardware.simulate import SIMULATE
from chipdse.hardware.simulators import VERILATOR_RUNTIME
from chipdse.metrics import Metrics, basis_of
from chipdse.stages.analyse import GLITCHES
from chipdse.stages.build import SYNTHESISE, build_hardware
from chipdse.stages.guarantee import GUARANTEE
from chipdse.stages.layout import WIRES, measured_errors
from chipdse.stages.measure import MEASURE, measure
from chipdse.stages.trace_figures import PEAKS, REVEALED, TILES
from chipdse.store.store import Store
from chipdse.system.evaluate import evaluate_system
from chipdse.technology.constants import Sources

STAGES = (
    ELABORATE,  # block, parameters -> RTL
    MAP_MEMORIES,  # RTL, SRAM family -> RTL with SRAM macros
    VERILATOR_RUNTIME,  # Verilator, C++ compiler -> objects that all simulations share
    SIMULATE,  # RTL, bench, workload -> checked, recorded run
    MAP_MODULE,  # a module that has copies, library -> its netlist, for all designs that contain it
    SYNTHESISE,  # RTL, library -> netlist of cells
    WIRES,  # netlist -> placement and length of every wire
    GLITCHES,  # run, netlist, wires, (supply, temperature) -> transitions of every net
    GUARANTEE,  # run, netlist, wires, slow and fast cells -> limits that every chip meets
    MEASURE,  # run, netlist, wires, glitches -> timing and power at (supply, temperature)
    PEAKS,  # run, netlist, wires -> highest energy of a few cycles, in sweeps that name it
    TILES,  # run of tiles, netlist, wires -> how their energies differ, for drawn tiles of a layer
    REVEALED,  # netlist, stated operation -> leakage of secrets, in sweeps that name it
)
"""Every stage whose result is stored, in the order of the flow; `chipdse stages` prints them."""


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
    sources = Sources.of(design.constants)
    system = evaluate_system(block, design.package, sources)  # packaged
    basis = basis_of(dataclasses.asdict(report), checked=is_checked(design.block))
    errors = measured_errors(design)
    return Metrics(
        block=report,
        system=system,
        basis=basis,
        errors=errors,
        constants=sources.used,
        cited=tuple(sorted(sources.cited)),
    )
