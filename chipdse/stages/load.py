"""A mapped netlist and its recorded run, read into memory for any operating point.

Netlist, activity and library stay in memory for the last few designs.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from chipdse.design import Design, LibraryChoice
from chipdse.errors import DesignError, InfeasibleError
from chipdse.hardware.simulate import Simulation
from chipdse.hardware.synthesise import Synthesised
from chipdse.netlist.activity.recording import Recording, read_recording, read_register_map
from chipdse.netlist.activity.replay.replay import Replayed, replay
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.macros import with_macros
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.power import PowerModel
from chipdse.netlist.timing.graph import TimingGraph, build_timing_graph
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.library import (
    LibraryVersion,
    check_version,
    library_key,
    library_of,
    library_version,
)
from chipdse.store.sources import Builder
from chipdse.store.store import hash_file
from chipdse.technology.sram import MacroSize, macro_figures

NO_PATH = (
    "the synthesised block has no path that limits its clock: its outputs are constants, or inputs "
    "passed on; check that they depend on registers (and that a memory has its contents)"
)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The results of the expensive stages of a design.

    mapped, run : its netlist and its recorded simulation
    macros : sizes of its SRAM macros
    """

    mapped: Synthesised
    run: Simulation
    macros: tuple[MacroSize, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class ReplayedNetlist:
    """A netlist and its activity, ready for any operating point."""

    netlist: Netlist
    graph: TimingGraph
    model: PowerModel
    replayed: Replayed
    recording: Recording


def cells_of(
    choice: LibraryChoice, macros: tuple[MacroSize, ...], process: str | None = None
) -> CellLibrary:
    """A process corner of the library of a design, with its SRAM macros beside the cells.

    Raises
    ------
    DesignError : there is no such process corner, or there are macros in another than the default
    """
    return _cells_of(choice, library_version(choice, process), macros)


@functools.lru_cache(maxsize=4)
def _cells_of(
    choice: LibraryChoice, version: LibraryVersion, macros: tuple[MacroSize, ...]
) -> CellLibrary:
    entry = library_of(choice)
    if macros and version.process not in (None, entry.default_process):
        raise DesignError(
            f"SRAM macros have no {version.process} process corner: the figures of the macro model "
            f"are {entry.default_process}; set memory_macro_bits = 0, or leave the process out"
        )
    library = entry.load(version.process)
    check_version(choice, version)
    return with_macros(library, macros) if macros else library


NETLIST_INPUTS = {
    "netlist": "hash of the netlist",
    "library": "hash of every file of the cell library: its process corner and the default one",
    "macros": "what is known of each SRAM macro",
}
RUN_INPUTS = {
    **NETLIST_INPUTS,
    "registers": "hash of the register bits that flip-flops hold",
    "recording": "hash of the recorded run and of its signals",
    "window": "first clock cycle of the workload, and how many there are",
}


def netlist_values(
    design: Design, hardware: Hardware, process: str | None = None
) -> dict[str, Any]:
    """The values of `NETLIST_INPUTS`, with a process corner of the library; None is the default."""
    return {
        "netlist": hash_file(hardware.mapped.netlist),
        "library": library_key(design.library, process),
        "macros": [dataclasses.asdict(macro_figures(size)) for size in hardware.macros],
    }


def run_values(design: Design, hardware: Hardware, process: str | None = None) -> dict[str, Any]:
    """The values of `RUN_INPUTS`, with a process corner of the library; None is the default."""
    return {
        **netlist_values(design, hardware, process),
        "registers": hash_file(hardware.mapped.register_map),
        "recording": [hash_file(hardware.run.layout), hash_file(hardware.run.data)],
        "window": [hardware.run.first_cycle, hardware.run.cycles],
    }


def load(choice: LibraryChoice, hardware: Hardware, process: str | None = None) -> ReplayedNetlist:
    """A design's netlist with a process corner of its library, replayed on the recorded run.

    Nets and pins have the same numbers in every process corner.

    Raises
    ------
    DesignError : as `cells_of`
    """
    return _load(choice, library_version(choice, process), hardware)


@functools.lru_cache(maxsize=4)
def _load(choice: LibraryChoice, version: LibraryVersion, hardware: Hardware) -> ReplayedNetlist:
    library, run = _cells_of(choice, version, hardware.macros), hardware.run
    netlist = read_verilog(hardware.mapped.netlist, library, hardware.mapped.top)
    if not netlist.cell_count:
        raise InfeasibleError(NO_PATH)
    recording = read_recording(run.layout, run.data)
    replayed = replay(
        netlist,
        recording,
        read_register_map(hardware.mapped.register_map),
        first_cycle=run.first_cycle,
        cycles=run.cycles,
    )
    return ReplayedNetlist(
        netlist=netlist,
        graph=build_timing_graph(netlist, recording.clock),
        model=PowerModel(netlist),
        replayed=replayed,
        recording=recording,
    )


NETLIST_READERS: tuple[Builder, ...] = (_cells_of, read_verilog, build_timing_graph)
"""The functions that read a netlist and its library: code of every stage that gets these."""
RUN_READERS: tuple[Builder, ...] = (_load,)
"""The functions that read a netlist with its recorded run."""
