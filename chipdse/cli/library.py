"""`chipdse library`: the cell libraries that can be used by name."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli import library_characterise
from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError
from chipdse.reading import check_exist
from chipdse.units import parse_quantity, show

if TYPE_CHECKING:
    from chipdse.netlist.library.catalogue import LibraryEntry
    from chipdse.netlist.library.library import CellLibrary
    from chipdse.netlist.library.public import PublicLibrary

_EXAMPLE = """\
examples:
  chipdse library list
  chipdse library info sky130 --plot sky130.svg
  chipdse library export sky130 --supply 0.9V --to sky130_0v9.lib
  chipdse library export sky130 --process slow --supply 1.6V --temperature 100C --to slow.lib
  chipdse library add ihp sg13g2_typ_1p20V_25C.lib.gz sg13g2_typ_1p50V_25C.lib.gz --node 130nm
  chipdse library remove ihp
  chipdse library get asap7
  chipdse library characterise cells.toml --to liberty

Added libraries are named in sweep files like the one that ships; see docs/concepts/library.md."""


def add(verbs: Verbs) -> None:
    """Declare the verb and its own verbs."""
    parser = verbs.add_parser(
        "library",
        help="list, describe, export, add and remove cell libraries",
        description="The cell libraries that can be used by name.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inner = parser.add_subparsers(dest="library_verb", metavar="VERB", required=True)
    lists = add_verb(inner, "list", "names of all libraries", "chipdse library list", _list)
    info = add_verb(
        inner,
        "info",
        "cells, corners, drive strengths; speed and leakage over supply; origin",
        "chipdse library info sky130 --plot sky130.svg",
        _info,
    )
    info.add_argument("name", help="a name from 'chipdse library list'")
    _add_process(info)
    info.add_argument("--plot", type=Path, metavar="FILE", help="figure: .svg, .png or .pdf")
    export = add_verb(
        inner,
        "export",
        "write a library at one operating point as a Liberty file",
        "chipdse library export sky130 --supply 0.9V --to sky130_0v9.lib",
        _export,
    )
    export.add_argument("name", help="a name from 'chipdse library list'")
    _add_process(export)
    export.add_argument("--supply", metavar="V", help="e.g. 0.9V; default the nominal supply")
    export.add_argument(
        "--temperature", metavar="C", help="e.g. 85C or -20C; default the nominal one"
    )
    export.add_argument("--to", type=Path, required=True, metavar="FILE", help="Liberty file")
    adds = add_verb(
        inner,
        "add",
        "keep your own Liberty files under a name; several corners make one library",
        "chipdse library add ihp sg13g2_typ_1p20V_25C.lib.gz sg13g2_typ_1p50V_25C.lib.gz",
        _add,
    )
    adds.add_argument("name", help="how sweep files will call it")
    adds.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="Liberty, plain or .gz; the first file's corner is the nominal one",
    )
    adds.add_argument(
        "--node", metavar="M", help="process node for cost and carbon, e.g. 7nm; default unknown"
    )
    adds.add_argument("--replace", action="store_true", help="put it in place of an older one")
    gets = add_verb(
        inner,
        "get",
        "fetch a public cell library, check it and add it; without a name, list them",
        "chipdse library get ihp-sg13g2",
        _get,
    )
    gets.add_argument("name", nargs="?", help="e.g. asap7; left out: list what can be fetched")
    gets.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="take the files from a checkout of the repository; they stay where they are",
    )
    gets.add_argument(
        "--mirror", metavar="URL", help="address to fetch from instead of the published one"
    )
    gets.add_argument("--replace", action="store_true", help="put it in place of an older one")
    removes = add_verb(
        inner,
        "remove",
        "forget a name that was added; the Liberty files stay",
        "chipdse library remove ihp",
        _remove,
    )
    removes.add_argument("name", help="a library of yours from 'chipdse library list'")
    characterises = library_characterise.add(inner)
    for verb in (lists, info, export, adds, gets, removes, characterises):
        verb.add_argument("--json", action="store_true", help="one JSON document")


def _add_process(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--process",
        metavar="NAME",
        help="transistors: typical, slow or fast, where the library has them; default typical",
    )


def _list(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.catalogue import library_names, resolve

    entries: list[tuple[str, LibraryEntry | None, str]] = []
    for name in library_names():
        try:
            entries.append((name, resolve(name), ""))
        except DesignError as error:
            entries.append((name, None, str(error)))
    if arguments.json:
        print_json(
            [
                {
                    "name": name,
                    "shipped": entry.shipped if entry else None,
                    "nominal_supply_v": entry.nominal.supply_v if entry else None,
                    "nominal_temperature_c": entry.nominal.temperature_c if entry else None,
                    "node_nm": entry.node_nm if entry else None,
                    "processes": list(entry.processes) if entry else [],
                    "files": [str(path) for path in entry.every_file] if entry else [],
                    "problem": problem or None,
                }
                for name, entry, problem in entries
            ]
        )
        return 0
    width = max(len(name) for name, _, _ in entries)
    for name, entry, problem in entries:
        if entry is None:
            print(f"{name:<{width}}  unusable: {problem}")
            continue
        corner = f"{show(entry.nominal.supply_v, 'V')} {entry.nominal.temperature_c:g} °C"
        origin = (
            "ships with chipdse" if entry.shipped else f"{len(entry.every_file)} file(s) of yours"
        )
        node = f"{entry.node_nm:g} nm" if entry.node_nm is not None else "node unknown"
        processes = ", ".join(entry.processes)
        print(f"{name:<{width}}  nominal {corner:<14}  {node:<12}  {origin} ({processes})")
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.catalogue import resolve

    entry = resolve(arguments.name)

    from chipdse.report.pictures.library_summary import fo4, inverter_leakage_w, kinds, strengths

    library = entry.load(arguments.process)
    speed = fo4(library.every_corner())
    known = library.leakage_grid
    leakage = library.leakage_at(known.supply_v, known.temperature_c)
    if arguments.plot is not None:
        from chipdse.report.pictures.library import draw_library

        draw_library(library, entry.name, arguments.plot)
    document = {
        "name": entry.name,
        "processes": {
            process: [
                {"supply_v": volts, "temperature_c": temp}
                for volts, temp in zip(
                    corners.supply_v.tolist(), corners.temperature_c.tolist(), strict=True
                )
            ]
            for process in entry.processes
            for corners in [entry.load(process)]
        },
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
        "leakage": [
            {"supply_v": volts, "temperature_c": temp, "inverter_leakage_w": watts}
            for volts, temp, watts in zip(
                leakage.supply_v.tolist(),
                leakage.temperature_c.tolist(),
                inverter_leakage_w(leakage).tolist(),
                strict=True,
            )
        ],
        "provenance": library.provenance,
    }
    if arguments.json:
        print_json(document)
    else:
        print(_text(entry, library, document))
    return 0


def _text(entry: LibraryEntry, library: CellLibrary, document: dict[str, Any]) -> str:
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
        f"{document['inverter']} with a load of four of itself",
        f"{'supply':>8} {'temperature':>12} {'FO4':>10} {'energy':>10} {'leakage':>10}",
    ]
    for corner in sorted(document["corners"], key=lambda c: (c["temperature_c"], -c["supply_v"])):
        lines.append(
            f"{show(corner['supply_v'], 'V'):>8} {corner['temperature_c']:>9g} °C"
            f" {show(corner['fo4_s'], 's'):>10} {show(corner['fo4_energy_j'], 'J'):>10}"
            f" {show(corner['inverter_leakage_w'], 'W'):>10}"
        )
    if library.leakage_corners is not None:
        lines += ["", f"leakage of {document['inverter']}, known at corners of its own"]
        lines += _leakage_table(document["leakage"])
    lines += ["", "cells and drive strengths"]
    line = ""
    for base, drive_strengths in document["strengths"].items():
        word = f"{base} {'/'.join(drive_strengths)}" if any(drive_strengths) else base
        if len(line) + len(word) > 96:
            lines.append(f"  {line.rstrip(', ')}")
            line = ""
        line += f"{word}, "
    lines.append(f"  {line.rstrip(', ')}")
    if library.provenance:
        lines += ["", "how it was made"]
        for key, value in library.provenance.items():
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
    return "\n".join(lines)


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


def _export(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.catalogue import liberty_text, resolve
    from chipdse.netlist.library.liberty.head import Corner

    entry = resolve(arguments.name)
    supply_v, temperature_c = entry.nominal.supply_v, entry.nominal.temperature_c
    if arguments.supply is not None:
        supply_v = parse_quantity(arguments.supply, "V", "--supply")
    if arguments.temperature is not None:
        temperature_c = parse_quantity(arguments.temperature, "°C", "--temperature")
    corner = Corner(supply_v=supply_v, temperature_c=temperature_c)
    process = arguments.process or entry.default_process
    text = liberty_text(entry, corner, process, deviations=True)
    try:
        arguments.to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DesignError(f"--to {arguments.to} cannot be written: {error.strerror}") from None
    if arguments.json:
        print_json(
            {
                "file": str(arguments.to),
                "process": process,
                "supply_v": supply_v,
                "temperature_c": temperature_c,
                "cell_count": len(entry.load(process).cells),
            }
        )
    else:
        print(
            f"{arguments.to}: {len(entry.load(process).cells)} cells at {show(supply_v, 'V')}, "
            f"{temperature_c:g} °C, {process} transistors"
        )
    return 0


def _add(arguments: argparse.Namespace) -> int:
    check_exist(*arguments.files)

    from chipdse.netlist.library.catalogue import add_library

    node_m = 0.0 if arguments.node is None else parse_quantity(arguments.node, "m", "--node")
    entry = add_library(
        arguments.name,
        arguments.files,
        node_nm=round(node_m * 1e9, 6) or None,
        replace=arguments.replace,
    )
    library = entry.load()
    if arguments.json:
        print_json(
            {
                "name": entry.name,
                "cell_count": len(library.cells),
                "processes": list(entry.processes),
                "supply_v": library.supply_v.tolist(),
                "temperature_c": library.temperature_c.tolist(),
            }
        )
    else:
        corners = "; ".join(f"{name}: {entry.load(name).corners()}" for name in entry.processes)
        print(f"{entry.name}: {len(library.cells)} cells, {corners}")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.public import (
        fetched,
        found_in,
        public_libraries,
        public_library,
        public_source,
        sizes_text,
    )

    if arguments.name is None:
        libraries = public_libraries().values()
        if arguments.json:
            print_json([_public(library) for library in libraries])
        else:
            print("\n".join(sizes_text(libraries)))
        return 0
    if arguments.folder is not None and arguments.mirror is not None:
        raise DesignError("--from and --mirror are both given; leave one out")

    from chipdse.netlist.library.catalogue import add_usable, check_new

    library = public_library(arguments.name)
    check_new(library.name, replace=arguments.replace)
    _tell(sizes_text([library])[0])
    absent: list[str] = []
    if arguments.folder is not None:
        files, missing = found_in(library, arguments.folder)
        if missing:
            names = ", ".join(file.name for file in missing)
            absent = [f"not in {arguments.folder}, so these corners are missing: {names}"]
    else:
        _tell(f"from {public_source().name}, commit {public_source().commit}")
        files = fetched(library, arguments.mirror, _tell)
    entry, problems = add_usable(
        library.name, files, node_nm=library.node_nm, replace=arguments.replace
    )
    notes = [*problems, *absent, *_unknown_layout(entry.load())]
    if arguments.json:
        known = {name: entry.load(name).corners() for name in entry.processes}
        print_json({**_public(library), "corners": known, "notes": notes})
        return 0
    corners = "; ".join(f"{name}: {entry.load(name).corners()}" for name in entry.processes)
    print(f"{entry.name}: {len(entry.load().cells)} cells, {corners}")
    for note in notes:
        print(f"note: {note}")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _public(library: PublicLibrary) -> dict[str, Any]:
    return {
        "name": library.name,
        "title": library.title,
        "licence": library.licence,
        "node_nm": library.node_nm,
        "files": [file.path for file in library.files],
        "size": library.size or None,
    }


def _unknown_layout(library: CellLibrary) -> list[str]:
    """What is not known of wires and layout of a library's process, as sentences."""
    from chipdse.technology.calibration import PROCESSES
    from chipdse.technology.constants import Sources
    from chipdse.technology.wires import process_of, wire_data

    names = [cell.name for cell in library.cells]
    sentences = []
    if wire_data(names, Sources()) is None:
        sentences.append("no wire constants are known for this process: wires are left out")
    if process_of(names) not in PROCESSES:
        sentences.append(
            "no routed designs of this process were measured: clock tree and cells that layout adds"
            " are those of other processes, with larger errors"
        )
    return sentences


def _remove(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.catalogue import remove_library

    remove_library(arguments.name)
    if arguments.json:
        print_json({"name": arguments.name, "removed": True})
    else:
        print(f"{arguments.name}: removed; its Liberty files are where they were")
    return 0
