"""Verb `export`: one point of a study, for other tools."""

from __future__ import annotations

import argparse
from pathlib import Path

from chipdse.api import export, load_study
from chipdse.cli.common import Verbs, add_verb, print_json


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "export",
        "write one point's Verilog, netlist, constraints and metrics",
        "chipdse export studies/mac_array --trial 12 --to export/mac12",
        _export,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument("--trial", type=int, required=True, help="its number in the table")
    parser.add_argument("--to", type=Path, required=True, help="a new or empty folder")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _export(arguments: argparse.Namespace) -> int:
    files = export(load_study(arguments.study), arguments.trial, arguments.to)
    if arguments.json:
        print_json({"files": [str(path) for path in files]})
    else:
        print("\n".join(map(str, files)))
    return 0
