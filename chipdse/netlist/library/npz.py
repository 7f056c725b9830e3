"""Cell libraries on disk: one .npz with every array, the logic and the provenance as JSON.

The same format is the cache of parsed Liberty files (uncompressed) and the form in which a
characterised library ships (compressed).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell, CellPin, ClockGate, FlipFlop, Latch, Sequential
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.library import Arcs, CellLibrary, Leakages, Powers, Tables, Thresholds
from chipdse.netlist.library.logic import Expression, parse_function
from chipdse.netlist.library.processes import TYPICAL
from chipdse.reading import DAMAGED_ARCHIVE
from chipdse.store.files import replacing

FORMAT = 1
_PARTS: dict[str, type] = {"tables": Tables, "arcs": Arcs, "powers": Powers, "leakages": Leakages}
_ARRAYS = ("supply_v", "temperature_c", "pin_capacitance_f", "pin_supply_v", "cell_leakage_w")
_LEAKAGE = ("leakage_supply_v", "leakage_temperature_c")  # where leakage has its own corners
_SIGMA_TABLES = "sigma_tables"  # where Liberty files had standard deviations
# operating points are compared exactly
_EXACT = ("supply_v", "temperature_c", "pin_supply_v", *_LEAKAGE)
_STATES: dict[str, type] = {"flip_flop": FlipFlop, "latch": Latch, "clock_gate": ClockGate}
_FUNCTIONS = {"clocked_on", "next_state", "clear", "preset", "enable", "data_in"}


def save_library(
    library: CellLibrary, path: Path, *, compressed: bool = True, single: bool = False
) -> None:
    """Write a library, complete or not at all.

    Parameters
    ----------
    compressed : a smaller file, which takes longer to write and to read
    single : store tables in single precision (7 digits), half the size
    """
    arrays: dict[str, NDArray[Any]] = {name: getattr(library, name) for name in _ARRAYS}
    if library.leakage_corners is not None:
        corners = library.leakage_corners
        arrays |= dict(zip(_LEAKAGE, (corners.supply_v, corners.temperature_c), strict=True))
    if library.sigma_tables is not None:
        arrays[_SIGMA_TABLES] = library.sigma_tables
    for part, kind in _PARTS.items():
        for field in fields(kind):
            arrays[f"{part}.{field.name}"] = getattr(getattr(library, part), field.name)
    if single:
        arrays = {
            name: array.astype(np.float32)
            if array.dtype == np.float64 and name not in _EXACT
            else array
            for name, array in arrays.items()
        }
    logic = {
        "format": FORMAT,
        "name": library.name,
        "process": library.process,
        "cells": [_cell_to_json(cell) for cell in library.cells],
        "conditions": library.conditions,
        "supplies": library.supplies,
        "sources": library.sources,
        "thresholds": asdict(library.thresholds),
        "file_thresholds": [asdict(file) for file in library.file_thresholds],
        "file_cells": library.file_cells,
        "provenance": library.provenance,
    }
    text = json.dumps(logic, separators=(",", ":")).encode()
    arrays["logic"] = np.frombuffer(text, dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)  # type: ignore[arg-type]


def load_saved(path: Path) -> CellLibrary:
    """Read a library written by `save_library`.

    Raises
    ------
    DesignError : missing, damaged, or of another format
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            logic = json.loads(file["logic"].tobytes())
            if logic["format"] != FORMAT:
                raise DesignError(f"{path} has format {logic['format']}; {FORMAT} is needed")
            parts: dict[str, Any] = {
                part: kind(**{f.name: _array(file[f"{part}.{f.name}"]) for f in fields(kind)})
                for part, kind in _PARTS.items()
            } | {name: _array(file[name]) for name in _ARRAYS}
            return CellLibrary(
                name=logic["name"],
                process=logic.get("process", TYPICAL),  # older files have typical transistors
                cells=tuple(_cell_from_json(cell) for cell in logic["cells"]),
                conditions=tuple(logic["conditions"]),
                supplies=tuple(logic["supplies"]),
                sources=tuple(logic["sources"]),
                provenance=logic["provenance"],
                leakage_corners=_leakage_corners(file),
                sigma_tables=file.get(_SIGMA_TABLES),
                thresholds=_thresholds(logic.get("thresholds", {})),
                file_thresholds=tuple(map(_thresholds, logic.get("file_thresholds", []))),
                file_cells=tuple(map(int, logic.get("file_cells", []))),
                **parts,
            )
    except DAMAGED_ARCHIVE as error:
        raise DesignError(f"{path} is not a saved cell library: {error}") from None


def _leakage_corners(file: Mapping[str, NDArray[Any]]) -> Corners | None:
    if _LEAKAGE[0] not in file:
        return None
    supply_v, temperature_c = (file[name] for name in _LEAKAGE)
    return Corners(supply_v=supply_v, temperature_c=temperature_c)


def _thresholds(stored: dict[str, Any]) -> Thresholds:
    """The usual ones where a file, as those that ship, does not hold any."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else float(value)
        for name, value in stored.items()
    }
    return Thresholds(**values)


def _array(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": cell.name,
        "area_m2": cell.area_m2,
        "pins": [
            [pin.name, pin.direction, _text(pin.function), _text(pin.three_state), pin.is_clock]
            for pin in cell.pins
        ],
    }
    if cell.sequential is not None:
        kind = next(
            name for name, state_type in _STATES.items() if isinstance(cell.sequential, state_type)
        )
        result["sequential"] = [
            kind,
            {
                field.name: _text(value) if field.name in _FUNCTIONS else value
                for field in fields(cell.sequential)
                for value in (getattr(cell.sequential, field.name),)
            },
        ]
    for name in ("is_macro", "dont_use", "buses", "supply_pins"):
        if getattr(cell, name):
            result[name] = getattr(cell, name)
    return result


def _cell_from_json(data: dict[str, Any]) -> Cell:
    sequential: Sequential | None = None
    if "sequential" in data:
        kind, values = data["sequential"]
        sequential = _STATES[kind](
            **{
                name: _function(value) if name in _FUNCTIONS else value
                for name, value in values.items()
            }
        )
    return Cell(
        name=data["name"],
        area_m2=data["area_m2"],
        pins=tuple(
            CellPin(
                name=name,
                direction=direction,
                function=_function(function),
                three_state=_function(three_state),
                is_clock=is_clock,
            )
            for name, direction, function, three_state, is_clock in data["pins"]
        ),
        sequential=sequential,
        is_macro=data.get("is_macro", False),
        buses={bus: tuple(bits) for bus, bits in data.get("buses", {}).items()},
        supply_pins=tuple(data.get("supply_pins", ())),
        dont_use=data.get("dont_use", False),
    )


def _text(expression: Expression | None) -> str | None:
    return None if expression is None else str(expression)


def _function(text: str | None) -> Expression | None:
    return None if text is None else parse_function(text)
