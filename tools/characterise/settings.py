"""What is characterised, and where: cells, supplies, temperatures, grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CELLS = tuple((Path(__file__).parent / "cells.txt").read_text().split())

NOMINAL_SUPPLY_V, NOMINAL_TEMPERATURE_C = 1.8, 25.0
SUPPLIES_V = (1.8, 1.6, 1.4, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
TEMPERATURES_C = (25.0, 85.0, 125.0, -40.0)

# Slews at the nominal corner; at another they grow with the delay of an inverter (FO4).
SLEWS_S = np.geomspace(10e-12, 1.5e-9, 7)
CONSTRAINT_SLEWS_S = np.array([10e-12, 0.5e-9, 1.5e-9])
SMALLEST_LOAD_F = 0.5e-15
LOADS = 7  # up to the load at which the nominal transition reaches the largest slew
# Every point is simulated at 25 °C and these supplies. Elsewhere every second one is; the ratio to
# the nearest of them (or to 25 °C), smooth because the slews scale along, fills the rest.
FULL_SUPPLIES_V = (1.8, 1.2, 0.9, 0.7, 0.5)
COARSE = (0, 2, 4, 6)
COARSE_CONSTRAINT = (0, 2)

# The one calibration, one value for all transistors. Leakage depends exponentially on the distance
# from gate to diffusion edge; 15 nm less than drawn takes its error against the official 1.8 V file
# from 5.4 % to 1.1 % (median), for both transistor types at once: the official netlists measured
# from an edge 15 nm further in. Delay at 1.8 V changes by 0.2 %.
STRESS_INSET_M = 15e-9


def loads_f(largest_f: float) -> np.ndarray:
    return np.geomspace(SMALLEST_LOAD_F, largest_f, LOADS)


def is_full(supply_v: float, temperature_c: float) -> bool:
    """Whether every point of the grid is simulated at a corner."""
    return temperature_c == NOMINAL_TEMPERATURE_C and supply_v in FULL_SUPPLIES_V


def base_of(supply_v: float, temperature_c: float) -> tuple[float, float]:
    """The corner whose complete tables give a coarse one its shape."""
    if temperature_c != NOMINAL_TEMPERATURE_C:
        return supply_v, NOMINAL_TEMPERATURE_C
    nearest = min(FULL_SUPPLIES_V, key=lambda full: abs(np.log(full / supply_v)))
    return nearest, NOMINAL_TEMPERATURE_C
