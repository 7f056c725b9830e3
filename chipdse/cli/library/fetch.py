"""`chipdse library get`: fetch a public cell library, check it and add it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError

if TYPE_CHECKING:
    from chipdse.netlist.library.library import CellLibrary
    from chipdse.netlist.library.public import PublicLibrary


def add(verbs: Verbs) -> argparse.ArgumentParser:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "get",
        "fetch a public cell library, check it and add it; without a name, list them",
        "chipdse library get ihp-sg13g2",
        _get,
    )
    parser.add_argument("name", nargs="?", help="library to fetch, e.g. asap7; left out: list them")
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="take the files from a checkout of the repository; they stay where they are",
    )
    parser.add_argument(
        "--mirror", metavar="URL", help="address to fetch from instead of the published one"
    )
    parser.add_argument("--replace", action="store_true", help="replace a library of the same name")
    return parser


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

    from chipdse.netlist.library.user import add_usable, check_new

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
