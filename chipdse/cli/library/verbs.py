"""`chipdse library`: the cell libraries that can be used by name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.cli.library import change, characterise, export, fetch, info
from chipdse.errors import DesignError
from chipdse.units import show

if TYPE_CHECKING:
    from chipdse.netlist.library.entry import LibraryEntry

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
    declared = [
        add_verb(inner, "list", "names of all libraries", "chipdse library list", _list),
        info.add(inner),
        export.add(inner),
        change.add(inner),
        fetch.add(inner),
        change.add_remove(inner),
        characterise.add(inner),
    ]
    for verb in declared:
        verb.add_argument("--json", action="store_true", help="one JSON document")


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
