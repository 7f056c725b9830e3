"""Measure: from a mapped netlist and a recorded run to timing and power at operating points.

Netlist, activity and library stay in memory for the last few designs, and every result is kept in
the store: a change of package or clock analyses nothing again.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design, LibraryChoice, OperatingPoint
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import TOP, source_hash
from chipdse.hardware.simulate import Simulation
from chipdse.hardware.store import Store, hash_file
from chipdse.hardware.synthesise import Synthesised
from chipdse.metrics import BlockReport
from chipdse.netlist.activity import Activity
from chipdse.netlist.library import CellLibrary, LeakagePoints, OperatingLibrary
from chipdse.netlist.macro_liberty import check_macro_supply, with_macros
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power import GROUPS, Power, PowerModel, analyse_power
from chipdse.netlist.recorded import Recording, read_recording, read_register_map
from chipdse.netlist.replay import Replayed, replay
from chipdse.netlist.timed_power import GlitchPower
from chipdse.netlist.timed_replay import timed_replay
from chipdse.netlist.timing import Timing, analyse_timing
from chipdse.netlist.timing_graph import TimingGraph, build_timing_graph
from chipdse.netlist.verilog import read_verilog
from chipdse.netlist.wires import WireLoads
from chipdse.operating import Corner, Job, operate
from chipdse.physical import (
    Layout,
    counted,
    layout_of,
    layout_sources,
    level_number,
    stored_toggles,
    wire_energy_j,
)
from chipdse.records import BlockMetrics
from chipdse.technology.libraries import LibraryEntry, resolve
from chipdse.technology.sram import MacroSize, macro_figures


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What the expensive stages made of a design.

    mapped, run : its netlist and its recorded simulation
    macros : sizes of its SRAM macros
    """

    mapped: Synthesised
    run: Simulation
    macros: tuple[MacroSize, ...] = ()


@functools.lru_cache(maxsize=8)
def library_of(choice: LibraryChoice) -> LibraryEntry:
    """The library of a design."""
    return resolve(choice.name if choice.name is not None else choice.files)


@functools.lru_cache(maxsize=64)
def library_key(choice: LibraryChoice) -> tuple[str, ...]:
    """Hashes of every file of a library: what results depend on."""
    return tuple(hash_file(path) for path in library_of(choice).files)


def measure(design: Design, hardware: Hardware, store: Store) -> tuple[BlockReport, BlockMetrics]:
    """Timing and power of a design's netlist at its operating point.

    Raises
    ------
    DesignError : supply or temperature outside the library's range, replay's self-check failed
    """
    corner, operating = _stored_corner(design, hardware, store), design.operating
    period_s = math.nan if operating.clock_period_s is None else operating.clock_period_s
    operated = operate(
        [corner],
        np.zeros(1, dtype=np.int64),
        np.array([period_s]),
        np.array([operating.clock_frac]),
        job_of(design, hardware),
    )
    return operated.report_at(0), operated.metrics_at(0)


def corners_of(
    design: Design,
    hardware: Hardware,
    store: Store,
    supplies: Sequence[tuple[float | None, float | None]],
) -> list[Corner]:
    """A design's netlist at some supplies and temperatures, the library's own where None.

    Raises
    ------
    DesignError : as `measure`
    """
    points = (OperatingPoint(vdd_v=vdd_v, temperature_c=temp) for vdd_v, temp in supplies)
    return [
        _stored_corner(dataclasses.replace(design, operating=point), hardware, store)
        for point in points
    ]


def job_of(design: Design, hardware: Hardware) -> Job:
    """What the hardware did in its recorded run."""
    work = design.block.work(design.parameters, design.workload)
    return Job(
        op_count=work.count,
        cycle_count=hardware.run.cycles,
        io_bits_per_op=(work.input_bits + work.output_bits) / work.count,
        node_nm=_node_nm(design),
    )


def _supply(design: Design) -> tuple[float, float]:
    """Supply [V] and temperature [°C] of a design, the library's nominal ones by default."""
    nominal, operating = library_of(design.library).nominal, design.operating
    vdd_v, temperature_c = operating.vdd_v, operating.temperature_c
    return (
        nominal.supply_v if vdd_v is None else vdd_v,
        nominal.temperature_c if temperature_c is None else temperature_c,
    )


def check_library(design: Design) -> None:
    """Raise DesignError if the library does not cover a design, before anything runs."""
    vdd_v, temperature_c = _supply(design)
    library = library_of(design.library).load()
    library.at([vdd_v], [temperature_c])
    counted(design.physical, library)
    _node_nm(design)


def _node_nm(design: Design) -> float:
    node = design.package.node_nm or library_of(design.library).node_nm
    if not node:
        name = design.library.name
        if name is None:
            raise DesignError(
                "the process node of the given Liberty files is not known; "
                "set the package's node_nm"
            )
        raise DesignError(
            f"the process node of library {name!r} is not known; state it with "
            f"'chipdse library add {name} FILE... --node 7nm --replace' or as the package's node_nm"
        )
    return node


def _stored_corner(design: Design, hardware: Hardware, store: Store) -> Corner:
    vdd_v, temperature_c = _supply(design)
    check_macro_supply(hardware.macros, vdd_v)
    inputs = {
        **_run_inputs(design, hardware),
        "vdd_v": vdd_v,
        "temperature_c": temperature_c,
        "physical": dataclasses.asdict(design.physical),
        "layout": layout_sources(),
        "source": source_hash("chipdse.netlist"),
        "corner": _corner_source(),
    }

    def build(folder: Path) -> None:
        corner = _corner(design, hardware, vdd_v, temperature_c, store)
        (folder / "corner.json").write_text(json.dumps(dataclasses.asdict(corner)))

    folder = store.folder("measure", inputs, build)
    values: dict[str, Any] = json.loads((folder / "corner.json").read_text())
    for name in ("leakage_temperatures_c", "leakage_powers_w"):
        values[name] = tuple(values[name])
    return Corner(**values)


@functools.cache
def _corner_source() -> list[str]:
    """Hash of this module, which makes corners, and what they hold: stored ones depend on both."""
    return [hash_file(Path(__file__)), *(one.name for one in dataclasses.fields(Corner))]


@functools.lru_cache(maxsize=4)
def _cells_of(choice: LibraryChoice, macros: tuple[MacroSize, ...]) -> CellLibrary:
    """The library of a design, with its SRAM macros beside the cells."""
    library = library_of(choice).load()
    return with_macros(library, macros) if macros else library


def _netlist_inputs(design: Design, hardware: Hardware) -> dict[str, Any]:
    """What a netlist is known by."""
    return {
        "netlist": hash_file(hardware.mapped.netlist),
        "library": library_key(design.library),
        "macros": [dataclasses.asdict(macro_figures(size)) for size in hardware.macros],
    }


def _run_inputs(design: Design, hardware: Hardware) -> dict[str, Any]:
    """What a recorded run of a netlist is known by."""
    return {
        **_netlist_inputs(design, hardware),
        "recording": hash_file(hardware.run.data),
        "window": [hardware.run.first_cycle, hardware.run.cycles],
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Loaded:
    """A netlist and its activity, ready for any operating point."""

    netlist: Netlist
    graph: TimingGraph
    model: PowerModel
    replayed: Replayed
    recording: Recording


@functools.lru_cache(maxsize=2)
def _load(choice: LibraryChoice, hardware: Hardware) -> _Loaded:
    library, run = _cells_of(choice, hardware.macros), hardware.run
    netlist = read_verilog(hardware.mapped.netlist, library, TOP)
    recording = read_recording(run.layout, run.data)
    replayed = replay(
        netlist,
        recording,
        read_register_map(hardware.mapped.register_map),
        first_cycle=run.first_cycle,
        cycles=run.cycles,
    )
    return _Loaded(
        netlist=netlist,
        graph=build_timing_graph(netlist, recording.clock),
        model=PowerModel(netlist),
        replayed=replayed,
        recording=recording,
    )


def analyse(
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
    loaded = _load(choice, hardware)
    library = _cells_of(choice, hardware.macros).at(vdd_v, temperature_c)
    timing = analyse_timing(loaded.graph, library, 1.0)
    timing = dataclasses.replace(timing, clock_period_s=timing.min_period_s)
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
    loaded = _load(design.library, hardware)
    return layout_of(
        design.physical,
        loaded.graph,
        loaded.netlist.library,
        _netlist_inputs(design, hardware),
        store,
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
    loaded, options = _load(design.library, hardware), design.physical
    activity = loaded.replayed.activity
    if not options.glitches:
        return activity
    vdd_v, temperature_c = _supply(design)
    inputs = {
        **_run_inputs(design, hardware),
        "vdd_v": vdd_v,
        "temperature_c": temperature_c,
        "wires": [laid.counted.wires, laid.counted.clock_tree],
        "layout": [options.utilisation, options.aspect, options.placement_seed],
        "cycles": options.glitch_cycles,
    }

    def count() -> Activity:
        library = loaded.netlist.library.at([vdd_v], [temperature_c])
        return timed_replay(
            timing or _timed(loaded.graph, library, laid.loads(library)),
            loaded.recording,
            read_register_map(hardware.mapped.register_map),
            loaded.replayed,
            first_cycle=hardware.run.first_cycle,
            cycles=hardware.run.cycles,
            sampled=options.glitch_cycles or None,
            seed=options.placement_seed,
        ).total

    toggles, error = stored_toggles(inputs, store, count)
    return dataclasses.replace(activity, toggles=toggles, glitches=True, standard_error_frac=error)


def _timed(graph: TimingGraph, library: OperatingLibrary, loads: WireLoads | None) -> Timing:
    """Timing at the shortest clock period."""
    timing = analyse_timing(graph, library, 1.0, wires=None if loads is None else loads.timing)
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
    vdd_v, temperature_c = _supply(design)
    loaded, laid = _load(design.library, hardware), layout(design, hardware, store)
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


def _corner(
    design: Design, hardware: Hardware, vdd_v: float, temperature_c: float, store: Store
) -> Corner:
    loaded = _load(design.library, hardware)
    whole = loaded.netlist.library
    known = whole.leakage_grid
    others = tuple(temp for temp in known.temperatures_c if known.covers(vdd_v, temp))
    at = whole.leakage_at(vdd_v, others) if len(others) > 1 else None
    found = analyse_design(design, hardware, store, leakage_at=at)
    timing, power, laid, activity = found.timing, found.power, found.layout, found.activity
    path = float(timing.min_period_s[0])
    groups = power.by_group()

    def of(kind: str, factor: float) -> dict[str, float]:
        return {name: float(groups[name][kind][0]) * factor for name in GROUPS}

    sequential = int((power.group == GROUPS.index("sequential")).sum())
    netlist, macros = power.netlist, np.flatnonzero(power.group == GROUPS.index("macro"))
    skew = path * laid.skew_frac / (1 - laid.skew_frac)
    area = hardware.mapped.area_m2
    return Corner(
        vdd_v=vdd_v,
        temperature_c=temperature_c,
        critical_path_s=path + skew,
        worst_hold_slack_s=float(timing.worst_hold_slack_s[0]),
        internal_energy_j=of("internal_w", path),
        switching_energy_j=of("switching_w", path),
        leakage_w=of("leakage_w", 1.0),
        leakage_temperatures_c=others if len(others) > 1 else (),
        leakage_powers_w=tuple(map(float, power.leakage_elsewhere_w)),
        cell_count=power.netlist.cell_count,
        sequential_count=sequential,
        area_m2=area,
        macro_count=len(macros),
        macro_area_m2=float(
            sum(netlist.cells[kind].area_m2 for kind in netlist.cell_types[macros])
        ),
        annotated_frac=loaded.replayed.annotated_fraction,
        wire_energy_j=wire_energy_j(found.loads, netlist, activity, vdd_v),
        glitch_energy_j=found.glitch_w * path,
        clock_tree_energy_j=laid.clock_tree_energy_j(vdd_v, activity),
        wire_length_m=0.0 if laid.routes is None else laid.routes.wire_length_m,
        core_area_m2=area / design.physical.utilisation,
        clock_skew_s=skew,
        clock_buffer_count=0 if laid.tree is None else laid.tree.buffer_count,
        wire_level=level_number(laid.counted.wires),
        glitches_counted=int(activity.glitches),
        toggle_error_frac=activity.standard_error_frac,
        clock_tree_counted=int(laid.tree is not None),
    )
