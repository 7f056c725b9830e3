"""SRAM macros as a Liberty file, and as cells of a library at all its corners.

The file gives what the model says at the macros' own supply. Beside a library's cells a macro is
taken to follow them: its times scale as the library's gates do, its energies as the square of the
supply, its leakage as the cells' does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import CellLibrary, Tables, Thresholds, meet_elsewhere
from chipdse.technology.sram import MacroFigures, MacroSize, macro_figures

# A macro's supply may differ so much from what it was characterised at: below, no model of gates
# determines whether its cells can still be read and written.
LEAST_SUPPLY_FRAC, MOST_SUPPLY_FRAC = 2 / 3, 1.1
_LOADS_F = (1e-15, 100e-15)
# Slews are as in the files that the model was fitted to: 0.8 of a ramp from rail to rail, 10 to
# 90 % in sky130's, 30 to 70 % with slew_derate_from_library 0.5 in IHP's.
_MACRO_THRESHOLDS = Thresholds(lower_frac=(0.1, 0.1), upper_frac=(0.9, 0.9))


def macro_pins(size: MacroSize) -> tuple[tuple[str, str, int], ...]:
    """Name, direction and bits of a macro's pins, the clock first.

    `we` writes at this edge, where `mask` has ones, and `re` reads. One port cannot do both at
    once.
    """
    common = (("clk", "input", 1), ("we", "input", 1), ("mask", "input", size.masks))
    address, bits = size.address_bits, size.bits
    if size.has_second_port:
        return (
            *common,
            ("waddr", "input", address),
            ("din", "input", bits),
            ("re", "input", 1),
            ("raddr", "input", address),
            ("dout", "output", bits),
        )
    return (
        *common,
        ("addr", "input", address),
        ("din", "input", bits),
        ("re", "input", 1),
        ("dout", "output", bits),
    )


def macro_liberty(sizes: Sequence[MacroSize]) -> str:
    """A Liberty file of macros of one family, at the supply they were characterised at."""
    figures = [macro_figures(size) for size in sizes]
    first = figures[0]
    widths = sorted({bits for size in sizes for _, _, bits in macro_pins(size) if bits > 1})
    lines = [
        f"library (sram_{sizes[0].family}) {{",
        '  time_unit : "1ps"; voltage_unit : "1V"; current_unit : "1uA";',
        '  leakage_power_unit : "1pW"; capacitive_load_unit (1, ff);',
        f"  nom_process : 1; nom_voltage : {first.supply_v:g}; "
        f"nom_temperature : {first.temperature_c:g};",
        *_threshold_lines(),
        "  lu_table_template (load) { variable_1 : total_output_net_capacitance;",
        f'    index_1 ("{", ".join(f"{load * 1e15:g}" for load in _LOADS_F)}"); }}',
    ]
    for bits in widths:
        lines.append(
            f"  type (bus_{bits}) {{ base_type : array; data_type : bit; bit_width : {bits}; "
            f"bit_from : {bits - 1}; bit_to : 0; downto : true; }}"
        )
    for size, size_figures in zip(sizes, figures, strict=True):
        lines += _cell(size, size_figures)
    return "\n".join([*lines, "}", ""])


def _threshold_lines() -> Iterator[str]:
    for edge, name in enumerate(("rise", "fall")):
        low, high = (
            100 * _MACRO_THRESHOLDS.lower_frac[edge],
            100 * _MACRO_THRESHOLDS.upper_frac[edge],
        )
        start, end = (
            100 * _MACRO_THRESHOLDS.input_frac[edge],
            100 * _MACRO_THRESHOLDS.output_frac[edge],
        )
        yield f"  slew_lower_threshold_pct_{name} : {low:g};"
        yield f"  slew_upper_threshold_pct_{name} : {high:g};"
        yield f"  input_threshold_pct_{name} : {start:g};"
        yield f"  output_threshold_pct_{name} : {end:g};"


def _cell(size: MacroSize, figures: MacroFigures) -> Iterator[str]:
    yield f"  cell ({size.name}) {{"
    yield f"    area : {figures.area_m2 * 1e12:.6g}; interface_timing : true; dont_touch : true;"
    yield (
        f"    memory () {{ type : ram; address_width : {size.address_bits}; "
        f"word_width : {size.bits}; }}"
    )
    yield f"    cell_leakage_power : {figures.leakage_w * 1e12:.6g};"
    for name, direction, bits in macro_pins(size):
        kind, typed = ("bus", f" bus_type : bus_{bits};") if bits > 1 else ("pin", "")
        yield f"    {kind} ({name}) {{{typed} direction : {direction};"
        if direction == "output":
            yield from _access(figures)
        else:
            yield f"      capacitance : {figures.pin_f * 1e15:.6g};"
            yield from _clock(size, figures) if name == "clk" else _checks(figures)
        yield "    }"
    yield "  }"


def _access(figures: MacroFigures) -> Iterator[str]:
    delays = [figures.access_s + figures.access_per_load_s_per_f * load for load in _LOADS_F]
    delay = ", ".join(f"{1e12 * delay_s:.6g}" for delay_s in delays)
    slew = ", ".join(f"{1e12 * figures.output_slew_s:.6g}" for _ in _LOADS_F)
    edge = "falling_edge" if figures.falls else "rising_edge"
    yield f'      timing () {{ related_pin : "clk"; timing_type : {edge};'
    for table, values in (("cell", delay), ("transition", slew)):
        for edge in ("rise", "fall"):
            name = f"cell_{edge}" if table == "cell" else f"{edge}_transition"
            yield f'        {name} (load) {{ values ("{values}"); }}'
    yield "      }"


def _checks(figures: MacroFigures) -> Iterator[str]:
    for kind, time_s in (("setup_rising", figures.setup_s), ("hold_rising", figures.hold_s)):
        yield f'      timing () {{ related_pin : "clk"; timing_type : {kind};'
        for edge in ("rise", "fall"):
            yield f'        {edge}_constraint (scalar) {{ values ("{time_s * 1e12:.6g}"); }}'
        yield "      }"


def _clock(size: MacroSize, figures: MacroFigures) -> Iterator[str]:
    """Energies of the rising edge: what each cycle takes, and what an access adds."""
    idle = figures.idle_energy_j
    ports = 2 if size.has_second_port else 1
    groups = [
        ("", ports * idle),
        ("we", figures.write_energy_j - idle),
        ("re", figures.read_energy_j - idle),
    ]
    yield "      clock : true;"
    for when, energy in groups:
        condition = f' when : "{when}";' if when else ""
        yield f"      internal_power () {{{condition}"
        yield f'        rise_power (scalar) {{ values ("{energy * 1e15:.6g}"); }}'
        yield '        fall_power (scalar) { values ("0"); }'
        yield "      }"


def macro_cells(sizes: Sequence[MacroSize], thresholds: Thresholds | None = None) -> CellLibrary:
    """The macros as a library of one corner, their own.

    thresholds : what slews shall mean; None is what they mean in the macros' own file
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sram.lib"
        path.write_text(macro_liberty(sizes))
        return read_liberty([path], thresholds=thresholds)


def with_macros(library: CellLibrary, sizes: Sequence[MacroSize]) -> CellLibrary:
    """A library with macros beside its cells, at all its corners.

    Raises
    ------
    DesignError : the library does not cover the supply that the macros were characterised at
    """
    macros = macro_cells(sizes, library.thresholds)
    volts, temperature = float(macros.supply_v[0]), float(macros.temperature_c[0])
    try:
        slower, leakier = (
            _delay_scale(library, volts, temperature),
            _leakage_scale(library, volts, temperature),
        )
    except DesignError as error:
        raise DesignError(
            f"SRAM macros of {sizes[0].family} are known at {volts:g} V and "
            f"{temperature:g} °C: {error}"
        ) from error
    return _appended(library, macros, slower, numerics.square(library.supply_v / volts), leakier)


def check_macro_supply(sizes: Sequence[MacroSize], vdd_v: float) -> None:
    """Raise DesignError for a supply at which the macros may not work."""
    for size in sizes[:1]:
        supply_v = macro_figures(size).supply_v
        if not LEAST_SUPPLY_FRAC * supply_v - 1e-9 <= vdd_v <= MOST_SUPPLY_FRAC * supply_v + 1e-9:
            raise DesignError(
                f"vdd_v={vdd_v:g} is outside {LEAST_SUPPLY_FRAC * supply_v:.3g} to "
                f"{MOST_SUPPLY_FRAC * supply_v:.3g} V, in which SRAM macros of {size.family} are "
                "modelled; set memory_macro_bits=0 to keep memories in registers"
            )


def _delay_scale(library: CellLibrary, volts: float, temperature: float) -> Floats:
    """Delay of the library's gates at each corner over that at one operating point."""
    arcs, tables = library.arcs, library.tables
    gates = arcs.kind == 0
    used = np.unique(np.concatenate([arcs.rise_delay[gates], arcs.fall_delay[gates]]))
    places = np.concatenate(
        [
            np.arange(tables.start[t], tables.start[t] + tables.rows[t] * tables.columns[t])
            for t in used[used >= 0]
        ]
    )
    values = tables.values[:, places]
    point_values = library.at([volts], [temperature]).interpolate(values)[0]
    usable = (values > 0).all(axis=0) & (point_values > 0)
    ratios = numerics.log(values[:, usable] / point_values[usable])
    scale: Floats = numerics.exp(np.mean(ratios, axis=1))
    return scale


def _leakage_scale(library: CellLibrary, volts: float, temperature: float) -> Floats:
    """Leakage of the library's cells at each corner of leakage over that at one point."""
    points = library.leakage_at([volts], [temperature])
    values, point_values = library.leakages.value_w, points.groups_w()[0]
    if not values.size:
        values, point_values = library.cell_leakage_w, points.cells_w()[0]
    usable = (values > 0).all(axis=0) & (point_values > 0)
    if not usable.any():
        raise DesignError(f"library {library.name} gives no leakage to scale theirs by")
    ratios = numerics.log(values[:, usable] / point_values[usable])
    scale: Floats = numerics.exp(np.mean(ratios, axis=1))
    return scale


def _appended(
    library: CellLibrary, macros: CellLibrary, slower: Floats, energy: Floats, leakier: Floats
) -> CellLibrary:
    """The cells of `macros` behind those of `library`, their numbers scaled to its corners."""
    cells, pins = len(library.cells), int(library.pin_start[-1])
    count, conditions = len(library.tables.rows), len(library.conditions)
    timed, powered = macros.arcs, macros.powers
    scale = np.where(_is_energy(macros)[None, :], energy[:, None], slower[:, None])

    def many(values: Floats) -> Floats:
        return np.repeat(values, library.corner_count, axis=0)

    arcs, powers = library.arcs, library.powers
    at_table = ("rise_delay", "fall_delay", "rise_slew", "fall_slew")
    swings = np.broadcast_to(
        library.supply_v[:, None], (library.corner_count, len(macros.pin_supply_v[0]))
    )
    return replace(
        library,
        cells=library.cells + macros.cells,
        conditions=library.conditions + macros.conditions,
        pin_capacitance_f=np.concatenate(
            [library.pin_capacitance_f, many(macros.pin_capacitance_f)], axis=1
        ),
        pin_supply_v=np.concatenate([library.pin_supply_v, swings], axis=1),
        cell_leakage_w=np.concatenate(
            [library.cell_leakage_w, leakier[:, None] * macros.cell_leakage_w[0]], axis=1
        ),
        tables=_joined(library.tables, macros.tables, scale),
        arcs=replace(
            arcs,
            cell=_moved(arcs.cell, timed.cell, cells),
            source=_moved(arcs.source, timed.source, pins),
            sink=_moved(arcs.sink, timed.sink, pins),
            kind=np.concatenate([arcs.kind, timed.kind]),
            sense=np.concatenate([arcs.sense, timed.sense]),
            condition=_moved(arcs.condition, timed.condition, conditions),
            **{name: _moved(getattr(arcs, name), getattr(timed, name), count) for name in at_table},
        ),
        powers=replace(
            powers,
            cell=_moved(powers.cell, powered.cell, cells),
            pin=_moved(powers.pin, powered.pin, pins),
            related=_moved(powers.related, powered.related, pins),
            condition=_moved(powers.condition, powered.condition, conditions),
            supply=np.concatenate([powers.supply, np.full_like(powered.supply, -1)]),
            rise=_moved(powers.rise, powered.rise, count),
            fall=_moved(powers.fall, powered.fall, count),
        ),
        sources=(*library.sources, *macros.sources),
        **_files(library, macros),
        # The guaranteed view refuses macros; their deviations are not known.
        sigma_tables=None,
        mismatch=None,
        mismatch_arcs=None,
    )


def _is_energy(macros: CellLibrary) -> np.ndarray:
    """Whether each value of the tables is an energy, and not a time."""
    is_energy = np.zeros(len(macros.tables.values[0]), dtype=bool)
    for table in np.concatenate([macros.powers.rise, macros.powers.fall]):
        if table >= 0:
            first = macros.tables.start[table]
            is_energy[first : first + macros.tables.rows[table] * macros.tables.columns[table]] = 1
    return is_energy


def _moved(numbers: np.ndarray, added: np.ndarray, by: int) -> np.ndarray:
    """Positions with those of another library behind them; -1 stays -1."""
    return np.concatenate([numbers, np.where(added >= 0, added + by, added)]).astype(numbers.dtype)


def _files(library: CellLibrary, macros: CellLibrary) -> dict[str, Any]:
    """Thresholds and numbers of cells of the files, where delays of two do not meet."""
    files = library.file_thresholds or (library.thresholds,)
    counts = library.file_cells or (len(library.cells),)
    files, counts = (*files, _MACRO_THRESHOLDS), (*counts, len(macros.cells))
    return {"file_thresholds": files, "file_cells": counts} if meet_elsewhere(files) else {}


def _joined(tables: Tables, added_tables: Tables, scale: Floats) -> Tables:
    """Tables behind tables; the other's values are of one corner, `scale` [corners, values]."""
    corners, axes = len(tables.values), len(tables.axis_start) - 1

    def axis(numbers: np.ndarray, added: np.ndarray) -> np.ndarray:
        return np.concatenate([numbers, np.where(added >= 0, added + axes, -1)]).astype(
            numbers.dtype
        )

    return Tables(
        rows=np.concatenate([tables.rows, added_tables.rows]),
        columns=np.concatenate([tables.columns, added_tables.columns]),
        row_axis=axis(tables.row_axis, added_tables.row_axis),
        column_axis=axis(tables.column_axis, added_tables.column_axis),
        start=np.concatenate(
            [tables.start[:-1], added_tables.start + tables.values.shape[1]]
        ).astype(tables.start.dtype),
        axis_start=np.concatenate(
            [tables.axis_start, added_tables.axis_start[1:] + tables.axis_start[-1]]
        ).astype(tables.axis_start.dtype),
        axis_values=np.concatenate(
            [tables.axis_values, np.repeat(added_tables.axis_values, corners, axis=0)], axis=1
        ),
        values=np.concatenate([tables.values, scale * added_tables.values], axis=1),
    )
