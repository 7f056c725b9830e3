"""What the mismatch model loses: cells simulated at corners that it does not hold, against it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from chipdse.netlist.library.mismatch import KINDS, MismatchModel

from . import settings
from .catalogue import PREFIX
from .mismatch import POINTS, SHIFT
from .mismatch_pack import FOLDER, INVERTER, SUPPLIES_V
from .run import corner_tag


def report(work: Path, model: MismatchModel) -> str:
    """Median and 90 % of the errors of linear deviations, by corner."""
    lines = []
    for process in settings.PROCESSES:
        for folder in sorted((work / FOLDER).glob(f"{process}_*")):
            files = [file for file in folder.glob("*.json") if file.stem in settings.CELLS]
            supply_v, temperature_c = (float(word[:-1]) for word in folder.name.split("_")[1:])
            held = process == "typical" and temperature_c == 25.0 and supply_v in SUPPLIES_V
            if not files or held:
                continue
            errors = _errors(work, files, process, supply_v, temperature_c, model)
            lines.append(
                f"{process} {supply_v:g} V {temperature_c:g} °C: {len(files)} cells, median "
                f"{100 * np.median(errors):.1f} %, 90 % {100 * np.quantile(errors, 0.9):.1f} %"
            )
    return "\n".join(lines)


def _errors(
    work: Path,
    files: list[Path],
    process: str,
    supply_v: float,
    temperature_c: float,
    model: MismatchModel,
) -> np.ndarray:
    tag = corner_tag(process, supply_v, temperature_c)
    inverter = json.loads((work / FOLDER / tag / f"{INVERTER}.json").read_text())
    errors = []
    for file in files:
        raw = json.loads(file.read_text())
        for arc in raw["arcs"]:
            alike = arc["input_rises"] == arc["rises"]
            key = (PREFIX + file.stem, arc["pin"], arc["output"], alike, arc["rises"])
            number = np.array([model.arcs[key]])
            polynomials, _ = model.coefficients(
                process, np.array([supply_v]), np.array([temperature_c]), number, linear=True
            )
            simulated = np.zeros(len(POINTS))
            for kind in KINDS:
                share, spread = inverter[kind]["share"], inverter[kind]["spread"]
                shift = SHIFT * spread / share
                gram = np.diag(np.array(arc["gram_s2"][kind]))[: len(POINTS)]
                simulated += gram * (share * shift / np.expm1(shift)) ** 2
            terms = polynomials[0, 0]
            for place, (slew_s, load_f) in enumerate(raw["points"]):
                # The first slew is that of the polynomial over loads.
                ramp = terms[3] * slew_s**2 if place == len(POINTS) - 1 else 0.0
                variance = terms[0] + load_f * (terms[1] + load_f * terms[2]) + ramp
                errors.append(abs(np.sqrt(variance / simulated[place]) - 1))
    return np.array(errors)
