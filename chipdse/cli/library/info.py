"""`chipdse library info`: cells, corners, drive strengths, speed and leakage of a library."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.cli.library.options import add_process
from chipdse.units import show

if TYPE_CHECKING:
    from chipdse.netlist.library.entry import LibraryEntry
    from chipdse.netlist.library.library import CellLibrary


def add(verbs: Verbs) -> argparse.ArgumentParser:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "info",
        "cells, corners, drive strengths; speed and leakage over supply; origin",
        "chipdse library info sky130 --plot sky130.svg",
        _info,
    )
    parser.add_argument("name", help="a name from 'chipdse library list'")
    add_process(parser)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="figure: .svg, .png or .pdf")
    return parser


def _info(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.catalogue import resolve

    entry = resolve(arguments.name)
    library = entry.load(arguments.process)
    if arguments.plot is not None:
        from chipdse.report.pictures.library import draw_library

        draw_library(library, entry.name, arguments.plot)
    document = _document(entry, library)
    if arguments.json:
        print_json(document)
    else:
        print(_text(entry, library, document))
    return 0


def _document(entry: LibraryEntry, library: CellLibrary) -> dict[str, Any]:
    """The description of a library as the JSON document that `--json` prints."""
    from chipdse.report.pictures.library_summary import fo4, kinds, strengths

    speed = fo4(library.every_corner())
    return {
        "name": entry.name,
        "processes": {process: _corners_of(entry.load(process)) for process in entry.processes},
        "files": [str(path) for path in entry.every_file],
        "nominal_supply_v": entry.nominal.supply_v,
        "nominal_temperature_c": entry.nominal.temperature_c,
        "node_nm": entry.node_nm,
        "cell_count": len(library.cells),
        "kinds": kinds(library),
        "strengths": strengths(library),
        "inverter": speed.inverter,
        "corners": [
            {
                "supply_v": float(speed.supply_v[k]),
                "temperature_c": float(speed.temperature_c[k]),
                "fo4_s": float(speed.delay_s[k]),
                "fo4_energy_j": float(speed.energy_j[k]),
                "inverter_leakage_w": float(speed.leakage_w[k]),
            }
            for k in range(library.corner_count)
        ],
        "leakage": _leakage_of(library),
        "provenance": library.provenance,
    }


def _corners_of(library: CellLibrary) -> list[dict[str, float]]:
    """Supply and temperature of every characterised corner."""
    corners = zip(library.supply_v.tolist(), library.temperature_c.tolist(), strict=True)
    return [{"supply_v": volts, "temperature_c": celsius} for volts, celsius in corners]


def _leakage_of(library: CellLibrary) -> list[dict[str, float]]:
    """Leakage of the inverter at every supply and temperature at which leakage is known."""
    from chipdse.report.pictures.library_summary import inverter_leakage_w

    known = library.leakage_grid
    leakage = library.leakage_at(known.supply_v, known.temperature_c)
    return [
        {"supply_v": volts, "temperature_c": celsius, "inverter_leakage_w": watts}
        for volts, celsius, watts in zip(
            leakage.supply_v.tolist(),
            leakage.temperature_c.tolist(),
            inverter_leakage_w(leakage).tolist(),
            strict=True,
        )
    ]


def _text(entry: LibraryEntry, library: CellLibrary, document: dict[str, Any]) -> str:
    """The description of a library for the terminal."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in document["kinds"].items() if count)
    origin = "ships with chipdse" if entry.shipped else ", ".join(map(str, entry.every_file))
    lines = [
        f"{entry.name}: {len(library.cells)} cells ({kinds}), {library.corner_count} corners, "
        f"{library.process} transistors",
        f"from: {origin}",
        *(
            f"{process} transistors: {entry.load(process).grid.range_text()}"
            for process in entry.processes
        ),
        "",
        *_speed_table(document),
    ]
    if library.leakage_corners is not None:
        lines += ["", f"leakage of {document['inverter']}, known at corners of its own"]
        lines += _leakage_table(document["leakage"])
    lines += ["", "cells and drive strengths", *_strengths_lines(document["strengths"])]
    if library.provenance:
        lines += ["", "how it was made", *_provenance_lines(library.provenance)]
    return "\n".join(lines)


def _speed_table(document: Mapping[str, Any]) -> list[str]:
    """Delay, energy and leakage of an inverter with a fan-out of four, a line per corner."""
    lines = [
        f"{document['inverter']} with a load of four of itself",
        f"{'supply':>8} {'temperature':>12} {'FO4':>10} {'energy':>10} {'leakage':>10}",
    ]
    for corner in sorted(document["corners"], key=lambda c: (c["temperature_c"], -c["supply_v"])):
        lines.append(
            f"{show(corner['supply_v'], 'V'):>8} {corner['temperature_c']:>9g} °C"
            f" {show(corner['fo4_s'], 's'):>10} {show(corner['fo4_energy_j'], 'J'):>10}"
            f" {show(corner['inverter_leakage_w'], 'W'):>10}"
        )
    return lines


def _strengths_lines(strengths: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of cells with their drive strengths, in lines of at most 98 characters."""
    lines, line = [], ""
    for base, drive_strengths in strengths.items():
        word = f"{base} {'/'.join(drive_strengths)}" if any(drive_strengths) else base
        if len(line) + len(word) > 96:
            lines.append(f"  {line.rstrip(', ')}")
            line = ""
        line += f"{word}, "
    return [*lines, f"  {line.rstrip(', ')}"]


def _provenance_lines(provenance: Mapping[str, Any]) -> list[str]:
    """How a library was characterised, one entry per paragraph."""
    lines: list[str] = []
    for key, value in provenance.items():
        shown = (
            "; ".join(
                f"{k}: {v if isinstance(v, str) else ', '.join(map(str, v))}"
                for k, v in value.items()
            )
            if isinstance(value, dict)
            else str(value)
        )
        lines += textwrap.wrap(
            f"{key}: {shown}", 98, initial_indent="  ", subsequent_indent="      "
        )
    return lines


def _leakage_table(leakage: list[dict[str, float]]) -> list[str]:
    """Supplies down, temperatures across."""
    known = {
        (point["supply_v"], point["temperature_c"]): point["inverter_leakage_w"]
        for point in leakage
    }
    temps = sorted({temp for _, temp in known})
    lines = [f"{'supply':>8}" + "".join(f"{f'{temp:g} °C':>11}" for temp in temps)]
    for volts in sorted({volts for volts, _ in known}, reverse=True):
        cells = [show(known[volts, t], "W") if (volts, t) in known else "" for t in temps]
        lines.append(f"{show(volts, 'V'):>8}" + "".join(f"{cell:>11}" for cell in cells))
    return lines
