"""A cell library as arrays: logic, NLDM tables, capacitances and leakage at its corners.

SI units throughout. Arrays that depend on the operating point have the corner as first axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chipdse.errors import DesignError
from chipdse.netlist.cells import Cell

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

# Liberty's timing types that are kept; the place in this list is the code.
ARC_KINDS = (
    "combinational",
    "combinational_rise",
    "combinational_fall",
    "rising_edge",
    "falling_edge",
    "preset",
    "clear",
    "three_state_enable",
    "three_state_enable_rise",
    "three_state_enable_fall",
    "three_state_disable",
    "three_state_disable_rise",
    "three_state_disable_fall",
    "setup_rising",
    "setup_falling",
    "hold_rising",
    "hold_falling",
    "recovery_rising",
    "recovery_falling",
    "removal_rising",
    "removal_falling",
)
FIRST_CHECK = ARC_KINDS.index("setup_rising")
SENSES = ("", "positive_unate", "negative_unate", "non_unate")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """Look-up tables, flattened row by row.

    Rows follow the input slew (of a constraint: the related pin's slew), columns the output
    load (the constrained pin's slew). An axis of -1 means the table does not depend on it.
    """

    rows: Ints
    columns: Ints
    row_axis: Ints
    column_axis: Ints
    start: Ints
    axis_start: Ints
    axis_values: Floats  # [corners, all axes in a row]
    values: Floats  # [corners, all tables in a row]


@dataclass(frozen=True, kw_only=True, eq=False)
class Arcs:
    """Timing groups, one a (related pin, pin, condition).

    Pins are numbered over the whole library (`CellLibrary.pin_start`), conditions point into
    `CellLibrary.conditions`; -1 is none. A constraint keeps its tables in the delay columns.
    """

    cell: Ints
    source: Ints
    sink: Ints
    kind: Ints
    sense: Ints
    condition: Ints
    rise_delay: Ints
    fall_delay: Ints
    rise_slew: Ints
    fall_slew: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Powers:
    """Internal power groups: energy a transition [J] of `pin`, for output pins by `related`."""

    cell: Ints
    pin: Ints
    related: Ints
    condition: Ints
    supply: Ints
    rise: Ints
    fall: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Leakages:
    """Leakage groups [W] by state and supply pin; `value_w` is [corners, groups]."""

    cell: Ints
    condition: Ints
    supply: Ints
    value_w: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class CellLibrary:
    """Standard cells at one or several characterised corners.

    Parameters
    ----------
    cells : the logic of every cell
    conditions : the `when` functions as text
    supplies : names of the supply pins that power groups refer to
    supply_v, temperature_c : the corners [V, °C]
    pin_capacitance_f : [corners, pins, 4] rise and fall maximum, rise and fall minimum
    pin_supply_v : [corners, pins] voltage swing of each pin
    cell_leakage_w : [corners, cells] the unconditional value, NaN where there is none
    sources : where the numbers come from, for reports
    """

    name: str
    cells: tuple[Cell, ...]
    conditions: tuple[str, ...]
    supplies: tuple[str, ...]
    supply_v: Floats
    temperature_c: Floats
    pin_capacitance_f: Floats
    pin_supply_v: Floats
    cell_leakage_w: Floats
    tables: Tables
    arcs: Arcs
    powers: Powers
    leakages: Leakages
    sources: tuple[str, ...] = ()
    provenance: dict[str, object] = field(default_factory=dict)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each cell by name."""
        return {cell.name: position for position, cell in enumerate(self.cells)}

    @cached_property
    def pin_start(self) -> Ints:
        """Number of each cell's first pin when pins are numbered over the library."""
        counts = [len(cell.pins) for cell in self.cells]
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    @property
    def corner_count(self) -> int:
        """Number of characterised corners."""
        return len(self.supply_v)

    def cell(self, name: str) -> Cell:
        """A cell by its name."""
        try:
            return self.cells[self.index[name]]
        except KeyError:
            raise DesignError(f"library {self.name} has no cell {name!r}") from None

    def pin_name(self, pin: int) -> str:
        """``CELL/PIN`` of a pin numbered over the library."""
        cell = int(np.searchsorted(self.pin_start, pin, side="right")) - 1
        return f"{self.cells[cell].name}/{self.cells[cell].pins[pin - self.pin_start[cell]].name}"

    def corners(self) -> str:
        """Its corners for people."""
        return ", ".join(
            f"{v:g} V {t:g} °C" for v, t in zip(self.supply_v, self.temperature_c, strict=True)
        )

    def at(
        self, supply_v: ArrayLike | None = None, temperature_c: ArrayLike | None = None
    ) -> OperatingLibrary:
        """The library at K operating points; the two broadcast against each other.

        Left out, they take the value all corners share (the library's own corner).

        Raises
        ------
        DesignError : outside the characterised range, or a value must be named
        """
        volts = self._default(supply_v, self.supply_v, "supply voltage", "V")
        temps = self._default(temperature_c, self.temperature_c, "temperature", "°C")
        volts, temps = np.broadcast_arrays(volts, temps)
        weights = np.array(
            [self._weights(float(v), float(t)) for v, t in zip(volts, temps, strict=True)]
        )
        return OperatingLibrary(
            library=self, supply_v=volts.copy(), temperature_c=temps.copy(), weights=weights
        )

    def every_corner(self) -> OperatingLibrary:
        """The library at each of its characterised corners."""
        return OperatingLibrary(
            library=self,
            supply_v=self.supply_v,
            temperature_c=self.temperature_c,
            weights=np.eye(self.corner_count),
        )

    def _default(self, given: ArrayLike | None, own: Floats, what: str, unit: str) -> Floats:
        if given is not None:
            values = np.atleast_1d(np.asarray(given, dtype=np.float64))
            if values.ndim != 1 or not np.isfinite(values).all():
                raise DesignError(f"{what} must be a finite number or a list of them")
            return values
        if len(np.unique(own)) > 1:
            raise DesignError(
                f"library {self.name} covers {own.min():g} to {own.max():g} {unit}; choose a {what}"
            )
        return own[:1]

    def _weights(self, supply_v: float, temperature_c: float) -> Floats:
        """Weight of each corner: linear in V within a temperature, then linear in temperature."""
        rows: list[tuple[float, Floats]] = []
        for temp in np.unique(self.temperature_c):
            members = np.flatnonzero(self.temperature_c == temp)
            members = members[np.argsort(self.supply_v[members], kind="stable")]
            own = self._between(supply_v, self.supply_v[members])
            if own is not None:
                weights = np.zeros(self.corner_count)
                weights[members] = own
                rows.append((float(temp), weights))
        across = self._between(temperature_c, np.array([temp for temp, _ in rows]))
        if across is None:
            raise DesignError(
                f"{supply_v:g} V at {temperature_c:g} °C lies outside what library {self.name} "
                f"was characterised for ({self._range_text()}); it is never extrapolated"
            )
        result: Floats = across @ np.array([weights for _, weights in rows])
        return result

    @staticmethod
    def _between(value: float, grid: Floats) -> Floats | None:
        """Linear weights on an ascending grid; None outside it."""
        weights = np.zeros(len(grid))
        exact = np.flatnonzero(np.isclose(grid, value, rtol=1e-9, atol=1e-9))
        if len(exact):
            weights[exact[0]] = 1.0
            return weights
        if not len(grid) or not grid[0] < value < grid[-1]:
            return None
        high = int(np.searchsorted(grid, value))
        part = (value - grid[high - 1]) / (grid[high] - grid[high - 1])
        weights[high - 1], weights[high] = 1 - part, part
        return weights

    def _range_text(self) -> str:
        parts = []
        for temp in np.unique(self.temperature_c):
            volts = self.supply_v[self.temperature_c == temp]
            span = f"{volts.min():g}" if len(volts) == 1 else f"{volts.min():g} to {volts.max():g}"
            parts.append(f"{span} V at {temp:g} °C")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True, eq=False)
class OperatingLibrary:
    """A library at K operating points; numbers are interpolated when they are asked for.

    Parameters
    ----------
    weights : [K, corners], each row sums to 1
    """

    library: CellLibrary
    supply_v: Floats
    temperature_c: Floats
    weights: Floats

    @property
    def count(self) -> int:
        """Number of operating points K."""
        return len(self.weights)

    def part(self, points: slice) -> OperatingLibrary:
        """Some of the operating points."""
        if len(range(*points.indices(self.count))) == self.count:
            return self
        return OperatingLibrary(
            library=self.library,
            supply_v=self.supply_v[points],
            temperature_c=self.temperature_c[points],
            weights=self.weights[points],
        )

    def interpolate(self, characterised: Floats) -> Floats:
        """[corners, ...] to [K, ...]: in the logarithm, linear where a corner is not positive."""
        used = self.weights != 0
        if (used.sum(axis=1) == 1).all():
            only: Floats = characterised[used.argmax(axis=1)]
            return only
        members = used.any(axis=0)  # of many corners a point uses two or four
        weights = self.weights[:, members]
        flat = characterised[members].reshape(len(weights[0]), -1)
        positive = flat > 0
        logs = np.log(np.where(positive, flat, 1.0))
        result = np.exp(weights @ logs)
        linear = (used[:, members].astype(np.float64) @ ~positive) > 0
        if linear.any():
            result = np.where(linear, weights @ flat, result)
        shaped: Floats = result.reshape(self.count, *characterised.shape[1:])
        return shaped

    def interpolate_linear(self, characterised: Floats) -> Floats:
        """[corners, ...] to [K, ...], linear: for voltages."""
        flat = characterised.reshape(len(characterised), -1)
        mixed: Floats = (self.weights @ flat).reshape(self.count, *characterised.shape[1:])
        return mixed

    @cached_property
    def pin_capacitance_f(self) -> Floats:
        """[K, pins, 4] as in the library [F]."""
        return self.interpolate(self.library.pin_capacitance_f)

    @cached_property
    def pin_supply_v(self) -> Floats:
        """[K, pins] voltage swing [V]."""
        return self.interpolate_linear(self.library.pin_supply_v)

    @cached_property
    def axes(self) -> Floats:
        """[K, all axes in a row]."""
        return self.interpolate(self.library.tables.axis_values)


def join_corners(libraries: list[CellLibrary], name: str | None = None) -> CellLibrary:
    """One library from several with the same cells at different voltages and temperatures.

    Raises
    ------
    DesignError : they differ in more than numbers; the message says in which cell or pin
    """
    if not libraries:
        raise DesignError("no library given; name at least one Liberty file a corner")
    first = libraries[0]
    for other in libraries[1:]:
        _check_same(first, other)

    def stack(pick: str, part: str | None = None) -> Floats:
        owners = [getattr(each, part) if part else each for each in libraries]
        return np.concatenate([getattr(owner, pick) for owner in owners])

    supply_v, temperature_c = stack("supply_v"), stack("temperature_c")
    seen: set[tuple[float, float]] = set()
    for corner in zip(supply_v.tolist(), temperature_c.tolist(), strict=True):
        if corner in seen:
            raise DesignError(
                f"two libraries are characterised at {corner[0]:g} V {corner[1]:g} °C"
            )
        seen.add(corner)
    return replace(
        first,
        name=name or first.name,
        supply_v=supply_v,
        temperature_c=temperature_c,
        pin_capacitance_f=stack("pin_capacitance_f"),
        pin_supply_v=stack("pin_supply_v"),
        cell_leakage_w=stack("cell_leakage_w"),
        tables=_join_tables([each.tables for each in libraries], stack("values", "tables")),
        leakages=replace(first.leakages, value_w=stack("value_w", "leakages")),
        sources=tuple(source for each in libraries for source in each.sources),
    )


def _join_tables(tables: list[Tables], values: Floats) -> Tables:
    """One set of tables; two share an axis only where they do at every corner."""
    first = tables[0]
    row_axes = np.array([each.row_axis for each in tables])
    column_axes = np.array([each.column_axis for each in tables])
    both = np.concatenate([row_axes, column_axes], axis=1).T  # [2 * tables, corners]
    distinct, number = np.unique(both, axis=0, return_inverse=True)
    number = number.ravel()
    none = int((distinct[:, 0] < 0).sum())  # sorted first: tables without that axis
    number = (number - none).clip(min=-1)
    points = [  # [corners, points] of each axis
        np.concatenate(
            [
                each.axis_values[:, each.axis_start[axis] : each.axis_start[axis + 1]]
                for each, axis in zip(tables, row, strict=True)
            ]
        )
        for row in distinct[none:].tolist()
    ]
    lengths = [each.shape[1] for each in points]
    return replace(
        first,
        row_axis=number[: len(first.rows)].astype(np.int32),
        column_axis=number[len(first.rows) :].astype(np.int32),
        axis_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        axis_values=np.concatenate([np.zeros((len(values), 0)), *points], axis=1),
        values=values,
    )


def _check_same(first: CellLibrary, other: CellLibrary) -> None:
    """Refuse libraries whose structure differs, naming the first difference."""
    pair = f"corners {first.corners()} and {other.corners()} of {first.name}"
    for name in first.index.keys() ^ other.index.keys():
        raise DesignError(f"{pair} cannot be joined: only one has cell {name}")
    for mine, theirs in zip(first.cells, other.cells, strict=True):
        if mine.name != theirs.name:
            raise DesignError(f"{pair} cannot be joined: they list cells in different order")
        if mine.pins != theirs.pins or mine.sequential != theirs.sequential:
            raise DesignError(f"{pair} cannot be joined: cell {mine.name} differs in its functions")
    if first.conditions != other.conditions or first.supplies != other.supplies:
        raise DesignError(f"{pair} cannot be joined: their conditions differ")
    for part in ("arcs", "powers", "leakages", "tables"):
        mine_part, their_part = getattr(first, part), getattr(other, part)
        for each in fields(mine_part):
            a, b = getattr(mine_part, each.name), getattr(their_part, each.name)
            if each.name in ("axis_start", "axis_values"):
                continue  # corners may share axes differently; sizes follow from the tables'
            if each.name in ("row_axis", "column_axis"):
                a, b = a < 0, b < 0
            if a.dtype.kind == "f":
                same = a.shape[1:] == b.shape[1:]
                where = ""
            else:
                same = a.shape == b.shape and bool((a == b).all())
                where = _first_difference(first, part, a, b)
            if not same:
                raise DesignError(f"{pair} cannot be joined: their {part} differ{where}")


def _first_difference(library: CellLibrary, part: str, a: Ints, b: Ints) -> str:
    if part == "tables":
        return " in size"
    common = min(len(a), len(b))
    different = np.flatnonzero(a[:common] != b[:common])
    at = int(different[0]) if len(different) else common - 1
    cells = getattr(library, part).cell
    return f" in cell {library.cells[int(cells[at])].name}" if 0 <= at < len(cells) else ""
