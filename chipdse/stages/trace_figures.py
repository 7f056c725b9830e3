"""Power over time as stored stages: the peak of a run, what it reveals, how its tiles differ."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.arrays import Floats
from chipdse.design import Design, OperatingPoint
from chipdse.netlist.activity.recording import read_register_map
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.power.cycles import recorded_energy_j
from chipdse.netlist.power.peaks import peaks_of
from chipdse.stages.analyse import analyse_design
from chipdse.stages.layout import LAYOUT_TABLES, guarded_layout, physical_values
from chipdse.stages.leakage import measure_leakage
from chipdse.stages.leakage_records import LeakageTest
from chipdse.stages.library import library_version, supply_of
from chipdse.stages.load import RUN_INPUTS, Hardware, load, run_values
from chipdse.stages.stated_operation import operation_of
from chipdse.stages.traces import block_energies
from chipdse.store.stage import Stage
from chipdse.store.store import Store
from chipdse.trace_metrics import MAX_T, PEAK_POWER, Traced, TraceFigures

_RESULT = "figure.json"
_CORNER_INPUTS = {
    **RUN_INPUTS,
    "vdd_v": "supply voltage",
    "temperature_c": "temperature",
    "physical": "which wires, clock tree and glitches count",
}


def trace_figures(
    traced: Traced,
    design: Design,
    hardware: Hardware,
    store: Store,
    points: Sequence[OperatingPoint],
) -> list[TraceFigures]:
    """Figures of a design's power over time at some operating points; their clocks do not matter.

    Raises
    ------
    DesignError : the window is longer than the run, the block states no operation on secret data,
        or its netlist cannot run by itself
    """
    figures = []
    for point in points:
        at = dataclasses.replace(design, operating=point)
        values: dict[str, float] = {}
        if PEAK_POWER in traced.names:
            values["peak_energy_j"] = _stored_peak_j(traced, at, hardware, store)
        if MAX_T in traced.names:
            values["max_t_first_order"] = _stored_t(traced, at, hardware, store)
        figures.append(TraceFigures(**values))
    return figures


def _stored_peak_j(traced: Traced, design: Design, hardware: Hardware, store: Store) -> float:
    window = traced.options.window_cycles
    values = {**_corner_values(design, hardware), "window_cycles": window}
    build = functools.partial(write_peak, design, hardware, window, store)
    return _figure(PEAKS, design, store, values, build)


def _stored_t(traced: Traced, design: Design, hardware: Hardware, store: Store) -> float:
    options = traced.options
    operation = operation_of(design.block, design.parameters)
    values = {
        **_corner_values(design, hardware),
        "operation": dataclasses.asdict(operation),
        "traces": options.traces,
        "seed": options.seed,
    }
    test = LeakageTest(traces=options.traces, seed=options.seed)
    build = functools.partial(write_t, design, hardware, test, store)
    return _figure(REVEALED, design, store, values, build)


def _corner_values(design: Design, hardware: Hardware) -> dict[str, Any]:
    vdd_v, temperature_c = supply_of(design)
    return {
        **run_values(design, hardware, design.operating.process),
        "vdd_v": vdd_v,
        "temperature_c": temperature_c,
        "physical": physical_values(design.physical),
    }


def _figure(
    stage: Stage,
    design: Design,
    store: Store,
    values: dict[str, Any],
    build: functools.partial[None],
) -> float:
    version = library_version(design.library, design.operating.process)
    guard = functools.partial(guarded_layout, design, version, values["physical"])
    folder = stage.folder(store, values, build, guard=guard)
    return float(json.loads((folder / _RESULT).read_text()))


def write_peak(
    design: Design, hardware: Hardware, window_cycles: int, store: Store, folder: Path
) -> None:
    """Write the highest mean energy [J] per cycle of some cycles in a row into a folder."""
    energy_j = _cycle_energies_j(design, hardware, store)
    peaks = peaks_of(energy_j, 1.0, window_cycles)  # the supply scales steps only
    (folder / _RESULT).write_text(json.dumps(peaks.peak_power_w))


def _cycle_energies_j(design: Design, hardware: Hardware, store: Store) -> Floats:
    """Dynamic energy of a block in every cycle of its run, without the clock tree."""
    analysis = analyse_design(design, hardware, store)
    loaded = load(design.library, hardware, design.operating.process)
    registers = read_register_map(hardware.mapped.register_map)
    plan = plan_replay(loaded.netlist, loaded.recording, registers)
    energies_j = recorded_energy_j(
        plan,
        block_energies(analysis, plan, 0),
        loaded.recording,
        first_cycle=hardware.run.first_cycle,
        cycles=int(analysis.plain_activity.cycles),
    )
    return np.asarray(energies_j.sum(axis=1))


def tile_deviation_j(
    design: Design, hardware: Hardware, store: Store, tiles: int, interval_cycles: int
) -> float:
    """Standard deviation of the dynamic energy of the tiles that a run forms one after another.

    Parameters
    ----------
    tiles : of the run, two or more
    interval_cycles : from the first operand of a tile to that of the next
    """
    values = {
        **_corner_values(design, hardware),
        "tiles": tiles,
        "interval_cycles": interval_cycles,
    }
    build = functools.partial(write_deviation, design, hardware, tiles, interval_cycles, store)
    return _figure(TILES, design, store, values, build)


def write_deviation(
    design: Design,
    hardware: Hardware,
    tiles: int,
    interval_cycles: int,
    store: Store,
    folder: Path,
) -> None:
    """Write the standard deviation of the energy of tiles [J] into a folder.

    What a tile spends while it leaves the array counts for the tile after it.
    """
    energy_j = _cycle_energies_j(design, hardware, store)
    starts = np.arange(tiles) * interval_cycles
    of_tiles = [energy_j[start : start + interval_cycles].sum() for start in starts]
    (folder / _RESULT).write_text(json.dumps(float(np.std(of_tiles, ddof=1))))


def write_t(
    design: Design, hardware: Hardware, test: LeakageTest, store: Store, folder: Path
) -> None:
    """Write the largest |t| of first order of the block's power into a folder."""
    # One thread: workers of a sweep fill the processors.
    leakage = measure_leakage(design, hardware, store, test, jobs=1)
    (folder / _RESULT).write_text(json.dumps(leakage.max_t_first_order))


PEAKS = Stage(
    name="peaks",
    does="finds the clock cycles of highest energy, for peak_power_w",
    inputs={**_CORNER_INPUTS, "window_cycles": "clock cycles over which the peak is a mean"},
    builder=write_peak,
    data=LAYOUT_TABLES,
)
TILES = Stage(
    name="tiles",
    does="compares the energies of tiles, for the standard error of layers of which some are drawn",
    inputs={
        **_CORNER_INPUTS,
        "tiles": "number of tiles in the run",
        "interval_cycles": "clock cycles from one tile to the next",
    },
    builder=write_deviation,
    data=LAYOUT_TABLES,
)
REVEALED = Stage(
    name="revealed",
    does="compares the power of runs with fixed and with random data, for max_t_first_order",
    inputs={
        **_CORNER_INPUTS,
        "operation": "what the block states: inputs in every clock cycle, and where data enters",
        "traces": "number of runs",
        "seed": "of the data and of the random bits",
    },
    builder=write_t,
    data=LAYOUT_TABLES,
)
