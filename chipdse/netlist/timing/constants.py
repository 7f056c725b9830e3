"""Nets that never move: tie cells and constants, and what follows from them."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Int8s, Int32s
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.logic import Constant, Expression, substitute, truth_table, variables
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, Netlist
from chipdse.sorting import among, distinct_rows


def constant_nets(netlist: Netlist) -> Int8s:
    """Per net 0 or 1 where combinational logic makes it constant, else -1."""
    value = np.full(netlist.net_count + 1, -1, dtype=np.int8)  # the last serves net -1
    value[CONSTANT_0], value[CONSTANT_1] = 0, 1
    moved = {CONSTANT_0, CONSTANT_1}
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        if cell.sequential is not None or cell.inputs:
            continue
        for position in cell.outputs:
            function = cell.pins[position].function
            fixed = None if function is None else _fixed(function)
            if fixed is not None:
                nets = netlist.pin_net[netlist.pin_start[instances] + position]
                nets = nets[nets >= 0]
                value[nets] = fixed
                moved.update(map(int, nets))
    loads = np.flatnonzero(netlist.pin_is_load & (netlist.pin_net >= 0))
    nets_of_loads = netlist.pin_net[loads]
    while moved:
        touched = np.unique(netlist.pin_cell[loads[among(nets_of_loads, list(moved))]])
        moved = set()
        for instance in touched.tolist():
            cell = netlist.cells[netlist.cell_types[instance]]
            if cell.sequential is not None:
                continue
            start = int(netlist.pin_start[instance])
            known = {
                cell.pins[i].name: Constant(bool(value[netlist.pin_net[start + i]]))
                for i in cell.inputs
                if value[netlist.pin_net[start + i]] >= 0
            }
            for position in cell.outputs:
                function = cell.pins[position].function
                net = int(netlist.pin_net[start + position])
                if function is None or net < 0 or value[net] >= 0:
                    continue
                fixed = _fixed(substitute(function, known))
                if fixed is not None:
                    value[net] = fixed
                    moved.add(net)
    return value[:-1]


def _fixed(function: Expression) -> int | None:
    """0 or 1 when the function is constant."""
    names = variables(function)
    if len(names) > 12:
        return None
    table = truth_table(function, names)
    return int(table[0]) if bool((table == table[0]).all()) else None


def patterns(
    netlist: Netlist, kind: int, constant: Int8s
) -> list[tuple[Int32s, dict[str, Expression]]]:
    """Instances of a cell grouped by which of their input pins are constant, and how."""
    cell = netlist.cells[kind]
    instances = netlist.instances_of[kind]
    nets = netlist.pins_of_type(kind)[:, list(cell.inputs)]
    values = np.where(nets >= 0, constant[nets], -1)
    if not (values >= 0).any():
        return [(instances, {})]
    rows, group = distinct_rows(values)
    return [
        (instances[group == number], _known(cell, row.tolist())) for number, row in enumerate(rows)
    ]


def _known(cell: Cell, row: list[int]) -> dict[str, Expression]:
    return {
        cell.pins[pin].name: Constant(bool(value))
        for pin, value in zip(cell.inputs, row, strict=True)
        if value >= 0
    }
