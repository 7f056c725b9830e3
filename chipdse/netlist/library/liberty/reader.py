"""Read Liberty files (plain or .gz) into a cell library; several files make one library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chipdse.arrays import Int32s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.liberty.cells import MOST_PINS, bus_types, cell_pins, read_cell
from chipdse.netlist.library.liberty.head import Corner, LibertyHead
from chipdse.netlist.library.liberty.related import RelatedPins
from chipdse.netlist.library.liberty.states import PinGroups
from chipdse.netlist.library.liberty.syntax import Group, LibertyFile, number, split_list, to_number
from chipdse.netlist.library.liberty.tables import FileTables, TableCollector, convert
from chipdse.netlist.library.library import (
    ARC_KINDS,
    EARLY,
    FIRST_CHECK,
    LATE,
    SENSES,
    Arcs,
    CellLibrary,
    Leakages,
    Powers,
    Tables,
    Thresholds,
    meet_elsewhere,
)
from chipdse.netlist.library.logic import parse_function, variables
from chipdse.reading import as_text, read_bytes, unpack

# The groups that are read; noise, current and receiver models are passed over.
_KINDS = {
    *("operating_conditions", "type", "lu_table_template", "power_lut_template", "cell"),
    *("pin", "bus", "bundle", "pg_pin", "memory", "leakage_power", "internal_power", "timing"),
    *("ff", "latch", "ff_bank", "latch_bank", "statetable"),
    *("cell_rise", "cell_fall", "rise_transition", "fall_transition"),
    *("rise_constraint", "fall_constraint", "power", "rise_power", "fall_power"),
    *("ocv_sigma_cell_rise", "ocv_sigma_cell_fall"),
    *("ocv_sigma_rise_transition", "ocv_sigma_fall_transition"),
    *("ocv_sigma_rise_constraint", "ocv_sigma_fall_constraint"),
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
    builder = _Builder(thresholds)
    for position, path in enumerate(paths):
        data = contents[position] if contents is not None else read_bytes(path)
        builder.add(LibertyFile(as_text(unpack(data, path)), path))
    return builder.library()


class _Builder:
    """Collects cells, arcs and tables over the files of one library."""

    def __init__(self, thresholds: Thresholds | None) -> None:
        self.thresholds = thresholds
        self.files: list[Thresholds] = []
        self.file_cells: list[int] = []
        self.names: list[str] = []
        self.sources: list[str] = []
        self.corner: Corner | None = None
        self.cells: list[Cell] = []
        self.cell_file: dict[str, Path] = {}
        self.pin_count = 0
        self.conditions: dict[str, int] = {}
        self.supplies: dict[str, int] = {}
        self.capacitances: list[tuple[float, float, float, float]] = []
        self.swings: list[float] = []
        self.leakage: list[float] = []
        self.arcs: list[tuple[int, ...]] = []
        self.powers: list[tuple[int, ...]] = []
        self.leakages: list[tuple[int, int, int]] = []
        self.leakage_values: list[float] = []
        self.tables = TableCollector()
        self.sigmas: list[tuple[int, int, int]] = []  # late or early, a table, its deviations

    def add(self, file: LibertyFile) -> None:
        """One more file."""
        group = file.library(_KINDS)
        reader = _FileReader(self, file, group)
        corner = reader.head.corner
        if self.corner is None:
            self.corner = corner
        elif self.corner != corner:
            first = self.corner
            raise DesignError(
                f"{file.path} is characterised at {corner.supply_v:g} V "
                f"{corner.temperature_c:g} °C, the files before it at {first.supply_v:g} V "
                f"{first.temperature_c:g} °C; one library has one corner, join corners instead"
            )
        _check_printable(file, group, group.name())
        self.names.append(group.name())
        self.sources.append(file.path.name)
        before = len(self.cells)
        for cell in group.of_kind("cell"):
            reader.cell(cell)
        self.files.append(reader.head.thresholds)
        self.file_cells.append(len(self.cells) - before)

    def library(self) -> CellLibrary:
        """What was collected, as arrays."""
        if not self.cells or self.corner is None:
            raise DesignError(f"no cell in {', '.join(self.sources)}")

        def table(rows: Sequence[tuple[int, ...]], width: int) -> list[Int32s]:
            array = np.array(rows, dtype=np.int32).reshape(len(rows), width)
            return [np.ascontiguousarray(column) for column in array.T]

        arcs = table(self.arcs, 10)
        powers = table(self.powers, 7)
        leakages = table(self.leakages, 3)
        apart = meet_elsewhere(self.files)
        tables = convert(self.tables)
        return CellLibrary(
            name=self.names[0] if len(self.names) == 1 else _common_name(self.names),
            cells=tuple(self.cells),
            conditions=tuple(self.conditions),
            supplies=tuple(self.supplies),
            supply_v=np.array([self.corner.supply_v]),
            temperature_c=np.array([self.corner.temperature_c]),
            pin_capacitance_f=np.array([self.capacitances], dtype=np.float64).reshape(1, -1, 4),
            pin_supply_v=np.array([self.swings], dtype=np.float64),
            cell_leakage_w=np.array([self.leakage], dtype=np.float64),
            tables=tables,
            arcs=Arcs(
                cell=arcs[0],
                source=arcs[1],
                sink=arcs[2],
                kind=arcs[3],
                sense=arcs[4],
                condition=arcs[5],
                rise_delay=arcs[6],
                fall_delay=arcs[7],
                rise_slew=arcs[8],
                fall_slew=arcs[9],
            ),
            powers=Powers(
                cell=powers[0],
                pin=powers[1],
                related=powers[2],
                condition=powers[3],
                supply=powers[4],
                rise=powers[5],
                fall=powers[6],
            ),
            leakages=Leakages(
                cell=leakages[0],
                condition=leakages[1],
                supply=leakages[2],
                value_w=np.array([self.leakage_values], dtype=np.float64),
            ),
            thresholds=self.thresholds or Thresholds(),
            file_thresholds=tuple(self.files) if apart else (),
            file_cells=tuple(self.file_cells) if apart else (),
            sources=tuple(self.sources),
            sigma_tables=self._sigma_tables(tables),
        )

    def _sigma_tables(self, tables: Tables) -> Int32s | None:
        """[2, tables] The table of each table's standard deviations; None without any."""
        if not self.sigmas:
            return None
        result = np.full((2, len(self.tables.rows)), -1, dtype=np.int32)
        for which, table, deviations in self.sigmas:
            file, offset = self.tables.places[deviations]
            if (tables.values[0, slice(*tables.start[deviations : deviations + 2])] < 0).any():
                file.fail("a standard deviation is below 0", offset)
            if result[which, table] not in (-1, deviations):
                file.fail("a table has two tables of its standard deviations; keep one", offset)
            result[which, table] = deviations
        return result


def _common_name(names: list[str]) -> str:
    """What several library names have in common, for people."""
    words = [name.split("_") for name in names]
    common = [group[0] for group in zip(*words, strict=False) if len(set(group)) == 1]
    return "_".join(common) or names[0]


def _check_printable(file: LibertyFile, group: Group, *names: str) -> None:
    """Refuse names with control characters: messages and tables show them in a terminal."""
    for name in names:
        if not name.isprintable():
            file.fail(f"{name!r} is no name; write printable characters only", group.offset)


class _FileReader:
    """Reads the cells of one file with its units, voltages and templates."""

    def __init__(self, builder: _Builder, file: LibertyFile, library: Group) -> None:
        self.builder = builder
        self.file = file
        self.library = library
        self.head = LibertyHead(file, library)
        self.types = bus_types(file, library)
        self.slew_s = self.head.time_s * self._slew_scale()
        self.tables = FileTables(
            builder.tables,
            file,
            library,
            slew_s=self.slew_s,
            capacitance_f=self.head.capacitance_f,
        )
        self.parsed: dict[str, int] = {}

    def _slew_scale(self) -> float:
        """Factor from this file's slews to the library's, from the time of a whole ramp."""
        thresholds, builder = self.head.thresholds, self.builder
        if builder.thresholds is None:
            builder.thresholds = thresholds
        wanted = builder.thresholds
        if thresholds == wanted:
            return 1.0
        rise, fall = (wanted.slew_of_ramp(edge) / thresholds.slew_of_ramp(edge) for edge in (0, 1))
        if abs(rise / fall - 1) > 1e-9:
            first = builder.sources[0] if builder.sources else "the library it belongs to"
            self.file.fail(
                "the ratio of this file's slew thresholds to those of "
                f"{first} differs between rise and fall, and slews are converted by one ratio: "
                "characterise both alike",
                self.library.offset,
            )
        return rise

    def cell(self, group: Group) -> None:
        """One cell with everything it has."""
        builder, name = self.builder, group.name()
        if not name:
            self.file.fail("a cell without a name; expected cell (NAME)", group.offset)
        if name in builder.cell_file:
            self.file.fail(
                f"cell {name!r} occurs twice (already in {builder.cell_file[name].name})",
                group.offset,
            )
        builder.cell_file[name] = self.file.path
        pins, buses = cell_pins(self.file, group, self.types)
        _check_printable(self.file, group, name, *(pin.name for pin in pins))
        cell = read_cell(self.file, group, pins, buses)
        index = len(builder.cells)
        builder.cells.append(cell)
        base = builder.pin_count
        builder.pin_count += len(pins)
        if builder.pin_count > MOST_PINS:
            self.file.fail(f"more than {MOST_PINS} pins in one library", group.offset)
        place = {pin.name: base + offset for offset, pin in enumerate(pins)}
        self._pins(group, pins)
        related = RelatedPins(self.file, group, place, buses)
        for offset, pin in enumerate(pins):
            for timing in pin.of_kind("timing"):
                self._timing(index, base + offset, timing, related)
            for power in pin.of_kind("internal_power"):
                self._power(index, base + offset, power, related)
            if max(len(builder.arcs), len(builder.powers)) > _MOST_ARCS:
                self.file.fail(
                    f"more than {_MOST_ARCS} timing or power arcs in one library; every bit of a "
                    "bus has an arc from every bit that its related pins name",
                    group.offset,
                )
        default = self.library.text("default_cell_leakage_power")
        leakage_text = group.text("cell_leakage_power")
        leakage = leakage_text if leakage_text is not None else default
        builder.leakage.append(
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
            builder.leakages.append((index, self._condition(state), supply))
            builder.leakage_values.append(
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
            self.builder.capacitances.append((high[0], high[1], low[0], low[1]))
            supply = pin.text("related_power_pin")
            swing = None if supply is None else self.head.voltages.get(supplies.get(supply, supply))
            self.builder.swings.append(self.head.corner.supply_v if swing is None else swing)

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
                known = self.builder.conditions.setdefault(plain, len(self.builder.conditions))
            self.parsed[text] = known
        return known

    def _supply(self, group: Group) -> int:
        name = group.text("related_pg_pin")
        if not name:
            return -1
        return self.builder.supplies.setdefault(name, len(self.builder.supplies))

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
            self.builder.arcs.append((cell, source, sink, code, sense, condition, *tables))

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
            self.builder.sigmas += [
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
            self.builder.powers.append(
                (cell, pin, source, condition, supply, tables["rise_power"], tables["fall_power"])
            )
