"""Timing, activity and power of a mapped netlist at its operating point."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.design import Design, LibraryChoice, PhysicalOptions
from chipdse.errors import InfeasibleError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.glitches.replay import timed_replay
from chipdse.netlist.activity.recording import read_register_map
from chipdse.netlist.activity.replay.replay import Replayed
from chipdse.netlist.layout.wires import WireLoads
from chipdse.netlist.library.library import LeakagePoints, OperatingLibrary
from chipdse.netlist.power.glitches import GlitchPower
from chipdse.netlist.power.power import Power, analyse_power
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.timing import Timing, analyse_timing
from chipdse.stages.layout import LAYOUT_TABLES, Layout, guarded_layout, layout, physical_values
from chipdse.stages.library import library_version, supply_of
from chipdse.stages.load import (
    NO_PATH,
    RUN_INPUTS,
    RUN_READERS,
    Hardware,
    ReplayedNetlist,
    cells_of,
    load,
    run_values,
)
from chipdse.store.stage import Stage
from chipdse.store.store import Store

TOGGLES = "glitches.npz"


def analyse_cells(
    choice: LibraryChoice,
    hardware: Hardware,
    vdd_v: list[float],
    temperature_c: list[float],
    *,
    process: str | None = None,
    leakage_at: LeakagePoints | None = None,
) -> tuple[Timing, Power, Replayed]:
    """Timing, and power at the highest frequency, at K operating points at once: cells alone.

    `analyse_design` counts wires, clock tree and glitches too, at one point.

    Parameters
    ----------
    process : process corner of the library; None is the default one
    leakage_at : more points, at which only leakage is wanted
    """
    loaded = load(choice, hardware, process)
    library = cells_of(choice, hardware.macros, process).at(vdd_v, temperature_c)
    timing = analyse_timing(loaded.graph, library, 1.0)
    timing = _at_shortest_period(timing)
    power = analyse_power(
        timing, loaded.replayed.activity, model=loaded.model, leakage_at=leakage_at
    )
    return timing, power, loaded.replayed


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
    process = design.operating.process
    version = library_version(design.library, process)
    loaded, options = load(design.library, hardware, process), design.physical
    activity = loaded.replayed.activity
    if not options.glitches:
        return activity
    vdd_v, temperature_c = supply_of(design)
    physical = physical_values(options)
    values = {
        **run_values(design, hardware, process),
        "vdd_v": vdd_v,
        "temperature_c": temperature_c,
        "routes": laid.content,
        "clock_tree": None if laid.tree is None else {"calibration": physical["calibration"]},
        "layout": [options.utilisation, options.placement_seed],
        "cycles": options.glitch_cycles,
    }

    def at_point() -> Timing:
        return timing or timed_at(loaded, laid, vdd_v, temperature_c)

    build = functools.partial(write_toggles, at_point, loaded, hardware, options)
    guard = functools.partial(guarded_layout, design, version, physical)
    with np.load(GLITCHES.folder(store, values, build, guard=guard) / TOGGLES) as stored:
        return dataclasses.replace(
            activity,
            toggles=stored["toggles"],
            glitches=True,
            standard_error_frac=float(stored["error"]),
        )


def write_toggles(
    at_point: Callable[[], Timing],
    loaded: ReplayedNetlist,
    hardware: Hardware,
    options: PhysicalOptions,
    folder: Path,
) -> None:
    """Write the transitions of every net, with glitches, and their standard error into a folder.

    Parameters
    ----------
    at_point : returns the timing at the design's supply and temperature
    """
    activity = count_glitches(at_point(), loaded, hardware, options)
    np.savez(folder / TOGGLES, toggles=activity.toggles, error=activity.standard_error_frac)


def count_glitches(
    timing: Timing, loaded: ReplayedNetlist, hardware: Hardware, options: PhysicalOptions
) -> Activity:
    """Activity of every net of a recorded run, replayed with the delays of `timing`."""
    return timed_replay(
        timing,
        loaded.recording,
        read_register_map(hardware.mapped.register_map),
        loaded.replayed,
        first_cycle=hardware.run.first_cycle,
        cycles=hardware.run.cycles,
        sampled=options.glitch_cycles,
        seed=options.placement_seed,
    ).total


def timed_at(loaded: ReplayedNetlist, laid: Layout, vdd_v: float, temperature_c: float) -> Timing:
    """Timing of a netlist with its wires at one supply and temperature, at the shortest period.

    Parameters
    ----------
    laid : with the graph of `loaded`
    """
    library = loaded.netlist.library.at([vdd_v], [temperature_c])
    return _timed(loaded.graph, library, laid.loads(library))


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


GLITCHES = Stage(
    name="glitches",
    does="replays the run with the delays of cells and wires, and counts every transition",
    inputs={
        **RUN_INPUTS,
        "vdd_v": "supply voltage",
        "temperature_c": "temperature",
        "routes": "hash of the wires",
        "clock_tree": "the user's calibration of layout, or none; none without a clock tree",
        "layout": "utilisation and seed of the placement",
        "cycles": "clock cycles that are drawn; none: all",
    },
    builder=write_toggles,
    code=(*RUN_READERS, _timed, Layout),
    data=LAYOUT_TABLES,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
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
) -> Analysis:
    """Timing and power of a design's netlist at its supply and temperature.

    Parameters
    ----------
    leakage_at : more points, at which only leakage is wanted
    """
    vdd_v, temperature_c = supply_of(design)
    loaded = load(design.library, hardware, design.operating.process)
    laid = dataclasses.replace(layout(design, hardware, store), graph=loaded.graph)
    library = loaded.netlist.library.at([vdd_v], [temperature_c])
    loads = laid.loads(library)
    timing = _timed(loaded.graph, library, loads)
    switched = laid.as_power_sees(timing, loads)
    activity = activity_of(design, hardware, store, laid, timing)
    power = analyse_power(switched, activity, model=loaded.model, leakage_at=leakage_at)
    plain = power
    if activity.glitches:
        plain = analyse_power(switched, loaded.replayed.activity, model=loaded.model)
    return Analysis(
        timing=timing,
        power=power,
        glitch_w=float(GlitchPower(functional=plain, total=power).glitch_w[0]),
        plain=plain,
        plain_activity=loaded.replayed.activity,
        activity=activity,
        layout=laid,
        loads=loads,
    )
