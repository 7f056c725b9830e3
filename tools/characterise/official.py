"""SkyWater's own Liberty data in their JSON form, as Liberty text: to compare with, nothing else.

A group is a key ``kind,name`` or ``kind`` with a mapping or a list of mappings; everything else is
an attribute. Units and thresholds are those that Liberty means where a file states none: ns, pF,
nW, V; delays at 50 %, slews from 20 to 80 %.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary

# The templates of the repository's library header, which the files leave out.
_TEMPLATES = """\
  lu_table_template ("del_1_7_7") {
    variable_1 : "input_net_transition";
    variable_2 : "total_output_net_capacitance";
  }
  lu_table_template ("vio_3_3_1") {
    variable_1 : "related_pin_transition";
    variable_2 : "constrained_pin_transition";
  }
  lu_table_template ("constraint_3_0_1") {
    variable_1 : "related_pin_transition";
  }
  power_lut_template ("power_outputs_1") {
    variable_1 : "input_transition_time";
    variable_2 : "total_output_net_capacitance";
  }
  power_lut_template ("power_inputs_1") {
    variable_1 : "input_transition_time";
  }
"""
_DATA = ("index_1", "index_2", "index_3", "values")


def read_official(file: Path) -> CellLibrary:
    """The library of a file ``CORNER.json.gz``."""
    name = file.name.removesuffix(".json.gz")
    return read_liberty([Path(f"{name}.lib")], [liberty_of_json(file).encode()])


def liberty_of_json(file: Path) -> str:
    """A file ``CORNER.json.gz`` with keys `library` and `cells` as Liberty text."""
    with gzip.open(file, "rt") as stream:
        data = json.load(stream)
    head = data["library"]
    lines = [f'library ("{head["default_operating_conditions"]}") {{\n{_TEMPLATES}']
    lines.append(f"  nom_voltage : {head['nom_voltage']};")
    lines.append(f"  nom_temperature : {head['nom_temperature']};")
    for name, cell in data["cells"].items():
        lines.append(f'  cell ("{name}") {{')
        lines += _group(cell, "    ")
        lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


def _group(content: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in content.items():
        each = value if isinstance(value, list) else [value]
        if key in _DATA:
            yield f"{indent}{key} ({_numbers(each)});"
        elif all(isinstance(entry, dict) for entry in each):
            kind, _, name = key.partition(",")
            for entry in each:
                yield f"{indent}{kind} ({name}) {{"
                yield from _group(entry, indent + "  ")
                yield f"{indent}}}"
        else:
            text = value if isinstance(value, int | float) else f'"{value}"'
            yield f"{indent}{key} : {text};"


def _numbers(values: list[Any]) -> str:
    """A vector, or the rows of a table."""
    rows = values if isinstance(values[0], list) else [values]
    return ", ".join('"' + ", ".join(f"{value:.10g}" for value in row) + '"' for row in rows)
