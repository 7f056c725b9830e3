"""Add corners to the library of typical transistors that ships, without a change of the others.

At a new corner the small cells, the inverter and leakage are simulated; how its tables follow from
those of the corners that are known is learned from the small cells (`processes.py`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.pack import load_packed, save_packed

from . import settings
from .pack import by_temperature
from .processes import Effect, Ratio
from .run import Characteriser, Task, missing
from .units import Point, Units, entries_of, simulated, units
from .variants import library_of


def needed() -> list[Task]:
    """What must be simulated of the new corners."""
    leaking = [corner for corner in settings.ADDED_TYPICAL if corner[0] > 1.8]
    return [
        *(
            Task("timing", "typical", *corner, cell)
            for corner in settings.ADDED_TYPICAL
            for cell in settings.SMALL_CELLS
        ),
        *(
            Task("leakage", "typical", *corner, cell)
            for corner in leaking
            for cell in settings.CELLS
        ),
    ]


def extend(source: Path, work: Path, target: Path) -> CellLibrary:
    """Write a library of typical transistors with the new corners behind its own.

    Raises
    ------
    SystemExit : it has them already, or one has not been simulated completely
    """
    library = load_packed(source)
    if any(library.grid.covers(*corner) for corner in settings.ADDED_TYPICAL):
        raise SystemExit(f"{source} has the corners already")
    left = missing(work, needed())
    if left:
        raise SystemExit(f"{work}: {len(left)} results are missing, the first {left[0]}")
    with Characteriser(work) as characteriser:
        for corner in (*_corners(library), *settings.ADDED_TYPICAL):
            characteriser.corner("typical", *corner)
    unit = units(library, work)
    effect = _effect(unit, work)
    numbers_at = {corner: effect.at(*corner) for corner in settings.ADDED_TYPICAL}
    leaking = [corner for corner in numbers_at if not library.leakage_grid.covers(*corner)]
    added = library_of(unit, work, "typical", numbers_at, leaking)
    result = _joined(library, added)
    save_packed(result, target)
    return result


def _effect(unit: Units, work: Path) -> Effect:
    """Ratios to the nominal corner: of all cells at the known corners, of small cells at all."""
    library = unit.library
    known = dict(zip(_corners(library), unit.known, strict=True))
    rows = entries_of(unit.library, settings.SMALL_CELLS)
    small = {corner: np.where(rows, numbers, np.nan) for corner, numbers in known.items()}
    small |= {
        corner: simulated(unit, work, "typical", corner, settings.SMALL_CELLS)
        for corner in settings.ADDED_TYPICAL
    }

    def base(supply_v: float, temperature_c: float) -> Floats:
        return np.asarray(unit.known[0])

    return Effect(
        unit=unit,
        small=Ratio.of(unit, small, base),
        every=Ratio.of(unit, known, base),
        base=base,
    )


def _joined(library: CellLibrary, added: CellLibrary) -> CellLibrary:
    """The corners of one library, then those of another with the same tables."""
    leakage = library.leakage_grid, added.leakage_grid
    provenance = {
        **library.provenance,
        "corners added": {
            "how": f"leakage and {len(settings.SMALL_CELLS)} small cells simulated; the rest from "
            "the other corners by weights learned from the small cells",
            **by_temperature(_corners(added)),
        },
        "corners of leakage alone": "none",
    }
    return replace(
        library,
        supply_v=np.concatenate([library.supply_v, added.supply_v]),
        temperature_c=np.concatenate([library.temperature_c, added.temperature_c]),
        pin_capacitance_f=np.concatenate([library.pin_capacitance_f, added.pin_capacitance_f]),
        pin_supply_v=np.concatenate([library.pin_supply_v, added.pin_supply_v]),
        cell_leakage_w=np.concatenate([library.cell_leakage_w, added.cell_leakage_w]),
        tables=replace(
            library.tables,
            values=np.concatenate([library.tables.values, added.tables.values]),
            axis_values=np.concatenate([library.tables.axis_values, added.tables.axis_values]),
        ),
        leakages=replace(
            library.leakages,
            value_w=np.concatenate([library.leakages.value_w, added.leakages.value_w]),
        ),
        leakage_corners=Corners(
            supply_v=np.concatenate([part.supply_v for part in leakage]),
            temperature_c=np.concatenate([part.temperature_c for part in leakage]),
        ),
        provenance=provenance,
    )


def _corners(library: CellLibrary) -> list[Point]:
    return list(zip(library.supply_v.tolist(), library.temperature_c.tolist(), strict=True))
