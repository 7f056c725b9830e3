"""For notebooks and the verb `map`: tables of a measured part for other mappers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipdse.api.application import MemoryChoice, chip_of
from chipdse.application.parts import contract_of, measured_part
from chipdse.design import find_block, make_record
from chipdse.errors import DesignError
from chipdse.export.mappers import mapper_files
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.store.files import write_folder
from chipdse.technology.constants import Sources


def export_mapper_tables(
    target: str | Path,
    block: str = "mac_array",
    parameters: Mapping[str, Any] | None = None,
    *,
    metrics: Mapping[str, float],
    copies: int = 1,
    clock_hz: float = math.nan,
    library: str = DEFAULT,
    memories: MemoryChoice | None = None,
) -> list[Path]:
    """Write energy and area tables for Accelergy (Timeloop) and ZigZag into a new folder.

    Parameters
    ----------
    target : the folder, which is empty or does not exist
    metrics : of the block at one operating point by name, e.g. ``evaluate_point(...).flat()``
    block, parameters, copies, clock_hz, library, memories : as of
        `chipdse.api.application.map_network`

    Raises
    ------
    DesignError : wrong input, no outer memory, or `target` holds files
    """
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DesignError(f"--export {str(folder)!r} is not an empty folder; name a new one")
    record = find_block(block)
    given = make_record(record.parameters, parameters or {}, block)
    part = measured_part(block, contract_of(record, given), metrics, copies)
    if not math.isnan(clock_hz):
        part = dataclasses.replace(part, clock_hz=clock_hz)
    chip = chip_of(part, memories or MemoryChoice(), library, Sources())
    values = ", ".join(f"{name}={value}" for name, value in dataclasses.asdict(given).items())
    where = f"{metrics['vdd_v']:g} V, {metrics['library_temperature_c']:g} °C"
    files = mapper_files(chip, f"{copies} x {block} ({values}), {library}, {where}")
    try:
        write_folder(folder, files)
    except OSError as error:
        raise DesignError(f"--export {str(folder)!r}: {error.strerror}") from error
    return [folder / name for name in sorted(files)]
