"""Write one corner of the characterised library as Liberty text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.characterise.tables import EDGES, CellTables

NS, PF, NW, PJ, UM2 = 1e-9, 1e-12, 1e-9, 1e-12, 1e-12

_HEADER = """\
library ("{name}") {{
  technology ("cmos");
  delay_model : "table_lookup";
  comment : "{comment}";
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  leakage_power_unit : "1nW";
  pulling_resistance_unit : "1kohm";
  capacitive_load_unit (1, pf);
  nom_process : 1;
  nom_voltage : {volts:g};
  nom_temperature : {celsius:g};
  input_threshold_pct_rise : 50;
  input_threshold_pct_fall : 50;
  output_threshold_pct_rise : 50;
  output_threshold_pct_fall : 50;
  slew_lower_threshold_pct_rise : 20;
  slew_lower_threshold_pct_fall : 20;
  slew_upper_threshold_pct_rise : 80;
  slew_upper_threshold_pct_fall : 80;
  slew_derate_from_library : 1;
  operating_conditions ("{corner}") {{
    process : 1;
    voltage : {volts:g};
    temperature : {celsius:g};
    tree_type : "balanced_tree";
  }}
  default_operating_conditions : "{corner}";
"""

_TEMPLATE = """\
  {kind} ("{name}") {{
    variable_1 : "{first}";
    variable_2 : "{second}";
    index_1 ("{rows}");
    index_2 ("{columns}");
  }}
"""
_INPUT_ENERGY = """\
  power_lut_template ("input_energy") {{
    variable_1 : "input_transition_time";
    index_1 ("{rows}");
  }}
"""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a file states beside its cells.

    Parameters
    ----------
    library : name of the library
    corner : name of the operating conditions
    comment : how the file was made
    supplies : name and `pg_type` of each power and ground pin
    """

    library: str
    corner: str
    supply_v: float
    temperature_c: float
    comment: str
    supplies: tuple[tuple[str, str], ...]


def library_text(cells: Sequence[CellTables], head: Head) -> str:
    """The complete file."""
    lines = [
        _HEADER.format(
            name=f"{head.library}__{head.corner}",
            comment=head.comment,
            corner=head.corner,
            volts=head.supply_v,
            celsius=head.temperature_c,
        )
    ]
    for name, kind in head.supplies:
        volts = 0.0 if "ground" in kind or kind == "pwell" else head.supply_v
        lines.append(f"  voltage_map ({name}, {volts:g});\n")
    lines.append(_templates(cells))
    return "".join([*lines, *(_cell(cell, head) for cell in cells), "}\n"])


def _templates(cells: Sequence[CellTables]) -> str:
    """Templates of the largest tables; each table states its own axes."""

    def places(count: int) -> str:
        return ", ".join(map(str, range(1, max(count, 1) + 1)))

    slews = places(max((len(cell.slews_s) for cell in cells), default=1))
    loads = places(max((len(cell.loads_f) for cell in cells), default=1))
    limits = places(max((len(cell.constraint_slews_s) for cell in cells), default=1))
    quiet = places(max((len(cell.quiet_slews_s) for cell in cells), default=1))
    load = "total_output_net_capacitance"
    rows = (
        ("lu_table_template", "delay", "input_net_transition", load, slews, loads),
        (
            "lu_table_template",
            "constraint",
            "related_pin_transition",
            "constrained_pin_transition",
            limits,
            limits,
        ),
        ("power_lut_template", "output_energy", "input_transition_time", load, slews, loads),
    )
    names = ("kind", "name", "first", "second", "rows", "columns")
    return "".join(
        _TEMPLATE.format(**dict(zip(names, row, strict=True))) for row in rows
    ) + _INPUT_ENERGY.format(rows=quiet)


def _numbers(values: np.ndarray, unit: float) -> str:
    return ", ".join(f"{value / unit:.6g}" for value in values)


def _table(
    kind: str,
    template: str,
    values: np.ndarray,
    axes: list[tuple[np.ndarray, float]],
    unit: float,
    indent: str,
) -> str:
    lines = [f'{indent}{kind} ("{template}") {{']
    for number, (axis, axis_unit) in enumerate(axes, 1):
        lines.append(f'{indent}  index_{number} ("{_numbers(axis, axis_unit)}");')
    rows = values if values.ndim == 2 else values[None, :]
    body = ", \\\n".join(f'{indent}    "{_numbers(row, unit)}"' for row in rows)
    return "\n".join([*lines, f"{indent}  values ( \\\n{body});", f"{indent}}}\n"])


def _cell(tables: CellTables, head: Head) -> str:
    cell = tables.cell
    lines = [f'  cell ("{cell.full_name}") {{\n    area : {tables.area_m2 / UM2:.6g};\n']
    mean = float(np.mean([power for _, power in tables.leakage_w]))
    lines.append(f"    cell_leakage_power : {mean / NW:.6g};\n")
    for condition, power in tables.leakage_w:
        if condition:
            lines.append(
                f'    leakage_power () {{ when : "{condition}"; value : {power / NW:.6g}; }}\n'
            )
    for pin, kind in head.supplies:
        lines.append(f'    pg_pin ("{pin}") {{ pg_type : "{kind}"; voltage_name : "{pin}"; }}\n')
    lines.append(_sequential(tables))
    for pin in cell.inputs:
        lines.append(_input(tables, pin, _related(head)))
    for pin in cell.outputs:
        lines.append(_output(tables, pin, _related(head)))
    return "".join([*lines, "  }\n"])


def _sequential(tables: CellTables) -> str:
    rule = tables.cell.sequential
    if rule is None:
        return ""
    if rule.kind == "clock_gate":
        return (
            '    clock_gating_integrated_cell : "latch_posedge";\n'
            f'    statetable ("{rule.clock} {rule.data}", "M0") {{\n'
            '      table : "L H : - : H, L L : - : L, H - : - : N";\n    }\n'
        )
    if rule.kind == "latch":
        return (
            f'    latch ("IQ", "IQ_N") {{\n      data_in : "{rule.data}";\n'
            f'      enable : "{rule.clock}";\n    }}\n'
        )
    lines = [
        f'    ff ("IQ", "IQ_N") {{\n      clocked_on : "{rule.clock}";\n'
        f'      next_state : "{rule.next_state}";\n'
    ]
    if rule.reset_low:
        lines.append(f'      clear : "!{rule.reset_low}";\n')
    if rule.set_low:
        lines.append(f'      preset : "!{rule.set_low}";\n')
    return "".join([*lines, "    }\n"])


def _related(head: Head) -> str:
    """The power and ground pin that a signal pin refers to."""
    power, ground = (
        next(name for name, kind in head.supplies if kind == f"primary_{which}")
        for which in ("power", "ground")
    )
    return f'      related_power_pin : "{power}";\n      related_ground_pin : "{ground}";\n'


def _input(tables: CellTables, pin: str, related: str) -> str:
    rule = tables.cell.sequential
    edges = tables.capacitance_f[pin]
    is_clock = rule is not None and pin == rule.clock
    lines = [f'    pin ("{pin}") {{\n      direction : "input";\n']
    if is_clock:
        lines.append('      clock : "true";\n')
    if rule is not None and rule.kind == "clock_gate":
        role = "clock" if is_clock else "enable"
        lines.append(f'      clock_gate_{role}_pin : "true";\n')
    lines.append(
        f"      capacitance : {np.mean(list(edges.values())) / PF:.6g};\n"
        f"      rise_capacitance : {edges['rise'] / PF:.6g};\n"
        f"      fall_capacitance : {edges['fall'] / PF:.6g};\n"
        f"      max_transition : {tables.slews_s[-1] / NS:.6g};\n"
        f"{related}"
    )
    energy = tables.input_energy_j.get(pin)
    if energy is not None:
        axes = [(tables.quiet_slews_s, NS)]
        lines.append("      internal_power () {\n")
        for edge in EDGES:
            lines.append(
                _table(f"{edge}_power", "input_energy", energy[edge], axes, PJ, "        ")
            )
        lines.append("      }\n")
    for (constrained, kind), constraint in tables.constraints.items():
        if constrained != pin:
            continue
        assert rule is not None
        lines.append(
            f'      timing () {{\n        related_pin : "{rule.clock}";\n'
            f'        timing_type : "{kind}";\n'
        )
        axes = [(tables.constraint_slews_s, NS), (tables.constraint_slews_s, NS)]
        for edge in EDGES:
            lines.append(
                _table(f"{edge}_constraint", "constraint", constraint[edge], axes, NS, "        ")
            )
        lines.append("      }\n")
    return "".join([*lines, "    }\n"])


def _output(tables: CellTables, pin: str, related: str) -> str:
    cell = tables.cell
    gate = cell.sequential is not None and cell.sequential.kind == "clock_gate"
    lines = [f'    pin ("{pin}") {{\n      direction : "output";\n']
    if gate:
        assert cell.sequential is not None
        lines.append(
            f'      clock_gate_out_pin : "true";\n'
            f'      state_function : "({cell.sequential.clock}&M0)";\n'
        )
    else:
        lines.append(f'      function : "{cell.functions[pin]}";\n')
    if len(tables.loads_f):
        lines.append(f"      max_capacitance : {tables.loads_f[-1] / PF:.6g};\n")
    lines.append(related)
    axes = [(tables.slews_s, NS), (tables.loads_f, PF)]
    for arc in tables.arcs:
        if arc.output != pin:
            continue
        lines.append(
            f'      timing () {{\n        related_pin : "{arc.pin}";\n'
            f'        timing_sense : "{arc.sense}";\n'
            f'        timing_type : "{arc.timing_type}";\n'
        )
        for edge in EDGES:
            lines.append(
                _table(f"cell_{edge}", "delay", arc.delay_s[edge], axes, NS, "        ")
                + _table(
                    f"{edge}_transition", "delay", arc.transition_s[edge], axes, NS, "        "
                )
            )
        lines.append("      }\n")
    for (out, source), energy in tables.output_energy_j.items():
        if out != pin:
            continue
        lines.append(f'      internal_power () {{\n        related_pin : "{source}";\n')
        for edge in EDGES:
            lines.append(
                _table(f"{edge}_power", "output_energy", energy[edge], axes, PJ, "        ")
            )
        lines.append("      }\n")
    lines.append("    }\n")
    if gate:
        lines.append('    pin ("M0") { direction : "internal"; internal_node : "M0"; }\n')
    return "".join(lines)
