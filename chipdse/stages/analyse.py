"""A mapped netlist and its recorded run, ready in memory: their timing, activity and power.

Netlist, activity and library stay in memory for the last few designs.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from chipdse.design import Design, LibraryChoice, PhysicalOptions
from chipdse.errors import InfeasibleError
from chipdse.hardware.simulate import Simulation
from chipdse.hardware.synthesise import Synthesised
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.glitches.replay import timed_replay
from chipdse.netlist.activity.recording import Recording, read_recording, read_register_map
from chipdse.netlist.activity.replay.replay import Replayed, replay
from chipdse.netlist.layout.wires import WireLoads
from chipdse.netlist.library.library import CellLibrary, LeakagePoints, OperatingLibrary
from chipdse.netlist.library.macros import with_macros
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.glitches import GlitchPower
from chipdse.netlist.power.power import Power, PowerModel, analyse_power
from chipdse.netlist.timing.graph import TimingGraph, build_timing_graph
from chipdse.netlist.timing.timing import Timing, analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.layout import WIRES, Layout, layout_of, stored_toggles
from chipdse.stages.library import (
    LibraryVersion,
    check_version,
    guarded,
    library_key,
    library_of,
    library_version,
    supply_of,
)
from chipdse.store.sources import code_of
from chipdse.store.store import Store, hash_file
from chipdse.technology.sram import MacroSize, macro_figures

NO_PATH = (
    "the synthesised block has no path that limits its clock: its outputs are constants, or inputs "
    "passed on; check that they depend on registers (and that a memory has its contents)"
)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What the expensive stages made of a design.

    mapped, run : its netlist and its recorded simulation
    macros : sizes of its SRAM macros
    """

    mapped: Synthesised
    run: Simulation
    macros: tuple[MacroSize, ...] = ()


def cells_of(choice: LibraryChoice, macros: tuple[MacroSize, ...]) -> CellLibrary:
    """The library of a design, with its SRAM macros beside the cells."""
    return _cells_of(choice, library_version(choice), macros)


@functools.lru_cache(maxsize=4)
def _cells_of(
    choice: LibraryChoice, version: LibraryVersion, macros: tuple[MacroSize, ...]
) -> CellLibrary:
    library = library_of(choice).load()
    check_version(choice, version)
    return with_macros(library, macros) if macros else library


def netlist_inputs(design: Design, hardware: Hardware) -> dict[str, Any]:
    """What a netlist is known by."""
    return {
        "netlist": hash_file(hardware.mapped.netlist),
        "library": library_key(design.library),
        "macros": [dataclasses.asdict(macro_figures(size)) for size in hardware.macros],
    }


def run_inputs(design: Design, hardware: Hardware) -> dict[str, Any]:
    """What a recorded run of a netlist is known by."""
    return {
        **netlist_inputs(design, hardware),
        "recording": hash_file(hardware.run.data),
        "window": [hardware.run.first_cycle, hardware.run.cycles],
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A netlist and its activity, ready for any operating point."""

    netlist: Netlist
    graph: TimingGraph
    model: PowerModel
    replayed: Replayed
    recording: Recording


def load(choice: LibraryChoice, hardware: Hardware) -> Loaded:
    """A design's netlist with its library, replayed on the recorded run."""
    return _load(choice, library_version(choice), hardware)


@functools.lru_cache(maxsize=2)
def _load(choice: LibraryChoice, version: LibraryVersion, hardware: Hardware) -> Loaded:
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
    return Loaded(
        netlist=netlist,
        graph=build_timing_graph(netlist, recording.clock),
        model=PowerModel(netlist),
        replayed=replayed,
        recording=recording,
    )


def analyse_cells(
    choice: LibraryChoice,
    hardware: Hardware,
    vdd_v: list[float],
    temperature_c: list[float],
    *,
    leakage_at: LeakagePoints | None = None,
) -> tuple[Timing, Power, Replayed]:
    """Timing, and power at the highest frequency, at K operating points at once: cells alone.

    `analyse_design` counts wires, clock tree and glitches too, at one point.

    Parameters
    ----------
    leakage_at : more points, at which only leakage is wanted
    """
    loaded = load(choice, hardware)
    library = cells_of(choice, hardware.macros).at(vdd_v, temperature_c)
    timing = analyse_timing(loaded.graph, library, 1.0)
    timing = _at_shortest_period(timing)
    power = analyse_power(
        timing, loaded.replayed.activity, model=loaded.model, leakage_at=leakage_at
    )
    return timing, power, loaded.replayed


def layout(design: Design, hardware: Hardware, store: Store) -> Layout:
    """Wires and clock tree of a design's netlist, as its options ask.

    Raises
    ------
    DesignError : nothing is known of the wires of the library's process
    InfeasibleError : the cells cannot be placed at this utilisation
    """
    version = library_version(design.library)
    loaded = load(design.library, hardware)
    inputs = {
        **netlist_inputs(design, hardware),
        "clock": loaded.recording.clock,
        "reading": code_of(_cells_of, read_verilog, build_timing_graph),
    }
    return layout_of(
        design.physical,
        loaded.graph,
        loaded.netlist.library,
        inputs,
        store,
        guard=functools.partial(guarded, design.library, version),
    )


def activity_of(
    design: Design,
    hardware: Hardware,
    store: Store,
    laid: Layout,
    timing: Timing | None = None,
) -> Activity:
    """Activity of every net, with glitches where the design's options ask for them.

    Glitches are counted with the delays at the design's own supply and temperature: at low
    supplies they differ too much from the nominal ones to take those over.

    Parameters
    ----------
    timing : of the design at its supply and temperature, to save its making
    """
    version = library_version(design.library)
    loaded, options = load(design.library, hardware), design.physical
    activity = loaded.replayed.activity
    if not options.glitches:
        return activity
    vdd_v, temperature_c = supply_of(design)
    inputs = {
        **run_inputs(design, hardware),
        "vdd_v": vdd_v,
        "temperature_c": temperature_c,
        "routes": laid.content,
        "clock_tree": laid.tree is not None,
        "layout": [options.utilisation, options.placement_seed],
        "cycles": options.glitch_cycles,
        "code": code_of(count_glitches, _load, _timed, Layout, data=[WIRES]),
    }

    def count() -> Activity:
        library = loaded.netlist.library.at([vdd_v], [temperature_c])
        at_point = timing or _timed(loaded.graph, library, laid.loads(library))
        return count_glitches(at_point, loaded, hardware, options)

    guard = functools.partial(guarded, design.library, version)
    toggles, error = stored_toggles(inputs, store, count, guard)
    return dataclasses.replace(activity, toggles=toggles, glitches=True, standard_error_frac=error)


def count_glitches(
    timing: Timing, loaded: Loaded, hardware: Hardware, options: PhysicalOptions
) -> Activity:
    """Activity of every net of a recorded run, replayed with the delays of `timing`."""
    return timed_replay(
        timing,
        loaded.recording,
        read_register_map(hardware.mapped.register_map),
        loaded.replayed,
        first_cycle=hardware.run.first_cycle,
        cycles=hardware.run.cycles,
        sampled=options.glitch_cycles or None,
        seed=options.placement_seed,
    ).total


def _timed(graph: TimingGraph, library: OperatingLibrary, loads: WireLoads | None) -> Timing:
    """Timing at the shortest clock period."""
    timing = analyse_timing(graph, library, 1.0, wires=None if loads is None else loads.timing)
    return _at_shortest_period(timing)


def _at_shortest_period(timing: Timing) -> Timing:
    """The timing at its shortest clock period.

    Raises
    ------
    InfeasibleError : no path limits the period, e.g. where all outputs are constants
    """
    if not (timing.min_period_s > 0).all():
        raise InfeasibleError(NO_PATH)
    return dataclasses.replace(timing, clock_period_s=timing.min_period_s)


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysed:
    """A netlist at one operating point, with everything of layout that its design counts.

    timing, power : at the shortest clock period; power with glitches if they are counted
    glitch_w : what of that power glitches are
    plain, plain_activity : power and activity at zero delay, so without them
    loads : wires at this point; None without
    """

    timing: Timing
    power: Power
    glitch_w: float
    plain: Power
    plain_activity: Activity
    activity: Activity
    layout: Layout
    loads: WireLoads | None


def analyse_design(
    design: Design,
    hardware: Hardware,
    store: Store,
    *,
    leakage_at: LeakagePoints | None = None,
) -> Analysed:
    """Timing and power of a design's netlist at its supply and temperature.

    Parameters
    ----------
    leakage_at : more points, at which only leakage is wanted
    """
    vdd_v, temperature_c = supply_of(design)
    loaded, laid = load(design.library, hardware), layout(design, hardware, store)
    library = loaded.netlist.library.at([vdd_v], [temperature_c])
    loads = laid.loads(library)
    timing = _timed(loaded.graph, library, loads)
    switched = timing if loads is None else dataclasses.replace(timing, wires=loads.power)
    activity = activity_of(design, hardware, store, laid, timing)
    power = analyse_power(switched, activity, model=loaded.model, leakage_at=leakage_at)
    plain = power
    if activity.glitches:
        plain = analyse_power(switched, loaded.replayed.activity, model=loaded.model)
    return Analysed(
        timing=timing,
        power=power,
        glitch_w=float(GlitchPower(functional=plain, total=power).glitch_w[0]),
        plain=plain,
        plain_activity=loaded.replayed.activity,
        activity=activity,
        layout=laid,
        loads=loads,
    )
