"""Fit the SRAM macro model to the Liberty files of published compiled macros.

    python -m tools.sram_fit ../shared/pdk/sram > chipdse/technology/data/sram.toml

Every term of the model is linear in its coefficients; they are fitted to the relative error.
Beside each entry stands its error on the macros it was fitted to, and the error on each macro
when the others alone are fitted (leave one out).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import ARC_KINDS, CellLibrary
from chipdse.technology.sram import column_mux

SOURCES = {
    "ihp_1p": "RM_IHPSG13_1P macros of IHP-Open-PDK (IHP-GmbH, Apache-2.0), typ 1.20 V 25 C",
    "sky130_1rw1r": "sky130_sram_1rw1r macros of OpenRAM (VLSIDA, BSD-3-Clause), TT 1.8 V 25 C",
}


@dataclass(frozen=True, kw_only=True)
class Macro:
    """What a Liberty file says of one macro; SI units.

    access_s : clock edge to data at the middle slew, taken back to no load
    access_per_load_s_per_f : how the access time grows with the load
    read_j, write_j, idle_j : of the clock in a cycle with that access, or none
    setup_s, hold_s : the largest of any address, data or control pin, at the middle slews
    """

    family: str
    words: int
    bits: int
    area_m2: float
    access_s: float
    access_per_load_s_per_f: float
    output_slew_s: float
    setup_s: float
    hold_s: float
    read_j: float
    write_j: float
    idle_j: float
    leakage_w: float
    pin_f: float


def read_macro(path: Path) -> Macro:
    """The figures of one macro."""
    library = read_liberty([path])
    first, second = map(int, re.findall(r"(\d+)x(\d+)", path.name)[0])
    ihp = "IHPSG13" in path.name
    words, bits = (first, second) if ihp else (second, first)
    arcs = library.arcs
    kinds = [ARC_KINDS[kind] for kind in arcs.kind]
    names = [library.pin_name(pin).split("/")[1] for pin in arcs.sink]
    in_family = [n for n, name in enumerate(names) if "BIST" not in name and "DLY" not in name]
    launch = next(n for n in in_family if kinds[n] in ("rising_edge", "falling_edge"))
    delay, loads = _middle(library, int(arcs.rise_delay[launch]))
    slew, _ = _middle(library, int(arcs.rise_slew[launch]))
    near = int(np.argmin(np.abs(loads - 10e-15)))
    per_load = float((delay[-1] - delay[0]) / (loads[-1] - loads[0]))
    checks = {
        kind: [
            float(np.median(_values(library, int(arcs.rise_delay[n]))))
            for n in in_family
            if kinds[n] == kind
        ]
        for kind in ("setup_rising", "hold_rising")
    }
    read, write, idle = _energies(library, ihp)
    data = [n for n, pin in enumerate(library.cells[0].pins) if re.match(r"A_DIN|din0", pin.name)]
    return Macro(
        family="ihp_1p" if ihp else "sky130_1rw1r",
        words=words,
        bits=bits,
        area_m2=library.cells[0].area_m2,
        access_s=float(delay[0] - per_load * loads[0]),
        access_per_load_s_per_f=per_load,
        output_slew_s=float(slew[near]),
        setup_s=max(checks["setup_rising"]),
        hold_s=max(checks["hold_rising"]),
        read_j=read,
        write_j=write,
        idle_j=idle,
        leakage_w=float(library.cell_leakage_w[0, 0]),
        pin_f=float(library.pin_capacitance_f[0, data].max(axis=1).mean()),
    )


def _values(library: CellLibrary, table: int) -> np.ndarray:
    tables = library.tables
    count = max(int(tables.rows[table]), 1) * max(int(tables.columns[table]), 1)
    return tables.values[0, tables.start[table] : tables.start[table] + count]


def _middle(library: CellLibrary, table: int) -> tuple[np.ndarray, np.ndarray]:
    """The row of the middle slew, and its loads [F]."""
    tables = library.tables
    rows, columns = max(int(tables.rows[table]), 1), int(tables.columns[table])
    axis = int(tables.column_axis[table])
    loads = tables.axis_values[0, tables.axis_start[axis] : tables.axis_start[axis + 1]]
    return _values(library, table).reshape(rows, columns)[rows // 2], loads


def _energies(library: CellLibrary, ihp: bool) -> tuple[float, float, float]:
    """Energy of one clock cycle that reads, writes, or does neither [J]."""
    powers, solution = library.powers, {}
    for n in range(len(powers.cell)):
        pin = library.pin_name(int(powers.pin[n])).split("/")[1]
        if pin in ("A_CLK", "clk0"):
            words = library.conditions[powers.condition[n]].replace(" ", "")
            both = (int(powers.rise[n]), int(powers.fall[n]))
            solution[words] = sum(float(_values(library, t).mean()) for t in both if t >= 0)
    if not ihp:  # one number for all states: selected or not
        return solution["!csb0&web0"], solution["!csb0&!web0"], float("nan")
    plain = {key.replace("A_", ""): value for key, value in solution.items()}
    return plain["MEN&!WEN&REN"], plain["MEN&WEN&!REN"], plain["!MEN&!WEN&REN"]


Term = Callable[[Macro], float]
ONE: Term = lambda macro: 1.0  # noqa: E731
CELLS: Term = lambda macro: macro.words * macro.bits  # noqa: E731
BITS: Term = lambda macro: macro.bits  # noqa: E731
ROWS: Term = lambda macro: macro.words / column_mux(macro.family, macro.words)  # noqa: E731
# quantity: what is fitted, and the terms with the names of their coefficients and units.
MODEL: dict[str, tuple[Callable[[Macro], float], dict[str, dict[str, tuple[Term, str]]]]] = {
    "area": (
        lambda macro: macro.area_m2,
        {
            family: {
                "area_cell": (CELLS, "um2"),
                "area_bit": (BITS, "um2"),
                "area_row": (ROWS, "um2"),
            }
            for family in SOURCES
        },
    ),
    "access": (
        lambda macro: macro.access_s,
        {family: {"access": (ONE, "ns"), "access_row": (ROWS, "ns")} for family in SOURCES},
    ),
    "read": (
        lambda macro: macro.read_j,
        {
            "ihp_1p": {"read": (ONE, "pJ"), "read_cell": (CELLS, "pJ"), "read_bit": (BITS, "pJ")},
            "sky130_1rw1r": {"read": (ONE, "pJ"), "read_cell": (CELLS, "pJ")},
        },
    ),
    "write": (
        lambda macro: macro.write_j,
        {
            "ihp_1p": {
                "write": (ONE, "pJ"),
                "write_cell": (CELLS, "pJ"),
                "write_bit": (BITS, "pJ"),
            },
            "sky130_1rw1r": {"write": (ONE, "pJ"), "write_cell": (CELLS, "pJ")},
        },
    ),
    "leakage": (
        lambda macro: macro.leakage_w,
        {
            "ihp_1p": {"leakage_cell": (CELLS, "pW")},
            "sky130_1rw1r": {"leakage": (ONE, "pW"), "leakage_cell": (CELLS, "pW")},
        },
    ),
}
FACTORS = {"um2": 1e-12, "ns": 1e-9, "pJ": 1e-12, "pW": 1e-12, "fF": 1e-15, "-": 1.0}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Coefficients [SI] and relative errors: on what was fitted, and leaving each out."""

    coefficients: dict[str, tuple[float, str]]
    fitted: list[float]
    left_out: list[float]


def fit(quantity: str, family: str, macros: Sequence[Macro]) -> Fit:
    """Least squares of the relative error, and leave-one-out cross-validation."""
    value, families = MODEL[quantity]
    terms = families[family]
    in_family = [macro for macro in macros if macro.family == family]
    truth = np.array([value(macro) for macro in in_family])
    matrix = (
        np.array([[term(macro) for term, _ in terms.values()] for macro in in_family])
        / truth[:, None]
    )

    def solve(rows: np.ndarray) -> np.ndarray:
        return np.linalg.lstsq(matrix[rows], np.ones(len(rows)), rcond=None)[0]

    every = np.arange(len(in_family))
    solution = solve(every)
    left_out = [float(matrix[n] @ solve(np.delete(every, n)) - 1) for n in every]
    return Fit(
        coefficients={
            name: (float(c), unit)
            for c, (name, (_, unit)) in zip(solution, terms.items(), strict=True)
        },
        fitted=[float(error) for error in matrix @ solution - 1],
        left_out=left_out,
    )


def toml_of(macros: Sequence[Macro]) -> str:
    """The data file."""
    entries: dict[str, dict[str, tuple[float, str, str]]] = {}
    for family in SOURCES:
        for quantity in MODEL:
            result = fit(quantity, family, macros)
            worst, mean = max(map(abs, result.left_out)), np.mean(np.abs(result.left_out))
            note = (
                f"{quantity}: off by at most {max(map(abs, result.fitted)):.1%} where fitted; left "
                f"out, {mean:.1%} in the mean and at most {worst:.1%}"
            )
            for name, (number, unit) in result.coefficients.items():
                entries.setdefault(name, {})[family] = (number / FACTORS[unit], unit, note)
        in_family = [macro for macro in macros if macro.family == family]
        for name, unit, number, note in _common(in_family, macros):
            entries.setdefault(name, {})[family] = (number, unit, note)
    lines = ["# Coefficients of the SRAM macro model (chipdse/technology/sram.py), written by", ""]
    lines[1] = "# `python -m tools.sram_fit FOLDER` from the Liberty files that `source` names."
    for name, families in entries.items():
        unit = next(iter(families.values()))[1]
        lines += ["", f"[{name}]", f'doc = "{DOCS[name]}"', f'unit = "{unit}"']
        lines += ['source = "see the values"', f"[{name}.values]"]
        for family, (number, _, note) in families.items():
            extra = f', note = "{note}"' if note else ""
            lines.append(
                f'{family} = {{ value = {number:.6g}, source = "{SOURCES[family]}"{extra} }}'
            )
    return "\n".join([*lines, ""])


DOCS = {
    "area_cell": "area a stored bit adds",
    "area_bit": "area a bit of the word adds: sense amplifiers, drivers",
    "area_row": "area a row adds: its word line's driver",
    "access": "clock edge to data of a macro without rows",
    "access_row": "what a row adds to it",
    "read": "energy of a reading clock cycle of a macro without cells",
    "read_cell": "what a stored bit adds to it",
    "read_bit": "what a bit of the word adds to it",
    "write": "energy of a writing clock cycle of a macro without cells",
    "write_cell": "what a stored bit adds to it",
    "write_bit": "what a bit of the word adds to it",
    "leakage": "leakage of a macro without cells",
    "leakage_cell": "what a stored bit adds to it",
    "access_per_ff": "access time a femtofarad of load adds",
    "output_slew": "slew of the data output at about 10 fF of load",
    "setup": "setup time of every input",
    "hold": "hold time of every input",
    "pin": "capacitance of an input pin",
    "idle_frac": "clock energy of a cycle without access over that of a read",
    "words_min": "fewest words of the fitted macros",
    "words_max": "most words of the fitted macros",
    "bits_min": "narrowest word of the fitted macros",
    "bits_max": "widest word of the fitted macros",
    "supply": "supply of the fitted macros",
    "temperature": "temperature of the fitted macros",
}


def _common(
    in_family: Sequence[Macro], every: Sequence[Macro]
) -> list[tuple[str, str, float, str]]:
    """What is not fitted over the size: means, worst cases, ranges."""
    shares = [macro.idle_j / macro.read_j for macro in every if np.isfinite(macro.idle_j)]
    known = all(np.isfinite(macro.idle_j) for macro in in_family)
    idle = "" if known else "the files give one number, selected or not: the share of ihp_1p"
    supply = {"ihp_1p": 1.2, "sky130_1rw1r": 1.8}[in_family[0].family]
    return [
        (
            "access_per_ff",
            "ns",
            float(np.mean([m.access_per_load_s_per_f for m in in_family])) * 1e-6,
            "",
        ),
        ("output_slew", "ns", max(m.output_slew_s for m in in_family) * 1e9, "the slowest"),
        ("setup", "ns", max(m.setup_s for m in in_family) * 1e9, "the largest of any pin"),
        ("hold", "ns", max(m.hold_s for m in in_family) * 1e9, "the largest of any pin"),
        ("pin", "fF", float(np.mean([m.pin_f for m in in_family])) * 1e15, "mean over data inputs"),
        ("idle_frac", "-", float(np.mean(shares)), idle),
        ("words_min", "-", min(m.words for m in in_family), ""),
        ("words_max", "-", max(m.words for m in in_family), ""),
        ("bits_min", "-", min(m.bits for m in in_family), ""),
        ("bits_max", "-", max(m.bits for m in in_family), ""),
        ("supply", "V", supply, ""),
        ("temperature", "C", 25.0, ""),
    ]


def read_macros(folder: Path) -> list[Macro]:
    """Every macro of a folder of Liberty files."""
    return [read_macro(path) for path in sorted(folder.glob("*.lib.gz"))]


if __name__ == "__main__":
    print(toml_of(read_macros(Path(sys.argv[1]))), end="")
