"""Every number of a library in a unit in which slow, typical and fast transistors differ little.

Times are in delays of the inverter, which is simulated at every corner; delays have the slew of
their input added, because a slow ramp makes delays negative; energies are per supply squared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from chipdse.arrays import Bools, Floats, Int32s
from chipdse.netlist.library.grid import between, interpolate
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import FIRST_CHECK, CellLibrary

from . import fill, settings
from .assemble import read_simulated
from .catalogue import PREFIX
from .liberty_text import library_text
from .run import Characteriser, Task, corner_tag

Point = tuple[float, float]  # supply [V], temperature [°C]


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Which number of a library has which unit, and the tables of typical transistors in them.

    Parameters
    ----------
    library : typical transistors, complete
    fo4_s : the inverter's delay at each of its corners
    """

    library: CellLibrary
    fo4_s: Floats

    @cached_property
    def slews(self) -> Floats:
        """The slews of every table, in inverter delays: the same at every corner."""
        return np.asarray(settings.SLEWS_S / self.fo4_s[0])

    @cached_property
    def times(self) -> Bools:
        """[values] Delays, transitions, setup and hold."""
        arcs = self.library.arcs
        columns = (arcs.rise_delay, arcs.fall_delay, arcs.rise_slew, arcs.fall_slew)
        return self._entries(np.concatenate(columns))

    @cached_property
    def ramps(self) -> Floats:
        """[values] What is added to a delay: the slew of its input, in inverter delays."""
        arcs, tables = self.library.arcs, self.library.tables
        timed = arcs.kind < FIRST_CHECK
        added = np.zeros(tables.values.shape[1])
        for table in np.unique([arcs.rise_delay[timed], arcs.fall_delay[timed]]):
            if table >= 0:
                start = tables.start[table]
                added[start : tables.start[table + 1]] = np.repeat(self.slews, settings.LOADS)
        return added

    @cached_property
    def checks(self) -> Bools:
        """[entries] Setup and hold, which pass zero."""
        arcs = self.library.arcs
        columns = [
            column[arcs.kind >= FIRST_CHECK] for column in (arcs.rise_delay, arcs.fall_delay)
        ]
        is_check = self._entries(np.concatenate(columns))
        rest = np.zeros(self.library.pin_capacitance_f[0].size, dtype=bool)
        return np.concatenate([is_check, rest])

    def _entries(self, numbers: Int32s) -> Bools:
        """[values] Those of some tables."""
        tables = self.library.tables
        mask = np.zeros(tables.values.shape[1], dtype=bool)
        for table in np.unique(numbers[numbers >= 0]):
            mask[tables.start[table] : tables.start[table + 1]] = True
        return mask

    def plain(self, values: Floats, supply_v: float, fo4_s: float) -> Floats:
        """Values of the tables of one corner in their units."""
        return np.asarray(np.where(self.times, values / fo4_s + self.ramps, values / supply_v**2))

    def values(self, plain: Floats, supply_v: float, fo4_s: float) -> Floats:
        """Back in SI units."""
        return np.asarray(np.where(self.times, (plain - self.ramps) * fo4_s, plain * supply_v**2))

    def axis_values(self, fo4_s: float) -> Floats:
        """The axes at a corner: slews grow with the inverter's delay, loads stay."""
        tables, arcs = self.library.tables, self.library.arcs
        checks = np.concatenate(
            [column[arcs.kind >= FIRST_CHECK] for column in (arcs.rise_delay, arcs.fall_delay)]
        )
        slews = np.unique(
            np.concatenate([tables.row_axis, tables.column_axis[checks[checks >= 0]]])
        )
        result = tables.axis_values[0].copy()
        for axis in slews[slews >= 0]:
            result[tables.axis_start[axis] : tables.axis_start[axis + 1]] *= fo4_s / self.fo4_s[0]
        return np.asarray(result)

    @cached_property
    def known(self) -> Floats:
        """[corners, entries] Every table and capacitance of typical transistors in its unit."""
        library = self.library
        rows = zip(library.tables.values, library.supply_v.tolist(), self.fo4_s, strict=True)
        plain = np.array([self.plain(*row) for row in rows])
        return np.concatenate([plain, library.pin_capacitance_f.reshape(len(plain), -1)], axis=1)

    def typical(self, supply_v: float, temperature_c: float) -> Floats:
        """[entries] Typical transistors at a point; at a supply beyond those that are known at its
        temperature, those of the nearest supply: a shape that ratios are taken to."""
        grid = self.library.grid
        rows = []
        for temp in grid.temperatures_c:
            supplies_v = grid.supply_v[grid.temperature_c == temp]
            nearest = min(max(supply_v, float(supplies_v.min())), float(supplies_v.max()))
            rows.append(grid.weights(nearest, temp))
        weights = between(temperature_c, np.array(grid.temperatures_c)) @ np.array(rows)
        return np.asarray(interpolate(weights[None, :], self.known)[0])


def units(library: CellLibrary, work: Path) -> Units:
    """With the inverter's delay at every corner of typical transistors, simulated if need be."""
    corners = zip(library.supply_v.tolist(), library.temperature_c.tolist(), strict=True)
    with Characteriser(work) as characteriser:
        own_s = [characteriser.corner("typical", *corner).fo4_s for corner in corners]
    unit = Units(library=library, fo4_s=np.array(own_s))
    for corner, fo4_s in enumerate(unit.fo4_s):
        if not np.allclose(unit.axis_values(fo4_s), library.tables.axis_values[corner], rtol=2e-3):
            raise ValueError(f"the slews of corner {corner} do not follow its inverter's delay")
    return unit


def fo4_s(work: Path, process: str, corner: Point) -> float:
    """The inverter's delay that a run has found."""
    file = work / f"fo4_{corner_tag(process, *corner)}.json"
    return float(json.loads(file.read_text())["fo4_s"])


def simulated(
    unit: Units,
    work: Path,
    process: str,
    corner: Point,
    cells: Sequence[str] = settings.CELLS,
) -> Floats:
    """[entries] One simulated corner, complete and in its units; NaN of the cells left out."""
    tag = corner_tag(process, *corner)
    file = work / "liberty" / f"{tag}_simulated.lib"
    file.parent.mkdir(exist_ok=True)
    tables = [read_simulated(work, Task("timing", process, *corner, name)) for name in cells]
    file.write_text(library_text(tables, *corner, "a few points of the grid"))
    coarse = read_liberty([file])
    library = unit.library
    base = unit.typical(*corner)
    result = np.full_like(base, np.nan)
    size = library.tables.values.shape[1]
    pins = result[size:].reshape(-1, 4)
    for cell in coarse.cells:
        for table, exact in _pairs(coarse, library, cell.name):
            entries = _entries(library, exact)
            shape = _shape(library, exact)
            is_time, is_delay = unit.times[entries][0], unit.ramps[entries][0] > 0
            value = coarse.tables.values[0, _entries(coarse, table)].reshape(_shape(coarse, table))
            value = value / (fo4_s(work, process, corner) if is_time else corner[0] ** 2)
            if is_delay:
                value = value + unit.slews[list(fill.POINTS[len(value)]), None]
            result[entries] = _complete(value, base[entries].reshape(shape)).ravel()
        number, own_number = library.index[cell.name], coarse.index[cell.name]
        own_pins = coarse.pin_start[own_number] + np.arange(len(cell.pins))
        pins[library.pin_start[number] + np.arange(len(cell.pins))] = coarse.pin_capacitance_f[
            0, own_pins
        ]
    return result


def entries_of(library: CellLibrary, cells: Sequence[str]) -> Bools:
    """[entries] Tables and capacitances of some cells."""
    mask = np.zeros(library.tables.values.shape[1], dtype=bool)
    pins = np.zeros(library.pin_capacitance_f[0].shape, dtype=bool)
    for cell in (library.cell(PREFIX + name) for name in cells):
        for table, _ in _pairs(library, library, cell.name):
            mask[_entries(library, table)] = True
        pins[library.pin_start[library.index[cell.name]] + np.arange(len(cell.pins))] = True
    return np.concatenate([mask, pins.ravel()])


def _complete(value: Floats, exact: Floats) -> Floats:
    """A simulated table at every point, shaped as that of typical transistors."""
    if value.shape == exact.shape:
        return value
    if len(exact) == settings.LOADS:
        return fill.by_ratio(value, exact)
    return fill.constraint(value, exact, settings.CONSTRAINT_SLEWS_S)


def _entries(library: CellLibrary, table: int) -> slice:
    """Where the values of a table are."""
    return slice(int(library.tables.start[table]), int(library.tables.start[table + 1]))


def _shape(library: CellLibrary, table: int) -> tuple[int, int]:
    return int(library.tables.rows[table]), int(library.tables.columns[table])


def _pairs(first: CellLibrary, second: CellLibrary, cell: str) -> list[tuple[int, int]]:
    """Tables of the same cell in two libraries, which list arcs and powers in one order."""
    pairs: list[tuple[int, int]] = []
    for part, names, columns in (
        ("arcs", ("kind", "sense"), ("rise_delay", "fall_delay", "rise_slew", "fall_slew")),
        ("powers", (), ("rise", "fall")),
    ):
        owners = [getattr(library, part) for library in (first, second)]
        rows = [
            np.flatnonzero(owner.cell == library.index[cell])
            for owner, library in zip(owners, (first, second), strict=True)
        ]
        for name in (*names, *columns):
            first_rows, second_rows = (
                getattr(o, name)[r] for o, r in zip(owners, rows, strict=True)
            )
            if len(first_rows) != len(second_rows) or (
                name in names and (first_rows != second_rows).any()
            ):
                raise ValueError(f"{cell}: its {part} differ from those of typical transistors")
            if name in columns:
                both = zip(first_rows.tolist(), second_rows.tolist(), strict=True)
                pairs += [pair for pair in both if pair[0] >= 0]
    return pairs
