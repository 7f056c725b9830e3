"""Wires of a netlist: how long each net is, and the capacitance and delay that makes.

Lengths come from a formula over the whole netlist or from a placement; neither depends on supply,
temperature or activity. `wires_of` turns them into what timing and power take.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int32s, Int64s
from chipdse.errors import DesignError, InfeasibleError
from chipdse.netlist.layout.buffers import Repeater, repeaters, stage_delay_s
from chipdse.netlist.layout.placer.arrays import sums
from chipdse.netlist.layout.placer.place import place
from chipdse.netlist.layout.placer.problem import PlacementProblem
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.netlist import CONSTANT_1, Netlist
from chipdse.netlist.timing.clock import ClockNetwork
from chipdse.netlist.timing.graph import TimingGraph
from chipdse.netlist.timing.records import Wires
from chipdse.netlist.timing.timing import analyse_timing, arc_delays, arc_wires, library_pins
from chipdse.technology.constants import Sources
from chipdse.technology.wires import WireData, process_of, routed_over_placed

LEVELS = ("none", "formula", "placed")
UTILISATION = 0.6
"""Of the core by cells: what flows end with (medians: ihp 0.59, sky130 0.47, gf180 0.40)."""
_SPREAD = 1.1  # the density the placer may reach, over the utilisation
_ESCAPE = 0.3  # wire from a pin to the tracks, over the side of a mean cell
_TO_MEAN = 0.35  # weight of the mean over nets of as many pins in the length of a single net


@dataclass(frozen=True, kw_only=True, eq=False)
class Routes:
    """Lengths of every net's wire, and where the cells lie if they were placed.

    Clock nets have no length here: their wires belong to the clock tree.

    Parameters
    ----------
    level : "formula" or "placed"
    net_length_m : [nets]
    pin_distance_m : [pins] along the wire from the driver to an input pin; 0 for other pins
    port_distance_m : [bits of `netlist.output_nets`] along the wire from the driver
    core_width_m, core_height_m : the core at the chosen utilisation and aspect
    cell_x_m, cell_y_m : [cells] centres; empty unless placed
    overflow : of the placement; 0 unless placed
    """

    level: str
    net_length_m: Floats
    pin_distance_m: Floats
    port_distance_m: Floats
    core_width_m: float
    core_height_m: float
    cell_x_m: Floats
    cell_y_m: Floats
    overflow: float

    @property
    def wire_length_m(self) -> float:
        """All signal wire [m]."""
        return float(self.net_length_m.sum())


def net_degrees(netlist: Netlist) -> Int64s:
    """Pins of each net: driver, loads and output ports; a port that drives is one too."""
    pins = netlist.pin_net[netlist.pin_net >= 0]
    degree = np.bincount(pins, minlength=netlist.net_count)
    for nets in (netlist.input_nets, netlist.output_nets):
        degree += np.bincount(nets, minlength=netlist.net_count)
    return degree


def wired_nets(netlist: Netlist, clock: ClockNetwork | None) -> Bools:
    """Nets with a signal wire: two pins or more, neither a constant nor the clock."""
    wired = net_degrees(netlist) >= 2
    wired[: CONSTANT_1 + 1] = False
    if clock is not None:
        wired &= clock.polarity == 0
    return wired


def steiner_factor(degree: Int64s, sources: Sources) -> Floats:
    """Wire length over half the perimeter of the bounding box, by a net's pins.

    By table up to 8 pins, from then on max(1, 0.42 sqrt(pins)) but no less than the table's last.
    """
    table = np.array([1.0, 1.0, *(sources(f"wires.steiner.d{d}") for d in range(2, 9))])
    few = table[np.minimum(degree, 8)]
    many = np.maximum(few, sources("wires.steiner_root") * np.sqrt(degree))
    return np.where(degree > 8, many, few)


def core_of(area_m2: float, utilisation: float, aspect: float) -> tuple[float, float]:
    """Width and height [m] of a core for some cell area; `aspect` is height over width."""
    if not 0 < utilisation <= 1:
        raise DesignError(f"utilisation={utilisation!r} must lie in (0, 1]")
    if not 0.1 <= aspect <= 10:
        raise DesignError(f"aspect={aspect!r} must lie between 0.1 and 10")
    width = math.sqrt(area_m2 / utilisation / aspect)
    return width, width * aspect


def published_length_m(count: int, area_m2: float, sources: Sources) -> float:
    """Routed wire of a design [m] by its size alone: ``3.557 n^1.129 sqrt(A/n)``.

    A fit over published routed designs: median error 13 %, 90th percentile 46 %.
    """
    if not count:
        return 0.0
    cells = numerics.power_of(count, sources("wires.routed_length_exponent"))
    return sources("wires.routed_length_factor") * cells * math.sqrt(area_m2 / count)


def formula_routes(
    netlist: Netlist,
    clock: ClockNetwork | None,
    sources: Sources,
    *,
    utilisation: float = UTILISATION,
    aspect: float = 1.0,
) -> Routes:
    """Lengths without a placement: total by size, shared out by the number of pins.

    `published_length_m` in total; a net of d pins gets a share as
    ``(d - 1)^0.75`` with the Steiner factor of its degree. Utilisation and aspect do not enter the
    lengths: the fit is over designs of every utilisation.
    """
    width, height = core_of(netlist.area_m2, utilisation, aspect)
    count, degree = netlist.cell_count, net_degrees(netlist)
    total = published_length_m(count, netlist.area_m2, sources)
    share = np.where(
        wired_nets(netlist, clock),
        numerics.power(np.maximum(degree - 1, 0), sources("wires.fanout_exponent"))
        * steiner_factor(degree, sources),
        0.0,
    )
    total_share = float(share.sum())
    length = share * (total / total_share) if total_share else share
    distance = np.zeros(len(netlist.pin_net))
    loads = netlist.pin_is_load & (netlist.pin_net >= 0)
    # Of a wire with several loads, each lies at the end of its own branch of equal length.
    branch = length / np.maximum(degree - 1, 1)
    distance[loads] = branch[netlist.pin_net[loads]]
    return Routes(
        level="formula",
        net_length_m=length,
        pin_distance_m=distance,
        port_distance_m=branch[netlist.output_nets],
        core_width_m=width,
        core_height_m=height,
        cell_x_m=np.zeros(0),
        cell_y_m=np.zeros(0),
        overflow=0.0,
    )


def placed_routes(
    netlist: Netlist,
    clock: ClockNetwork | None,
    sources: Sources,
    *,
    utilisation: float = UTILISATION,
    aspect: float = 1.0,
    seed: int = 0,
    clustered: bool = False,
) -> Routes:
    """Lengths from a placement, as a routed layout has them.

    Half the perimeter of each net's box times its Steiner factor, drawn towards the mean of the
    nets with as many pins (`drawn_to_mean`), times `routed_over_placed` of the process; and for
    each pin the wire that leads to it, 0.3 sides of a mean cell.

    Parameters
    ----------
    utilisation, aspect : of the core, as of `placement_problem`
    seed, clustered : as of `place`

    Raises
    ------
    InfeasibleError : the cells cannot be spread at this utilisation
    """
    problem = placement_problem(netlist, clock, utilisation=utilisation, aspect=aspect)
    placed = place(problem, seed=seed, clustered=clustered)
    process = process_of(cell.name for cell in netlist.library.cells)
    routed = routed_over_placed(process, sources)
    degree = net_degrees(netlist)[placed.net_number]
    length = np.zeros(netlist.net_count)
    between = drawn_to_mean(placed.net_span_m * steiner_factor(degree, sources), degree)
    escape_m = _ESCAPE * math.sqrt(float(problem.cell_area_m2.mean()))
    length[placed.net_number] = routed * between + escape_m * degree
    cells = netlist.cell_count
    pin_distance, port_distance = _distances(
        netlist, routed * placed.x_m, routed * placed.y_m, length
    )
    return Routes(
        level="placed",
        net_length_m=length,
        pin_distance_m=pin_distance,
        port_distance_m=port_distance,
        core_width_m=problem.core_width_m,
        core_height_m=problem.core_height_m,
        cell_x_m=placed.x_m[:cells],
        cell_y_m=placed.y_m[:cells],
        overflow=placed.overflow,
    )


def drawn_to_mean(length_m: Floats, degree: Int64s) -> Floats:
    """Lengths of nets, each moved towards the mean length of the nets with as many pins.

    In a placement the length of a single net is uncertain: two placers agree on the mean over
    nets of as many pins, hardly on one net of two pins. The sum does not change. On the nets of
    six routed designs the mean absolute error falls from 0.43 to 0.39 of the mean capacitance, and
    the rank correlation rises by 0.03.
    """
    count = int(degree.max(initial=0)) + 1
    mean = sums(degree, length_m, count) / np.maximum(np.bincount(degree, minlength=count), 1)
    return (1.0 - _TO_MEAN) * length_m + _TO_MEAN * mean[degree]


def placement_problem(
    netlist: Netlist, clock: ClockNetwork | None, *, utilisation: float, aspect: float
) -> PlacementProblem:
    """What the placer is given of a netlist: one node per cell and per port bit."""
    if not netlist.cell_count:
        raise InfeasibleError(f"{netlist.top} has no cells to place")
    area = np.array([cell.area_m2 for cell in netlist.cells])[netlist.cell_types]
    least = float(area[area > 0].min(initial=np.inf))
    if not math.isfinite(least):
        raise DesignError("the library states no cell areas, which wires need; use wires=none")
    area = np.maximum(area, least)  # a cell of no area is as small as the smallest
    width, height = core_of(float(area.sum()), utilisation, aspect)
    ports = np.concatenate([netlist.input_nets, netlist.output_nets])
    wired = wired_nets(netlist, clock)
    pins = np.flatnonzero(netlist.pin_net >= 0)
    nets = np.concatenate([netlist.pin_net[pins], ports])
    nodes = np.concatenate([netlist.pin_cell[pins], netlist.cell_count + np.arange(len(ports))])
    keep = wired[nets]
    order = np.argsort(nets[keep], kind="stable")
    return PlacementProblem(
        pin_net=nets[keep][order].astype(np.int32),
        pin_node=nodes[keep][order].astype(np.int32),
        cell_area_m2=area,
        port_count=len(ports),
        core_width_m=width,
        core_height_m=height,
        target_density=min(1.0, _SPREAD * utilisation),
    )


def _distances(netlist: Netlist, x: Floats, y: Floats, length: Floats) -> tuple[Floats, Floats]:
    """Manhattan distance from each net's driver to its load pins [pins] and to the output ports
    [bits of `netlist.output_nets`], at most the net's length."""
    from_x = np.full(netlist.net_count, np.nan)
    from_y = np.full(netlist.net_count, np.nan)
    ports = netlist.cell_count + np.arange(len(netlist.input_nets))
    from_x[netlist.input_nets], from_y[netlist.input_nets] = x[ports], y[ports]
    driven = np.flatnonzero(netlist.net_driver_pin >= 0)
    driver = netlist.pin_cell[netlist.net_driver_pin[driven]]
    from_x[driven], from_y[driven] = x[driver], y[driver]
    distance = np.zeros(len(netlist.pin_net))
    loads = np.flatnonzero(netlist.pin_is_load & (netlist.pin_net >= 0))

    def from_driver(net: Int32s, node: Int32s | Int64s) -> Floats:
        apart = np.abs(x[node] - from_x[net]) + np.abs(y[node] - from_y[net])
        return np.where(np.isfinite(apart), np.minimum(apart, length[net]), 0.0)

    distance[loads] = from_driver(netlist.pin_net[loads], netlist.pin_cell[loads])
    outputs = netlist.cell_count + len(netlist.input_nets) + np.arange(len(netlist.output_nets))
    return distance, from_driver(netlist.output_nets, outputs)


@dataclass(frozen=True, kw_only=True, eq=False)
class WireLoads:
    """Wires at one operating point, as timing and as power see them.

    A driver of a net with many loads drives the first of a tree of buffers, but all of the net
    switches: `timing` has what the driver sees and the delay after it, `power` every farad.

    Parameters
    ----------
    wire_f, pins_f : [nets] the signal wires alone, the load pins alone
    power_f : [nets] what wires and the buffers on them add to the pins
    buffers : [nets] buffers in each net's tree, on average (0 for most)
    """

    timing: Wires
    power: Wires
    wire_f: Floats
    pins_f: Floats
    power_f: Floats
    buffers: Floats


def wires_of(
    routes: Routes, graph: TimingGraph, library: OperatingLibrary, data: WireData
) -> WireLoads:
    """Capacitance of every net and delay to every pin and output port, at one operating point.

    The delay is Elmore's: the resistance of the wire to the pin, with the vias at both ends, times
    the load behind it, which is half the net's wire and all its pins. Where a tree of the library's
    buffers is faster than the net's own driver with all of its load, the net is driven through
    such a tree.
    """
    netlist = graph.netlist
    bare = _wires(routes, netlist, library, data, None, np.zeros(netlist.net_count))
    repeater = repeaters(library.library)
    if repeater is None:
        return bare
    total = np.where(routes.net_length_m > 0, bare.wire_f + bare.pins_f, 0.0)
    stages, buffers = repeater.tree(total)
    if not stages.any():
        return bare
    tried = _wires(routes, netlist, library, data, repeater, buffers)
    slow = _driver_delays(graph, library, bare.timing)
    # The faster edge at the driver does not count: the buffers' own edges arrive at the loads.
    gain = slow - _driver_delays(graph, library, tried.timing)
    worth = gain > stages * stage_delay_s(repeater, library)
    return _wires(routes, netlist, library, data, repeater, np.where(worth, buffers, 0.0))


def _driver_delays(graph: TimingGraph, library: OperatingLibrary, wires: Wires) -> Floats:
    """Slowest arc of the driver of each net [nets]."""
    timing = analyse_timing(graph, library, 1.0, wires=wires)
    slowest = np.zeros(graph.netlist.net_count)
    cells = arc_delays(timing)[0] - arc_wires(graph, wires)
    np.maximum.at(slowest, graph.sink >> 1, cells)
    return slowest


def _wires(
    routes: Routes,
    netlist: Netlist,
    library: OperatingLibrary,
    data: WireData,
    repeater: Repeater | None,
    buffers: Floats,
) -> WireLoads:
    """Wires with a tree of the given number of buffers on each net."""
    load_pins = np.flatnonzero(netlist.pin_is_load & (netlist.pin_net >= 0))
    net = netlist.pin_net[load_pins]
    pin_f = library.pin_capacitance_f[0].max(axis=1)[library_pins(netlist)[load_pins]]
    pins_f = sums(net, pin_f, netlist.net_count)
    wire_f = data.signal_f_per_m * routes.net_length_m
    seen, power_f, after = wire_f + pins_f, wire_f, np.zeros(netlist.net_count)
    buffered = buffers > 0
    if repeater is not None and buffered.any():
        stages, _ = repeater.tree(seen)
        after = np.where(buffered, stages * stage_delay_s(repeater, library), 0.0)
        seen = np.where(buffered, repeater.load_f, seen)
        power_f = wire_f + buffers * repeater.input_f

    def elmore_of(net: Int32s, distance_m: Floats) -> Floats:
        parts = np.maximum(buffers, 1.0)[net]  # each buffer has its own piece of wire
        vias_ohm = np.where(wire_f[net] > 0, 2.0 * data.pin_ohm, 0.0)  # at the driver, at the load
        ohm = data.signal_ohm_per_m * distance_m / parts + vias_ohm
        return elmore_s(ohm, wire_f[net] / parts, pins_f[net] / parts) + after[net]

    delay = np.zeros(len(netlist.pin_net))
    delay[load_pins] = elmore_of(net, routes.pin_distance_m[load_pins])
    ports = elmore_of(netlist.output_nets, routes.port_distance_m)

    def wires(capacitance_f: Floats) -> Wires:
        return Wires(net_capacitance_f=capacitance_f, pin_delay_s=delay, port_delay_s=ports)

    return WireLoads(
        timing=wires(seen - pins_f),
        power=wires(power_f),
        wire_f=wire_f,
        pins_f=pins_f,
        power_f=power_f,
        buffers=buffers,
    )


def elmore_s(ohm: Floats, wire_f: Floats, load_f: Floats) -> Floats:
    """Elmore delay [s] of a uniform wire [1]_: ``R (C/2 + load)``.

    References
    ----------
    .. [1] W. C. Elmore, The transient response of damped linear networks with particular regard to
       wideband amplifiers, J. Appl. Phys. 19, 55-63, 1948
    """
    return ohm * (0.5 * wire_f + load_f)
