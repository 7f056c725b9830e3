"""What a cell library is like: its cells by kind and strength, speed and leakage over supply."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import ClockGate, FlipFlop, Latch
from chipdse.netlist.library.library import CellLibrary, LeakagePoints, OperatingLibrary
from chipdse.netlist.library.tables import TableSet

_STRENGTHS = (re.compile(r"(.+?)_?[xX](p?\d+(?:p\d+)?)(\D*)"), re.compile(r"(.+?)_(\d+)()"))
FANOUT = 4


@dataclass(frozen=True, kw_only=True)
class Speed:
    """A small inverter with a load of four of itself, at K operating points.

    delay_s : mean of rise and fall, the input's slew being its own output's
    energy_j : of one rise and one fall, internal and of the load
    leakage_w : of the inverter, mean of its states
    """

    inverter: str
    supply_v: Floats
    temperature_c: Floats
    delay_s: Floats
    energy_j: Floats
    leakage_w: Floats


def kinds(library: CellLibrary) -> dict[str, int]:
    """How many cells of each kind."""
    counts = dict.fromkeys(("combinational", "flip-flops", "latches", "clock gates", "macros"), 0)
    for cell in library.cells:
        match cell.sequential:
            case FlipFlop():
                counts["flip-flops"] += 1
            case Latch():
                counts["latches"] += 1
            case ClockGate():
                counts["clock gates"] += 1
            case _:
                counts["macros" if cell.is_macro else "combinational"] += 1
    return counts


def strengths(library: CellLibrary) -> dict[str, tuple[str, ...]]:
    """Cells by name without the drive strength, and the strengths there are, ascending.

    What all names of the library begin and end with is left out.
    """
    names = [cell.name for cell in library.cells]
    start = _common_start(names)
    end = _common_start([name[::-1] for name in names])[::-1]
    strengths_of: dict[str, list[str]] = {}
    for name in names:
        short = name[len(start) : len(name) - len(end)]
        match = next((m for m in (r.fullmatch(short) for r in _STRENGTHS) if m), None)
        base, strength = (match[1] + match[3], match[2]) if match else (short, "")
        strengths_of.setdefault(base, []).append(strength)
    return {base: tuple(sorted(texts, key=_size)) for base, texts in sorted(strengths_of.items())}


def _size(strength: str) -> float:
    """`2`, `1p5` or `p33` as a number."""
    return float(strength.replace("p", ".") or 0)


def _common_start(names: list[str]) -> str:
    """What all names begin with, up to an underscore."""
    first, last = min(names), max(names)
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[: first.rfind("_", 0, length) + 1] if len(names) > 1 else ""


def fo4(points: OperatingLibrary) -> Speed:
    """Fanout-of-4 delay and energy of the smallest inverter, and its leakage.

    Raises
    ------
    DesignError : the library has no inverter
    """
    library = points.library
    number = _smallest_inverter(library)
    arcs, powers = library.arcs, library.powers
    arc = int(np.flatnonzero((arcs.cell == number) & (arcs.rise_delay >= 0))[0])
    tables = TableSet.of(
        points,
        np.array(
            [
                arcs.rise_delay[arc],
                arcs.fall_delay[arc],
                arcs.rise_slew[arc],
                arcs.fall_slew[arc],
            ],
            dtype=np.int64,
        ),
    )
    load = FANOUT * points.pin_capacitance_f[:, arcs.source[arc], :2].mean(axis=1)
    slew = np.full(points.count, 50e-12)
    pair: Int64s = np.array([0, 1], dtype=np.int64)
    for _ in range(30):  # the slew of its own output: converges by a factor of 3 per step
        slew = tables.lookup(pair + 2, slew[:, None], load[:, None]).mean(axis=1)
    delay = tables.lookup(pair, slew[:, None], load[:, None]).mean(axis=1)
    energy = load * points.supply_v**2
    groups = np.flatnonzero((powers.cell == number) & (powers.related >= 0))
    for group in groups:
        both = np.array([powers.rise[group], powers.fall[group]], dtype=np.int64)
        both = both[both >= 0]
        if len(both):
            energies = TableSet.of(points, both).lookup(
                np.arange(len(both)), slew[:, None], load[:, None]
            )
            energy = energy + energies.sum(axis=1) / len(groups)
    return Speed(
        inverter=library.cells[number].name,
        supply_v=points.supply_v,
        temperature_c=points.temperature_c,
        delay_s=delay,
        energy_j=energy,
        leakage_w=inverter_leakage_w(points.leakage),
    )


def inverter_leakage_w(points: LeakagePoints) -> Floats:
    """Leakage of the smallest inverter [K], mean of its states.

    Raises
    ------
    DesignError : the library has no inverter
    """
    library = points.library
    number = _smallest_inverter(library)
    rows = np.flatnonzero((library.leakages.cell == number) & (library.leakages.condition >= 0))
    if not len(rows):
        return points.cells_w()[:, number]
    states = len(np.unique(library.leakages.condition[rows]))
    # each supply pin of a state may have its own group
    mean: Floats = points.groups_w(rows).sum(axis=1) / states
    return mean


def _smallest_inverter(library: CellLibrary) -> int:
    """The inverter of least area and input capacitance; by name where they are equal."""
    candidates = []
    for number, cell in enumerate(library.cells):
        if cell.sequential is not None or len(cell.inputs) != 1 or len(cell.outputs) != 1:
            continue
        out, source = cell.pins[cell.outputs[0]], cell.pins[cell.inputs[0]]
        text = str(out.function).replace(" ", "").strip("()")
        if text not in (f"!{source.name}", f"{source.name}'", f"!({source.name})"):
            continue
        load = library.pin_capacitance_f[0, library.pin_start[number] + cell.inputs[0], 0]
        timed = ((library.arcs.cell == number) & (library.arcs.rise_delay >= 0)).any()
        if timed and not cell.dont_use:
            candidates.append((cell.area_m2, float(load), cell.name, number))
    if not candidates:
        raise DesignError(f"library {library.name} has no inverter to measure")
    return min(candidates)[3]
