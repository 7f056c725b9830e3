"""What layout adds to a netlist: wires, clock tree and glitches, each stored under its own key.

Lengths, placement and clock tree do not depend on supply or temperature: one placement serves
every corner. Glitches do: they are counted with the delays of each corner.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design, PhysicalOptions
from chipdse.errors import DesignError, MachineError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.layout.clock_buffers import clock_buffers
from chipdse.netlist.layout.clock_tree import (
    ClockTree,
    build_clock_tree,
    enabled_fraction,
    gate_loads_f,
)
from chipdse.netlist.layout.expected_cells import ExpectedCells, expected_cells
from chipdse.netlist.layout.hold_repair import hold_buffer_count
from chipdse.netlist.layout.wires import (
    LEVELS,
    Routes,
    WireLoads,
    formula_routes,
    placed_routes,
    wires_of,
)
from chipdse.netlist.library.liberty.head import Corner
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.clock_tree import TreePower, clock_tree_power, with_clock_slews
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.records import Timing, Wires
from chipdse.stages.library import LibraryVersion, guarded, library_of, library_version
from chipdse.stages.load import NETLIST_INPUTS, NETLIST_READERS, Hardware, load, netlist_values
from chipdse.store.stage import Build, Stage
from chipdse.store.store import Store
from chipdse.technology.calibration import (
    CALIBRATION_TABLES,
    LayoutCalibration,
    MeasuredError,
    calibration_of,
    read_calibration,
)
from chipdse.technology.constants import Sources
from chipdse.technology.wires import WireData, process_of, wire_data

WIRE_TABLE = "technology/data/wires.toml"
LAYOUT_TABLES = (WIRE_TABLE, *CALIBRATION_TABLES)
ROUTES = "routes.npz"
_ARRAYS = ("net_length_m", "pin_distance_m", "port_distance_m", "cell_x_m", "cell_y_m")
_NUMBERS = ("core_width_m", "core_height_m", "overflow")


@dataclass(frozen=True, kw_only=True)
class LayoutEffects:
    """Which effects of layout are counted for one library: `wires` is one of `LEVELS`.

    added_cells : the cells that layout adds or enlarges
    data : wires of the library's process; None where nothing is known of them
    """

    wires: str
    clock_tree: bool
    added_cells: bool
    glitches: bool
    data: WireData | None
    calibration: LayoutCalibration

    @property
    def tree_wire_f_per_m(self) -> float:
        """Capacitance of clock wire per length."""
        measured = self.calibration.tree_wire_f_per_m
        if measured is not None:
            return measured
        if self.data is not None:
            return self.data.clock_f_per_m
        return Sources()("wires.clock_capacitance_any")


def layout_effects(options: PhysicalOptions, library: CellLibrary) -> LayoutEffects:
    """Which effects of layout the options choose for a library.

    Raises
    ------
    DesignError : wires are asked for, and nothing is known of them there
    """
    names = [cell.name for cell in library.cells]
    data = wire_data(names, Sources())
    wires, layout_counts = options.wires, options.wires != "none"  # none is no part of layout
    if wires == "auto":
        wires = "none" if data is None else "placed"
    elif wires != "none" and data is None:
        raise DesignError(
            f'wires="{wires}": no wire constants are known for the process of library '
            f'{library.name}; set wires="none" (and clock_tree=false)'
        )
    return LayoutEffects(
        wires=wires,
        clock_tree=options.clock_tree and layout_counts and clock_buffers(library) is not None,
        added_cells=options.added_cells and layout_counts,
        glitches=options.glitches,
        data=data,
        calibration=_calibration(options, names),
    )


def _calibration(options: PhysicalOptions, cell_names: Sequence[str]) -> LayoutCalibration:
    """The user's calibration, or the one that ships for the process of the cells."""
    if options.calibration is not None:
        return read_calibration(Path(options.calibration))
    return calibration_of(process_of(cell_names))


def physical_values(options: PhysicalOptions) -> dict[str, Any]:
    """The options as values of a key: a calibration is its content, wherever its file lies."""
    values = dataclasses.asdict(options)
    if options.calibration is not None:
        values["calibration"] = dataclasses.asdict(read_calibration(Path(options.calibration)))
    return values


def guarded_layout(
    design: Design, version: LibraryVersion, physical: dict[str, Any], build: Build
) -> Build:
    """As `guarded`, for a result that also depends on the user's calibration of layout.

    Parameters
    ----------
    physical : `physical_values` in the key of the result

    Raises
    ------
    MachineError : by the returned function, if the library or the calibration changed meanwhile
    """
    checked = guarded(design.library, version, build)

    def unchanged(folder: Path) -> None:
        checked(folder)
        if physical_values(design.physical) != physical:
            raise MachineError(
                f"calibration {design.physical.calibration} changed while it was used; nothing is "
                "kept: run again"
            )

    return unchanged


def measured_errors(design: Design) -> dict[str, MeasuredError]:
    """Errors against routed designs of the metrics that layout touches; none without layout.

    An error is that of the whole estimate, with clock tree and the cells that layout adds.
    """
    effects = layout_effects(
        design.physical, library_of(design.library).load(design.operating.process)
    )
    if not (effects.clock_tree and effects.added_cells):
        return {}
    return effects.calibration.errors_by_metric


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """The cells that layout adds to one netlist, at any corner.

    routes : None without wires
    tree : None without a clock tree
    added : cells that layout adds; None where they are not counted
    content : hash of the stored routes; None without wires
    """

    effects: LayoutEffects
    graph: TimingGraph
    routes: Routes | None
    tree: ClockTree | None
    added: ExpectedCells | None
    content: str | None = None

    @property
    def skew_frac(self) -> float:
        """Clock skew as a share of the period; 0 without a clock tree."""
        return 0.0 if self.tree is None else self.effects.calibration.skew_frac

    @property
    def path_growth(self) -> float:
        """Critical path after layout over that of the netlist with its wires, without skew."""
        return 1.0 if self.added is None else self.effects.calibration.path_growth

    def loads(self, library: OperatingLibrary) -> WireLoads | None:
        """Wires at one operating point, clock gates' included; None without wires."""
        data = self.effects.data
        if self.routes is None or data is None:
            return None
        loads = wires_of(self.routes, self.graph, library, data)
        if self.tree is None:
            return loads
        extra = gate_loads_f(self.tree, self.graph.netlist.net_count, loads.pins_f)

        def with_gate_loads(wires: Wires) -> Wires:
            return dataclasses.replace(wires, net_capacitance_f=wires.net_capacitance_f + extra)

        return dataclasses.replace(
            loads, timing=with_gate_loads(loads.timing), power=with_gate_loads(loads.power)
        )

    def as_power_sees(self, timing: Timing, loads: WireLoads | None) -> Timing:
        """The timing with all of the wires' capacitance, and the slews of the clock tree."""
        if loads is not None:
            timing = dataclasses.replace(timing, wires=loads.power)
        return timing if self.tree is None else with_clock_slews(self.tree, timing)

    def clock_tree_power(self, library: OperatingLibrary, activity: Activity) -> TreePower:
        """Energy per cycle and leakage of the clock tree at one operating point."""
        if self.tree is None:
            return TreePower()
        enabled = enabled_fraction(self.tree, activity.toggles, activity.cycles)
        return clock_tree_power(self.tree, self.graph.netlist, library, enabled)


def layout(design: Design, hardware: Hardware, store: Store) -> Layout:
    """Wires and clock tree of a design's netlist, as its options ask.

    Raises
    ------
    DesignError : nothing is known of the wires of the library's process
    InfeasibleError : the cells cannot be placed at this utilisation
    """
    version = library_version(design.library)
    loaded, options = load(design.library, hardware), design.physical
    netlist, graph = loaded.netlist, loaded.graph
    effects = layout_effects(options, netlist.library)
    tree, added = layout_cells(netlist, graph, effects, library_of(design.library).nominal)
    if effects.wires == "none":
        return Layout(effects=effects, graph=graph, routes=None, tree=tree, added=added)
    is_placed = effects.wires == "placed"
    values = {
        **netlist_values(design, hardware),
        "clock": loaded.recording.clock,
        "utilisation": options.utilisation,
        "aspect": options.aspect,
        "seed": options.placement_seed if is_placed else None,
        "wires": effects.wires,
    }
    make: Callable[..., Routes] = formula_routes
    if is_placed:
        # The netlist states that modules are shared, so its hash stands for this choice too.
        make = functools.partial(
            placed_routes, seed=options.placement_seed, clustered=hardware.mapped.is_shared
        )
    routed = functools.partial(
        make,
        netlist,
        graph.clock,
        Sources(),
        utilisation=options.utilisation,
        aspect=options.aspect,
    )
    folder = WIRES.folder(
        store,
        values,
        functools.partial(write_routes, routed),
        also=[placed_routes if is_placed else formula_routes],
        guard=functools.partial(guarded, design.library, version),
    )
    with np.load(folder / ROUTES) as stored:
        columns: dict[str, Any] = {name: stored[name] for name in _ARRAYS}
        columns |= {name: float(stored[name]) for name in _NUMBERS}
    routes = Routes(level=effects.wires, **columns)
    content = content_of(routes)
    return Layout(
        effects=effects, graph=graph, routes=routes, tree=tree, added=added, content=content
    )


def layout_cells(
    netlist: Netlist, graph: TimingGraph, effects: LayoutEffects, nominal: Corner | None = None
) -> tuple[ClockTree | None, ExpectedCells | None]:
    """The clock tree of a netlist, and the cells that layout adds; None for what is not counted.

    Parameters
    ----------
    nominal : corner at which hold is checked; None for the only one of the library
    """
    holds = None
    if effects.calibration.hold_slack_s and graph.clock is not None:
        at = (None, None) if nominal is None else (nominal.supply_v, nominal.temperature_c)
        holds = hold_buffer_count(graph, effects.calibration.hold_slack_s, *at)
    logic = expected_cells(netlist, graph.clock, effects.calibration, None, holds)
    tree = None
    if effects.clock_tree and graph.clock is not None:
        # The sinks spread over all cells of the layout, whether these are counted or not.
        tree = build_clock_tree(
            netlist, graph.clock, effects.calibration, logic.area_m2, effects.tree_wire_f_per_m
        )
    if not effects.added_cells:
        return tree, None
    return tree, expected_cells(netlist, graph.clock, effects.calibration, tree, holds)


def write_routes(make: Callable[[], Routes], folder: Path) -> None:
    """Write the wires that `make` returns into a folder."""
    np.savez(folder / ROUTES, **_columns(make()))


WIRES = Stage(
    name="wires",
    does="places the cells, or estimates the wires' lengths by a formula",
    inputs={
        **NETLIST_INPUTS,
        "clock": "clock of the block",
        "utilisation": "share of the core that cells cover",
        "aspect": "height of the core over its width",
        "seed": "of the placement; none for the formula",
        "wires": "placed, or formula",
    },
    builder=write_routes,
    code=NETLIST_READERS,
    cases=(formula_routes, placed_routes),
    data=(WIRE_TABLE,),
)


def content_of(routes: Routes) -> str:
    """Hash of everything that is stored of routes."""
    digest = hashlib.sha256()
    for name, values in _columns(routes).items():
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:32]


def _columns(routes: Routes) -> dict[str, Any]:
    """What is stored of routes."""
    return {name: np.asarray(getattr(routes, name)) for name in (*_ARRAYS, *_NUMBERS)}


def level_number(level: str) -> int:
    """A level of wires as a metric: 0 none, 1 formula, 2 placed."""
    return LEVELS.index(level)
