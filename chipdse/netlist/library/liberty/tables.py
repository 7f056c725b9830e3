"""Look-up tables of a Liberty file: templates, axes and values, collected and converted at once."""

from __future__ import annotations

import warnings

import numpy as np

from chipdse.netlist.library.liberty.syntax import Group, LibertyFile, split_list, to_number
from chipdse.netlist.library.library import Tables

_SLEW = {"input_net_transition", "input_transition_time", "related_pin_transition"}
_LOAD = {"total_output_net_capacitance"}
_CONSTRAINED = {"constrained_pin_transition"}
_COLUMN = _LOAD | _CONSTRAINED
_LONGEST_AXIS = 64  # tables are padded to the longest axis; libraries have about ten points

Template = tuple[tuple[str, ...], tuple[str | None, ...]]  # variables, default indices


class TableCollector:
    """Tables of all files of a library, in the order they are met."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.row_axis: list[int] = []
        self.column_axis: list[int] = []
        self.texts: list[str] = []
        self.scales: list[float] = []
        self.swapped: list[int] = []  # tables written with columns first
        self.places: list[tuple[LibertyFile, int]] = []
        self.axes: list[list[float]] = []
        self.axis_of: dict[tuple[str, float], int] = {}
        self.known: dict[int, int] = {}  # id of a group -> its table
        self.kept: list[Group] = []  # keeps those ids alive


class FileTables:
    """Adds the tables of one file, with its templates and units.

    slew_s, capacitance_f : one unit of the axes over slews and over loads
    """

    def __init__(
        self,
        collector: TableCollector,
        file: LibertyFile,
        library: Group,
        *,
        slew_s: float,
        capacitance_f: float,
    ) -> None:
        self.collector = collector
        self.file = file
        self.slew_s = slew_s
        self.capacitance_f = capacitance_f
        self.templates: dict[str, Template] = {"scalar": ((), ())}
        for group in library.of_kind("lu_table_template", "power_lut_template"):
            names, indices = [], []
            for position in ("1", "2", "3"):
                variable = group.text(f"variable_{position}")
                if variable is not None:
                    names.append(variable)
                    indices.append(group.values(f"index_{position}"))
            self.templates[group.name()] = (tuple(names), tuple(indices))

    def add(self, group: Group, scale: float) -> int:
        """The number of one table group's table; `scale` converts its values to SI."""
        collector = self.collector
        known = collector.known.get(id(group))
        if known is not None:
            return known
        name = group.arguments.strip('" \t\r\n\\')
        template = self.templates.get(name)
        if template is None:
            if name:
                self.file.fail(
                    f"'{group.kind}' uses template {name!r}, which is not declared", group.offset
                )
            template = ((), ())
        variables, defaults = template
        values: str | None = None
        attributes: dict[str, str] = {}
        for attribute, arguments, _ in group.complex:
            if attribute == "values":
                values = arguments
            else:
                attributes[attribute] = arguments
        if values is None:
            self.file.fail(f"'{group.kind}' has no 'values (...)'", group.offset)
        row_axis = column_axis = -1
        row_first = True
        for position, variable in enumerate(variables):
            index = attributes.get(f"index_{position + 1}") or defaults[position]
            if index is None:
                self.file.fail(f"'{group.kind}' has no index_{position + 1}", group.offset)
            axis = self._axis(index, variable, group)
            if variable in _COLUMN and column_axis < 0:
                column_axis = axis
                row_first = row_first and position > 0
            elif variable in _SLEW and row_axis < 0:
                row_axis = axis
            else:
                self.file.fail(
                    f"'{group.kind}' depends on {', '.join(variables)}; only tables over one slew "
                    "and one load (or two slews) are handled",
                    group.offset,
                )
        rows = len(collector.axes[row_axis]) if row_axis >= 0 else 1
        columns = len(collector.axes[column_axis]) if column_axis >= 0 else 1
        if values.count(",") + 1 != rows * columns:
            values = self._count(group, values, rows * columns)
        number = len(collector.rows)
        if not row_first and rows > 1 and columns > 1:
            collector.swapped.append(number)
        collector.rows.append(rows)
        collector.columns.append(columns)
        collector.row_axis.append(row_axis)
        collector.column_axis.append(column_axis)
        collector.texts.append(values)
        collector.scales.append(scale)
        collector.places.append((self.file, group.offset))
        collector.known[id(group)] = number
        collector.kept.append(group)
        return number

    def _count(self, group: Group, values: str, wanted: int) -> str:
        """Values written with blanks or stray commas, as a plain list; checks their number."""
        numbers = [number for text in split_list(values) for number in split_list(text)]
        if len(numbers) != wanted:
            self.file.fail(
                f"'{group.kind}' has {len(numbers)} values; its indices ask for {wanted}",
                group.offset,
            )
        return ",".join(numbers)

    def _axis(self, text: str, variable: str, group: Group) -> int:
        scale = self.capacitance_f if variable in _LOAD else self.slew_s
        key = (text, scale)
        axis = self.collector.axis_of.get(key)
        if axis is None:
            words = [word for part in split_list(text) for word in split_list(part)]
            numbers = [
                to_number(self.file, group.offset, "an index", word) * scale for word in words
            ]
            if len(numbers) > _LONGEST_AXIS:
                self.file.fail(
                    f"an index of '{group.kind}' has {len(numbers)} values; at most "
                    f"{_LONGEST_AXIS} are handled",
                    group.offset,
                )
            if not numbers or any(b <= a for a, b in zip(numbers, numbers[1:], strict=False)):
                self.file.fail(
                    f"an index of '{group.kind}' must rise: {text.strip()}", group.offset
                )
            axis = len(self.collector.axes)
            self.collector.axes.append(numbers)
            self.collector.axis_of[key] = axis
        return axis


def convert(collector: TableCollector) -> Tables:
    """All tables as arrays of one corner; a value that is no number is reported by line."""
    rows = np.array(collector.rows, dtype=np.int32)
    columns = np.array(collector.columns, dtype=np.int32)
    sizes = rows * columns
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    text = ",".join(collector.texts)
    for unwanted in '"\\\n\r':
        text = text.replace(unwanted, " ")
    values = _numbers(text)
    if values is None or len(values) != start[-1] or not np.isfinite(values).all():
        # Written in some unusual way, or wrong: one table at a time.
        numbers: list[float] = []
        for table_text, size, (file, offset) in zip(
            collector.texts, sizes.tolist(), collector.places, strict=True
        ):
            words = [word for part in split_list(table_text) for word in split_list(part)]
            if len(words) != size:
                file.fail(f"a table has {len(words)} values; {size} are expected", offset)
            numbers += [to_number(file, offset, "a table value", word) for word in words]
        values = np.array(numbers)
    values = values * np.repeat(np.array(collector.scales), sizes)
    for table in collector.swapped:
        part = values[start[table] : start[table + 1]]
        part[:] = part.reshape(columns[table], rows[table]).T.ravel().copy()
    lengths = [len(axis) for axis in collector.axes]
    return Tables(
        rows=rows,
        columns=columns,
        row_axis=np.array(collector.row_axis, dtype=np.int32),
        column_axis=np.array(collector.column_axis, dtype=np.int32),
        start=start,
        axis_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        axis_values=np.array([[v for axis in collector.axes for v in axis]], dtype=np.float64),
        values=values[None, :],
    )


def _numbers(text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    if not text:
        return np.zeros(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, dtype=np.float64, sep=" , ")
        except (DeprecationWarning, ValueError):
            return None
