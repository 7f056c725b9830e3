"""Two libraries of the same cells at one corner, laid side by side quantity by quantity.

Every point of the second library's tables that lies inside the first one's axes is looked up in the
first: the error a user sees, interpolation included.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats, Texts
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.library import ARC_KINDS, SENSES, CellLibrary, OperatingLibrary
from chipdse.netlist.library.pack import load_packed
from chipdse.netlist.library.tables import TableSet

from .official import read_official


@dataclass
class Comparison:
    """Pairs (ours, theirs) by quantity, with the cell of each pair."""

    cells: dict[str, list[str]] = field(default_factory=dict)
    ours: dict[str, list[Floats]] = field(default_factory=dict)
    theirs: dict[str, list[Floats]] = field(default_factory=dict)

    def add(self, quantity: str, cell: str, ours: Floats, theirs: Floats) -> None:
        ours, theirs = np.ravel(ours), np.ravel(theirs)
        self.cells.setdefault(quantity, []).extend([cell] * len(ours))
        self.ours.setdefault(quantity, []).append(ours)
        self.theirs.setdefault(quantity, []).append(theirs)

    def pairs(self, quantity: str) -> tuple[Floats, Floats, Texts]:
        return (
            np.concatenate(self.ours[quantity]),
            np.concatenate(self.theirs[quantity]),
            np.array(self.cells[quantity]),
        )

    def errors(self, quantity: str) -> tuple[Floats, Texts]:
        """Relative errors; a time is measured against itself plus 10 ps, so that delays near
        zero (slow input, small load) do not count without bound."""
        ours, theirs, cells = self.pairs(quantity)
        floor = NEAR_ZERO_S if quantity in TIMES else 0.0
        known = np.abs(theirs) + floor > 0
        return (ours - theirs)[known] / (np.abs(theirs) + floor)[known], cells[known]


NEAR_ZERO_S = 10e-12
TIMES = ("delay", "transition", "clock to output")


def compare(ours: CellLibrary, theirs: CellLibrary) -> Comparison:
    """Both hold one corner, the same one; cells and pins that only one of them has are left out."""
    result = Comparison()
    mine, other = ours.every_corner(), theirs.every_corner()
    for cell in ours.cells:
        if cell.name in theirs.index:
            _timing(result, cell.name, mine, other)
            _capacitance(result, cell.name, mine, other)
            _energy(result, cell.name, mine, other)
            _leakage(result, cell.name, mine, other)
    return result


def _arcs(library: CellLibrary, cell: str) -> dict[tuple[str, str, str, str], list[int]]:
    """Arcs by (related pin, pin, kind, sense)."""
    number, results = library.index[cell], {}  # type: ignore[var-annotated]
    arcs = library.arcs
    for k in np.flatnonzero(arcs.cell == number):
        key = (
            library.pin_name(int(arcs.source[k])).split("/")[1],
            library.pin_name(int(arcs.sink[k])).split("/")[1],
            ARC_KINDS[arcs.kind[k]],
            SENSES[arcs.sense[k]],
        )
        results.setdefault(key, []).append(int(k))
    return results


def table_of(library: OperatingLibrary, table: int) -> tuple[Floats, Floats, Floats]:
    """Axes and values of one table at the first operating point."""
    tables = library.library.tables

    def axis(number: int) -> Floats:
        if number < 0:
            return np.zeros(1)
        return library.axes[0, tables.axis_start[number] : tables.axis_start[number + 1]]

    values = tables.values[0, tables.start[table] : tables.start[table + 1]]
    shape = (int(tables.rows[table]), int(tables.columns[table]))
    return axis(tables.row_axis[table]), axis(tables.column_axis[table]), values.reshape(shape)


def look_up(library: OperatingLibrary, table: int, rows: Floats, columns: Floats) -> Floats:
    one_table = TableSet.of(library, np.array([table]))
    values = one_table.lookup(np.zeros(len(rows), dtype=np.int64), rows, columns)[0]
    return np.asarray(values)


def _points(
    mine: OperatingLibrary, table: int, other: OperatingLibrary, there: int
) -> tuple[Floats, Floats]:
    """Our and their values at their points inside our axes."""
    rows, columns, values = table_of(other, there)
    own_rows, own_columns, _ = table_of(mine, table)
    grid_r, grid_c = np.meshgrid(rows, columns, indexing="ij")
    inside = np.ones(grid_r.shape, dtype=bool)
    if len(own_rows) > 1:
        inside &= (grid_r <= own_rows[-1] * 1.001) & (grid_r >= own_rows[0] * 0.999)
    if len(own_columns) > 1:
        inside &= (grid_c <= own_columns[-1] * 1.001) & (grid_c >= own_columns[0] * 0.999)
    return look_up(mine, table, grid_r[inside], grid_c[inside]), values[inside]


def _timing(result: Comparison, cell: str, mine: OperatingLibrary, other: OperatingLibrary) -> None:
    theirs = _arcs(other.library, cell)
    for key, own_arcs in _arcs(mine.library, cell).items():
        if key not in theirs:
            continue
        a, b = mine.library.arcs, other.library.arcs
        check = key[2].startswith(("setup", "hold"))
        clocked = key[2].endswith("_edge")
        for name, tables_a, tables_b in (
            ("delay", a.rise_delay, b.rise_delay),
            ("delay", a.fall_delay, b.fall_delay),
            ("transition", a.rise_slew, b.rise_slew),
            ("transition", a.fall_slew, b.fall_slew),
        ):
            if tables_a[own_arcs[0]] < 0 or tables_b[theirs[key][0]] < 0:
                continue
            # several conditions in one library: the slowest counts, as in ours
            parts = [
                _points(mine, int(tables_a[own_arcs[0]]), other, int(tables_b[k]))
                for k in theirs[key]
            ]
            ours, worst = parts[0][0], np.max([part[1] for part in parts], axis=0)
            quantity = (
                key[2].split("_")[0]
                if check
                else "clock to output"
                if clocked and name == "delay"
                else name
            )
            result.add(quantity, cell, ours, worst)


def _capacitance(
    result: Comparison, cell: str, mine: OperatingLibrary, other: OperatingLibrary
) -> None:
    own_arcs, there = mine.library, other.library
    for pin in own_arcs.cell(cell).inputs:
        name = own_arcs.cell(cell).pins[pin].name
        if name not in there.cell(cell).pin_index:
            continue
        a = own_arcs.pin_start[own_arcs.index[cell]] + pin
        b = there.pin_start[there.index[cell]] + there.cell(cell).pin_index[name]
        result.add(
            "input capacitance",
            cell,
            mine.pin_capacitance_f[0, a, :2].mean(keepdims=True),
            other.pin_capacitance_f[0, b, :2].mean(keepdims=True),
        )


def _energy(result: Comparison, cell: str, mine: OperatingLibrary, other: OperatingLibrary) -> None:
    """Energy of a rise and a fall of an output, averaged over the inputs that cause it, the load's
    C V² included: how a library splits it between inputs and outputs is a convention."""
    own_arcs, there = mine.library, other.library
    supply_v = float(own_arcs.supply_v[0])
    for pin in own_arcs.cell(cell).outputs:
        name = own_arcs.cell(cell).pins[pin].name
        if name not in there.cell(cell).pin_index:
            continue
        groups = [_by_related(library, cell, name) for library in (own_arcs, there)]
        shared = sorted(groups[0].keys() & groups[1].keys())
        if not shared:
            continue
        rows, columns, _ = table_of(other, int(there.powers.rise[groups[1][shared[0]][0]]))
        own_rows, own_columns, _ = table_of(
            mine, int(own_arcs.powers.rise[groups[0][shared[0]][0]])
        )
        grid_r, grid_c = np.meshgrid(rows, columns, indexing="ij")
        inside = (grid_c <= own_columns[-1]) & (grid_r <= own_rows[-1] * 1.001)
        results = []
        for at, by_related in zip((mine, other), groups, strict=True):
            total = np.zeros(int(inside.sum()))
            for related in shared:
                for k in by_related[related]:
                    for table in (at.library.powers.rise[k], at.library.powers.fall[k]):
                        part = look_up(at, int(table), grid_r[inside], grid_c[inside])
                        total += part / len(by_related[related]) / len(shared)
            results.append(total + grid_c[inside] * supply_v**2)
        result.add("energy with load", cell, results[0], results[1])


def _by_related(library: CellLibrary, cell: str, pin: str) -> dict[str, list[int]]:
    """Power groups of an output pin by the related pin's name."""
    number = library.pin_start[library.index[cell]] + library.cell(cell).pin_index[pin]
    results: dict[str, list[int]] = {}
    for k in np.flatnonzero((library.powers.pin == number) & (library.powers.related >= 0)):
        related = library.pin_name(int(library.powers.related[k])).split("/")[1]
        results.setdefault(related, []).append(int(k))
    return results


def _leakage(
    result: Comparison, cell: str, mine: OperatingLibrary, other: OperatingLibrary
) -> None:
    own_arcs, there = mine.library, other.library

    def states(library: CellLibrary) -> dict[frozenset[str], float]:
        number = library.index[cell]
        return {
            frozenset(library.conditions[condition].split("&")): float(power)
            for c, condition, power in zip(
                library.leakages.cell,
                library.leakages.condition,
                library.leakages.value_w[0],
                strict=True,
            )
            if c == number and condition >= 0
        }

    a, b = states(own_arcs), states(there)
    for state in a.keys() & b.keys():
        result.add("leakage by state", cell, np.array([a[state]]), np.array([b[state]]))
    result.add(
        "leakage of the cell",
        cell,
        own_arcs.cell_leakage_w[0, [own_arcs.index[cell]]],
        there.cell_leakage_w[0, [there.index[cell]]],
    )


def report(comparison: Comparison) -> str:
    """A table for people; times of setup and hold in ps."""
    lines = [
        f"{'quantity':<20} {'points':>7} {'median':>8} {'|median|':>8} {'p95':>8} {'worst':>8}"
    ]
    for quantity in comparison.ours:
        if quantity in ("setup", "hold"):
            ours, theirs, _ = comparison.pairs(quantity)
            error, unit = (ours - theirs) * 1e12, " ps"
        else:
            error, unit = comparison.errors(quantity)[0] * 100, " %"
        size = np.abs(error)
        lines.append(
            f"{quantity:<20} {len(error):>7} {np.median(error):>+7.1f}{unit}"
            f" {np.median(size):>7.1f} {np.percentile(size, 95):>7.1f} {size.max():>7.1f}"
            + (
                f"   within 10 %: {np.mean(size <= 10):.1%}, 12 %: {np.mean(size <= 12):.1%}"
                if unit == " %"
                else ""
            )
        )
    return "\n".join(lines)


def print_report(saved: Path, liberty: Path) -> None:
    """Accuracy of a library (.npz or Liberty) at the corner of a Liberty file; its worst cells."""
    is_json = liberty.name.endswith(".json.gz")
    theirs = read_official(liberty) if is_json else load_library([liberty])
    ours = load_packed(saved) if saved.suffix == ".npz" else load_library([saved])
    point = ours.at(theirs.supply_v[0], theirs.temperature_c[0])
    comparison = compare(at_one_corner(point), theirs)
    print(report(comparison))
    for quantity in comparison.ours:
        if quantity in ("setup", "hold"):
            continue
        errors, cells = comparison.errors(quantity)
        worst = {
            str(cell): float(np.abs(errors[cells == cell]).max())
            for cell in np.unique(cells[np.abs(errors) > 0.25])
        }
        if worst:
            print(
                f"{quantity}: beyond 25 % in", ", ".join(f"{c} {e:.0%}" for c, e in worst.items())
            )


def at_one_corner(point: OperatingLibrary) -> CellLibrary:
    """A library that holds one operating point of another as its only corner."""
    library = point.library
    return replace(
        library,
        supply_v=point.supply_v,
        temperature_c=point.temperature_c,
        pin_capacitance_f=point.pin_capacitance_f,
        pin_supply_v=point.pin_supply_v,
        cell_leakage_w=point.leakage.cells_w(),
        tables=replace(
            library.tables,
            values=point.interpolate(library.tables.values),
            axis_values=point.axes,
        ),
        leakages=replace(library.leakages, value_w=point.leakage.groups_w()),
        leakage_corners=None,
    )
