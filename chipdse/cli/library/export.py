"""`chipdse library export`: a library at one operating point as a Liberty file."""

from __future__ import annotations

import argparse
from pathlib import Path

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.cli.library.options import add_process
from chipdse.errors import DesignError
from chipdse.units import parse_quantity, show


def add(verbs: Verbs) -> argparse.ArgumentParser:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "export",
        "write a library at one operating point as a Liberty file",
        "chipdse library export sky130 --supply 0.9V --to sky130_0v9.lib",
        _export,
    )
    parser.add_argument("name", help="a name from 'chipdse library list'")
    add_process(parser)
    parser.add_argument(
        "--supply", metavar="V", help="supply voltage, e.g. 0.9V; default the nominal one"
    )
    parser.add_argument(
        "--temperature", metavar="C", help="temperature, e.g. 85C or -20C; default the nominal one"
    )
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="Liberty file")
    return parser


def _export(arguments: argparse.Namespace) -> int:
    from chipdse.netlist.library.catalogue import resolve
    from chipdse.netlist.library.entry import liberty_text
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
