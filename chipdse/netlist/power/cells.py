"""What a library cell's power depends on: its groups, with their conditions as truth tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.netlist.library.cells import Cell, ClockGate
from chipdse.netlist.library.library import FIRST_CHECK, SENSES, CellLibrary
from chipdse.netlist.library.logic import (
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

RISE, FALL = 0, 1
MAX_JOINT_VARIABLES = 10
MAX_UNION = 12  # variables that are tabulated together


@dataclass(frozen=True, kw_only=True, eq=False)
class EnergyBundle:
    """Tables of a cell's internal power groups that share both axes, for one edge.

    Parameters
    ----------
    tables : library tables
    groups : which of the cell's groups each belongs to
    slew_pin, slew_edge : whose slew each is read at
    load_pin : whose load each is read at
    clock : whether each belongs to a clock pin of a cell with state
    row_axis, column_axis : of the library, -1 for none
    """

    tables: Int64s
    groups: Int64s
    slew_pin: Int64s
    slew_edge: Int64s
    load_pin: Int64s
    clock: Bools
    row_axis: int
    column_axis: int


@dataclass(frozen=True, kw_only=True, eq=False)
class CellPower:
    """The power of one library cell.

    A group spends its energy on the transitions of `pin`, weighted by ``factor * probability of
    condition``. The groups of an output pin and supply share the pin's transitions in proportion
    to that times the density of `related`: `shares` lists them.

    Parameters
    ----------
    expressions : conditions whose probabilities are needed, over pins and state
    pin, related, condition, factor : [groups] of internal power; `condition` is a column
    leakage_rows : the library's leakage groups that count
    leakage_conditions : column of each one's condition
    uncovered : column of the probability that no condition holds; -1 when it is not needed
    differences : per output pin: its input pins, with the column of P(the output follows it)
    """

    cell: Cell
    expressions: tuple[Expression, ...]
    pin: Int64s
    related: Int64s
    condition: Int64s
    factor: Floats
    shares: tuple[Int64s, ...]
    bundles: tuple[EnergyBundle, ...]
    leakage_rows: Int64s
    leakage_conditions: Int64s
    uncovered: int
    differences: dict[int, list[tuple[int, int]]]

    @cached_property
    def used_names(self) -> tuple[str, ...]:
        """Pins and state that conditions read, pins in cell order."""
        used = {name for expression in self.expressions for name in variables(expression)}
        state = () if self.cell.sequential is None else (self.cell.sequential.state,)
        return tuple(name for name in (*self.cell.pin_index, *state) if name in used)

    @cached_property
    def table(self) -> Floats | None:
        """Conditions over `used_names` [2**k, expressions]; None when k is too large."""
        if len(self.used_names) > MAX_UNION:
            return None
        return _columns(self.expressions, self.used_names)

    @cached_property
    def joint_table(self) -> Floats | None:
        """Conditions over the cell's joint state [2**k, expressions]; None when k is too large.

        Outputs are replaced by their functions; an output without one makes it None.
        """
        cell = self.cell
        names = cell.state_variables
        if len(names) > MAX_JOINT_VARIABLES:
            return None
        functions = {
            cell.pins[pin].name: function
            for pin in cell.outputs
            if (function := cell.pins[pin].function) is not None
        }
        over_state = tuple(substitute(expression, functions) for expression in self.expressions)
        if any(name not in names for expression in over_state for name in variables(expression)):
            return None
        return _columns(over_state, names)


def _columns(expressions: tuple[Expression, ...], names: tuple[str, ...]) -> Floats:
    tables = [truth_table(expression, names) for expression in expressions]
    return np.array(tables, dtype=np.float64).reshape(len(tables), 2 ** len(names)).T.copy()


@dataclass
class _Expressions:
    """Numbers expressions; equal ones once."""

    numbers: dict[Expression, int] = field(default_factory=dict)

    def number(self, expression: Expression) -> int:
        return self.numbers.setdefault(expression, len(self.numbers))


def cell_power(library: CellLibrary, number: int) -> CellPower:
    """The power groups of a cell as OpenSTA weighs them."""
    cell, powers = library.cells[number], library.powers
    known = _Expressions()
    base = int(library.pin_start[number])
    first, last = np.searchsorted(powers.cell, [number, number + 1])
    outputs = {pin for pin in cell.outputs if cell.pins[pin].direction == "output"}
    # An output's group without a related pin has no slew to look its table up at: it counts 0.
    rows = [
        row
        for row in range(int(first), int(last))
        if int(powers.pin[row]) - base not in outputs or powers.related[row] >= 0
    ]
    pins = powers.pin[rows].astype(np.int64) - base
    is_output = np.array([pin in outputs for pin in pins.tolist()], dtype=bool)
    related = np.where(is_output, powers.related[rows].astype(np.int64) - base, pins)
    weights = []
    for row, pin, source in zip(rows, pins.tolist(), related.tolist(), strict=True):
        text = int(powers.condition[row])
        when = parse_function(library.conditions[text]) if text >= 0 else None
        weigh = _output_weight if pin in outputs else _input_weight
        weights.append(weigh(cell, pin, source, when))
    condition = np.array([known.number(expression) for expression, _ in weights], dtype=np.int64)
    supply = powers.supply[rows].astype(np.int64)
    shares = [
        np.flatnonzero(is_output & (pins == pin) & (supply == output_supply))
        for pin in sorted(outputs)
        for output_supply in np.unique(supply[is_output & (pins == pin)])
    ]
    leakage_rows, leakage_conditions, uncovered = _leakage(library, number, known)
    differences = _differences(cell, known)
    return CellPower(
        cell=cell,
        expressions=tuple(known.numbers),
        pin=pins,
        related=related,
        condition=condition,
        factor=np.array([factor for _, factor in weights], dtype=np.float64),
        shares=tuple(shares),
        bundles=tuple(_bundles(library, number, rows, pins, related, is_output)),
        leakage_rows=leakage_rows,
        leakage_conditions=leakage_conditions,
        uncovered=uncovered,
        differences=differences,
    )


def _differences(cell: Cell, known: _Expressions) -> dict[int, list[tuple[int, int]]]:
    result = {}
    for output in cell.outputs:
        function = power_function(cell, output)
        if function is not None and cell.sequential is None:
            names = variables(function)
            result[output] = [
                (pin, known.number(_difference(function, cell.pins[pin].name)))
                for pin in cell.inputs
                if cell.pins[pin].name in names
            ]
    return result


def power_function(cell: Cell, pin: int) -> Expression | None:
    """An output's function as power sees it: a clock gate's output has none."""
    return None if isinstance(cell.sequential, ClockGate) else cell.pins[pin].function


def _difference(function: Expression, name: str) -> Expression:
    low = substitute(function, {name: Constant(False)})
    return Xor((low, substitute(function, {name: Constant(True)})))


def _input_weight(
    cell: Cell, pin: int, _: int, when: Expression | None
) -> tuple[Expression, float]:
    if when is None:
        return Constant(True), 1.0
    name = cell.pins[pin].name
    for variable in variables(when):
        place = cell.pin_index.get(variable, -1)
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
    rows: list[int],
    pins: Int64s,
    related: Int64s,
    is_output: Bools,
) -> list[EnergyBundle]:
    powers, tables = library.powers, library.tables
    follows: dict[tuple[int, int], bool] = {}
    gathered: dict[tuple[int, int, int], list[tuple[int, int, int, int, int]]] = {}
    for group, row in enumerate(rows):
        pin, source = int(pins[group]), int(related[group])
        same = True
        if is_output[group]:
            if (source, pin) not in follows:
                follows[source, pin] = _follows(library, number, source, pin)
            same = follows[source, pin]
        for edge, table in ((RISE, int(powers.rise[row])), (FALL, int(powers.fall[row]))):
            if table >= 0:
                key = (int(tables.row_axis[table]), int(tables.column_axis[table]), edge)
                slew_edge = edge if same else 1 - edge
                gathered.setdefault(key, []).append((table, group, source, slew_edge, pin))
    cell = library.cells[number]
    clocked = np.array([cell.sequential is not None and pin.is_clock for pin in cell.pins])
    result = []
    for (row_axis, column_axis, _), entries in gathered.items():
        columns = [np.array(column, dtype=np.int64) for column in zip(*entries, strict=True)]
        result.append(
            EnergyBundle(
                tables=columns[0],
                groups=columns[1],
                slew_pin=columns[2],
                slew_edge=columns[3],
                load_pin=columns[4],
                clock=clocked[columns[4]],
                row_axis=row_axis,
                column_axis=column_axis,
            )
        )
    return result


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


def _leakage(library: CellLibrary, number: int, known: _Expressions) -> tuple[Int64s, Int64s, int]:
    leakages = library.leakages
    first, last = np.searchsorted(leakages.cell, [number, number + 1])
    rows, columns, conditions = [], [], []
    for supply in np.unique(leakages.supply[first:last]):
        supply_rows = [
            row for row in range(int(first), int(last)) if leakages.supply[row] == supply
        ]
        conditional = [row for row in supply_rows if leakages.condition[row] >= 0]
        for row in conditional or supply_rows:
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


def state_probability(cell: Cell, high: Floats) -> Floats | None:
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
