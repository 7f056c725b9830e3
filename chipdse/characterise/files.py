"""Liberty files from what was simulated."""

from __future__ import annotations

from pathlib import Path

from chipdse.characterise.description import Description
from chipdse.characterise.liberty_text import Head, library_text
from chipdse.characterise.run import Characteriser, Task, result
from chipdse.characterise.tables import cell_tables, grid_of
from chipdse.errors import DesignError, ToolError


def write_liberty(description: Description, folder: Path, target: Path) -> list[Path]:
    """Write one Liberty file per corner, the first corner first; the files.

    Raises
    ------
    ToolError : a result is missing
    """
    characteriser = Characteriser(description, folder)
    kinds = ("primary_power", "nwell"), ("primary_ground", "pwell")
    supplies = tuple(
        (name, first if place == 0 else other)
        for names, (first, other) in zip(
            (description.power, description.ground), kinds, strict=True
        )
        for place, name in enumerate(names)
    )
    files = []
    for number, corner in enumerate(description.corners):
        cells = []
        for place, cell in enumerate(characteriser.cells):
            raw = result(characteriser, Task(corner=number, cell=place))
            if raw is None:
                raise ToolError(f"{cell.name} at {corner.tag} is not simulated")
            cells.append(cell_tables(cell, raw, raw, grid_of(cell, raw)))
        head = Head(
            library=description.name,
            corner=corner.tag,
            supply_v=corner.supply_v,
            temperature_c=corner.temperature_c,
            comment="simulated with ngspice by chipdse library characterise",
            supplies=supplies,
        )
        file = target / f"{description.name}_{corner.tag}.lib"
        try:
            target.mkdir(parents=True, exist_ok=True)
            file.write_text(library_text(cells, head), encoding="utf-8")
        except OSError as error:
            raise DesignError(f"{file} cannot be written: {error.strerror}") from None
        files.append(file)
    return files
