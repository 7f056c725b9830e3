"""A cell library as arrays: logic, NLDM tables, capacitances and leakage at its corners.

All quantities are in SI units.
Arrays that depend on the operating point have the corner as first axis.
Leakage may be characterised at more corners than timing, because a steady state needs only a
fraction of the simulation time.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from chipdse import numerics
from chipdse.arrays import Floats, Int32s, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.grid import Corners, interpolate
from chipdse.netlist.library.processes import TYPICAL

if TYPE_CHECKING:
    from chipdse.netlist.library.mismatch import MismatchModel

# Liberty's timing types that are read; the index in this list is the code of the type.
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
LATE, EARLY = 0, 1  # rows of `CellLibrary.sigma_tables`
SENSES = ("", "positive_unate", "negative_unate", "non_unate")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """How a library measures delays and slews, as fractions of the supply; pairs (rise, fall).

    Parameters
    ----------
    input_frac, output_frac : at which voltages a delay starts and ends
    lower_frac, upper_frac : between which voltages a transition was measured
    slew_derate : the time between these voltages divided by the slew in the tables
    """

    input_frac: tuple[float, float] = (0.5, 0.5)
    output_frac: tuple[float, float] = (0.5, 0.5)
    lower_frac: tuple[float, float] = (0.2, 0.2)
    upper_frac: tuple[float, float] = (0.8, 0.8)
    slew_derate: float = 1.0

    def slew_of_ramp(self, edge: int) -> float:
        """The slew in the tables of a ramp that takes one second from rail to rail [s]."""
        return (self.upper_frac[edge] - self.lower_frac[edge]) / self.slew_derate


def meet_elsewhere(files: Sequence[Thresholds]) -> bool:
    """Whether a delay of one file ends at another voltage than a delay of another file starts."""
    return any(
        driver.output_frac != reader.input_frac
        for driver, reader in itertools.permutations(files, 2)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """Look-up tables, flattened row by row.

    Rows follow the input slew (of a constraint: the related pin's slew), columns the output
    load (the constrained pin's slew). An axis of -1 means the table does not depend on it.
    """

    rows: Int32s
    columns: Int32s
    row_axis: Int32s
    column_axis: Int32s
    start: Int32s
    axis_start: Int32s
    axis_values: Floats  # [corners, values of all axes]
    values: Floats  # [corners, values of all tables]


@dataclass(frozen=True, kw_only=True, eq=False)
class Arcs:
    """Timing groups, one per (related pin, pin, condition).

    Pins are numbered over the whole library (`CellLibrary.pin_start`), conditions point into
    `CellLibrary.conditions`; -1 is none. A constraint keeps its tables in the delay columns.
    """

    cell: Int32s
    source: Int32s
    sink: Int32s
    kind: Int32s
    sense: Int32s
    condition: Int32s
    rise_delay: Int32s
    fall_delay: Int32s
    rise_slew: Int32s
    fall_slew: Int32s


@dataclass(frozen=True, kw_only=True, eq=False)
class Powers:
    """Internal power groups: energy per transition [J] of `pin`, for output pins by `related`."""

    cell: Int32s
    pin: Int32s
    related: Int32s
    condition: Int32s
    supply: Int32s
    rise: Int32s
    fall: Int32s


@dataclass(frozen=True, kw_only=True, eq=False)
class Leakages:
    """Leakage groups [W] by state and supply pin; `value_w` is [leakage corners, groups]."""

    cell: Int32s
    condition: Int32s
    supply: Int32s
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
    cell_leakage_w : [leakage corners, cells] the unconditional value, NaN where there is none
    leakage_corners : where leakage is known: at every corner of timing and at further ones; None:
        at the corners of timing only
    thresholds : at which voltages delays and slews are measured, in the tables and at ports
    file_thresholds, file_cells : what each file itself states, and how many cells it has, in the
        order of `cells`; empty where no delay starts or ends at other voltages than another file's
    sources : sources of the data, for reports
    process : process corner: typical, slow or fast transistors
    sigma_tables : [2, tables] position of the table with the standard deviation of each table,
        late and early (LVF of Liberty files); -1 where there is none; None if no table has one
    mismatch, mismatch_arcs : a model used instead of such tables, and [tables] the arc of the
        model that belongs to each table
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
    leakage_corners: Corners | None = None
    process: str = TYPICAL
    thresholds: Thresholds = Thresholds()
    file_thresholds: tuple[Thresholds, ...] = ()
    file_cells: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    provenance: dict[str, object] = field(default_factory=dict)
    sigma_tables: Int32s | None = None
    mismatch: MismatchModel | None = None
    mismatch_arcs: Int64s | None = None

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each cell by name."""
        return {cell.name: position for position, cell in enumerate(self.cells)}

    @cached_property
    def pin_start(self) -> Int32s:
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
        """The corners as text for messages."""
        return self.grid.text()

    @cached_property
    def grid(self) -> Corners:
        """The corners of timing, energy and capacitance."""
        return Corners(supply_v=self.supply_v, temperature_c=self.temperature_c)

    @property
    def leakage_grid(self) -> Corners:
        """The corners of leakage."""
        return self.grid if self.leakage_corners is None else self.leakage_corners

    def at(
        self, supply_v: ArrayLike | None = None, temperature_c: ArrayLike | None = None
    ) -> OperatingLibrary:
        """The library at K operating points; supplies and temperatures broadcast.

        An argument that is left out has the value that all corners share. Timing must
        be characterised around every point; for leakage alone there is `leakage_at`.

        Raises
        ------
        DesignError : outside the characterised range, or an argument is left out although corners
            differ in it
        """
        volts = self._default(supply_v, self.supply_v, "supply voltage", "V")
        temps = self._default(temperature_c, self.temperature_c, "temperature", "°C")
        volts, temps = np.broadcast_arrays(volts, temps)
        return OperatingLibrary(
            library=self,
            supply_v=volts.copy(),
            temperature_c=temps.copy(),
            weights=self._weights(self.grid, volts, temps, f"library {self.name}"),
        )

    def leakage_at(self, supply_v: ArrayLike, temperature_c: ArrayLike) -> LeakagePoints:
        """Leakage at K operating points; supplies and temperatures broadcast.

        Raises
        ------
        DesignError : outside the range that leakage is characterised for
        """
        volts = self._default(supply_v, self.supply_v, "supply voltage", "V")
        temps = self._default(temperature_c, self.temperature_c, "temperature", "°C")
        volts, temps = np.broadcast_arrays(volts, temps)
        return LeakagePoints(
            library=self,
            supply_v=volts.copy(),
            temperature_c=temps.copy(),
            weights=self._weights(
                self.leakage_grid, volts, temps, f"the leakage of library {self.name}"
            ),
        )

    def every_corner(self) -> OperatingLibrary:
        """The library at each of its characterised corners."""
        return OperatingLibrary(
            library=self,
            supply_v=self.supply_v,
            temperature_c=self.temperature_c,
            weights=np.eye(self.corner_count),
        )

    def _default(self, given: ArrayLike | None, covered: Floats, what: str, unit: str) -> Floats:
        if given is not None:
            values = np.atleast_1d(np.asarray(given, dtype=np.float64))
            if values.ndim != 1 or not np.isfinite(values).all():
                raise DesignError(f"{what} must be a finite number or a list of them")
            return values
        if len(np.unique(covered)) > 1:
            raise DesignError(
                f"library {self.name} covers {covered.min():g} to {covered.max():g} {unit}; "
                f"choose a {what}"
            )
        return covered[:1]

    @staticmethod
    def _weights(grid: Corners, volts: Floats, temps: Floats, what: str) -> Floats:
        """Weights [K, corners] of the operating points on a grid."""
        rows = []
        for supply_v, temperature_c in zip(volts.tolist(), temps.tolist(), strict=True):
            row = grid.weights(supply_v, temperature_c)
            if row is None:
                raise DesignError(
                    f"{supply_v:g} V at {temperature_c:g} °C lies outside what {what} was "
                    f"characterised for ({grid.range_text()}); it is never extrapolated"
                )
            rows.append(row)
        return np.array(rows).reshape(len(rows), len(grid))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Points:
    """K operating points between the corners of a library.

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


class LeakagePoints(_Points):
    """Leakage of a library at K operating points, between the corners that give leakage."""

    def groups_w(self, rows: Int32s | Int64s | None = None) -> Floats:
        """Leakage [K, groups] of all groups of `Leakages`, or of these rows."""
        values = self.library.leakages.value_w
        return interpolate(self.weights, values if rows is None else values[:, rows])

    def cells_w(self) -> Floats:
        """Unconditional leakage [K, cells] of each cell, NaN if there is none."""
        return interpolate(self.weights, self.library.cell_leakage_w)


class OperatingLibrary(_Points):
    """A library at K operating points; numbers are interpolated when they are read."""

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

    @cached_property
    def leakage(self) -> LeakagePoints:
        """Leakage at these operating points, interpolated between the corners of leakage."""
        return self.library.leakage_at(self.supply_v, self.temperature_c)

    def interpolate(self, characterised: Floats) -> Floats:
        """Interpolate [corners, ...] to [K, ...] in the logarithm; linearly if a value is not
        positive."""
        return interpolate(self.weights, characterised)

    def interpolate_linear(self, characterised: Floats) -> Floats:
        """Interpolate [corners, ...] to [K, ...] linearly; for voltages."""
        flat = characterised.reshape(len(characterised), -1)
        mixed = numerics.matmul(self.weights, flat)
        return mixed.reshape(self.count, *characterised.shape[1:])

    @cached_property
    def pin_capacitance_f(self) -> Floats:
        """Pin capacitances [F]: [K, pins, 4], as in the library."""
        return self.interpolate(self.library.pin_capacitance_f)

    @cached_property
    def pin_supply_v(self) -> Floats:
        """Voltage swing of each pin [V]: [K, pins]."""
        return self.interpolate_linear(self.library.pin_supply_v)

    @cached_property
    def axes(self) -> Floats:
        """Values of all axes of the tables, one after another: [K, values]."""
        return self.interpolate(self.library.tables.axis_values)
