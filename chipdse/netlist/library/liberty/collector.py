"""Collects what the Liberty files of one library contain, and makes arrays of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chipdse.arrays import Int32s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.liberty.head import Corner
from chipdse.netlist.library.liberty.tables import TableCollector, convert
from chipdse.netlist.library.library import (
    Arcs,
    CellLibrary,
    Leakages,
    Powers,
    Tables,
    Thresholds,
    meet_elsewhere,
)


class LibraryCollector:
    """Collects cells, arcs and tables over the files of one library."""

    def __init__(self, thresholds: Thresholds | None) -> None:
        self.thresholds = thresholds
        self.files: list[Thresholds] = []
        self.file_cells: list[int] = []
        self.names: list[str] = []
        self.sources: list[str] = []
        self.corner: Corner | None = None
        self.cells: list[Cell] = []
        self.cell_file: dict[str, Path] = {}
        self.pin_count = 0
        self.conditions: dict[str, int] = {}
        self.supplies: dict[str, int] = {}
        self.capacitances: list[tuple[float, float, float, float]] = []
        self.swings: list[float] = []
        self.leakage: list[float] = []
        self.arcs: list[tuple[int, ...]] = []
        self.powers: list[tuple[int, ...]] = []
        self.leakages: list[tuple[int, int, int]] = []
        self.leakage_values: list[float] = []
        self.tables = TableCollector()
        self.sigmas: list[tuple[int, int, int]] = []  # late or early, a table, its deviations

    def library(self) -> CellLibrary:
        """What was collected, as arrays."""
        if not self.cells or self.corner is None:
            raise DesignError(f"no cell in {', '.join(self.sources)}")
        apart = meet_elsewhere(self.files)
        tables = convert(self.tables)
        return CellLibrary(
            name=self.names[0] if len(self.names) == 1 else _common_name(self.names),
            cells=tuple(self.cells),
            conditions=tuple(self.conditions),
            supplies=tuple(self.supplies),
            supply_v=np.array([self.corner.supply_v]),
            temperature_c=np.array([self.corner.temperature_c]),
            pin_capacitance_f=np.array([self.capacitances], dtype=np.float64).reshape(1, -1, 4),
            pin_supply_v=np.array([self.swings], dtype=np.float64),
            cell_leakage_w=np.array([self.leakage], dtype=np.float64),
            tables=tables,
            arcs=self._arcs(),
            powers=self._powers(),
            leakages=self._leakages(),
            thresholds=self.thresholds or Thresholds(),
            file_thresholds=tuple(self.files) if apart else (),
            file_cells=tuple(self.file_cells) if apart else (),
            sources=tuple(self.sources),
            sigma_tables=self._sigma_tables(tables),
        )

    def _arcs(self) -> Arcs:
        """Timing arcs and checks as arrays."""
        arcs = _columns(self.arcs, 10)
        return Arcs(
            cell=arcs[0],
            source=arcs[1],
            sink=arcs[2],
            kind=arcs[3],
            sense=arcs[4],
            condition=arcs[5],
            rise_delay=arcs[6],
            fall_delay=arcs[7],
            rise_slew=arcs[8],
            fall_slew=arcs[9],
        )

    def _powers(self) -> Powers:
        """Internal power of pins as arrays."""
        powers = _columns(self.powers, 7)
        return Powers(
            cell=powers[0],
            pin=powers[1],
            related=powers[2],
            condition=powers[3],
            supply=powers[4],
            rise=powers[5],
            fall=powers[6],
        )

    def _leakages(self) -> Leakages:
        """Leakage by state as arrays."""
        leakages = _columns(self.leakages, 3)
        return Leakages(
            cell=leakages[0],
            condition=leakages[1],
            supply=leakages[2],
            value_w=np.array([self.leakage_values], dtype=np.float64),
        )

    def _sigma_tables(self, tables: Tables) -> Int32s | None:
        """[2, tables] The table of each table's standard deviations; None without any."""
        if not self.sigmas:
            return None
        result = np.full((2, len(self.tables.rows)), -1, dtype=np.int32)
        for which, table, deviations in self.sigmas:
            file, offset = self.tables.places[deviations]
            if (tables.values[0, slice(*tables.start[deviations : deviations + 2])] < 0).any():
                file.fail("a standard deviation is below 0", offset)
            if result[which, table] not in (-1, deviations):
                file.fail("a table has two tables of its standard deviations; keep one", offset)
            result[which, table] = deviations
        return result


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Int32s]:
    """The columns of rows of numbers, each as an array of its own."""
    array = np.array(rows, dtype=np.int32).reshape(len(rows), width)
    return [np.ascontiguousarray(column) for column in array.T]


def _common_name(names: list[str]) -> str:
    """What several library names have in common, for people."""
    words = [name.split("_") for name in names]
    common = [group[0] for group in zip(*words, strict=False) if len(set(group)) == 1]
    return "_".join(common) or names[0]
