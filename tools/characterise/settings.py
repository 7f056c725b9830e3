"""What is characterised, and where: cells, supplies, temperatures, grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CELLS = tuple((Path(__file__).parent / "cells.txt").read_text().split())

PROCESSES = ("typical", "slow", "fast")
TIMING_MODELS = {"typical": "tt", "slow": "ss", "fast": "ff", "sf": "sf", "fs": "fs"}
LEAKAGE_MODELS = {"typical": "tt_leak", "slow": "leak", "fast": "leak"}

# Whose arcs have the delay of the fastest state of the other inputs, elsewhere of the slowest: as
# the official files (`default_arc_mode : best_edges`), since fast transistors are for hold.
FASTEST_STATE = ("fast",)

NOMINAL_SUPPLY_V, NOMINAL_TEMPERATURE_C = 1.8, 25.0
SUPPLIES_V = (1.8, 1.6, 1.4, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
TEMPERATURES_C = (25.0, 85.0, 125.0, -40.0)

# Slow and fast: small cells at many corners, all cells at few, the inverter and leakage at more;
# the rest is inferred (`processes.py`).
VARIANT_TEMPERATURES_C = (-40.0, 25.0, 125.0)
# Every arc of a small cell exists in one state of the other inputs alone.
SMALL_CELLS = ("inv_1", "nor2_1", "nand2_1", "buf_1", "nand3_1", "nor3_1", "and2_0")
SMALL_SUPPLIES_V = (1.95, 1.8, 1.6, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
# Slow and cold at 0.5 V, stacks carry hardly more current than the simulator's minimum conductance
# and do not settle.
SLOW_COLD_SUPPLY_V = 0.6
EVERY_CELL = {
    "slow": ((1.4, -40.0), (1.6, 125.0)),
    "fast": ((1.6, -40.0), (1.95, 125.0)),
}
VARIANT_LEAKAGE_TEMPERATURES_C = (-40.0, 25.0, 85.0, 125.0)
VARIANT_LEAKAGE_SUPPLIES_V = (1.95, 1.8, 1.4, 1.0, 0.7, 0.5)
# Corners of typical transistors that were added to the shipped file by the same method.
ADDED_TYPICAL = (
    *((1.95, temp) for temp in (25.0, -40.0, 85.0, 125.0)),
    (0.7, -40.0),
)
# Below 25 °C corners end where an inverter takes more than a microsecond: with slow transistors at
# 0.7 V and -40 °C (1.3 µs) ten of the 87 cells did not settle in simulation.
PACKED_COLD_SUPPLIES_V = {"slow": {-40.0: 0.8, 0.0: 0.7}}
PACKED_TEMPERATURES_C = (-40.0, 0.0, 25.0, 85.0, 125.0)
PACKED_SUPPLIES_V = (1.95, 1.8, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5)

# Slews at the nominal corner; at another they grow with the delay of an inverter (FO4).
SLEWS_S = np.geomspace(10e-12, 1.5e-9, 7)
CONSTRAINT_SLEWS_S = np.array([10e-12, 0.5e-9, 1.5e-9])
SMALLEST_LOAD_F = 0.5e-15
LOADS = 7  # up to the load at which the nominal transition reaches the largest slew
# Every point is simulated at 25 °C and these supplies. Elsewhere every second one is; the ratio to
# the nearest of them (or to 25 °C), smooth because the slews scale along, fills the rest.
FULL_SUPPLIES_V = (1.8, 1.2, 0.9, 0.7, 0.5)
COARSE = (0, 2, 4, 6)
SPARSE = (0, 3, 6)  # slow and fast, by the ratio to typical at the same supply and temperature
COLD_SUPPLY_V = 0.8  # below it, typical at -40 °C is simulated so too
MIDDLE_LOAD = 2  # of the seven: where the slowest state of the other inputs is looked for
COARSE_CONSTRAINT = (0, 2)

# The one calibration, one value for all transistors. Leakage depends exponentially on the distance
# from gate to diffusion edge; 15 nm less than drawn takes its error against the official 1.8 V file
# from 5.4 % to 1.1 % (median), for both transistor types at once: the official netlists measured
# from an edge 15 nm further in. Delay at 1.8 V changes by 0.2 %.
STRESS_INSET_M = 15e-9


def loads_f(largest_f: float) -> np.ndarray:
    return np.geomspace(SMALLEST_LOAD_F, largest_f, LOADS)


def works(process: str, supply_v: float, temperature_c: float) -> bool:
    """Whether cells of slow or fast transistors are simulated at a corner."""
    cold = process == "slow" and temperature_c < NOMINAL_TEMPERATURE_C
    return not (cold and supply_v < SLOW_COLD_SUPPLY_V)


def points(process: str, supply_v: float, temperature_c: float) -> tuple[int, ...]:
    """Which slews and loads of the seven are simulated at a corner."""
    cold = temperature_c < 0 and supply_v < COLD_SUPPLY_V
    if process != "typical" or supply_v > NOMINAL_SUPPLY_V or cold:
        return SPARSE
    return tuple(range(LOADS)) if is_full(process, supply_v, temperature_c) else COARSE


def is_full(process: str, supply_v: float, temperature_c: float) -> bool:
    """Whether every point of the grid is simulated at a corner."""
    return (
        process == "typical"
        and temperature_c == NOMINAL_TEMPERATURE_C
        and supply_v in FULL_SUPPLIES_V
    )


def base_of(supply_v: float, temperature_c: float) -> tuple[float, float]:
    """The corner whose complete tables give a coarse one its shape."""
    if temperature_c != NOMINAL_TEMPERATURE_C:
        return supply_v, NOMINAL_TEMPERATURE_C
    nearest = min(FULL_SUPPLIES_V, key=lambda full: abs(np.log(full / supply_v)))
    return nearest, NOMINAL_TEMPERATURE_C
