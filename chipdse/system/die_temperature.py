"""Temperature over one die whose power lies in rectangles, e.g. those of a chip's parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.system.arrays.geometry import Geometry, layers_of
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Rectangle
from chipdse.technology.constants import Sources

CELLS = 32
"""Cells of the mesh across the die, at least; every rectangle's edges are lines of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DieTemperature:
    """Rise over the air of the hottest slice of a die.

    x_m, y_m : edges of the cells, from the die's centre
    rise_k : [y, x], with the power in its rectangles
    even_peak_k : hottest cell with the same power spread evenly over the die
    """

    x_m: Floats
    y_m: Floats
    rise_k: Floats
    even_peak_k: float

    @property
    def hotspot_k(self) -> float:
        """By how much the hottest cell is hotter than with the power spread evenly."""
        return float(self.rise_k.max()) - self.even_peak_k


def die_temperature(
    geometry: Geometry, rectangles: Sequence[Rectangle], power_w: Floats, sources: Sources
) -> DieTemperature:
    """Steady temperature of the one die of a package.

    Materials conduct as at 27 °C, where their conductivity is tabulated. Leakage does not follow
    the temperature here.

    Parameters
    ----------
    rectangles : on the die, from its centre
    power_w : of each rectangle

    Raises
    ------
    DesignError : the package does not have one die
    """
    if len(geometry.dies) != 1:
        raise DesignError(f"a map of one die cannot show {len(geometry.dies)} dies")
    stack = layers_of(geometry, sources)
    place = next(i for i, layer in enumerate(stack.layers) if layer.sources)
    layer = stack.layers[place]
    (die,) = layer.sources
    powered = dataclasses.replace(layer, sources=(die, *rectangles))
    layers = (*stack.layers[:place], powered, *stack.layers[place + 1 :])
    network = assemble(dataclasses.replace(stack, layers=layers), CELLS)
    operator = solve(network)
    in_rectangles = np.array([0.0, *power_w])
    even = np.zeros_like(in_rectangles)
    even[0] = numerics.dot(in_rectangles, np.ones(len(in_rectangles)))
    rise = operator.cell_rise(in_rectangles)
    inside_x = _inside(network.x, die.left_m, die.right_m)
    inside_y = _inside(network.y, die.bottom_m, die.top_m)
    slices = [z for z, of in enumerate(network.slice_layer) if of == place]
    planes = [rise[network.cell[z][inside_y, inside_x]] for z in slices]
    even_rise = operator.cell_rise(even)
    return DieTemperature(
        x_m=network.x[inside_x.start : inside_x.stop + 1],
        y_m=network.y[inside_y.start : inside_y.stop + 1],
        rise_k=max(planes, key=lambda plane: float(plane.max())),
        even_peak_k=max(
            float(even_rise[network.cell[z][inside_y, inside_x]].max()) for z in slices
        ),
    )


def _inside(lines: Floats, low: float, high: float) -> slice:
    """The cells between two lines of the mesh."""
    span = 1e-9 * (high - low)
    first = int(np.searchsorted(lines, low - span))
    last = int(np.searchsorted(lines, high - span))
    return slice(first, last)
