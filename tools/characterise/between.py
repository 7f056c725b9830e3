"""Corners between simulated ones: tables of a supply at a temperature that was not simulated there.

What temperature does to a number is simulated at some supplies; at those between, the effect is
interpolated over the supply (monotone cubic) and applied to the tables simulated at 25 °C. Times
are taken in units of the inverter's delay, which is simulated at every corner, so what is
interpolated varies little. Leakage is simulated everywhere and left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from chipdse.arrays import Bools, Floats
from chipdse.netlist.library.library import CellLibrary

from .settings import NOMINAL_TEMPERATURE_C


def apply_temperature(
    library: CellLibrary, inferred: Sequence[int], fo4_s: Sequence[float]
) -> CellLibrary:
    """Replace the tables of some corners, which hold those of 25 °C, by inferred ones.

    Parameters
    ----------
    inferred : numbers of those corners; every other corner is simulated
    fo4_s : the inverter's delay at each corner
    """
    tables = library.tables
    times = np.zeros(tables.values.shape[1], dtype=bool)
    arcs = library.arcs
    for column in (arcs.rise_delay, arcs.fall_delay, arcs.rise_slew, arcs.fall_slew):
        for table in np.unique(column[column >= 0]):
            times[tables.start[table] : tables.start[table + 1]] = True
    slews = np.zeros(tables.axis_values.shape[1], dtype=bool)
    axes = [tables.row_axis, tables.column_axis[_constraints(library)]]
    for axis in np.unique(np.concatenate(axes)):
        if axis >= 0:
            slews[tables.axis_start[axis] : tables.axis_start[axis + 1]] = True
    supply_v, unit_s = library.supply_v, np.array(fo4_s)
    corners = library.corner_count
    values = _infer(library, tables.values, np.where(times, 1.0, 0.0), inferred, unit_s, supply_v)
    axis_values = _infer(
        library, tables.axis_values, np.where(slews, 1.0, 0.0), inferred, unit_s, supply_v
    )
    pins = library.pin_capacitance_f.reshape(corners, -1)
    capacitance = _infer(library, pins, np.zeros(pins.shape[1]), inferred, unit_s, supply_v)
    return replace(
        library,
        tables=replace(tables, values=values, axis_values=axis_values),
        pin_capacitance_f=capacitance.reshape(library.pin_capacitance_f.shape),
    )


def _constraints(library: CellLibrary) -> Bools:
    """Tables whose columns are slews too."""
    is_entry = np.zeros(len(library.tables.rows), dtype=bool)
    arcs, tables = library.arcs, library.tables
    loads = set(tables.column_axis[arcs.rise_slew[arcs.rise_slew >= 0]].tolist())
    for column in (arcs.rise_delay, arcs.fall_delay):
        for table in np.unique(column[column >= 0]):
            is_entry[table] = int(tables.column_axis[table]) not in loads
    return is_entry


def _infer(
    library: CellLibrary,
    numbers: Floats,
    is_time: Floats,
    inferred: Sequence[int],
    fo4_s: Floats,
    supply_v: Floats,
) -> Floats:
    """Numbers [corners, n] with the rows of inferred corners replaced."""
    # times in inverter delays, everything else as it is (energies follow the supply squared)
    unit = np.where(is_time[None, :] > 0, fo4_s[:, None], 1.0)
    plain = numbers / unit
    result = numbers.copy()
    room = {
        float(v): k
        for k, (v, t) in enumerate(zip(supply_v, library.temperature_c, strict=True))
        if t == NOMINAL_TEMPERATURE_C
    }
    for corner in inferred:
        temp, own_v = library.temperature_c[corner], float(supply_v[corner])
        known = [
            k
            for k in np.flatnonzero(library.temperature_c == temp)
            if k not in inferred and float(supply_v[k]) in room
        ]
        known.sort(key=lambda k: float(supply_v[k]))
        at_v = supply_v[known]
        if len(known) < 2 or not at_v[0] < own_v < at_v[-1]:
            raise ValueError(f"{own_v:g} V at {temp:g} °C lies between no simulated corners")
        hottest = plain[known]
        base = plain[[room[float(v)] for v in at_v]]
        mine = plain[room[own_v]]
        positive = (hottest > 0).all(axis=0) & (base > 0).all(axis=0) & (mine > 0)
        ratio = np.log(np.where(positive, hottest / np.where(positive, base, 1.0), 1.0))
        scaled = mine * np.exp(PchipInterpolator(at_v, ratio)(own_v))
        square = np.where(is_time[None, :] > 0, 1.0, at_v[:, None] ** 2)
        shift = PchipInterpolator(at_v, (hottest - base) / square)(own_v)
        shifted = mine + shift * np.where(is_time > 0, 1.0, own_v**2)
        result[corner] = np.where(positive, scaled, shifted) * unit[corner]
    return result
