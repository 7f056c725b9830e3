"""The timing arcs of one library cell, edge by edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.netlist.library.cells import Cell, ClockGate
from chipdse.netlist.library.library import ARC_KINDS, FIRST_CHECK, SENSES, CellLibrary
from chipdse.netlist.library.logic import (
    Expression,
    parse_function,
    substitute,
    truth_table,
    unateness,
    variables,
)

RISE, FALL = 0, 1
_EDGES = {"rising": RISE, "falling": FALL}


@dataclass(frozen=True, kw_only=True, eq=False)
class CellArc:
    """One arc edge of a library cell: from a pin's edge to an output pin's edge, or a check."""

    source: int  # pin positions in the cell
    source_edge: int
    sink: int
    sink_edge: int
    table: int  # delay, or the constraint
    slew_table: int
    launches: bool  # starts at a clock edge
    condition: int = -1  # of the library's conditions; -1 is always
    check: str | None = None  # setup or hold (recovery counts as setup, removal as hold)


def cell_arcs(library: CellLibrary, number: int, known: dict[str, Expression]) -> list[CellArc]:
    """The arc edges and checks of a cell some of whose inputs are constant.

    Preset and clear arcs and arcs that switch an output off are left out, as OpenSTA does by
    default.
    """
    cell = library.cells[number]
    base = int(library.pin_start[number])
    arcs = library.arcs
    result = []
    first, last = np.searchsorted(arcs.cell, [number, number + 1])
    for row in range(int(first), int(last)):
        kind = ARC_KINDS[arcs.kind[row]]
        source, sink = int(arcs.source[row]) - base, int(arcs.sink[row]) - base
        if kind in ("preset", "clear") or kind.startswith("three_state_disable"):
            continue
        if cell.pins[source].name in known or cell.pins[sink].name in known:
            continue
        if arcs.condition[row] >= 0 and known and _never(library, int(arcs.condition[row]), known):
            continue
        tables = (int(arcs.rise_delay[row]), int(arcs.fall_delay[row]))
        slews = (int(arcs.rise_slew[row]), int(arcs.fall_slew[row]))
        if arcs.kind[row] >= FIRST_CHECK:
            what, edge = kind.split("_")
            result += [
                CellArc(
                    source=source,
                    source_edge=_EDGES[edge],
                    sink=sink,
                    sink_edge=sink_edge,
                    table=tables[sink_edge],
                    slew_table=-1,
                    launches=False,
                    check="setup" if what in ("setup", "recovery") else "hold",
                )
                for sink_edge in (RISE, FALL)
                if tables[sink_edge] >= 0
            ]
            continue
        launches = kind in ("rising_edge", "falling_edge")
        gate = isinstance(cell.sequential, ClockGate)
        edges = _edges(cell, kind, SENSES[arcs.sense[row]], source, sink, known, gate)
        result += [
            CellArc(
                source=source,
                source_edge=source_edge,
                sink=sink,
                sink_edge=sink_edge,
                table=tables[sink_edge],
                slew_table=slews[sink_edge],
                launches=launches and not gate,
                condition=int(arcs.condition[row]),
            )
            for source_edge, sink_edge in edges
            if tables[sink_edge] >= 0
        ]
    return result


def _edges(
    cell: Cell,
    kind: str,
    sense: str,
    source: int,
    sink: int,
    known: dict[str, Expression],
    gate: bool,
) -> list[tuple[int, int]]:
    """(source edge, sink edge) pairs of a delay arc."""
    if kind in ("rising_edge", "falling_edge"):
        edge = RISE if kind == "rising_edge" else FALL
        return [(edge, edge)] if gate else [(edge, RISE), (edge, FALL)]
    function = cell.pins[sink].function
    name = cell.pins[source].name
    if function is not None and (not sense or known):
        moves = unateness(substitute(function, known), name, cell.state_variables)
        if moves == "none" and known:
            return []
        restricted = {"positive": "positive_unate", "negative": "negative_unate"}.get(moves, "")
        if known and restricted and sense and sense not in ("non_unate", restricted):
            return []  # an XOR that a constant has made a buffer has no inverting arc left
        if not sense or (sense == "non_unate" and restricted):
            sense = restricted
    if sense == "positive_unate":
        pairs = [(RISE, RISE), (FALL, FALL)]
    elif sense == "negative_unate":
        pairs = [(FALL, RISE), (RISE, FALL)]
    else:
        pairs = [(RISE, RISE), (FALL, RISE), (RISE, FALL), (FALL, FALL)]
    if kind.endswith("_rise"):
        pairs = [pair for pair in pairs if pair[1] == RISE]
    elif kind.endswith("_fall"):
        pairs = [pair for pair in pairs if pair[1] == FALL]
    return pairs


def _never(library: CellLibrary, condition: int, known: dict[str, Expression]) -> bool:
    """Whether constants make a condition impossible."""
    expression = substitute(parse_function(library.conditions[condition]), known)
    names = variables(expression)
    return len(names) <= 12 and not truth_table(expression, names).any()
