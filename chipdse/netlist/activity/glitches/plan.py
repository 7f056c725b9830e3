"""What a replay with delays needs of a timed netlist: cells in order, delays in whole bins.

Time is counted in bins of the resolution. A delay is rounded to a whole number of bins, and half a
bin more marks those rounded down: where a pulse is as long as the delay in bins, such a delay is
the longer of the two in truth, and swallows the pulse. Without this rule short pulses would live
or die all together at each bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Int32s, Int64s, UInt8s, UInt16s
from chipdse.errors import DesignError
from chipdse.netlist.activity.glitches.cubes import cover, postfix
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.logic import parse_function, truth_table, variables
from chipdse.netlist.timing.arcs import RISE
from chipdse.netlist.timing.timing import Timing, arc_delays
from chipdse.sorting import distinct

MAX_INPUTS = 12  # a cell's; its delays are looked up by state
NEVER = 1 << 29
_NO_PIN = 31


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedPlan:
    """Cell outputs in an order in which inputs come first, and what delays them.

    Operation i drives net ``output[i]`` from the pins ``pin_start[i]:pin_start[i + 1]`` and has
    the delays ``entry_start[i]:entry_start[i + 1]``, of which the first that fits counts.

    Parameters
    ----------
    pin_net, pin_shift : net of each input pin, and the delay of the wire to it [bins]
    program, program_start : functions as code of a stack machine; `function` selects one
    entry_pin : input whose change the delay belongs to
    entry_edge : of the output, 0 rise and 1 fall
    entry_care, entry_value : inputs that must have these values after the change
    entry_key : twice the cell's delay [bins], plus one if it was rounded down
    fallback_key : [operations, 2] longest by output edge: for a change that no delay covers
    source : nets that move at a fixed time after the clock's edge
    source_time : [sources, 2] when, rise and fall [bins]
    """

    resolution_s: float
    nets: int
    output: Int32s
    function: Int32s
    program: UInt8s
    program_start: Int32s
    pin_start: Int32s
    pin_net: Int32s
    pin_shift: Int32s
    entry_start: Int32s
    entry_pin: UInt8s
    entry_edge: UInt8s
    entry_care: UInt16s
    entry_value: UInt16s
    entry_key: Int32s
    fallback_key: Int32s
    source: Int32s
    source_time: Int32s


@dataclass(frozen=True, kw_only=True, eq=False)
class _Delays:
    """The arcs of combinational cells at one operating point, sorted by library cell.

    key : [arcs] input position, its edge, output position, its edge, condition: one number
    """

    first: Int64s
    key: Int64s
    cell: Int64s
    value_s: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class _Entries:
    """The delays of one output of a cell, columns as in `TimedPlan`.

    pin, edge, care, value : [delays], or [instances, delays] once sorted
    key : [instances, delays]
    """

    pin: Int64s
    edge: Int64s
    care: Int64s
    value: Int64s
    key: Int64s

    def sorted(self, sign: int) -> _Entries:
        """Each instance's delays, shortest first (1) or longest first (-1)."""
        order = np.argsort(sign * self.key, axis=1, kind="stable")
        key = np.take_along_axis(self.key, order, axis=1)
        return _Entries(
            pin=np.where(key < NEVER, self.pin[order], _NO_PIN),
            edge=self.edge[order],
            care=self.care[order],
            value=self.value[order],
            key=key,
        )


def _any_state(places: Int64s, sources: Int64s, sinks: Int64s, keys: Int64s) -> _Entries:
    """The longest delay between each pair of edges, over all states of the other inputs.

    For inputs that change at one instant and leave a state whose delay the library gives for
    neither. So no change comes later than an arc from an input that did change allows.
    """
    pairs, column = distinct(4 * places + 2 * sources + sinks)
    key = np.full((len(keys), len(pairs)), -1, dtype=np.int64)
    for arc, pair in enumerate(column):
        known = np.where(keys[:, arc] < NEVER, keys[:, arc], -1)
        key[:, pair] = np.maximum(key[:, pair], known)
    care = 1 << (pairs >> 2)
    return _Entries(
        pin=pairs >> 2,
        edge=pairs & 1,
        care=care,
        value=np.where(pairs >> 1 & 1 == RISE, care, 0),
        key=np.where(key < 0, NEVER, key),
    )


def plan_timed(timing: Timing, known: Bools, resolution_s: float, point: int = 0) -> TimedPlan:
    """Order the logic and give every cell its delays at one operating point.

    Parameters
    ----------
    known : nets whose settled values are known
    resolution_s : one bin [s]

    Raises
    ------
    DesignError : a resolution that is not positive or too fine, or a cell with too many inputs
    """
    if not 0 < resolution_s < np.inf:
        raise DesignError(f"resolution_s={resolution_s} must be positive, e.g. 1e-12")
    if float(np.max(timing.arrival_s[0, :, point], initial=0.0)) / resolution_s > NEVER / 8:
        raise DesignError(f"resolution_s={resolution_s} is too fine; use 1e-15 or more")
    return _Builder(timing, known, resolution_s, point).build()


class _Builder:
    def __init__(self, timing: Timing, known: Bools, resolution_s: float, point: int) -> None:
        self.timing, self.netlist, self.graph = timing, timing.netlist, timing.graph
        self.resolution_s = resolution_s
        clock = self.graph.clock
        moves = known & (self.graph.constant < 0)
        self.moves = moves if clock is None else moves & (clock.polarity == 0)
        self.delay_s = arc_delays(timing)[point]
        wires = timing.wires
        pins = len(self.netlist.pin_net)
        self.wire_s = np.zeros(pins) if wires is None else wires.pin_delay_s
        self.arcs = self._sorted_arcs()
        self.programs: dict[bytes, int] = {}
        self.parts: list[dict[str, Int64s]] = []

    def build(self) -> TimedPlan:
        netlist = self.netlist
        logic = np.zeros(netlist.net_count, dtype=bool)
        for kind in netlist.instances_of:
            cell = netlist.cells[kind]
            if cell.sequential is not None or cell.is_macro:
                continue
            for position in cell.outputs:
                if cell.pins[position].function is not None:
                    logic[self._kind(kind, cell, position)] = True
        return self._ordered(np.flatnonzero(self.moves & ~logic))

    def _sorted_arcs(self) -> _Delays:
        graph, netlist = self.graph, self.netlist
        rows = np.flatnonzero(graph.launch < 0)
        pin, sink = graph.pin[rows], graph.sink[rows]
        cell = netlist.pin_cell[pin >> 1].astype(np.int64)
        start = netlist.pin_start[cell]
        place = (pin >> 1) - start
        out = netlist.net_driver_pin[sink >> 1] - start
        conditions = len(netlist.library.conditions) + 1
        key = ((out * 64 + place) * 4 + 2 * (pin & 1) + (sink & 1)) * conditions
        key = key + graph.condition[rows] + 1
        kind = netlist.cell_types[cell]
        order = np.argsort(kind, kind="stable")
        return _Delays(
            first=np.searchsorted(kind[order], np.arange(len(netlist.cells) + 1)),
            key=key[order],
            cell=cell[order],
            value_s=self.delay_s[rows[order]],
        )

    def _kind(self, kind: int, cell: Cell, position: int) -> Int32s:
        """Operations for one output of all instances of a cell; returns the nets they drive."""
        netlist, names = self.netlist, cell.input_names
        if len(names) > MAX_INPUTS:
            raise DesignError(
                f"cell {cell.name} has {len(names)} inputs; a timed replay handles {MAX_INPUTS}"
            )
        function = cell.pins[position].function
        assert function is not None
        nets = netlist.pins_of_type(kind)
        instances = netlist.instances_of[kind]
        drives = nets[:, position]
        keep = (drives >= 0) & self.moves[np.maximum(drives, 0)]
        instances, nets = instances[keep], nets[keep]
        if not len(instances):
            return drives[:0]
        pins = netlist.pin_start[instances][:, None] + np.array(cell.inputs, dtype=np.int64)
        places, sources, sinks, states, delay = self._groups(kind, cell, position, instances)
        columns, care, value = [], [], []
        for number, (wanted, allowed) in enumerate(states):
            for cube in cover(wanted, allowed, len(names)):
                columns.append(number)
                care.append(cube[0])
                value.append(cube[1])
        shift = np.rint(self.wire_s[pins] / self.resolution_s).astype(np.int64)
        keys = self._keys(delay, shift[:, places])
        fallback = np.stack(
            [
                np.where(keys < NEVER, keys, 0)[:, sinks == edge].max(axis=1, initial=0)
                for edge in (0, 1)
            ],
            axis=1,
        )
        precise = _Entries(
            pin=places[columns],
            edge=sinks[columns],
            care=np.array(care, dtype=np.int64),
            value=np.array(value, dtype=np.int64),
            key=keys[:, columns],
        )
        entries = [precise.sorted(1), _any_state(places, sources, sinks, keys).sorted(-1)]
        code = postfix(function, names)
        self.parts.append(
            {
                "output": nets[:, position].astype(np.int64),
                "function": np.full(len(nets), self.programs.setdefault(code, len(self.programs))),
                "pin_net": nets[:, list(cell.inputs)].astype(np.int64),
                "pin_shift": shift,
                "fallback_key": fallback,
            }
            | {
                f"entry_{name}": np.concatenate([getattr(part, name) for part in entries], axis=1)
                for name in ("pin", "edge", "care", "value", "key")
            }
        )
        return nets[:, position]

    def _groups(
        self, kind: int, cell: Cell, position: int, instances: Int32s
    ) -> tuple[Int64s, Int64s, Int64s, list[tuple[int, int]], Floats]:
        """The distinct arcs to an output.

        Returns input, its edge, the output's edge, states, delay [instances, arcs].
        """
        arcs, library = self.arcs, self.netlist.library
        conditions = len(library.conditions) + 1
        span = slice(arcs.first[kind], arcs.first[kind + 1])
        key, owner, value = arcs.key[span], arcs.cell[span], arcs.value_s[span]
        at_output = key // (conditions * 256) == position
        groups, column = distinct(key[at_output])
        row = np.full(self.netlist.cell_count, -1, dtype=np.int64)
        row[instances] = np.arange(len(instances))
        place = row[owner[at_output]]
        delay = np.full((len(instances), len(groups)), np.inf)
        is_instance = place >= 0
        np.minimum.at(
            delay, (place[is_instance], column[is_instance]), value[at_output][is_instance]
        )
        arc = groups // conditions
        inputs = np.array(
            [cell.inputs.index(int(number) // 4 % 64) for number in arc], dtype=np.int64
        )
        states = _states(
            cell,
            position,
            inputs,
            arc % 4,
            [int(group) % conditions - 1 for group in groups],
            library.conditions,
        )
        return inputs, arc // 2 % 2, arc % 2, states, delay

    def _keys(self, delay: Floats, shift: Int64s) -> Int64s:
        """Twice the cell's delay in bins, and one more if it was rounded down.

        An arc's delay begins before the wire to its pin. The wire is the pin's own shift, so it
        is taken off again: wire and cell together are rounded once.
        """
        exact = np.where(np.isfinite(delay), delay, 0.0) / self.resolution_s
        rounded = np.maximum(np.rint(exact), shift)
        keys = 2 * (rounded - shift) + (rounded < exact)
        return np.where(np.isfinite(delay), keys, NEVER).astype(np.int64)

    def _ordered(self, sources: Int64s) -> TimedPlan:
        def join(name: str) -> tuple[Int64s, Int64s]:
            """Values of all parts flat, and how many each operation has."""
            sizes = [np.full(len(p[name]), p[name][0].size, np.int64) for p in self.parts]
            none = [np.zeros(0, np.int64)]
            flat = np.concatenate([*none, *(p[name].ravel() for p in self.parts)])
            return flat, np.concatenate([*none, *sizes])

        output, _ = join("output")
        order = np.argsort(self.graph.net_level[output], kind="stable")

        def arranged(name: str) -> tuple[Int64s, Int32s]:
            flat, size = join(name)
            start = np.cumsum(size) - size
            size, start = size[order], start[order]
            begin = np.concatenate([[0], np.cumsum(size)])
            take = np.repeat(start - begin[:-1], size) + np.arange(begin[-1])
            return flat[take], begin.astype(np.int32)

        pin_net, pin_start = arranged("pin_net")
        entry_key, entry_start = arranged("entry_key")
        codes = list(self.programs)
        sizes = np.array([0, *(len(code) for code in codes)])
        return TimedPlan(
            resolution_s=self.resolution_s,
            nets=self.netlist.net_count,
            output=arranged("output")[0].astype(np.int32),
            function=arranged("function")[0].astype(np.int32),
            program=np.frombuffer(b"".join(codes), dtype=np.uint8).copy(),
            program_start=np.cumsum(sizes).astype(np.int32),
            pin_start=pin_start,
            pin_net=pin_net.astype(np.int32),
            pin_shift=arranged("pin_shift")[0].astype(np.int32),
            entry_start=entry_start,
            entry_pin=arranged("entry_pin")[0].astype(np.uint8),
            entry_edge=arranged("entry_edge")[0].astype(np.uint8),
            entry_care=arranged("entry_care")[0].astype(np.uint16),
            entry_value=arranged("entry_value")[0].astype(np.uint16),
            entry_key=entry_key.astype(np.int32),
            fallback_key=arranged("fallback_key")[0].astype(np.int32).reshape(-1, 2),
            source=sources.astype(np.int32),
            source_time=self._source_times(sources),
        )

    def _source_times(self, sources: Int64s) -> Int32s:
        """When register outputs move after the edge, rise and fall [bins]; ports move at 0."""
        graph = self.graph
        launching = np.flatnonzero(graph.launch >= 0)
        delay = np.zeros(2 * self.netlist.net_count)
        np.maximum.at(delay, graph.sink[launching], self.delay_s[launching])
        bins = np.rint(delay.reshape(-1, 2)[sources] / self.resolution_s)
        return np.ascontiguousarray(bins.astype(np.int32))


def _states(
    cell: Cell,
    position: int,
    inputs: Int64s,
    edges: Int64s,
    conditions: list[int],
    texts: tuple[str, ...],
) -> list[tuple[int, int]]:
    """For each arc the states after the change in which it holds, and those cubes may touch.

    An arc without a condition holds where those with one, between the same edges, do not.
    """
    names = cell.input_names
    function = cell.pins[position].function
    assert function is not None
    table = truth_table(function, names)
    state = np.arange(len(table))
    holds: list[Bools] = []
    for number in conditions:
        holding = np.ones(len(table), dtype=bool)
        if number >= 0:
            condition = parse_function(texts[number])
            if set(variables(condition)) <= set(names):
                holding = truth_table(condition, names)
        holds.append(holding)
    result = []
    for arc, (place, edge, number) in enumerate(zip(inputs, edges, conditions, strict=True)):
        source, sink = int(edge) >> 1, int(edge) & 1
        after = table if sink == RISE else ~table
        wanted = holds[arc] & after & ((state >> place & 1) == (1 if source == RISE else 0))
        if number < 0:
            for other_arc in range(len(conditions)):
                same = inputs[other_arc] == place and edges[other_arc] == edge
                if same and conditions[other_arc] >= 0:
                    wanted = wanted & ~holds[other_arc]
        result.append((_bits(wanted), _bits(wanted | ~after)))
    return result


def _bits(table: Bools) -> int:
    return int.from_bytes(np.packbits(table, bitorder="little").tobytes(), "little")
