"""Standard deviations of a library's delays, from its Liberty tables (LVF) or a mismatch model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.library import (
    ARC_KINDS,
    EARLY,
    FIRST_CHECK,
    LATE,
    CellLibrary,
    OperatingLibrary,
)
from chipdse.netlist.library.mismatch import MismatchModel, Moments
from chipdse.netlist.library.tables import TableSet
from chipdse.sorting import distinct

_HOLDS = tuple(
    number for number, name in enumerate(ARC_KINDS) if name.startswith(("hold", "removal"))
)


def knows_mismatch(library: CellLibrary) -> bool:
    """Whether standard deviations of the library's delays are known."""
    tables = library.sigma_tables
    return library.mismatch is not None or (tables is not None and bool((tables >= 0).any()))


def check_mismatch(library: CellLibrary) -> None:
    """Raise DesignError unless standard deviations of the library's delays are known."""
    if not knows_mismatch(library):
        raise DesignError(
            f"timing_sigma: the {library.process} corner of library {library.name} has no standard "
            "deviations of delays (ocv_sigma_cell_rise and ocv_sigma_cell_fall in its Liberty "
            "files); leave timing_sigma out or set it to 0"
        )


def with_mismatch(library: CellLibrary, model: MismatchModel) -> CellLibrary:
    """The library with a mismatch model of its cells."""
    return replace(library, mismatch=model, mismatch_arcs=_arcs_of_tables(library, model))


def arc_moments(
    library: OperatingLibrary,
    delay_tables: Int64s,
    slew_tables: Int64s,
    kind: Int64s,
    slew_s: Floats,
    load_f: Floats,
) -> Moments:
    """Variance of delay and output slew of arcs, and their covariance [2, K, arcs].

    Parameters
    ----------
    delay_tables, slew_tables : numbers of pairs of tables
    kind : [arcs] which pair an arc has
    slew_s, load_f : [2, K, arcs] of the maximum and the minimum analysis
    """
    source = library.library
    if source.sigma_tables is not None:
        return _of_tables(library, delay_tables, slew_tables, kind, slew_s, load_f)
    if source.mismatch is None or source.mismatch_arcs is None:
        none = np.zeros_like(slew_s)
        return Moments(delay=none, slew=none, both=none, shift_s=none, slew_shift_s=none)
    return _of_model(library, delay_tables, kind, slew_s, load_f)


def _of_model(
    library: OperatingLibrary, delay_tables: Int64s, kind: Int64s, slew_s: Floats, load_f: Floats
) -> Moments:
    source = library.library
    assert source.mismatch is not None and source.mismatch_arcs is not None
    arcs = source.mismatch_arcs[delay_tables]
    terms, shift, skew = source.mismatch.coefficients(
        source.process, library.supply_v, library.temperature_c, np.maximum(arcs, 0)
    )
    terms = np.where((arcs >= 0)[None, :, None], terms, 0.0)
    each = [terms[:, :, place].take(kind, axis=1) for place in range(terms.shape[2])]

    def over_load(first: int) -> Floats:
        values: Floats = each[first] + load_f * (each[first + 1] + load_f * each[first + 2])
        return values

    delay = np.maximum(over_load(0) + each[3] * np.square(slew_s), 0.0)
    slew, shift = np.maximum(over_load(4), 0.0), shift.take(kind, axis=1)
    return Moments(
        delay=delay,
        shift_s=np.sqrt(delay) * shift,
        slew=slew,
        slew_shift_s=np.sqrt(slew) * shift,
        both=over_load(7),
        skew=np.broadcast_to(skew.take(kind, axis=1), delay.shape),
    )


def _of_tables(
    library: OperatingLibrary,
    delay_tables: Int64s,
    slew_tables: Int64s,
    kind: Int64s,
    slew_s: Floats,
    load_f: Floats,
) -> Moments:
    """From Liberty tables, which do not tell how delay and slew vary together: as one."""
    sigma_tables = library.library.sigma_tables
    assert sigma_tables is not None

    def deviations(tables: Int64s) -> Floats:
        columns = []
        for which in (LATE, EARLY):
            numbers = sigma_tables[which][tables]
            known = np.maximum(numbers, 0)
            used, place = distinct(known)
            values = TableSet.of(library, used).lookup(
                place.ravel()[kind], slew_s[which], load_f[which]
            )
            columns.append(np.where((numbers >= 0)[kind], np.maximum(values, 0.0), 0.0))
        return np.stack(columns)

    delay, slew = deviations(delay_tables), deviations(slew_tables)
    none = np.zeros_like(delay)  # tables of mean shifts are not read
    return Moments(
        delay=np.square(delay),
        slew=np.square(slew),
        both=delay * slew,
        shift_s=none,
        slew_shift_s=none,
    )


def constraint_deviation_s(
    library: OperatingLibrary,
    tables: Int64s,
    row_s: Floats,
    column_s: Floats,
    limit_s: Floats,
    *,
    setup: bool,
) -> Floats:
    """Standard deviation of setup or hold times [K, checks].

    Parameters
    ----------
    tables : numbers of their tables
    row_s, column_s : slew of the clock and of the data [K, checks]
    limit_s : the setup or hold times themselves [K, checks]
    """
    source = library.library
    if source.sigma_tables is not None:
        numbers = source.sigma_tables[LATE][tables]
        used, place = distinct(np.maximum(numbers, 0))
        values = TableSet.of(library, used).lookup(place.ravel(), row_s, column_s)
        return np.where(numbers >= 0, np.maximum(values, 0.0), 0.0)
    if source.mismatch is None:
        return np.zeros_like(limit_s)
    relative = source.mismatch.limits(source.process, library.supply_v, library.temperature_c)
    deviation: Floats = np.abs(limit_s) * relative[:, [0 if setup else 1]]
    return deviation


def table_deviations(
    library: OperatingLibrary, point: int
) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """Standard deviations, late and early, of the entries of every table at an operating point.

    They are by number of the table, row by row; tables without known deviations are absent.
    """
    source = library.library
    if source.sigma_tables is not None:
        values, start = library.interpolate(source.tables.values)[point], source.tables.start
        return tuple(  # type: ignore[return-value]
            {
                int(table): values[start[numbers[table]] : start[numbers[table] + 1]]
                for table in np.flatnonzero(numbers >= 0)
            }
            for numbers in source.sigma_tables
        )
    if source.mismatch is None or source.mismatch_arcs is None:
        return {}, {}
    deviations = _model_deviations(library.part(slice(point, point + 1)))
    return deviations, deviations


def _model_deviations(library: OperatingLibrary) -> dict[int, Floats]:
    """Of delays, output slews, setup and hold at the only operating point of `library`."""
    source, tables = library.library, library.library.tables
    assert source.mismatch is not None and source.mismatch_arcs is not None
    axes, start = library.axes[0], tables.axis_start
    limits = source.mismatch.limits(source.process, library.supply_v, library.temperature_c)[0]
    values = library.interpolate(tables.values)[0]
    arcs, deviations = source.arcs, {}
    for row, kind in enumerate(arcs.kind.tolist()):
        for delay, slew in (
            (int(arcs.rise_delay[row]), int(arcs.rise_slew[row])),
            (int(arcs.fall_delay[row]), int(arcs.fall_slew[row])),
        ):
            if delay >= 0 and kind >= FIRST_CHECK:
                times = values[tables.start[delay] : tables.start[delay + 1]]
                deviations[delay] = np.abs(times) * limits[1 if kind in _HOLDS else 0]
            if delay < 0 or source.mismatch_arcs[delay] < 0:
                continue
            slews, loads = (
                axes[start[axis] : start[axis + 1]]
                for axis in (tables.row_axis[delay], tables.column_axis[delay])
            )
            grid = np.meshgrid(slews, loads, indexing="ij")
            moments = _of_model(
                library,
                np.array([delay]),
                np.zeros(grid[0].size, dtype=np.int64),
                *(np.broadcast_to(values.ravel(), (2, 1, values.size)) for values in grid),
            )
            deviations[delay] = np.sqrt(moments.delay[LATE, 0])
            deviations[slew] = np.sqrt(moments.slew[LATE, 0])
    return deviations


def _arcs_of_tables(library: CellLibrary, model: MismatchModel) -> Int64s:
    """Arc of the model of each delay table of the library, -1 for the others."""
    result = np.full(len(library.tables.rows), -1, dtype=np.int64)
    arcs = library.arcs
    for row in np.flatnonzero(arcs.kind < FIRST_CHECK).tolist():
        cell = library.cells[arcs.cell[row]]
        base = int(library.pin_start[arcs.cell[row]])
        pin, output = (cell.pins[int(end[row]) - base].name for end in (arcs.source, arcs.sink))
        clocked = ARC_KINDS[arcs.kind[row]] in ("rising_edge", "falling_edge")
        for rises, table in ((True, arcs.rise_delay[row]), (False, arcs.fall_delay[row])):
            alike = rises if clocked else arcs.sense[row] == 1
            number = model.arcs.get((cell.name, pin, output, bool(alike), rises))
            if number is not None and table >= 0:
                result[table] = number
    return result
