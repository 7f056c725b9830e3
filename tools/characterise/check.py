"""What is lost by inferring: every corner at which all cells were simulated is left out once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.library.pack import load_packed

from . import settings
from .compare import NEAR_ZERO_S
from .processes import Effect
from .units import Point, Units, entries_of, units
from .variants import effect_of


def report(typical: Path, work: Path, process: str) -> str:
    """Median and 95th percentile of the error of each quantity, by the corner left out."""
    unit = units(load_packed(typical), work)
    effect = effect_of(unit, work, process)
    lines = [
        f"{'left out':<16} {'delay':>14} {'transition':>14} {'energy':>14} {'capacitance':>14}"
    ]
    for corner in effect.every.corners:
        errors = _errors(unit, effect, corner)
        cells = [f"{np.median(e):6.1%} {np.percentile(e, 95):6.1%}" for e in errors]
        lines.append(
            f"{corner[0]:g} V {corner[1]:g} °C".ljust(16) + "".join(f"{c:>15}" for c in cells)
        )
    return "\n".join(lines)


def _errors(unit: Units, effect: Effect, corner: Point) -> list[Floats]:
    """Relative errors of delay, transition, energy and capacitance of all but the small cells."""
    place = effect.every.corners.index(corner)
    numbers_here = _numbers(unit, effect, place)
    rest = replace(
        effect,
        every=replace(
            effect.every,
            corners=effect.every.corners[:place] + effect.every.corners[place + 1 :],
            numbers=np.delete(effect.every.numbers, place, axis=0),
        ),
    )
    expected = rest.at(*corner)
    values = unit.library.tables.values.shape[1]
    pins = len(expected) - values
    is_time = np.append(unit.times, np.zeros(pins, dtype=bool))
    ramps = np.append(unit.ramps, np.zeros(pins))
    is_pin = np.arange(len(expected)) >= values
    others = ~entries_of(unit.library, settings.SMALL_CELLS)
    near_zero = np.where(ramps > 0, NEAR_ZERO_S / unit.fo4_s[0], 0.0)
    kinds = (
        ramps > 0,
        is_time & (ramps == 0) & ~unit.checks,
        ~is_time & ~is_pin,
        is_pin & (numbers_here > 0),
    )
    size = np.abs(numbers_here - ramps) + near_zero
    return [
        np.abs(expected - numbers_here)[kind & others & (size > 0)]
        / size[kind & others & (size > 0)]
        for kind in kinds
    ]


def _numbers(unit: Units, effect: Effect, place: int) -> Floats:
    """[entries] A simulated corner in its units, back from its ratios."""
    typical = unit.typical(*effect.every.corners[place])
    ratio, positive = effect.every.numbers[place], effect.every.positive
    return np.asarray(
        np.where(positive, typical * np.exp(np.where(positive, ratio, 0.0)), typical + ratio)
    )
