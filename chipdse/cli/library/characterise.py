"""`chipdse library characterise`: Liberty files of the user's own cells."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chipdse.cli.common import Verbs, add_verb, command, print_json
from chipdse.errors import DesignError
from chipdse.reading import check_exist

_EXAMPLE = """\
chipdse library characterise cells.toml --to liberty --processes 2

cells.toml:
  name = "mine"
  netlists = ["cells.spice"]
  power = ["VDD"]
  ground = ["VSS"]
  template = "cells.lib"              # functions, pins and areas; or [cells.NAME] tables

  [cells.inv_1]
  area_um2 = 3.75
  inputs = ["A"]
  functions = {Y = "!A"}

  [grid]
  slews = ["10ps", "120ps", "1.5ns"]  # at the first corner
  load_count = 5

  [[corners]]
  process = "typical"
  supplies = ["1.8V"]
  temperatures = ["25C"]
  models = [{file = "models.spice", section = "tt"}]

See docs/howto/characterise.md."""


def add(verbs: Verbs) -> argparse.ArgumentParser:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "characterise",
        "simulate your own cells with ngspice and write a Liberty file per corner",
        _EXAMPLE,
        _run,
    )
    parser.add_argument(
        "description", type=Path, metavar="FILE", help="TOML: cells, models, corners, grid"
    )
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder of the Liberty files to write",
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="results of simulations, from which a run continues; default FOLDER/simulations",
    )
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="simulators at a time; default 1"
    )
    return parser


def _run(arguments: argparse.Namespace) -> int:
    check_exist(arguments.description)
    if arguments.processes < 1:
        raise DesignError(f"--processes {arguments.processes} is less than 1")

    from chipdse.characterise.description import read_description
    from chipdse.characterise.files import write_liberty
    from chipdse.characterise.run import simulate

    description = read_description(arguments.description)
    work = arguments.work or arguments.to / "simulations"
    simulate(description, work, arguments.processes, _tell)
    files = write_liberty(description, work, arguments.to)
    add_command = command("chipdse", "library", "add", description.name, *files)
    if arguments.json:
        print_json(
            {
                "name": description.name,
                "files": [str(file) for file in files],
                "cell_count": len(description.cells),
                "add": add_command,
            }
        )
    else:
        print(f"{description.name}: {len(description.cells)} cells, {len(files)} corners")
        print(f"use them: {add_command}")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
