"""Write a cell library at one operating point as a Liberty file, for Yosys, ABC and OpenSTA.

Holds what this program uses: logic, NLDM tables, constraints, internal power and leakage. Units
are ns, pF, V, nW and pJ; numbers have twelve digits, so that what was read from a file with these
units is written, and read back, unchanged.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell, CellPin, ClockGate, FlipFlop, Latch
from chipdse.netlist.library.library import ARC_KINDS, FIRST_CHECK, SENSES, OperatingLibrary
from chipdse.netlist.library.logic import truth_table, variables
from chipdse.netlist.library.sigmas import table_deviations

_NS, _PF, _NW, _PJ, _UM2 = 1e-9, 1e-12, 1e-9, 1e-12, 1e-12
_GROUND = re.compile(r"V?(SS|GND|NB|PW(?!R))\w*", re.IGNORECASE)
_DELAYS = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")


def liberty_text(
    library: OperatingLibrary,
    point: int = 0,
    name: str | None = None,
    *,
    deviations: bool = False,
) -> str:
    """The library at one of its operating points as the text of a Liberty file.

    Parameters
    ----------
    deviations : write standard deviations of delays (LVF) where they are known
    """
    writer = _Writer(library, point, name or library.library.name, deviations)
    return "\n".join(writer.lines()) + "\n"


def _number(value: float, unit: float) -> str:
    return f"{value / unit:.12g}"


def _numbers(values: Floats, unit: float) -> str:
    return ", ".join(f"{value:.12g}" for value in (values / unit).tolist())


class _Writer:
    def __init__(self, library: OperatingLibrary, point: int, name: str, deviations: bool) -> None:
        self.point = point
        self.name = name
        self.library = library.library
        self.supply_v = float(library.supply_v[point])
        self.temperature_c = float(library.temperature_c[point])
        tables = self.library.tables
        self.values = library.interpolate(tables.values)[point]
        self.axes = library.axes[point]
        self.capacitance = library.pin_capacitance_f[point]
        self.swing = library.pin_supply_v[point]
        self.leakage = library.leakage.groups_w()[point]
        self.cell_leakage = library.leakage.cells_w()[point]
        self.deviations = table_deviations(library, point) if deviations else ({}, {})
        self.templates: dict[tuple[str, int, int], str] = {}
        self.extra_swings = sorted(
            {float(volts) for volts in self.swing if abs(volts - self.supply_v) > 1e-12}
        )
        self.supply_names = sorted(
            {pin for cell in self.library.cells for pin in cell.supply_pins}
            | set(self.library.supplies)
        )

    def lines(self) -> Iterator[str]:
        # Cells first: they decide which templates there are.
        cells = [line for number in range(len(self.library.cells)) for line in self._cell(number)]
        yield f"library ({self.name}) {{"
        yield from self._header()
        yield from self._bus_types()
        yield from self._templates()
        yield from cells
        yield "}"

    def _header(self) -> Iterator[str]:
        volts, degrees = f"{self.supply_v:.12g}", f"{self.temperature_c:.12g}"
        yield "  delay_model : table_lookup;"
        yield '  time_unit : "1ns";'
        yield '  voltage_unit : "1V";'
        yield '  current_unit : "1mA";'
        yield '  pulling_resistance_unit : "1kohm";'
        yield '  leakage_power_unit : "1nW";'
        yield "  capacitive_load_unit (1, pf);"
        thresholds = self.library.thresholds
        if self.library.file_thresholds:
            raise DesignError(
                f"library {self.library.name} comes from files whose delays start and end at "
                "different voltages (input_threshold_pct_*, output_threshold_pct_*), which one "
                "Liberty file cannot state; use the original files"
            )
        for edge, kind in enumerate(("rise", "fall")):
            yield f"  slew_lower_threshold_pct_{kind} : {100 * thresholds.lower_frac[edge]:.12g};"
            yield f"  slew_upper_threshold_pct_{kind} : {100 * thresholds.upper_frac[edge]:.12g};"
            yield f"  input_threshold_pct_{kind} : {100 * thresholds.input_frac[edge]:.12g};"
            yield f"  output_threshold_pct_{kind} : {100 * thresholds.output_frac[edge]:.12g};"
        yield f"  slew_derate_from_library : {thresholds.slew_derate:.12g};"
        yield "  nom_process : 1;"
        yield f"  nom_voltage : {volts};"
        yield f"  nom_temperature : {degrees};"
        for supply in self.supply_names:
            yield f"  voltage_map ({supply}, {0 if _GROUND.fullmatch(supply) else volts});"
        for number, swing in enumerate(self.extra_swings):
            yield f"  voltage_map (swing_{number}, {swing:.12g});"
        yield "  operating_conditions (point) {"
        yield "    process : 1;"
        yield f"    voltage : {volts};"
        yield f"    temperature : {degrees};"
        yield "  }"
        yield "  default_operating_conditions : point;"

    def _bus_types(self) -> Iterator[str]:
        spans = {_span(cell, bits) for cell in self.library.cells for bits in cell.buses.values()}
        for first, last in sorted(spans):
            yield f"  type (bits_{first}_{last}) {{"
            yield "    base_type : array;"
            yield "    data_type : bit;"
            yield f"    bit_width : {abs(first - last) + 1};"
            yield f"    bit_from : {first};"
            yield f"    bit_to : {last};"
            yield f"    downto : {str(first >= last).lower()};"
            yield "  }"

    def _templates(self) -> Iterator[str]:
        variables_of = {
            "delay": ("input_net_transition", "total_output_net_capacitance"),
            "power": ("input_transition_time", "total_output_net_capacitance"),
            "constraint": ("related_pin_transition", "constrained_pin_transition"),
        }
        for (purpose, row, column), name in self.templates.items():
            kind = "power_lut_template" if purpose == "power" else "lu_table_template"
            yield f"  {kind} ({name}) {{"
            used = [
                (variable, axis)
                for variable, axis in zip(variables_of[purpose], (row, column), strict=True)
                if axis >= 0
            ]
            for place, (variable, _) in enumerate(used, start=1):
                yield f"    variable_{place} : {variable};"
            for place, (_, axis) in enumerate(used, start=1):
                yield f'    index_{place} ("{self._axis(axis, purpose, axis == column)}");'
            yield "  }"

    def _axis(self, axis: int, purpose: str, is_column: bool) -> str:
        start = self.library.tables.axis_start
        unit = _PF if is_column and purpose != "constraint" else _NS
        return _numbers(self.axes[start[axis] : start[axis + 1]], unit)

    def _deviations(self, kind: str, table: int, purpose: str) -> Iterator[str]:
        """Standard deviations of a table, late and early ones if they differ."""
        late, early = (values.get(table) for values in self.deviations)
        if late is None and early is None:
            return
        name = f"ocv_sigma_{kind}"
        if late is not None and early is not None and np.array_equal(late, early):
            yield from self._table(name, table, purpose, _NS, late, "early_and_late")
            return
        for values, which in ((late, "late"), (early, "early")):
            if values is not None:
                yield from self._table(name, table, purpose, _NS, values, which)

    def _table(
        self,
        kind: str,
        table: int,
        purpose: str,
        unit: float,
        values: Floats | None = None,
        sigma_type: str = "",
    ) -> Iterator[str]:
        """A table, or other values on its axes."""
        tables = self.library.tables
        row, column = int(tables.row_axis[table]), int(tables.column_axis[table])
        if values is None:
            values = self.values[tables.start[table] : tables.start[table + 1]]
        which = f'sigma_type : "{sigma_type}"; ' if sigma_type else ""
        if row < 0 and column < 0:
            yield f'        {kind} (scalar) {{ {which}values ("{_numbers(values, unit)}"); }}'
            return
        name = self.templates.setdefault((purpose, row, column), f"{purpose}_{len(self.templates)}")
        yield f"        {kind} ({name}) {{"
        if which:
            yield f"          {which.strip()}"
        for place, axis in enumerate([axis for axis in (row, column) if axis >= 0], start=1):
            is_column = axis == column and (row < 0 or place == 2)
            yield f'          index_{place} ("{self._axis(axis, purpose, is_column)}");'
        grid = values.reshape(int(tables.rows[table]), -1)
        if row < 0 or column < 0:
            grid = grid.reshape(1, -1)
        rows = [f'"{_numbers(row, unit)}"' for row in grid]
        yield "          values (" + ", \\\n            ".join(rows) + ");"
        yield "        }"

    def _cell(self, number: int) -> Iterator[str]:
        cell = self.library.cells[number]
        yield f"  cell ({cell.name}) {{"
        yield f"    area : {_number(cell.area_m2, _UM2)};"
        if cell.dont_use:
            yield "    dont_use : true;"
        if not np.isnan(self.library.cell_leakage_w[:, number]).any():
            yield f"    cell_leakage_power : {_number(self.cell_leakage[number], _NW)};"
        for pin in cell.supply_pins:
            kind = "primary_ground" if _GROUND.fullmatch(pin) else "primary_power"
            yield f"    pg_pin ({pin}) {{ pg_type : {kind}; voltage_name : {pin}; }}"
        for place in range(len(self.extra_swings)):
            yield (
                f"    pg_pin (swing_{place}) {{ pg_type : internal_power; "
                f"voltage_name : swing_{place}; }}"
            )
        leakages = self.library.leakages
        for row in np.flatnonzero(leakages.cell == number).tolist():
            yield "    leakage_power () {"
            yield from self._condition(int(leakages.condition[row]), "      ")
            yield from self._supply(int(leakages.supply[row]), "      ")
            yield f"      value : {_number(self.leakage[row], _NW)};"
            yield "    }"
        yield from _sequential(cell)
        in_bus = {place for bits in cell.buses.values() for place in bits}
        done: set[str] = set()
        for place, pin_record in enumerate(cell.pins):
            if place not in in_bus:
                yield from self._pin(number, place, pin_record)
                continue
            bus = next(name for name, bits in cell.buses.items() if place in bits)
            if bus not in done:
                done.add(bus)
                yield from self._bus(number, bus)
        yield "  }"

    def _bus(self, number: int, bus: str) -> Iterator[str]:
        cell = self.library.cells[number]
        bits = cell.buses[bus]
        first, last = _span(cell, bits)
        yield f"    bus ({bus}) {{"
        yield f"      bus_type : bits_{first}_{last};"
        yield f"      direction : {cell.pins[bits[0]].direction};"
        for bit in bits:
            yield from self._pin(number, bit, cell.pins[bit])
        yield "    }"

    def _pin(self, number: int, place: int, pin: CellPin) -> Iterator[str]:
        library, cell = self.library, self.library.cells[number]
        global_pin = int(library.pin_start[number]) + place
        yield f'    pin ("{pin.name}") {{'
        yield f"      direction : {pin.direction};"
        yield from self._capacitances(global_pin)
        if pin.is_clock:
            yield "      clock : true;"
        if pin.three_state is not None:
            yield f'      three_state : "{pin.three_state}";'
        if isinstance(cell.sequential, ClockGate):
            yield from _clock_gate_pin(cell.sequential, pin)
        elif pin.function is not None:
            yield f'      function : "{pin.function}";'
        for row in np.flatnonzero(library.arcs.sink == global_pin).tolist():
            yield from self._arc(number, row)
        for row in np.flatnonzero(library.powers.pin == global_pin).tolist():
            yield from self._internal_power(number, row)
        yield "    }"

    def _capacitances(self, global_pin: int) -> Iterator[str]:
        """Capacitance of a pin by edge, and the supply of a swing other than the library's."""
        rise, fall, rise_min, fall_min = self.capacitance[global_pin].tolist()
        yield f"      capacitance : {_number(max(rise, fall), _PF)};"
        for edge, most, least in (("rise", rise, rise_min), ("fall", fall, fall_min)):
            yield f"      {edge}_capacitance : {_number(most, _PF)};"
            if least != most:
                yield (
                    f"      {edge}_capacitance_range ({_number(least, _PF)}, {_number(most, _PF)});"
                )
        swing = float(self.swing[global_pin])
        if swing in self.extra_swings:
            yield f"      related_power_pin : swing_{self.extra_swings.index(swing)};"

    def _internal_power(self, number: int, row: int) -> Iterator[str]:
        powers = self.library.powers
        yield "      internal_power () {"
        if powers.related[row] >= 0:
            yield f'        related_pin : "{self._name(number, int(powers.related[row]))}";'
        yield from self._condition(int(powers.condition[row]), "        ")
        yield from self._supply(int(powers.supply[row]), "        ")
        for kind, table in (("rise_power", powers.rise[row]), ("fall_power", powers.fall[row])):
            if table >= 0:
                yield from self._table(kind, int(table), "power", _PJ)
        yield "      }"

    def _arc(self, number: int, row: int) -> Iterator[str]:
        arcs = self.library.arcs
        is_check = arcs.kind[row] >= FIRST_CHECK
        yield "      timing () {"
        yield f'        related_pin : "{self._name(number, int(arcs.source[row]))}";'
        yield f"        timing_type : {ARC_KINDS[arcs.kind[row]]};"
        if arcs.sense[row] > 0:
            yield f"        timing_sense : {SENSES[arcs.sense[row]]};"
        yield from self._condition(int(arcs.condition[row]), "        ")
        tables = (arcs.rise_delay, arcs.fall_delay, arcs.rise_slew, arcs.fall_slew)
        kinds = ("rise_constraint", "fall_constraint") if is_check else _DELAYS
        for kind, column in zip(kinds, tables, strict=False):
            if column[row] >= 0:
                purpose = "constraint" if is_check else "delay"
                yield from self._table(kind, int(column[row]), purpose, _NS)
                yield from self._deviations(kind, int(column[row]), purpose)
        yield "      }"

    def _name(self, number: int, pin: int) -> str:
        return self.library.cells[number].pins[pin - int(self.library.pin_start[number])].name

    def _condition(self, condition: int, indent: str) -> Iterator[str]:
        if condition >= 0:
            yield f'{indent}when : "{self.library.conditions[condition]}";'

    def _supply(self, supply: int, indent: str) -> Iterator[str]:
        if supply >= 0:
            yield f"{indent}related_pg_pin : {self.library.supplies[supply]};"


def _span(cell: Cell, bits: tuple[int, ...]) -> tuple[int, int]:
    """Bit numbers of a bus, as declared: first (most significant) and last."""
    numbers = [int(cell.pins[bit].name.rsplit("[", 1)[1][:-1]) for bit in (bits[-1], bits[0])]
    return numbers[0], numbers[1]


def _clock_gate_pin(gate: ClockGate, pin: CellPin) -> Iterator[str]:
    """The part that a pin has in a clock gate, and its function of the gate's state."""
    if pin.name == gate.clock:
        yield "      clock_gate_clock_pin : true;"
    elif pin.name in variables(gate.enable):
        yield "      clock_gate_enable_pin : true;"
    elif pin.direction == "output":
        yield "      clock_gate_out_pin : true;"
    if pin.function is not None:
        yield f'      state_function : "{pin.function}";'


def _sequential(cell: Cell) -> Iterator[str]:
    match cell.sequential:
        case FlipFlop() as state:
            yield f"    ff ({state.state}, {state.state_inverted}) {{"
            yield f'      clocked_on : "{state.clocked_on}";'
            yield f'      next_state : "{state.next_state}";'
            yield from _forced(state)
            yield "    }"
        case Latch() as state:
            yield f"    latch ({state.state}, {state.state_inverted}) {{"
            yield f'      enable : "{state.enable}";'
            yield f'      data_in : "{state.data_in}";'
            yield from _forced(state)
            yield "    }"
        case ClockGate() as gate:
            yield from _clock_gate(gate)


def _forced(state: FlipFlop | Latch) -> Iterator[str]:
    if state.clear is not None:
        yield f'      clear : "{state.clear}";'
    if state.preset is not None:
        yield f'      preset : "{state.preset}";'
    if state.clear is not None and state.preset is not None:
        yield f"      clear_preset_var1 : {state.both_active_state};"
        yield f"      clear_preset_var2 : {state.both_active_inverted};"


def _clock_gate(gate: ClockGate) -> Iterator[str]:
    names = variables(gate.enable)
    table = truth_table(gate.enable, names)
    follow, hold = ("H", "L") if gate.transparent_high else ("L", "H")
    rows = []
    for values in itertools.product((0, 1), repeat=len(names)):
        stored = table[sum(value << place for place, value in enumerate(values))]
        levels = " ".join("H" if value else "L" for value in values)
        rows.append(f"{follow} {levels} : - : {'H' if stored else 'L'}")
    rows.append(f"{hold} {' '.join('-' for _ in names)} : - : N")
    style = "latch_negedge" if gate.transparent_high else "latch_posedge"
    yield f'    clock_gating_integrated_cell : "{style}";'
    yield f'    statetable ("{" ".join((gate.clock, *names))}", "{gate.state}") {{'
    yield '      table : "' + ", \\\n        ".join(rows) + '";'
    yield "    }"
    yield f'    pin ("{gate.state}") {{ direction : internal; internal_node : "{gate.state}"; }}'
