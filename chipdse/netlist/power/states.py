"""Probabilities of conditions: exact from joint states, or with pins taken as independent."""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.logic import truth_table, variables
from chipdse.netlist.power.cells import CellPower, state_probability

_BLOCK = 1 << 22  # states held at once


def independent_states(high: Floats) -> Floats:
    """Joint probabilities [n, 2**k] of independent variables; `high` is [n, k], LSB first."""
    states = np.ones((len(high), 1))
    for column in high.T:
        states = np.concatenate([states * (1 - column[:, None]), states * column[:, None]], axis=1)
    return states


def independent_probabilities(power: CellPower, high: Floats) -> Floats:
    """Probability of every condition [n, expressions], all pins independent of each other.

    Parameters
    ----------
    high : [n, pins] probability that each pin is 1
    """
    cell = power.cell
    state = state_probability(cell, high)
    if power.table is not None:
        return _over(cell, power.used_names, power.table, high, state)
    result = np.empty((len(high), len(power.expressions)))
    for column, expression in enumerate(power.expressions):
        names = variables(expression)
        table = truth_table(expression, names).astype(np.float64)[:, None]
        result[:, column] = _over(cell, names, table, high, state)[:, 0]
    return result


def _over(
    cell: Cell, names: tuple[str, ...], table: Floats, high: Floats, state: Floats | None
) -> Floats:
    columns = [high[:, cell.pin_index[name]] if name in cell.pin_index else state for name in names]
    count = len(high)
    chosen = np.array(columns, dtype=np.float64).reshape(len(names), count).T
    step = max(1, _BLOCK >> len(names))
    parts = [
        numerics.matmul(independent_states(chosen[begin : begin + step]), table)
        for begin in range(0, count, step)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, table.shape[1]))
