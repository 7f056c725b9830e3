"""Slow and fast transistors from the raw results of a folder against the files that ship.

A shipped file keeps 8 bits less of each number (`variants.COARSENESS`): numbers that agree within
`KEPT` are equal. Other differences are due to a change of code, models or simulator since the file
was made, and the cells that have them are named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.arrays import Bools, Floats
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.pack import load_packed

from . import settings
from .compare import NEAR_ZERO_S
from .run import Task, missing
from .units import Point, Units, entries_of, fo4_s
from .variants import LEAKAGE_PROCESS, inferred, leakage_of, needed

KEPT = 0.002  # of a number, or of a time plus 10 ps
EQUAL_FRAC = 0.999  # of the numbers of a quantity


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Relative differences of one quantity, at all corners.

    errors : [corners, entries]
    entries : numbers of the entries in the library
    """

    quantity: str
    errors: Floats
    entries: np.ndarray

    @property
    def equal(self) -> float:
        """Share of the numbers that agree."""
        return float(np.mean(self.errors <= KEPT))


def timing(
    typical: CellLibrary, shipped: CellLibrary, work: Path, process: str
) -> list[Difference]:
    """Tables and capacitances at every corner of the shipped file, made again.

    Raises
    ------
    SystemExit : a simulation is missing
    """
    left = missing(work, (task for task in needed(process) if task.kind == "timing"))
    if left:
        raise SystemExit(f"{work}: {len(left)} results are missing, the first {left[0]}")
    corners = list(zip(shipped.supply_v.tolist(), shipped.temperature_c.tolist(), strict=True))
    unit, numbers_at = inferred(typical, work, process, corners)
    size = unit.library.tables.values.shape[1]
    ours, theirs = [], []
    for place, (corner, numbers) in enumerate(numbers_at.items()):
        values = unit.values(numbers[:size], corner[0], fo4_s(work, process, corner))
        ours.append(np.append(values, numbers[size:]))
        pins = shipped.pin_capacitance_f[place].ravel()
        theirs.append(np.append(shipped.tables.values[place], pins))
    return list(_by_quantity(unit, np.array(ours), np.array(theirs)))


def _by_quantity(unit: Units, ours: Floats, theirs: Floats) -> Iterator[Difference]:
    pins = ours.shape[1] - len(unit.times)
    is_time = np.append(unit.times, np.zeros(pins, dtype=bool))
    is_delay = np.append(unit.ramps > 0, np.zeros(pins, dtype=bool))
    is_pin = np.arange(ours.shape[1]) >= len(unit.times)
    kinds: dict[str, Bools] = {
        "delay": is_delay,
        "transition": is_time & ~is_delay & ~unit.checks,
        "setup and hold": unit.checks,
        "energy": ~is_time & ~is_pin,
        "capacitance": is_pin,
    }
    for name, chosen in kinds.items():
        size = np.abs(theirs[:, chosen]) + (NEAR_ZERO_S if is_time[chosen].all() else 0.0)
        if not is_time[chosen].all():  # energies and capacitances near zero: of the largest number
            size = np.maximum(size, 1e-3 * size.max(axis=1, keepdims=True))
        errors = np.abs(ours[:, chosen] - theirs[:, chosen]) / size
        yield Difference(quantity=name, errors=errors, entries=np.flatnonzero(chosen))


def leakage(typical: CellLibrary, shipped: CellLibrary, work: Path) -> tuple[Difference, int]:
    """Leakage of cells at the shipped corners that are simulated completely, and their number."""
    grid = shipped.leakage_grid
    corners: list[Point] = list(
        zip(grid.supply_v.tolist(), grid.temperature_c.tolist(), strict=True)
    )
    tasks = {
        corner: [Task("leakage", LEAKAGE_PROCESS, *corner, cell) for cell in settings.CELLS]
        for corner in corners
    }
    left = {(t.supply_v, t.temperature_c) for t in missing(work, sum(tasks.values(), []))}
    known = [corner for corner in corners if corner not in left]
    theirs = shipped.cell_leakage_w[[corners.index(corner) for corner in known]]
    ours = leakage_of(typical, work, LEAKAGE_PROCESS, known)[0] if known else theirs
    size = np.maximum(theirs, 1e-30)
    numbers = np.arange(theirs.shape[1])
    return (
        Difference(quantity="leakage", errors=np.abs(ours - theirs) / size, entries=numbers),
        len(known),
    )


def report(typical: Path, file: Path, work: Path, process: str) -> tuple[str, bool]:
    """What differs by quantity, for people, and whether nothing does."""
    library, shipped = load_packed(typical), load_packed(file)
    differences = timing(library, shipped, work, process)
    leaking, known = leakage(library, shipped, work)
    lines = [f"{'quantity':<16}{'numbers':>10}{'equal':>9}{'median':>10}{'largest':>10}"]
    for difference in [*differences, *([leaking] if known else [])]:
        lines.append(
            f"{difference.quantity:<16}{difference.errors.size:>10}{difference.equal:>9.2%}"
            f"{np.median(difference.errors):>10.3%}{difference.errors.max():>10.2%}"
        )
        if cells := _cells(library, difference):
            lines.append(f"  differ: {', '.join(cells)}")
    lines.append(f"leakage: {known} of {len(shipped.leakage_grid.supply_v)} corners simulated")
    equal = all(
        difference.equal >= EQUAL_FRAC
        for difference in [*differences, leaking]
        if difference.errors.size
    )
    lines.append("equal to the file that ships" if equal else "not equal to the file that ships")
    return "\n".join(lines), equal and known == len(shipped.leakage_grid.supply_v)


def _cells(library: CellLibrary, difference: Difference) -> list[str]:
    """Cells with numbers that differ, and how many of their numbers do."""
    differ = (difference.errors > KEPT).any(axis=0)
    if difference.quantity == "leakage":
        return [settings.CELLS[number] for number in difference.entries[differ]]
    named = []
    for name in settings.CELLS:
        ours = entries_of(library, (name,))[difference.entries]
        if ours.any() and (count := int((difference.errors[:, ours] > KEPT).sum())):
            named.append(f"{name} {count / difference.errors[:, ours].size:.0%}")
    return named
