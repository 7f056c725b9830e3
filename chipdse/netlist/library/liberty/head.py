"""The head of a Liberty file: units, operating point, voltages and slew thresholds, in SI units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chipdse.netlist.library.liberty.syntax import Group, LibertyFile, number, split_list, to_number
from chipdse.netlist.library.library import Thresholds
from chipdse.netlist.library.processes import process_of
from chipdse.reading import read_text
from chipdse.units import PREFIXES

_UNIT = re.compile(r"\s*([0-9.eE+-]*)\s*([a-zA-Zµ]+)\s*")
# Units are read in any case, as other tools do. No library means mega: '1MW' is milliwatt.
_PREFIX = {"a": 1e-18} | {prefix: PREFIXES[prefix] for prefix in ("f", "p", "n", "u", "µ", "m", "")}
_PREFIX["k"] = 1e3
# What the head is made of; a file in which one of these stands behind the first cell is read on.
_HEAD_NAMES = (
    "operating_conditions",
    "nom_voltage",
    "nom_temperature",
    "_unit",
    "voltage_map",
    "_threshold_pct_",
    "slew_derate_from_library",
)
EDGES = ("rise", "fall")


@dataclass(frozen=True, kw_only=True)
class Corner:
    """An operating point at which a library is characterised."""

    supply_v: float
    temperature_c: float


class LibertyHead:
    """Units, voltages and thresholds of one file.

    What a file does not state is taken as OpenSTA takes it: 1 ns, 1 V, 1 pF, delays at 50 % and
    slews from 20 to 80 % of the supply. (Leakage without a unit is in nanowatts, because the watts
    that OpenSTA takes are no cell's leakage.)

    time_s, volt, capacitance_f, leakage_w, energy_j : one unit of each in SI
    """

    def __init__(self, file: LibertyFile, library: Group) -> None:
        self.file = file
        self.library = library
        self.time_s = self._unit("time_unit", "s", 1e-9)
        self.volt = self._unit("voltage_unit", "V", 1.0)
        self.leakage_w = self._unit("leakage_power_unit", "W", 1e-9)
        self.capacitance_f = self._load_unit()
        self.energy_j = self.volt * self.volt * self.capacitance_f

    def _unit(self, attribute: str, unit: str, default: float) -> float:
        text = self.library.text(attribute)
        if text is None:
            return default
        match = _UNIT.fullmatch(text)
        suffix = match[2].lower() if match else ""
        if match is None or not suffix.endswith(unit.lower()) or suffix[:-1] not in _PREFIX:
            self.file.fail(
                f'{attribute} is {text!r}; expected e.g. "1n{unit}"', self.library.offset
            )
        return self._factor(attribute, match[1] or "1") * _PREFIX[suffix[:-1]]

    def _load_unit(self) -> float:
        arguments = self.library.values("capacitive_load_unit")
        if arguments is None:
            return 1e-12
        words = split_list(arguments)
        suffix = words[1].lower() if len(words) == 2 else ""
        if not suffix.endswith("f") or suffix[:-1] not in _PREFIX:
            self.file.fail(
                f"capacitive_load_unit ({arguments}) is not e.g. (1, pf)", self.library.offset
            )
        return self._factor("capacitive_load_unit", words[0]) * _PREFIX[suffix[:-1]]

    def _factor(self, attribute: str, text: str) -> float:
        factor = to_number(self.file, self.library.offset, attribute, text)
        if not factor > 0:
            self.file.fail(f"{attribute} is {text!r}; it must be positive", self.library.offset)
        return factor

    @cached_property
    def corner(self) -> Corner:
        """The default operating conditions; where the file names none, the nominal values."""
        groups = {group.name(): group for group in self.library.of_kind("operating_conditions")}
        default = self.library.text("default_operating_conditions")
        nominal = self._conditions(self.library, "nom_", None, None)
        stated = {name: self._conditions(group, "", *nominal) for name, group in groups.items()}
        if default and default in stated:
            supply, temperature = stated[default]
        elif nominal[0] is not None:
            supply, temperature = nominal
        elif default and len(set(stated.values())) > 1:
            self.file.fail(
                f"default_operating_conditions is {default!r}, which no group operating_conditions "
                f"declares; expected one of {', '.join(stated)}",
                self.library.offset,
            )
        else:
            supply, temperature = next(iter(stated.values()), nominal)
        if supply is None:
            self.file.fail(
                "no supply voltage: expected operating_conditions or nom_voltage",
                self.library.offset,
            )
        if not supply > 0:
            self.file.fail(
                f"the supply voltage is {supply:g}; it must be positive", self.library.offset
            )
        return Corner(
            supply_v=supply * self.volt, temperature_c=25.0 if temperature is None else temperature
        )

    def _conditions(
        self, group: Group, prefix: str, supply: float | None, temperature: float | None
    ) -> tuple[float | None, float | None]:
        """Supply [voltage units] and temperature [°C] of a group, where it states them."""
        values: list[float | None] = []
        for name, default in (("voltage", supply), ("temperature", temperature)):
            text = group.text(prefix + name)
            values.append(
                default if text is None else to_number(self.file, group.offset, prefix + name, text)
            )
        return values[0], values[1]

    @cached_property
    def voltages(self) -> dict[str, float]:
        """Supplies of the `voltage_map` by name [V]."""
        result = {}
        for name, arguments, offset in self.library.complex:
            if name == "voltage_map":
                words = split_list(arguments)
                if len(words) != 2:
                    self.file.fail(f"voltage_map ({arguments}) is not (name, volts)", offset)
                result[words[0]] = to_number(self.file, offset, "voltage_map", words[1]) * self.volt
        return result

    @cached_property
    def thresholds(self) -> Thresholds:
        """Thresholds of the library; those that the file does not state keep their default."""
        default = Thresholds()

        def fractions(name: str, usual: tuple[float, float]) -> tuple[float, float]:
            rise, fall = (
                self._percent(f"{name}_threshold_pct_{edge}", value)
                for edge, value in zip(EDGES, usual, strict=True)
            )
            return rise, fall

        lower = fractions("slew_lower", default.lower_frac)
        upper = fractions("slew_upper", default.upper_frac)
        for edge, low, high in zip(EDGES, lower, upper, strict=True):
            if not low < high:
                self.file.fail(
                    f"slew_lower_threshold_pct_{edge} is {100 * low:g}, slew_upper_threshold_pct_"
                    f"{edge} {100 * high:g}; the lower one must be less",
                    self.library.offset,
                )
        derate = number(self.file, self.library, "slew_derate_from_library", default.slew_derate)
        if not derate > 0:
            self.file.fail(
                f"slew_derate_from_library is {derate:g}; it must be positive", self.library.offset
            )
        return Thresholds(
            input_frac=fractions("input", default.input_frac),
            output_frac=fractions("output", default.output_frac),
            lower_frac=lower,
            upper_frac=upper,
            slew_derate=derate,
        )

    def _percent(self, attribute: str, default: float) -> float:
        percent = number(self.file, self.library, attribute, 100 * default)
        if not 0 <= percent <= 100:
            self.file.fail(
                f"{attribute} is {percent:g}; expected 0 to 100 (percent of the supply)",
                self.library.offset,
            )
        return percent / 100


def read_corner(path: Path) -> tuple[Corner, str]:
    """The corner of a Liberty file (plain or .gz), and its process corner as far as names tell.

    Cells are not read. The corner is the one that `read_liberty` gives.

    Returns
    -------
    corner : of the default operating conditions, else the nominal voltage and temperature
    process : "typical", "slow", "fast", "slow-fast", "fast-slow", or "" when nothing says

    Raises
    ------
    DesignError : unreadable, no Liberty, or without a supply voltage
    """
    file = LibertyFile(read_text(path), path)
    library = file.head(_HEAD_NAMES)
    head = LibertyHead(file, library)
    default = library.text("default_operating_conditions") or ""
    return head.corner, process_of(" ".join([library.name(), default, path.name]))
