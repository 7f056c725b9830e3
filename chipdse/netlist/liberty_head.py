"""The head of a Liberty file: units, operating point and voltages, in SI units."""

from __future__ import annotations

import re

from chipdse.netlist.liberty_cells import number, to_number
from chipdse.netlist.liberty_syntax import Group, LibertyFile, split_list
from chipdse.units import PREFIXES

_UNIT = re.compile(r"\s*([0-9.eE+-]*)\s*([a-zA-Zµ]+)\s*")
_PREFIX = {"a": 1e-18, **PREFIXES}


class LibertyHead:
    """Units and voltages of one file.

    time_s, volt, capacitance_f, leakage_w, energy_j : one unit of each in SI
    supply_v, temperature_c : the default operating conditions
    voltages : supplies by name [V]
    """

    def __init__(self, file: LibertyFile, library: Group) -> None:
        self.file = file
        self.library = library
        self.time_s = self._unit("time_unit", "s", 1e-9)
        self.volt = self._unit("voltage_unit", "V", 1.0)
        self.leakage_w = self._unit("leakage_power_unit", "W", 1e-9)
        self.capacitance_f = self._load_unit()
        self.energy_j = self.volt * self.volt * self.capacitance_f
        self.supply_v, self.temperature_c = self._operating_point()
        self.voltages = self._voltage_map()

    def _unit(self, attribute: str, unit: str, default: float) -> float:
        text = self.library.text(attribute)
        if text is None:
            return default
        found = _UNIT.fullmatch(text)
        if found is None or not found[2].endswith(unit) or found[2][: -len(unit)] not in _PREFIX:
            self.file.fail(
                f'{attribute} is {text!r}; expected e.g. "1n{unit}"', self.library.offset
            )
        factor = to_number(self.file, self.library.offset, attribute, found[1] or "1")
        if not factor > 0:
            self.file.fail(f"{attribute} is {text!r}; it must be positive", self.library.offset)
        return factor * _PREFIX[found[2][: -len(unit)]]

    def _load_unit(self) -> float:
        arguments = self.library.values("capacitive_load_unit")
        if arguments is None:
            self.file.fail("expected capacitive_load_unit (1, pf)", self.library.offset)
        words = split_list(arguments)
        if len(words) != 2 or words[1].lower() not in ("ff", "pf", "nf"):
            self.file.fail(
                f"capacitive_load_unit ({arguments}) is not e.g. (1, pf)", self.library.offset
            )
        factor = to_number(self.file, self.library.offset, "capacitive_load_unit", words[0])
        if not factor > 0:
            self.file.fail("capacitive_load_unit must be positive", self.library.offset)
        return factor * _PREFIX[words[1].lower()[0]]

    def _operating_point(self) -> tuple[float, float]:
        groups = {group.name(): group for group in self.library.of_kind("operating_conditions")}
        default = self.library.text("default_operating_conditions")
        chosen = groups.get(default or "") or next(iter(groups.values()), None)
        nominal = number(self.file, self.library, "nom_voltage", 0.0)
        temperature = number(self.file, self.library, "nom_temperature", 25.0)
        if chosen is not None:
            nominal = number(self.file, chosen, "voltage", nominal)
            temperature = number(self.file, chosen, "temperature", temperature)
        if not nominal > 0:
            self.file.fail(
                "no supply voltage: expected operating_conditions or nom_voltage",
                self.library.offset,
            )
        return nominal * self.volt, temperature

    def _voltage_map(self) -> dict[str, float]:
        result = {}
        for name, arguments, offset in self.library.complex:
            if name == "voltage_map":
                words = split_list(arguments)
                if len(words) != 2:
                    self.file.fail(f"voltage_map ({arguments}) is not (name, volts)", offset)
                result[words[0]] = to_number(self.file, offset, "voltage_map", words[1]) * self.volt
        return result
