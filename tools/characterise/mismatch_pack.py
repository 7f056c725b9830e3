"""Raw mismatch of all cells and of the inverter, packed into the file that ships."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.run import read as raw_of
from chipdse.netlist.library.mismatch import KINDS, TERMS
from chipdse.store.sources import code_of

from . import catalogue, inputs, mismatch, mismatch_growth, settings
from .catalogue import PREFIX
from .layout import CellLayout
from .mismatch import POINTS, SHIFT, deviation
from .mismatch_growth import Growth, growth, together
from .run import Characteriser, corner_tag, write

FOLDER, GROWTH = "mismatch", "mismatch_growth"
SHAPE = ("size", "count", "tail")  # what `MismatchModel` has of an arc besides its polynomials
Key = tuple[str, str, str, bool, bool]  # cell, pin, output, whether both move alike, output rises
Corner = tuple[float, dict[Key, np.ndarray]]
# The code of the package that simulates mismatch.
_CODE = (
    "chipdse.characterise.combinational",
    "chipdse.characterise.sequential",
)
INVERTER, NARROW = "inverter", "narrow"
# Supplies of typical transistors at 25 °C at which all cells are simulated; falling, so that the
# inverter's relative deviation rises.
SUPPLIES_V = (1.8, 0.8, 0.6)
# Of gates also the growth with the threshold voltage, where a path's tail depends on it.
GROWTH_SUPPLIES_V = (0.6,)
WIDE_M = 1e-6  # the inverter's p transistor
NARROW_SIZE = 1.0 / 0.42  # of narrow p transistors: the inverter's width over theirs
# Relative deviations of setup and hold over the inverter's: README.md.
SETUP, HOLD = 3.1, 5.5


def read(work: Path, process: str, supply_v: float, temperature_c: float, name: str) -> Any:
    """One raw file."""
    file = work / FOLDER / corner_tag(process, supply_v, temperature_c) / f"{name}.json"
    return json.loads(file.read_text())


Task = tuple[str, str, str, float, float]  # folder, name, process, supply [V], temperature [°C]


def needed() -> Iterator[Task]:
    """What must be simulated, in order of use."""
    temperature_c = settings.NOMINAL_TEMPERATURE_C
    for process in settings.PROCESSES:
        for temp in settings.PACKED_TEMPERATURES_C:
            for supply_v in settings.PACKED_SUPPLIES_V:
                yield FOLDER, INVERTER, process, supply_v, temp
    cells = [catalogue.cell(name) for name in settings.CELLS]
    for supply_v in SUPPLIES_V:
        yield FOLDER, NARROW, "typical", supply_v, temperature_c
        for name, cell in zip(settings.CELLS, cells, strict=True):
            if cell.inputs:
                yield FOLDER, name, "typical", supply_v, temperature_c
    for supply_v in GROWTH_SUPPLIES_V:
        for name, cell in zip(settings.CELLS, cells, strict=True):
            if cell.inputs and cell.sequential is None:
                yield GROWTH, name, "typical", supply_v, temperature_c


def key_of(characteriser: Characteriser, task: Task) -> str:
    """Digest of all that a raw file follows from."""
    folder, name, process, *point = task
    modules = (mismatch, mismatch_growth) if folder == GROWTH else (mismatch,)
    cell = {INVERTER: "inv_1", NARROW: "mux2_1"}.get(name, name)
    scale = [characteriser.corner_key(process, *point)]
    if name != INVERTER:
        nominal = settings.NOMINAL_SUPPLY_V, settings.NOMINAL_TEMPERATURE_C
        grid = settings.SLEWS_S.tolist(), settings.SMALLEST_LOAD_F, settings.LOADS
        scale += [characteriser.corner_key("typical", *nominal), characteriser.load_key(cell), grid]
    models = settings.TIMING_MODELS[process]
    code = code_of(*_CODE), *map(inspect.getsource, modules)
    return characteriser.key(cell, models, code, folder, name, point, scale)


def simulate(work: Path) -> list[str]:
    """Make every raw file that is not there yet, or of other inputs; what went wrong."""
    failures = []
    with Characteriser(work) as characteriser:
        for task in needed():
            folder, name, process, supply_v, temp = task
            file = work / folder / corner_tag(process, supply_v, temp) / f"{name}.json"
            key = key_of(characteriser, task)
            if raw_of(file, key) is not None:
                continue
            file.unlink(missing_ok=True)
            point = (supply_v, temp)
            try:
                if folder == GROWTH:
                    result: Any = {"arcs": growth(characteriser, name, process, point)}
                elif name == INVERTER:
                    result = mismatch.inverter(characteriser, process, point)
                elif name == NARROW:
                    result = mismatch.narrow_share(characteriser, process, point)
                else:
                    result = mismatch.arcs(characteriser, name, process, point)
            except SimulationError as error:
                failures.append(f"{name} {process} {supply_v:g} V {temp:g} °C: {error}")
                continue
            write(file, {"key": key, **result})
    return failures


def terms(
    arc: dict[str, Any],
    raw: dict[str, Any],
    inverter: dict[str, Any],
    shares: dict[str, float],
    grown: dict[str, Growth | None],
) -> np.ndarray:
    """Polynomials of one arc [kinds, TERMS], in the units of `MismatchModel`.

    Parameters
    ----------
    shares : by kind, deviation by all parameters over that by the threshold voltage
    grown : by kind, what is known of the transistors that decide the arc
    """
    fo4_s = raw["fo4_s"]
    (_, low_f), (_, high_f), (slow_s, _) = raw["points"]
    # A transistor's effect is linear in the load: weights of its values at the two loads.
    span = high_f - low_f
    constant, slope = (
        np.array([1 + low_f / span, -low_f / span]),
        np.array([-1 / span, 1 / span]),
    )
    kind_terms = np.zeros((len(KINDS), TERMS))
    for row, kind in enumerate(KINDS):
        gram = np.array(arc["gram_s2"][kind])
        # The transistors were shifted by a part of a deviation, with an exponential effect.
        shift = SHIFT * inverter[kind]["spread"] / shares[kind]
        growth = grown[kind]
        linear = (shares[kind] * shift / np.expm1(shift)) ** 2 if growth is None else growth.linear
        gram *= linear / inverter[kind]["deviation_s"] ** 2
        count = len(POINTS)
        delay, slew = gram[:2, :2], gram[count : count + 2, count : count + 2]
        both = gram[:2, count : count + 2]

        def over_load(matrix: np.ndarray) -> list[float]:
            mixed = constant @ matrix @ slope + slope @ matrix @ constant
            return [constant @ matrix @ constant, mixed, slope @ matrix @ slope]

        ramp = max(gram[2, 2] - gram[0, 0], 0.0) / (slow_s / fo4_s) ** 2
        kind_terms[row] = [*over_load(delay), ramp, *over_load(slew), *over_load(both)]
    return kind_terms


def size(layout: CellLayout, inverter: CellLayout) -> list[float]:
    """Variance of a cell's n and p transistors over that of the inverter's.

    The mean is weighted by the variances, because the small transistors decide.
    """
    kind_terms = []
    for kind in KINDS:
        sizes_of_kind, its = (
            np.array([deviation(d, "vth0") ** 2 for d in each.devices if d.kind == kind])
            for each in (layout, inverter)
        )
        kind_terms.append(float((sizes_of_kind**2).sum() / sizes_of_kind.sum() / its[0]))
    return kind_terms


def pack(work: Path, target: Path, supplies_v: tuple[float, ...] = SUPPLIES_V) -> dict[str, Any]:
    """Write the file; its arrays.

    A cell that was not simulated at a supply between the others is interpolated there.
    """
    corners = [_corner(work, supply_v) for supply_v in supplies_v]
    keys = [key for key in corners[0][1] if key in corners[-1][1]]
    position = np.log([relative for relative, _ in corners])
    values = np.array(
        [
            [[np.interp(at, *series) for series in _series(key, corners, position)] for key in keys]
            for at in position
        ]
    ).reshape(len(corners), len(keys), len(KINDS), TERMS + len(SHAPE))
    polynomials = values[..., :TERMS]
    scale = np.abs(polynomials).max(axis=(0, 1, 2))
    arrays: dict[str, Any] = {
        "cell": np.array([key[0] for key in keys]),
        "pin": np.array([key[1] for key in keys]),
        "output": np.array([key[2] for key in keys]),
        "alike": np.array([key[3] for key in keys]),
        "rises": np.array([key[4] for key in keys]),
        "relative": np.exp(position),
        "scale": scale,
        "terms": (polynomials / scale).astype(np.float32),
        **{name: values[..., TERMS + at].astype(np.float32) for at, name in enumerate(SHAPE)},
        "setup": np.array(SETUP),
        "hold": np.array(HOLD),
    }
    for process in settings.PROCESSES:
        arrays |= _inverters(work, process)
    with target.open("wb") as file_out:
        np.savez_compressed(file_out, **arrays)
    return arrays


def _series(
    key: Key, corners: list[Corner], position: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each number of an arc: where it is known, and its values."""
    known = [place for place, (_, rows) in enumerate(corners) if key in rows]
    values = np.array([corners[place][1][key].ravel() for place in known])
    return [(position[known], column) for column in values.T]


def _corner(work: Path, supply_v: float) -> Corner:
    """The inverter's relative deviation and the arcs of all cells that were simulated."""
    temperature_c = settings.NOMINAL_TEMPERATURE_C
    layouts, _ = inputs.load()
    inverter = read(work, "typical", supply_v, temperature_c, INVERTER)
    narrow = read(work, "typical", supply_v, temperature_c, NARROW)
    rows: dict[Key, np.ndarray] = {}
    for name in settings.CELLS:
        file = work / FOLDER / corner_tag("typical", supply_v, temperature_c) / f"{name}.json"
        if not file.exists():
            continue
        raw = json.loads(file.read_text())
        sizes = size(layouts[name], layouts["inv_1"])
        shares = _shares(sizes, inverter, narrow["share"])
        growths = _growths(work, supply_v, name, inverter, narrow)
        for arc in raw["arcs"]:
            alike = arc["input_rises"] == arc["rises"]
            key = (PREFIX + name, arc["pin"], arc["output"], alike, arc["rises"])
            grown = growths.get(key[1:], dict.fromkeys(KINDS))
            factors = [
                (sizes_of_kind * (shares[kind] / inverter[kind]["share"]) ** 2, 1.0, 1.0)
                if growth is None
                else (growth.squared / inverter[kind]["spread"] ** 2, growth.count, growth.tail)
                for (kind, growth), sizes_of_kind in zip(grown.items(), sizes, strict=True)
            ]
            polynomials = terms(arc, raw, inverter, shares, grown)
            rows[key] = np.column_stack([polynomials, factors])
    return inverter["n"]["relative"], rows


def _growths(
    work: Path,
    supply_v: float,
    name: str,
    inverter: dict[str, Any],
    narrow: dict[str, float],
) -> dict[tuple[str, str, bool, bool], dict[str, Growth | None]]:
    """By arc of a gate and kind; empty where it was not simulated."""
    tag = corner_tag("typical", supply_v, settings.NOMINAL_TEMPERATURE_C)
    file = work / GROWTH / tag / f"{name}.json"
    if not file.exists():
        return {}

    def spread_of(kind: str, width_m: float, by_voltage: float) -> float:
        wide = (inverter[kind]["share"] * by_voltage) ** 2
        part = _narrowness(WIDE_M / width_m) if kind == "p" else 0.0
        return math.sqrt(wide + part * (by_voltage**2 + narrow["added"] ** 2 - wide))

    return {
        (arc["pin"], arc["output"], arc["input_rises"] == arc["rises"], arc["rises"]): {
            kind: together(arc["transistors"], kind, partial(spread_of, kind)) for kind in KINDS
        }
        for arc in json.loads(file.read_text())["arcs"]
    }


def _shares(sizes: list[float], inverter: dict[str, Any], narrow: float) -> dict[str, float]:
    """By kind, of a cell between wide and narrow p transistors."""
    part = _narrowness(sizes[1])
    wide = inverter["p"]["share"]
    return {"n": inverter["n"]["share"], "p": wide + part * (narrow - wide)}


def _narrowness(size: float) -> float:
    """0 for wide and 1 for narrow p transistors, from variance over that of the inverter's."""
    return min(max((size - 1) / (NARROW_SIZE - 1), 0.0), 1.0)


def _inverters(work: Path, process: str) -> dict[str, np.ndarray]:
    rows = []
    for temperature_c in settings.PACKED_TEMPERATURES_C:
        for supply_v in settings.PACKED_SUPPLIES_V:
            tag = corner_tag(process, supply_v, temperature_c)
            file = work / FOLDER / tag / f"{INVERTER}.json"
            if file.exists():
                raw = json.loads(file.read_text())
                deviations = [
                    raw[kind][name] for name in ("deviation_s", "spread") for kind in KINDS
                ]
                relative = raw["n"]["relative"]
                rows.append((supply_v, temperature_c, raw["fo4_s"], relative, *deviations))
    table = np.array(rows)
    names = ("supply_v", "temperature_c", "fo4_s", "relative")
    kind_terms = {f"inverter.{process}.{name}": table[:, at] for at, name in enumerate(names)}
    first = len(names)
    return kind_terms | {
        f"inverter.{process}.deviation_s": table[:, first : first + 2],
        f"inverter.{process}.spread": table[:, first + 2 :],
    }
