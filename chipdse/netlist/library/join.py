"""Join libraries of single corners into one, and add corners of which only leakage is known."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from chipdse.arrays import Floats, Int32s
from chipdse.errors import DesignError
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.library import CellLibrary, Tables
from chipdse.sorting import distinct_rows


def join_corners(libraries: list[CellLibrary], name: str | None = None) -> CellLibrary:
    """One library from several with the same cells at different voltages and temperatures.

    Raises
    ------
    DesignError : they differ in more than numbers; the message says in which cell or pin
    """
    if not libraries:
        raise DesignError("no library given; name at least one Liberty file per corner")
    first = libraries[0]
    for library in libraries[1:]:
        _check_same(first, library)

    def stack(pick: str, part: str | None = None) -> Floats:
        owners = [getattr(library, part) if part else library for library in libraries]
        return np.concatenate([getattr(owner, pick) for owner in owners])

    corners = _together([library.grid for library in libraries], "two libraries are characterised")
    apart = any(library.leakage_corners is not None for library in libraries)
    leakage = _together([library.leakage_grid for library in libraries], "leakage is given twice")
    return replace(
        first,
        name=name or first.name,
        supply_v=corners.supply_v,
        temperature_c=corners.temperature_c,
        pin_capacitance_f=stack("pin_capacitance_f"),
        pin_supply_v=stack("pin_supply_v"),
        cell_leakage_w=stack("cell_leakage_w"),
        tables=_join_tables([library.tables for library in libraries], stack("values", "tables")),
        leakages=replace(first.leakages, value_w=stack("value_w", "leakages")),
        leakage_corners=leakage if apart else None,
        sources=tuple(source for library in libraries for source in library.sources),
    )


def add_leakage(library: CellLibrary, leakage_libraries: list[CellLibrary]) -> CellLibrary:
    """A library that also knows the leakage of others with the same cells, and nothing else of
    them.

    Raises
    ------
    DesignError : they differ in more than numbers, or leakage is known there already
    """
    for leakage_library in leakage_libraries:
        _check_same(library, leakage_library)
    libraries = [library, *leakage_libraries]
    return replace(
        library,
        cell_leakage_w=np.concatenate([member.cell_leakage_w for member in libraries]),
        leakages=replace(
            library.leakages,
            value_w=np.concatenate([member.leakages.value_w for member in libraries]),
        ),
        leakage_corners=_together(
            [member.leakage_grid for member in libraries], "leakage is given twice"
        ),
    )


def _together(grids: list[Corners], refusal: str) -> Corners:
    """All corners in a row; one that occurs twice is refused."""
    supply_v = np.concatenate([grid.supply_v for grid in grids])
    temperature_c = np.concatenate([grid.temperature_c for grid in grids])
    seen: set[tuple[float, float]] = set()
    for corner in zip(supply_v.tolist(), temperature_c.tolist(), strict=True):
        if corner in seen:
            raise DesignError(f"{refusal} at {corner[0]:g} V {corner[1]:g} °C")
        seen.add(corner)
    return Corners(supply_v=supply_v, temperature_c=temperature_c)


def _join_tables(tables: list[Tables], values: Floats) -> Tables:
    """One set of tables; two share an axis only where they do at every corner."""
    first = tables[0]
    row_axes = np.array([table.row_axis for table in tables])
    column_axes = np.array([table.column_axis for table in tables])
    both = np.concatenate([row_axes, column_axes], axis=1).T  # [2 * tables, corners]
    axes, number = distinct_rows(both)
    none = int((axes[:, 0] < 0).sum())  # sorted first: tables without that axis
    number = (number - none).clip(min=-1)
    points = [  # [corners, points] of each axis
        np.concatenate(
            [
                corner_tables.axis_values[
                    :, corner_tables.axis_start[axis] : corner_tables.axis_start[axis + 1]
                ]
                for corner_tables, axis in zip(tables, row, strict=True)
            ]
        )
        for row in axes[none:].tolist()
    ]
    lengths = [point.shape[1] for point in points]
    return replace(
        first,
        row_axis=number[: len(first.rows)].astype(np.int32),
        column_axis=number[len(first.rows) :].astype(np.int32),
        axis_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        axis_values=np.concatenate([np.zeros((len(values), 0)), *points], axis=1),
        values=values,
    )


def check_same_cells(first: CellLibrary, second: CellLibrary, names: str) -> None:
    """Refuse libraries that differ in their cells, pins or functions.

    Parameters
    ----------
    names : what the two are, for the message

    Raises
    ------
    DesignError : with the first cell that differs
    """
    pair = f"{names} of {first.name}"
    for name in first.index.keys() ^ second.index.keys():
        raise DesignError(f"{pair} cannot be joined: only one has cell {name}")
    for first_cell, second_cell in zip(first.cells, second.cells, strict=True):
        if first_cell.name != second_cell.name:
            raise DesignError(f"{pair} cannot be joined: they list cells in different order")
        if first_cell.pins != second_cell.pins or first_cell.sequential != second_cell.sequential:
            raise DesignError(
                f"{pair} cannot be joined: cell {first_cell.name} differs in its functions"
            )


def _check_same(first: CellLibrary, second: CellLibrary) -> None:
    """Refuse libraries whose structure differs, naming the first difference."""
    pair = f"corners {first.corners()} and {second.corners()}"
    check_same_cells(first, second, pair)
    pair = f"{pair} of {first.name}"
    if first.thresholds != second.thresholds or (
        (first.file_thresholds, first.file_cells) != (second.file_thresholds, second.file_cells)
    ):
        raise DesignError(
            f"{pair} cannot be joined: they measure slews or delays between other voltages"
        )
    if first.conditions != second.conditions or first.supplies != second.supplies:
        raise DesignError(f"{pair} cannot be joined: their conditions differ")
    if not np.array_equal(_sigma_tables(first), _sigma_tables(second)):
        raise DesignError(f"{pair} cannot be joined: only one states standard deviations of delays")
    for part in ("arcs", "powers", "leakages", "tables"):
        first_part, second_part = getattr(first, part), getattr(second, part)
        for field in fields(first_part):
            a, b = getattr(first_part, field.name), getattr(second_part, field.name)
            if field.name in ("axis_start", "axis_values"):
                continue  # corners may share axes differently; sizes follow from the tables'
            if field.name in ("row_axis", "column_axis"):
                a, b = a < 0, b < 0
            if a.dtype.kind == "f":
                same = a.shape[1:] == b.shape[1:]
                where = ""
            else:
                same = a.shape == b.shape and bool((a == b).all())
                where = _first_difference(first, part, a, b)
            if not same:
                raise DesignError(f"{pair} cannot be joined: their {part} differ{where}")


def _sigma_tables(library: CellLibrary) -> Int32s:
    return np.zeros((2, 0), np.int32) if library.sigma_tables is None else library.sigma_tables


def _first_difference(library: CellLibrary, part: str, a: Int32s, b: Int32s) -> str:
    if part == "tables":
        return " in size"
    common = min(len(a), len(b))
    different = np.flatnonzero(a[:common] != b[:common])
    at = int(different[0]) if len(different) else common - 1
    cells = getattr(library, part).cell
    return f" in cell {library.cells[int(cells[at])].name}" if 0 <= at < len(cells) else ""
