"""What layout adds to a netlist: wires, clock tree and glitches, each stored under its own key.

Lengths, placement and clock tree do not depend on supply or temperature: one placement serves
every corner. Glitches do: they are counted with the delays of each corner.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.design import Design, PhysicalOptions
from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.layout.clock_tree import (
    ClockTree,
    build_clock_tree,
    enabled_fraction,
    gate_loads_f,
    tree_energy_j,
)
from chipdse.netlist.layout.placer.arrays import sums
from chipdse.netlist.layout.wires import (
    LEVELS,
    Routes,
    WireLoads,
    formula_routes,
    placed_routes,
    wires_of,
)
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.records import Wires
from chipdse.stages.library import guarded, library_version
from chipdse.stages.load import NETLIST_INPUTS, NETLIST_READERS, Hardware, load, netlist_values
from chipdse.store.stage import Stage
from chipdse.store.store import Store
from chipdse.technology.constants import Sources
from chipdse.technology.wires import WireData, wire_data

WIRE_TABLE = "technology/data/wires.toml"
ROUTES = "routes.npz"
_ARRAYS = ("net_length_m", "pin_distance_m", "port_distance_m", "cell_x_m", "cell_y_m")
_NUMBERS = ("core_width_m", "core_height_m", "overflow")


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What is counted for one library: `wires` is one of `LEVELS`."""

    wires: str
    clock_tree: bool
    glitches: bool
    data: WireData | None


def counted(options: PhysicalOptions, library: CellLibrary) -> Counted:
    """What the options mean for a library.

    Raises
    ------
    DesignError : wires or clock tree are asked for, and nothing is known of them there
    """
    data = wire_data((cell.name for cell in library.cells), Sources())
    wires, tree = options.wires, options.clock_tree
    if wires == "auto":
        wires = "none" if data is None else "placed"
        tree = tree and data is not None and data.clock_tree is not None
    elif wires != "none" and data is None:
        raise DesignError(
            f'wires="{wires}": no wire constants are known for the process of library '
            f'{library.name}; set wires="none" (and clock_tree=false)'
        )
    elif tree and wires == "none":
        tree = False  # no wires of any kind
    elif tree and (data is None or data.clock_tree is None):
        raise DesignError(
            f"clock_tree: no routed clock trees are known for the process of library "
            f"{library.name}; set clock_tree=false"
        )
    return Counted(wires=wires, clock_tree=tree, glitches=options.glitches, data=data)


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """What layout adds to one netlist, whatever its corner.

    routes : None without wires
    tree : None without a clock tree
    content : hash of the stored routes; None without wires
    """

    counted: Counted
    graph: TimingGraph
    routes: Routes | None
    tree: ClockTree | None
    content: str | None = None

    @property
    def skew_frac(self) -> float:
        """Clock skew as a share of the period; 0 without a clock tree."""
        data = self.counted.data
        if self.tree is None or data is None or data.clock_tree is None:
            return 0.0
        return data.clock_tree.skew_frac

    def loads(self, library: OperatingLibrary) -> WireLoads | None:
        """Wires at one operating point, clock gates' included; None without wires."""
        data = self.counted.data
        if self.routes is None or data is None:
            return None
        loads = wires_of(self.routes, self.graph, library, data)
        if self.tree is None:
            return loads
        extra = gate_loads_f(self.tree, self.graph.netlist, data, loads.pins_f)

        def more(wires: Wires) -> Wires:
            return dataclasses.replace(wires, net_capacitance_f=wires.net_capacitance_f + extra)

        return dataclasses.replace(loads, timing=more(loads.timing), power=more(loads.power))

    def clock_tree_energy_j(self, vdd_v: float, activity: Activity) -> float:
        """Energy of the clock tree a cycle [J]."""
        data = self.counted.data
        if self.tree is None or data is None or data.clock_tree is None:
            return 0.0
        enabled = enabled_fraction(self.tree, activity.toggles, activity.cycles)
        return tree_energy_j(self.tree, data.clock_tree, vdd_v, enabled)


def wire_energy_j(
    loads: WireLoads | None, netlist: Netlist, activity: Activity, vdd_v: float
) -> float:
    """Energy a cycle [J] to charge wires and the buffers on them: ``C V^2 / 2`` a transition.

    A net driven by an input port costs the block nothing.
    """
    if loads is None:
        return 0.0
    driven = netlist.net_driver_pin >= 0
    charge = numerics.dot(loads.power_f[driven], activity.toggles[driven])
    return float(0.5 * (vdd_v * vdd_v) * charge / activity.cycles)


def power_map_w(routes: Routes, cell_power_w: Floats, bins: int) -> Floats:
    """Power of the placed cells on a square grid over the core [bins, bins], x first."""
    if not len(routes.cell_x_m):
        raise DesignError('without a placement there is no map of power; set wires="placed"')
    column = np.clip((routes.cell_x_m / routes.core_width_m * bins).astype(np.int64), 0, bins - 1)
    row = np.clip((routes.cell_y_m / routes.core_height_m * bins).astype(np.int64), 0, bins - 1)
    return sums(column * bins + row, cell_power_w, bins * bins).reshape(bins, bins)


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
    what = counted(options, netlist.library)
    width = netlist.area_m2 / options.utilisation
    tree = None
    if what.clock_tree and graph.clock is not None and what.data and what.data.clock_tree:
        tree = build_clock_tree(netlist, graph.clock, what.data.clock_tree, width)
    if what.wires == "none":
        return Layout(counted=what, graph=graph, routes=None, tree=tree)
    is_placed = what.wires == "placed"
    values = {
        **netlist_values(design, hardware),
        "clock": loaded.recording.clock,
        "utilisation": options.utilisation,
        "aspect": options.aspect,
        "seed": options.placement_seed if is_placed else None,
        "wires": what.wires,
    }
    make: Callable[..., Routes] = formula_routes
    if is_placed:
        make = functools.partial(placed_routes, seed=options.placement_seed)
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
    routes = Routes(level=what.wires, **columns)
    content = content_of(routes)
    return Layout(counted=what, graph=graph, routes=routes, tree=tree, content=content)


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
