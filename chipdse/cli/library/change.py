"""`chipdse library add` and `remove`: names of the user's own libraries."""

from __future__ import annotations

import argparse
from pathlib import Path

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.reading import check_exist
from chipdse.units import parse_quantity


def add(verbs: Verbs) -> argparse.ArgumentParser:
    """Declare the verb `add`."""
    adds = add_verb(
        verbs,
        "add",
        "add your own Liberty files under a name; several corners make one library",
        "chipdse library add ihp sg13g2_typ_1p20V_25C.lib.gz sg13g2_typ_1p50V_25C.lib.gz",
        _add,
    )
    adds.add_argument("name", help="name of the library in sweep files")
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
    adds.add_argument("--replace", action="store_true", help="replace a library of the same name")
    return adds


def add_remove(verbs: Verbs) -> argparse.ArgumentParser:
    """Declare the verb `remove`."""
    removes = add_verb(
        verbs,
        "remove",
        "remove a name that was added; the Liberty files stay",
        "chipdse library remove ihp",
        _remove,
    )
    removes.add_argument("name", help="a library of yours from 'chipdse library list'")
    return removes


def _add(arguments: argparse.Namespace) -> int:
    check_exist(*arguments.files)

    from chipdse.netlist.library.user import add_library

    node_nm = None
    if arguments.node is not None:
        node_nm = round(parse_quantity(arguments.node, "m", "--node") * 1e9, 6)
    entry = add_library(
        arguments.name,
        arguments.files,
        node_nm=node_nm,
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


def _remove(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.user import remove_library

    remove_library(arguments.name)
    if arguments.json:
        print_json({"name": arguments.name, "removed": True})
    else:
        print(f"{arguments.name}: removed; its Liberty files are where they were")
    return 0
