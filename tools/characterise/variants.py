"""Pack slow and fast transistors into libraries that ship beside the typical one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats
from chipdse.characterise.tables import conditions
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.pack import load_packed, save_packed

from . import catalogue, settings
from .assemble import read_raw
from .pack import by_temperature
from .processes import Effect, Ratio
from .run import Characteriser, Task, missing
from .units import Point, Units, entries_of, fo4_s, simulated, units

NOMINAL = (settings.NOMINAL_SUPPLY_V, settings.NOMINAL_TEMPERATURE_C)
# Slow and fast have one model of leakage, so it is simulated once, in the time scale of fast ones.
LEAKAGE_PROCESS = "fast"
COARSENESS = 8  # of the file: numbers within 0.14 %, far below the error of what is inferred


def pack(typical: Path, work: Path, process: str, target: Path) -> CellLibrary:
    """Write the library of slow or fast transistors.

    Parameters
    ----------
    typical : the library of typical transistors that ships

    Raises
    ------
    SystemExit : a corner that is needed has not been simulated completely
    """
    library = load_packed(typical)
    lowest_v = settings.PACKED_COLD_SUPPLIES_V.get(process, {})
    packed = [
        (v, t)
        for v, t in _corners(process, settings.PACKED_SUPPLIES_V, settings.PACKED_TEMPERATURES_C)
        if v >= lowest_v.get(t, 0.0)
    ]
    packed.sort(key=lambda corner: corner != NOMINAL)
    leaking = _leaking()
    left = missing(work, needed(process))
    if left:
        raise SystemExit(f"{work}: {len(left)} results are missing, the first {left[0]}")
    unit, numbers_at = inferred(library, work, process, packed)
    result = replace(
        library_of(unit, work, process, numbers_at, leaking),
        name=f"{library.name}_{process}",
        process=process,
        provenance=_provenance(library, process, packed, leaking),
    )
    save_packed(result, target, coarseness=COARSENESS)
    return result


def inferred(
    library: CellLibrary, work: Path, process: str, corners: Sequence[Point]
) -> tuple[Units, dict[Point, Floats]]:
    """The tables of slow or fast transistors at some corners, in their units.

    They follow from the corners of typical transistors that were simulated. Two parts of the fast
    file were corrected after the typical file had been extended, and follow from its added corners
    too: setup and hold, and delays and transitions of another state of the other inputs.

    Parameters
    ----------
    library : typical transistors, extended or not
    """
    with Characteriser(work) as characteriser:
        for corner in corners:
            characteriser.corner(process, *corner)
    unit = units(without_added(library), work)
    plain = replace(effect_of(unit, work, process), other_states=False)
    numbers_at = {corner: plain.at(*corner) for corner in corners}
    if process not in settings.FASTEST_STATE:
        return unit, numbers_at
    effect = effect_of(units(library, work), work, process)
    plain = replace(effect, other_states=False)
    times = np.append(unit.times, np.zeros(len(unit.checks) - len(unit.times), dtype=bool))
    moved = effect.of_other_states & times & ~unit.checks
    moved &= ~entries_of(library, settings.SMALL_CELLS)
    for corner, numbers in numbers_at.items():
        numbers[unit.checks] = plain.at(*corner)[unit.checks]
        numbers[moved] = effect.at(*corner)[moved]
    return unit, numbers_at


def without_added(library: CellLibrary) -> CellLibrary:
    """Typical transistors at the corners that were simulated; leakage at all of them."""
    added = set(settings.ADDED_TYPICAL)
    corners = zip(library.supply_v.tolist(), library.temperature_c.tolist(), strict=True)
    kept = np.array([corner not in added for corner in corners])
    return replace(
        library,
        supply_v=library.supply_v[kept],
        temperature_c=library.temperature_c[kept],
        pin_capacitance_f=library.pin_capacitance_f[kept],
        pin_supply_v=library.pin_supply_v[kept],
        leakage_corners=library.leakage_grid,
        tables=replace(
            library.tables,
            values=library.tables.values[kept],
            axis_values=library.tables.axis_values[kept],
        ),
    )


def effect_of(unit: Units, work: Path, process: str) -> Effect:
    """What slow or fast transistors do, from all that was simulated of them."""
    small, every = settings.SMALL_CELLS, settings.EVERY_CELL[process]
    return Effect(
        unit=unit,
        small=Ratio.of(
            unit,
            {
                corner: simulated(unit, work, process, corner, small)
                for corner in _small_corners(process)
            },
        ),
        every=Ratio.of(unit, {corner: simulated(unit, work, process, corner) for corner in every}),
        other_states=process in settings.FASTEST_STATE,
    )


def _small_corners(process: str) -> list[Point]:
    return _corners(process, settings.SMALL_SUPPLIES_V, settings.VARIANT_TEMPERATURES_C)


def _corners(
    process: str, supplies_v: Sequence[float], temperatures_c: Sequence[float]
) -> list[Point]:
    """Corners at which cells are simulated, or lie between such."""
    return [(v, t) for t in temperatures_c for v in supplies_v if settings.works(process, v, t)]


def needed(process: str) -> list[Task]:
    """What must be simulated of slow or fast transistors, in order of use."""
    return [
        *(
            Task("timing", process, *corner, cell)
            for corner in _small_corners(process)
            for cell in settings.SMALL_CELLS
        ),
        *(
            Task("timing", process, *corner, cell)
            for corner in settings.EVERY_CELL[process]
            for cell in settings.CELLS
        ),
        *(
            Task("leakage", LEAKAGE_PROCESS, *corner, cell)
            for corner in _leaking()
            for cell in settings.CELLS
        ),
    ]


def _leaking() -> list[Point]:
    """Corners at which leakage is simulated, the nominal one first."""
    supplies, temps = settings.VARIANT_LEAKAGE_SUPPLIES_V, settings.VARIANT_LEAKAGE_TEMPERATURES_C
    corners = [(v, t) for t in temps for v in supplies]
    return sorted(corners, key=lambda corner: corner != NOMINAL)


def library_of(
    unit: Units, work: Path, process: str, numbers_at: dict[Point, Floats], leaking: Sequence[Point]
) -> CellLibrary:
    """A library of corners in their units, with leakage at corners of its own."""
    typical, corners = unit.library, list(numbers_at)
    fo4 = [fo4_s(work, process, corner) for corner in corners]
    size = typical.tables.values.shape[1]
    values = np.array(
        [
            unit.values(numbers[:size], corner[0], inverter_s)
            for (corner, numbers), inverter_s in zip(numbers_at.items(), fo4, strict=True)
        ]
    )
    pins = typical.pin_supply_v.shape[1]
    capacitance = np.array([numbers[size:] for numbers in numbers_at.values()])
    supply_v = np.array([volts for volts, _ in corners])
    leaks = "typical" if process == "typical" else LEAKAGE_PROCESS
    cell_w, state_w = leakage_of(typical, work, leaks, leaking)
    return replace(
        typical,
        supply_v=supply_v,
        temperature_c=np.array([temp for _, temp in corners]),
        pin_capacitance_f=capacitance.reshape(len(corners), pins, 4),
        pin_supply_v=np.repeat(supply_v[:, None], pins, axis=1),
        cell_leakage_w=cell_w,
        tables=replace(
            typical.tables, values=values, axis_values=np.array([unit.axis_values(f) for f in fo4])
        ),
        leakages=replace(typical.leakages, value_w=state_w),
        leakage_corners=Corners(
            supply_v=np.array([volts for volts, _ in leaking]),
            temperature_c=np.array([temp for _, temp in leaking]),
        ),
    )


def leakage_of(
    typical: CellLibrary, work: Path, process: str, corners: Sequence[Point]
) -> tuple[Floats, Floats]:
    """Leakage of cells [corners, cells] and of their states [corners, groups], as simulated."""
    cell_w, state_w = [], []
    for corner in corners:
        means, powers = [], []
        for number, cell in enumerate(typical.cells):
            name = cell.name.split("__")[1]
            task = Task("leakage", process, *corner, name)
            states = conditions(catalogue.cell(name), read_raw(work, task)["states"])
            rows = np.flatnonzero(typical.leakages.cell == number)
            wanted = [typical.conditions[typical.leakages.condition[row]] for row in rows]
            if wanted != [text for text, _ in states if text]:
                raise ValueError(f"{task}: the states are not those of typical transistors")
            powers += [power for text, power in states if text]
            means.append(float(np.mean([power for _, power in states])))
        cell_w.append(means)
        state_w.append(powers)
    return np.array(cell_w), np.array(state_w)


def _provenance(
    typical: CellLibrary, process: str, packed: Sequence[Point], leaking: Sequence[Point]
) -> dict[str, object]:
    kept = ("name", "origin", "simulator", "layouts", "options", "calibration", "conventions")
    models = settings.TIMING_MODELS[process], settings.LEAKAGE_MODELS[process]
    every, small = settings.EVERY_CELL[process], _small_corners(process)
    return {
        **{key: typical.provenance[key] for key in kept},
        "date": datetime.date.today().isoformat(),
        "transistor models": "BSIM4, sky130_fd_pr nfet_01v8 and pfet_01v8_hvt; corner "
        f"{models[0]} for timing and energy; {models[1]} for leakage, as in the official slow and "
        "fast files: the most a chip leaks; no mismatch",
        "simulated": f"all cells, 3 slews x 3 loads, at {_text(every)}; "
        f"{len(settings.SMALL_CELLS)} small cells at {_text(small)}; the inverter at every corner; "
        "leakage at its corners",
        "inferred": "everything else, as ratio to typical transistors at the same supply and "
        "temperature, times in inverter delays",
        "left out": typical.provenance["left out"],
        "corners": by_temperature(packed),
        "corners of leakage": by_temperature(leaking),
    }


def _text(corners: Sequence[Point]) -> str:
    return "; ".join(f"{temp}: {', '.join(each)}" for temp, each in by_temperature(corners).items())
