"""Read Liberty files (plain or .gz) into a cell library; several files make one library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.netlist.library.liberty.cells import MOST_PINS, bus_types, cell_pins, read_cell
from chipdse.netlist.library.liberty.collector import LibraryCollector
from chipdse.netlist.library.liberty.head import LibertyHead
from chipdse.netlist.library.liberty.related import RelatedPins
from chipdse.netlist.library.liberty.states import PinGroups
from chipdse.netlist.library.liberty.syntax import Group, LibertyFile, number, split_list, to_number
from chipdse.netlist.library.liberty.tables import FileTables
from chipdse.netlist.library.library import (
    ARC_KINDS,
    EARLY,
    FIRST_CHECK,
    LATE,
    SENSES,
    CellLibrary,
    Thresholds,
)
from chipdse.netlist.library.logic import parse_function, variables
from chipdse.reading import as_text, read_bytes, unpack

# The groups that are read; noise, current and receiver models are passed over.
_KINDS = {
    "operating_conditions",
    "type",
    "lu_table_template",
    "power_lut_template",
    "cell",
    "pin",
    "bus",
    "bundle",
    "pg_pin",
    "memory",
    "leakage_power",
    "internal_power",
    "timing",
    "ff",
    "latch",
    "ff_bank",
    "latch_bank",
    "statetable",
    "cell_rise",
    "cell_fall",
    "rise_transition",
    "fall_transition",
    "rise_constraint",
    "fall_constraint",
    "power",
    "rise_power",
    "fall_power",
    "ocv_sigma_cell_rise",
    "ocv_sigma_cell_fall",
    "ocv_sigma_rise_transition",
    "ocv_sigma_fall_transition",
    "ocv_sigma_rise_constraint",
    "ocv_sigma_fall_constraint",
}
_SIGMA = "ocv_sigma_"  # Liberty variation format: standard deviations beside the tables
_SIGMA_TYPES = {"early_and_late": (LATE, EARLY), "late": (LATE,), "early": (EARLY,)}
_MOST_ARCS = 1_000_000  # a bus that depends on every bit of another has many in a few bytes
_KIND = {name: code for code, name in enumerate(ARC_KINDS)}
_SENSE = {name: code for code, name in enumerate(SENSES)}
_IGNORED = re.compile(
    r"min_pulse_width|minimum_period|max_clock_tree_path|min_clock_tree_path|skew_\w+|non_seq_\w+"
    r"|nochange_\w+|retaining_time\w*|clock_\w+"
)  # timing types this program does not use


def read_liberty(
    paths: Sequence[Path],
    contents: Sequence[bytes] | None = None,
    thresholds: Thresholds | None = None,
) -> CellLibrary:
    """One library at one corner from one or more Liberty files.

    Files may measure slews between different voltages. As in OpenSTA, a slew means at each pin what
    the pin's own file means by it, and at ports what the first file does; here all tables are
    converted to one measure, which comes to the same. Delays stay as each file measures them:
    `file_thresholds` of the library states where they start and end.

    Parameters
    ----------
    contents : the files' bytes where they have been read already
    thresholds : what slews shall mean; None is what they mean in the first file

    Raises
    ------
    DesignError : with file, line and what was expected
    """
    if not paths:
        raise DesignError("no Liberty file given; name at least one")
    collector = LibraryCollector(thresholds)
    for position, path in enumerate(paths):
        data = contents[position] if contents is not None else read_bytes(path)
        _add(collector, LibertyFile(as_text(unpack(data, path)), path))
    return collector.library()


def _add(collector: LibraryCollector, file: LibertyFile) -> None:
    """Read one more file of a library."""
    group = file.library(_KINDS)
    reader = _FileReader(collector, file, group)
    corner = reader.head.corner
    if collector.corner is None:
        collector.corner = corner
    elif collector.corner != corner:
        first = collector.corner
        raise DesignError(
            f"{file.path} is characterised at {corner.supply_v:g} V "
            f"{corner.temperature_c:g} °C, the files before it at {first.supply_v:g} V "
            f"{first.temperature_c:g} °C; one library has one corner, join corners instead"
        )
    _check_printable(file, group, group.name())
    collector.names.append(group.name())
    collector.sources.append(file.path.name)
    before = len(collector.cells)
    for cell in group.of_kind("cell"):
        reader.cell(cell)
    collector.files.append(reader.head.thresholds)
    collector.file_cells.append(len(collector.cells) - before)


def _check_printable(file: LibertyFile, group: Group, *names: str) -> None:
    """Refuse names with control characters: messages and tables show them in a terminal."""
    for name in names:
        if not name.isprintable():
            file.fail(f"{name!r} is no name; write printable characters only", group.offset)


class _FileReader:
    """Reads the cells of one file with its units, voltages and templates."""

    def __init__(self, collector: LibraryCollector, file: LibertyFile, library: Group) -> None:
        self.collector = collector
        self.file = file
        self.library = library
        self.head = LibertyHead(file, library)
        self.types = bus_types(file, library)
        self.slew_s = self.head.time_s * self._slew_scale()
        self.tables = FileTables(
            collector.tables,
            file,
            library,
            slew_s=self.slew_s,
            capacitance_f=self.head.capacitance_f,
        )
        self.parsed: dict[str, int] = {}

    def _slew_scale(self) -> float:
        """Factor from this file's slews to the library's, from the time of a whole ramp."""
        thresholds, collector = self.head.thresholds, self.collector
        if collector.thresholds is None:
            collector.thresholds = thresholds
        wanted = collector.thresholds
        if thresholds == wanted:
            return 1.0
        rise, fall = (wanted.slew_of_ramp(edge) / thresholds.slew_of_ramp(edge) for edge in (0, 1))
        if abs(rise / fall - 1) > 1e-9:
            first = collector.sources[0] if collector.sources else "the library it belongs to"
            self.file.fail(
                "the ratio of this file's slew thresholds to those of "
                f"{first} differs between rise and fall, and slews are converted by one ratio: "
                "characterise both alike",
                self.library.offset,
            )
        return rise

    def cell(self, group: Group) -> None:
        """One cell with everything it has."""
        collector, name = self.collector, group.name()
        if not name:
            self.file.fail("a cell without a name; expected cell (NAME)", group.offset)
        if name in collector.cell_file:
            self.file.fail(
                f"cell {name!r} occurs twice (already in {collector.cell_file[name].name})",
                group.offset,
            )
        collector.cell_file[name] = self.file.path
        pins, buses = cell_pins(self.file, group, self.types)
        _check_printable(self.file, group, name, *(pin.name for pin in pins))
        cell = read_cell(self.file, group, pins, buses)
        index = len(collector.cells)
        collector.cells.append(cell)
        base = collector.pin_count
        collector.pin_count += len(pins)
        if collector.pin_count > MOST_PINS:
            self.file.fail(f"more than {MOST_PINS} pins in one library", group.offset)
        place = {pin.name: base + offset for offset, pin in enumerate(pins)}
        self._pins(group, pins)
        related = RelatedPins(self.file, group, place, buses)
        for offset, pin in enumerate(pins):
            for timing in pin.of_kind("timing"):
                self._timing(index, base + offset, timing, related)
            for power in pin.of_kind("internal_power"):
                self._power(index, base + offset, power, related)
            if max(len(collector.arcs), len(collector.powers)) > _MOST_ARCS:
                self.file.fail(
                    f"more than {_MOST_ARCS} timing or power arcs in one library; every bit of a "
                    "bus has an arc from every bit that its related pins name",
                    group.offset,
                )
        default = self.library.text("default_cell_leakage_power")
        leakage_text = group.text("cell_leakage_power")
        leakage = leakage_text if leakage_text is not None else default
        collector.leakage.append(
            float("nan")
            if leakage is None
            else to_number(self.file, group.offset, "cell_leakage_power", leakage)
            * self.head.leakage_w
        )
        for state in group.of_kind("leakage_power"):
            value = state.text("value")
            if value is None:
                self.file.fail("'leakage_power' has no value", state.offset)
            supply = self._supply(state)
            collector.leakages.append((index, self._condition(state), supply))
            collector.leakage_values.append(
                to_number(self.file, state.offset, "value", value) * self.head.leakage_w
            )

    def _pins(self, group: Group, pins: list[PinGroups]) -> None:
        supplies = {}
        for pg in group.of_kind("pg_pin"):
            for name in pg.names():
                supplies[name] = pg.text("voltage_name") or name
        defaults = {
            direction: number(self.file, self.library, f"default_{direction}_pin_cap", 0.0)
            for direction in ("input", "output", "inout")
        }
        for pin in pins:
            offset = pin.groups[0].offset

            def value(attribute: str, pin: PinGroups = pin, offset: int = offset) -> float | None:
                text = pin.text(attribute)
                return None if text is None else to_number(self.file, offset, attribute, text)

            plain = value("capacitance")
            if plain is None:
                plain = defaults[pin.direction]
            high, low = [], []
            for edge in ("rise", "fall"):
                typical = value(f"{edge}_capacitance")
                typical = plain if typical is None else typical
                span = pin.values(f"{edge}_capacitance_range")
                if span is None:
                    least = most = typical
                else:
                    words = split_list(span)
                    if len(words) != 2:
                        self.file.fail(f"{edge}_capacitance_range needs two numbers", offset)
                    least, most = (
                        to_number(self.file, offset, "a capacitance", word) for word in words
                    )
                high.append(most * self.head.capacitance_f)
                low.append(least * self.head.capacitance_f)
            self.collector.capacitances.append((high[0], high[1], low[0], low[1]))
            supply = pin.text("related_power_pin")
            swing = None if supply is None else self.head.voltages.get(supplies.get(supply, supply))
            self.collector.swings.append(self.head.corner.supply_v if swing is None else swing)

    def _condition(self, group: Group) -> int:
        """The number of a group's `when`, -1 without."""
        text = group.simple.get("when")
        if text is None:
            return -1
        known = self.parsed.get(text)
        if known is None:
            plain = text.strip(' \t\r"').replace("\\", " ").replace("\n", " ")
            if not plain:
                known = -1
            else:
                try:
                    variables(parse_function(plain))
                except DesignError as error:
                    self.file.fail(str(error), group.offset)
                known = self.collector.conditions.setdefault(plain, len(self.collector.conditions))
            self.parsed[text] = known
        return known

    def _supply(self, group: Group) -> int:
        name = group.text("related_pg_pin")
        if not name:
            return -1
        return self.collector.supplies.setdefault(name, len(self.collector.supplies))

    def _timing(self, cell: int, sink: int, group: Group, related: RelatedPins) -> None:
        kind = group.text("timing_type") or "combinational"
        code = _KIND.get(kind)
        if code is None:
            if _IGNORED.fullmatch(kind) is None:
                self.file.fail(f"timing_type {kind!r} is not one Liberty knows", group.offset)
            return
        sense = _SENSE.get(group.text("timing_sense") or "")
        if sense is None:
            self.file.fail(
                f"timing_sense {group.text('timing_sense')!r}; expected positive_unate, "
                "negative_unate or non_unate",
                group.offset,
            )
        wanted = (
            {"rise_constraint": 0, "fall_constraint": 1}
            if code >= FIRST_CHECK
            else {"cell_rise": 0, "cell_fall": 1, "rise_transition": 2, "fall_transition": 3}
        )
        tables = [-1, -1, -1, -1]
        for table_group in group.groups:
            place = wanted.get(table_group.kind)
            if place is not None:
                is_slew = table_group.kind.endswith("_transition")
                scale = self.slew_s if is_slew else self.head.time_s
                tables[place] = self.tables.add(table_group, scale)
        self._sigmas(group, wanted, tables)
        if code < FIRST_CHECK:
            for delay, slew, edge in ((0, 2, "rise"), (1, 3, "fall")):
                if (tables[delay] < 0) != (tables[slew] < 0):
                    self.file.fail(
                        f"a timing group needs both cell_{edge} and {edge}_transition", group.offset
                    )
        condition = self._condition(group)
        for source in related.pins(group, "related_pin", "related_bus_pins"):
            self.collector.arcs.append((cell, source, sink, code, sense, condition, *tables))

    def _sigmas(self, group: Group, wanted: dict[str, int], tables: list[int]) -> None:
        """Standard deviations of a timing group's tables."""
        for table_group in group.groups:
            kind = table_group.kind
            place = wanted.get(kind.removeprefix(_SIGMA)) if kind.startswith(_SIGMA) else None
            if place is None or tables[place] < 0:
                continue
            name = table_group.text("sigma_type") or "early_and_late"
            if name not in _SIGMA_TYPES:
                self.file.fail(
                    f"sigma_type {name!r}; expected early, late or early_and_late",
                    table_group.offset,
                )
            scale = self.slew_s if kind.endswith("_transition") else self.head.time_s
            deviations = self.tables.add(table_group, scale)
            self.collector.sigmas += [
                (which, tables[place], deviations) for which in _SIGMA_TYPES[name]
            ]

    def _power(self, cell: int, pin: int, group: Group, related: RelatedPins) -> None:
        tables = {"rise_power": -1, "fall_power": -1}
        for table_group in group.groups:
            if table_group.kind == "power":
                both = self.tables.add(table_group, self.head.energy_j)
                tables = {"rise_power": both, "fall_power": both}
            elif table_group.kind in tables:
                tables[table_group.kind] = self.tables.add(table_group, self.head.energy_j)
        condition, supply = self._condition(group), self._supply(group)
        for source in related.pins(group, "related_pin", "related_bus_pins") or [-1]:
            self.collector.powers.append(
                (cell, pin, source, condition, supply, tables["rise_power"], tables["fall_power"])
            )
