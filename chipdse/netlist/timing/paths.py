"""What people ask of a timing: its endpoints, and the critical path stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.timing.timing import MAX, MIN, Timing, arc_delays, reader_delays_s

EDGE_NAMES = ("rise", "fall")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One pin on a path: when its edge arrives, how steep it is, and what it drives.

    `load_f` is the load of an output pin or input port, None at an input pin.
    """

    pin: str
    cell: str
    edge: str
    arrival_s: float
    slew_s: float
    load_f: float | None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A register's data pin or an output port with its worst slack."""

    name: str
    check: str  # setup or hold
    edge: str
    slack_s: float


def endpoints(timing: Timing, point: int = 0, check: str = "setup") -> list[Endpoint]:
    """All endpoints with a finite slack, worst first; a pin appears once."""
    graph, netlist = timing.graph, timing.netlist
    worst: dict[str, Endpoint] = {}

    def add(name: str, edge: int, slack: float) -> None:
        if np.isfinite(slack) and (name not in worst or slack < worst[name].slack_s):
            worst[name] = Endpoint(name=name, check=check, edge=EDGE_NAMES[edge], slack_s=slack)

    wanted = graph.check_is_setup == (check == "setup")
    for row in np.flatnonzero(wanted).tolist():
        pin = int(graph.check_pin[row])
        add(netlist.pin_name(pin >> 1), pin & 1, float(timing.check_slack_s[point, row]))
    which = MAX if check == "setup" else MIN
    slacks = timing.output_slack_s[which, point]
    delays_s = reader_delays_s(timing, point, which)
    for bit, ((name, _), slack) in enumerate(
        zip(_output_bits(timing), slacks.tolist(), strict=True)
    ):
        add(name, _port_edge(timing, bit, point, check, delays_s), slack)
    return sorted(worst.values(), key=lambda endpoint: (endpoint.slack_s, endpoint.name))


def _output_bits(timing: Timing) -> list[tuple[str, int]]:
    return [
        bit
        for port in timing.netlist.ports
        if port.direction == "output"
        for bit in zip(port.bit_names(), port.nets, strict=True)
    ]


def _port_edge(timing: Timing, bit: int, point: int, check: str, delays_s: Floats) -> int:
    """The edge of a bit of the output ports with the least slack.

    delays_s : [reader edges] delay from the driver, of the analysis that `check` belongs to
    """
    net = int(timing.netlist.output_nets[bit])
    first = 2 * (len(timing.netlist.pin_net) + bit)
    wire = delays_s[first : first + 2]
    # What the clock's fall launches has half a period less until the next rise.
    half = float(timing.clock_period_s[point]) / 2
    fall = np.array([0.0, half])[: timing.graph.launch_classes, None]
    if check == "setup":
        late = (timing.arrival_s[MAX, :, point, 2 * net : 2 * net + 2] + fall + wire).max(axis=0)
        return int(late.argmax())
    early = (timing.arrival_s[MIN, :, point, 2 * net : 2 * net + 2] + fall + wire).min(axis=0)
    return int(early.argmin())


def clock_outputs(timing: Timing) -> list[str]:
    """Bits of output ports that the clock reaches; they are timed from the clock's own edges."""
    bits = _output_bits(timing)
    return [bits[row][0] for row in np.flatnonzero(timing.graph.clock_outputs)]


def critical_path(timing: Timing, point: int = 0) -> tuple[str, list[Stage]]:
    """The endpoint with the worst setup slack, and the path to it from its launching edge.

    Empty where nothing is constrained. Arrivals count from the launching clock edge.
    """
    graph, netlist = timing.graph, timing.netlist
    setup = np.flatnonzero(graph.check_is_setup)
    slack = timing.check_slack_s[point, setup]
    port_slack = timing.output_slack_s[MAX, point]
    delays_s = reader_delays_s(timing, point)
    best_check = float(slack.min(initial=np.inf))
    best_port = float(port_slack.min(initial=np.inf))
    if not np.isfinite(min(best_check, best_port)):
        return "", []
    if best_check <= best_port:
        row = int(setup[slack.argmin()])
        pin, edge = int(graph.check_pin[row]) >> 1, int(graph.check_pin[row]) & 1
        net, capture = int(netlist.pin_net[pin]), int(graph.check_class[row])
        end, cell, reader = netlist.pin_name(pin), _cell_of(timing, pin), pin
    else:
        bit = int(port_slack.argmin())
        end, net = _output_bits(timing)[bit]
        edge, capture, cell = _port_edge(timing, bit, point, "setup", delays_s), 0, ""
        reader = len(netlist.pin_net) + bit
    wire = float(delays_s[2 * reader + edge])
    late = timing.arrival_s[MAX, :, point, 2 * net + edge]
    period = float(timing.clock_period_s[point])
    share = np.array([1.0 if launch == capture else 0.5 for launch in range(len(late))])
    launch = int(np.argmin(share * period - late))
    last = _stage(timing, end, cell, 2 * net + edge, float(late[launch]) + wire, point)
    return end, [*_back(timing, 2 * net + edge, launch, point)[::-1], last]


def _back(timing: Timing, net_edge: int, launch: int, point: int) -> list[Stage]:
    """Stages before a net edge, last first, following the arcs that decide its arrival."""
    graph, netlist = timing.graph, timing.netlist
    delays = arc_delays(timing)[point]
    wires = reader_delays_s(timing, point)
    arrival = timing.arrival_s[MAX, launch, point]
    stages: list[Stage] = []
    while True:
        net = net_edge >> 1
        driver = int(netlist.net_driver_pin[net])
        at = float(arrival[net_edge])
        if driver < 0:
            name = netlist.net_names[net]
            return [*stages, _stage(timing, name, "", net_edge, at, point, loaded=True)]
        stages.append(
            _stage(
                timing,
                netlist.pin_name(driver),
                _cell_of(timing, driver),
                net_edge,
                at,
                point,
                loaded=True,
            )
        )
        rows = np.flatnonzero(graph.sink == net_edge)
        launched = graph.launch[rows]
        start = np.where(
            launched >= 0,
            np.where(launched == launch, 0.0, -np.inf),
            arrival[graph.source[rows]],
        )
        row = int(rows[np.argmax(start + delays[rows])])
        pin, edge = int(graph.pin[row]) >> 1, int(graph.pin[row]) & 1
        name, cell = netlist.pin_name(pin), _cell_of(timing, pin)
        if graph.launch[row] >= 0:
            clock = Stage(
                pin=name, cell=cell, edge=EDGE_NAMES[edge], arrival_s=0.0, slew_s=0.0, load_f=None
            )
            return [*stages, clock]
        net_edge = int(graph.source[row])
        at = float(arrival[net_edge]) + float(wires[2 * pin + edge])
        stages.append(_stage(timing, name, cell, net_edge, at, point))


def _stage(
    timing: Timing,
    name: str,
    cell: str,
    net_edge: int,
    arrival_s: float,
    point: int,
    loaded: bool = False,
) -> Stage:
    return Stage(
        pin=name,
        cell=cell,
        edge=EDGE_NAMES[net_edge & 1],
        arrival_s=arrival_s,
        slew_s=float(timing.slew_s[MAX, point, net_edge]),
        load_f=float(timing.load_f[point, net_edge]) if loaded else None,
    )


def _cell_of(timing: Timing, pin: int) -> str:
    netlist = timing.netlist
    return netlist.cells[int(netlist.cell_types[netlist.pin_cell[pin]])].name
