"""A map of temperature over one die whose power lies in rectangles, e.g. those of a chip's parts.

The junction temperatures among the metrics are computed in `arrays/temperature.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.system.arrays.geometry import Geometry, layers_of
from chipdse.system.thermal.assembly import Network, assemble
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Rectangle
from chipdse.technology.constants import Sources

CELLS = 32
"""Cells of the mesh across the die, at least; every rectangle's edges are lines of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TemperatureMap:
    """Temperature rise above the ambient air, of the hottest slice of a die.

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


def temperature_maps(
    geometry: Geometry,
    rectangles: Sequence[Sequence[Rectangle]],
    power_w: Sequence[Floats],
    sources: Sources,
) -> list[TemperatureMap]:
    """Steady temperature of each die of a package, side by side or in a stack.

    Materials conduct as at 27 °C, where their conductivity is tabulated. Leakage does not follow
    the temperature here.

    Parameters
    ----------
    rectangles : on each die of the geometry, from its centre
    power_w : of each rectangle
    """
    stack = layers_of(geometry, sources)
    of_die: list[tuple[int, Rectangle]] = []  # the layer and the outline of each die
    layers, mapped, even = [], [], []
    for at, layer in enumerate(stack.layers):
        powered: list[Rectangle] = []
        for die in layer.sources:
            place = len(of_die)
            total = numerics.dot(power_w[place], np.ones(len(power_w[place])))
            of_die.append((at, die))
            powered += [die, *(_moved(rectangle, die) for rectangle in rectangles[place])]
            mapped += [0.0, *power_w[place]]
            even += [total, *(0.0 for _ in power_w[place])]
        layers.append(dataclasses.replace(layer, sources=tuple(powered)))
    network = assemble(dataclasses.replace(stack, layers=tuple(layers)), CELLS)
    operator = solve(network)
    rise, even_rise = operator.cell_rise(np.array(mapped)), operator.cell_rise(np.array(even))
    return [_of_die(network, at, die, rise, even_rise) for at, die in of_die]


def _moved(rectangle: Rectangle, die: Rectangle) -> Rectangle:
    """A rectangle on a die, from the centre of the package."""
    return dataclasses.replace(
        rectangle,
        left_m=rectangle.left_m + die.left_m + die.width_m / 2,
        bottom_m=rectangle.bottom_m + die.bottom_m + die.height_m / 2,
    )


def _of_die(
    network: Network, layer: int, die: Rectangle, rise: Floats, even_rise: Floats
) -> TemperatureMap:
    inside_x = _inside(network.x, die.left_m, die.right_m)
    inside_y = _inside(network.y, die.bottom_m, die.top_m)
    slices = [z for z, of in enumerate(network.slice_layer) if of == layer]
    planes = [rise[network.cell[z][inside_y, inside_x]] for z in slices]
    centre_x, centre_y = die.left_m + die.width_m / 2, die.bottom_m + die.height_m / 2
    return TemperatureMap(
        x_m=network.x[inside_x.start : inside_x.stop + 1] - centre_x,
        y_m=network.y[inside_y.start : inside_y.stop + 1] - centre_y,
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
