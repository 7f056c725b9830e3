"""What a library cell's power depends on: its groups, with their conditions as truth tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chipdse.netlist.cells import Cell, ClockGate
from chipdse.netlist.liberty_function import (
    MAX_TABLE_VARIABLES,
    Constant,
    Expression,
    Not,
    Or,
    Variable,
    Xor,
    parse_function,
    substitute,
    truth_table,
    unateness,
    variables,
)
from chipdse.netlist.library import FIRST_CHECK, SENSES, CellLibrary
from chipdse.netlist.library_tables import Index

RISE, FALL = 0, 1
MAX_JOINT_VARIABLES = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class EnergyBundle:
    """Groups of one pin whose tables share both axes and one slew.

    Parameters
    ----------
    pin : whose transitions cost the energy
    slew_pin, slew_edge : whose slew the tables are read at
    tables : library table of each group
    groups : position of each in the pin's list of groups
    row_axis, column_axis : of the library, -1 for none
    """

    pin: int
    slew_pin: int
    slew_edge: int
    tables: Index
    groups: Index
    row_axis: int
    column_axis: int


@dataclass(frozen=True, kw_only=True, eq=False)
class PinEnergy:
    """All internal power groups of one pin.

    `condition` is the column of each group's probability, `factor` multiplies it. For an output
    pin the groups of one supply share the pin's transitions in proportion to
    ``density(related) * factor * probability``.
    """

    pin: int
    is_output: bool
    related: Index
    supply: Index
    condition: Index
    factor: NDArray[np.float64]
    bundles: tuple[EnergyBundle, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class CellPower:
    """The power of one library cell.

    Parameters
    ----------
    expressions : conditions whose probabilities are needed, over pins and state
    leakage_rows : the library's leakage groups that count, and the column of each condition
    uncovered : column of the probability that no condition holds; -1 when it is not needed
    differences : per output pin and input pin: column of P(output follows input), -1 for never
    """

    cell: Cell
    expressions: tuple[Expression, ...]
    pins: tuple[PinEnergy, ...]
    leakage_rows: Index
    leakage_conditions: Index
    uncovered: int
    differences: dict[int, list[tuple[int, int]]]


@dataclass
class _Expressions:
    """Numbers expressions; equal ones once."""

    numbers: dict[Expression, int] = field(default_factory=dict)

    def number(self, expression: Expression) -> int:
        return self.numbers.setdefault(expression, len(self.numbers))


def cell_power(library: CellLibrary, number: int) -> CellPower:
    """The power groups of a cell as OpenSTA weighs them."""
    cell = library.cells[number]
    known = _Expressions()
    pins = tuple(_pin_energies(library, number, known))
    rows, conditions, uncovered = _leakage(library, number, known)
    differences: dict[int, list[tuple[int, int]]] = {}
    for output in cell.outputs:
        function = power_function(cell, output)
        if function is not None:
            names = variables(function)
            differences[output] = [
                (pin, known.number(_difference(function, cell.pins[pin].name)))
                for pin in cell.inputs
                if cell.pins[pin].name in names
            ]
    return CellPower(
        cell=cell,
        expressions=tuple(known.numbers),
        pins=pins,
        leakage_rows=rows,
        leakage_conditions=conditions,
        uncovered=uncovered,
        differences=differences,
    )


def power_function(cell: Cell, pin: int) -> Expression | None:
    """An output's function as power sees it: a clock gate's output has none."""
    return None if isinstance(cell.sequential, ClockGate) else cell.pins[pin].function


def _difference(function: Expression, name: str) -> Expression:
    low = substitute(function, {name: Constant(False)})
    return Xor((low, substitute(function, {name: Constant(True)})))


def _pin_energies(library: CellLibrary, number: int, known: _Expressions) -> list[PinEnergy]:
    cell, powers = library.cells[number], library.powers
    base = int(library.pin_start[number])
    first, last = np.searchsorted(powers.cell, [number, number + 1])
    result = []
    for pin, pin_record in enumerate(cell.pins):
        rows = [row for row in range(int(first), int(last)) if powers.pin[row] == base + pin]
        is_output = pin_record.direction == "output"
        if is_output:  # without a related pin there is no slew to look a table up at
            rows = [row for row in rows if powers.related[row] >= 0]
        if not rows:
            continue
        related = powers.related[rows].astype(np.int64) - base
        weigh = _output_weight if is_output else _input_weight
        weights = []
        for row, source in zip(rows, related.tolist(), strict=True):
            text = int(powers.condition[row])
            when = parse_function(library.conditions[text]) if text >= 0 else None
            weights.append(weigh(cell, pin, source, when))
        result.append(
            PinEnergy(
                pin=pin,
                is_output=is_output,
                related=related if is_output else np.full(len(rows), pin, dtype=np.int64),
                supply=powers.supply[rows].astype(np.int64),
                condition=np.array([known.number(each) for each, _ in weights], dtype=np.int64),
                factor=np.array([factor for _, factor in weights]),
                bundles=tuple(_bundles(library, number, pin, rows, related, is_output)),
            )
        )
    return result


def _input_weight(
    cell: Cell, pin: int, _: int, when: Expression | None
) -> tuple[Expression, float]:
    if when is None:
        return Constant(True), 1.0
    name = cell.pins[pin].name
    for other in variables(when):
        place = cell.pin_index.get(other, -1)
        if place >= 0 and cell.pins[place].direction == "output":
            function = power_function(cell, place)
            if function is not None and name in variables(function):
                return _difference(function, name), 1.0
            break
    return when, 1.0


def _output_weight(
    cell: Cell, pin: int, source: int, when: Expression | None
) -> tuple[Expression, float]:
    function, name = power_function(cell, pin), cell.pins[source].name
    if function is not None and name in variables(function):
        return _difference(function, name), 1.0
    return (Constant(True), 0.5) if when is None else (when, 1.0)


def _bundles(
    library: CellLibrary,
    number: int,
    pin: int,
    rows: list[int],
    related: Index,
    is_output: bool,
) -> list[EnergyBundle]:
    powers, tables = library.powers, library.tables
    gathered: dict[tuple[int, int, int, int], list[tuple[int, int]]] = {}
    for group, row in enumerate(rows):
        source = int(related[group]) if is_output else pin
        same = not is_output or _follows(library, number, source, pin)
        for edge, table in ((RISE, int(powers.rise[row])), (FALL, int(powers.fall[row]))):
            if table < 0:
                continue
            slew_edge = edge if same else 1 - edge
            key = (source, slew_edge, int(tables.row_axis[table]), int(tables.column_axis[table]))
            gathered.setdefault(key, []).append((table, group))
    return [
        EnergyBundle(
            pin=pin,
            slew_pin=source,
            slew_edge=slew_edge,
            tables=np.array([table for table, _ in entries], dtype=np.int64),
            groups=np.array([group for _, group in entries], dtype=np.int64),
            row_axis=row_axis,
            column_axis=column_axis,
        )
        for (source, slew_edge, row_axis, column_axis), entries in gathered.items()
    ]


def _follows(library: CellLibrary, number: int, source: int, sink: int) -> bool:
    """Whether the first arc between two pins is positive or non-unate."""
    base, arcs, cell = int(library.pin_start[number]), library.arcs, library.cells[number]
    first, last = np.searchsorted(arcs.cell, [number, number + 1])
    for row in range(int(first), int(last)):
        if arcs.source[row] == base + source and arcs.sink[row] == base + sink:
            if arcs.kind[row] >= FIRST_CHECK:
                continue
            sense = SENSES[arcs.sense[row]]
            function = cell.pins[sink].function
            if not sense and function is not None:
                moves = unateness(function, cell.pins[source].name, cell.state_variables)
                return moves != "negative"
            return sense != "negative_unate"
    return True


def _leakage(library: CellLibrary, number: int, known: _Expressions) -> tuple[Index, Index, int]:
    leakages = library.leakages
    first, last = np.searchsorted(leakages.cell, [number, number + 1])
    rows, columns, conditions = [], [], []
    for supply in np.unique(leakages.supply[first:last]):
        own = [row for row in range(int(first), int(last)) if leakages.supply[row] == supply]
        conditional = [row for row in own if leakages.condition[row] >= 0]
        for row in conditional or own:
            text = int(leakages.condition[row])
            when: Expression = (
                parse_function(library.conditions[text]) if text >= 0 else Constant(True)
            )
            rows.append(row)
            columns.append(known.number(when))
            if text >= 0 and when not in conditions:
                conditions.append(when)
    uncovered = -1
    if not rows:
        uncovered = known.number(Constant(True))
    elif conditions and bool((library.cell_leakage_w[:, number] > 0).any()):
        any_of = Or(tuple(conditions)) if len(conditions) > 1 else conditions[0]
        if len(variables(any_of)) <= MAX_TABLE_VARIABLES:
            uncovered = known.number(Not(any_of))
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64), uncovered


def joint_table(power: CellPower) -> NDArray[np.float64] | None:
    """Conditions over the cell's joint state [2**k, expressions]; None when k is too large.

    Outputs are replaced by their functions; an output without one makes it None.
    """
    cell = power.cell
    names = cell.state_variables
    if len(names) > MAX_JOINT_VARIABLES:
        return None
    functions = {
        cell.pins[pin].name: function
        for pin in cell.outputs
        if (function := cell.pins[pin].function) is not None
    }
    columns = []
    for expression in power.expressions:
        over_state = substitute(expression, functions)
        if any(name not in names for name in variables(over_state)):
            return None
        columns.append(truth_table(over_state, names))
    return np.array(columns, dtype=np.float64).reshape(len(columns), -1).T.copy()


def state_probability(cell: Cell, high: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Probability that the state is 1, from an output that shows it; `high` is [n, pins]."""
    if cell.sequential is None:
        return None
    state = cell.sequential.state
    for pin in cell.outputs:
        match cell.pins[pin].function:
            case Variable(name) if name == state:
                return high[:, pin]
            case Not(Variable(name)) if name == state:
                return 1 - high[:, pin]
    return np.full(len(high), 0.5)
