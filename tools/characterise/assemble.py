"""From raw results to the tables of one cell at one corner, as a Liberty file states them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.characterise.cells import Cell
from chipdse.characterise.tables import EDGES, CellTables, Grid, cell_tables, grid_of

from . import catalogue, fill, settings
from .run import Task


def read_cell(
    work: Path,
    name: str,
    supply_v: float,
    temperature_c: float,
    timing_temperature_c: float | None = None,
) -> CellTables:
    """One cell at one corner of typical transistors, its tables complete, from the files of a run.

    Parameters
    ----------
    timing_temperature_c : take everything but leakage from another temperature
    """
    timing_c = temperature_c if timing_temperature_c is None else timing_temperature_c
    cell = catalogue.cell(name)
    timing = Task("timing", "typical", supply_v, timing_c, name)
    leakage = Task("leakage", "typical", supply_v, temperature_c, name)
    grid = _complete(work, cell, supply_v, timing_c) if cell.inputs else None
    return cell_tables(cell, read_raw(work, timing), read_raw(work, leakage), grid)


def read_simulated(work: Path, task: Task) -> CellTables:
    """One cell at one corner as simulated, at few points of its grid and without its leakage."""
    cell, raw = catalogue.cell(task.cell), read_raw(work, task)
    no_leakage = {"states": [{"levels": {}, "power_w": 0.0}]}
    return cell_tables(cell, raw, no_leakage, grid_of(cell, raw) if cell.inputs else None)


def _complete(work: Path, cell: Cell, supply_v: float, temperature_c: float) -> Grid:
    """The complete tables of a corner; those of its base lend a coarse one their shape."""
    task = Task("timing", "typical", supply_v, temperature_c, cell.name)
    grid = grid_of(cell, read_raw(work, task))
    if len(grid.slews_s) == len(settings.SLEWS_S):
        return grid
    return _fill(grid, _complete(work, cell, *settings.base_of(supply_v, temperature_c)))


def read_raw(work: Path, task: Task) -> dict[str, Any]:
    """What a run wrote for a task."""
    data: dict[str, Any] = json.loads(task.file(work).read_text())
    return data


def _fill(coarse: Grid, base: Grid) -> Grid:
    """Complete tables simulated at every second point by their ratio to those of another corner."""
    factor = coarse.fo4_s / base.fo4_s  # slews scale with it
    slews = base.slews_s[:, None]

    def delay(value: np.ndarray, exact: np.ndarray) -> np.ndarray:
        """As other tables, but of delay plus slew: a slow ramp makes delays negative."""
        own_slews = slews * factor
        return fill.by_ratio(value + coarse.slews_s[:, None], exact + slews) - own_slews

    arcs = []
    base_arcs = {(a.pin, a.output, a.sense, a.timing_type): a for a in base.arcs}
    for arc in coarse.arcs:
        own_slews = base_arcs[arc.pin, arc.output, arc.sense, arc.timing_type]
        arcs.append(
            replace(
                arc,
                delay_s={e: delay(arc.delay_s[e], own_slews.delay_s[e]) for e in EDGES},
                transition_s={
                    e: fill.by_ratio(arc.transition_s[e], own_slews.transition_s[e]) for e in EDGES
                },
            )
        )
    energy = {
        key: {e: fill.by_ratio(values[e], base.energy[key][e]) for e in EDGES}
        for key, values in coarse.energy.items()
    }
    constraint_slews = base.constraint_slews_s * factor
    constraints = {
        key: {
            e: fill.constraint(values[e], base.constraints[key][e] * factor, constraint_slews)
            for e in EDGES
        }
        for key, values in coarse.constraints.items()
    }
    return Grid(
        fo4_s=coarse.fo4_s,
        slews_s=base.slews_s * factor,
        loads_f=base.loads_f,
        constraint_slews_s=constraint_slews,
        arcs=arcs,
        energy=energy,
        constraints=constraints,
    )
