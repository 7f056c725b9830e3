"""Temperatures of a die with a map of its power from a placement, instead of uniform power."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.system.arrays.geometry import DieOutline, Geometry, layers_of
from chipdse.system.parameters import PackageParameters
from chipdse.system.thermal.hottest import hottest_points
from chipdse.system.thermal.stack import Layer, Rectangle, Stack
from chipdse.technology.constants import Sources

GRID = 12
"""Squares of the map across the die."""
MESH_CELLS = 2 * GRID
"""Cells of the fine mesh across the die; the coarse mesh has one per square."""


@dataclass(frozen=True, kw_only=True)
class MappedTemperature:
    """Hottest point over the air [K]: with the power where it is, and with it spread evenly.

    error_k : discretisation error of `peak_rise_k` for power that is even within each square
    beyond_conductivity_k : how far the die is outside the range of silicon's conductivity [K];
        negative inside it
    """

    peak_rise_k: float
    even_peak_rise_k: float
    error_k: float
    beyond_conductivity_k: float

    @property
    def hotspot_k(self) -> float:
        """What the map adds to the even die's peak."""
        return self.peak_rise_k - self.even_peak_rise_k


def mapped_temperature(
    block_map_w: Floats,
    block_area_m2: float,
    package: PackageParameters,
    sources: Sources,
    *,
    copies: int = 1,
) -> MappedTemperature:
    """Temperature of one die made of copies of a block side by side, with the block's power map.

    The die is in the package's cooling, alone; each copy has the map, which is averaged over the
    squares of the die's own `GRID`. Leakage does not follow the temperature here.

    Parameters
    ----------
    block_map_w : [n, n] power of the squares of one block, x first [W]
    block_area_m2 : of one block, taken as a square
    copies : of the block on the die; taken as a square of ``ceil(sqrt(copies))`` a side
    """
    if block_map_w.ndim != 2 or not (np.isfinite(block_map_w).all() and (block_map_w >= 0).all()):
        raise DesignError("a map of power needs two axes and powers of at least 0")
    if copies < 1:
        raise DesignError(f"copies={copies} must be at least 1")
    a_side = math.ceil(math.sqrt(copies))
    area_m2 = block_area_m2 * a_side * a_side
    die = Geometry(
        arrangement="monolithic",
        dies=(DieOutline(name="die", area_m2=area_m2),),
        cooling=package.cooling,
        interface_material=package.interface_material,
        spreader_material=package.spreader_material,
        die_material=package.die_material,
        die_thickness_m=package.die_thickness_m,
        spreader_side_m=package.spreader_side_m,
        sink_side_m=package.sink_side_m,
    )
    stack = _divided(layers_of(die, sources))
    power = resampled(np.tile(block_map_w, (a_side, a_side)), GRID)
    order = [stack.sources.index(_name(i, j)) for i in range(GRID) for j in range(GRID)]
    maps = np.zeros((2, len(stack.sources)))
    maps[0, order], maps[1, order] = power.ravel(), power.mean()
    mapped, even = hottest_points(stack, maps, package.ambient_c, MESH_CELLS)
    return MappedTemperature(
        peak_rise_k=mapped.rise_k,
        even_peak_rise_k=even.rise_k,
        error_k=mapped.error_k,
        beyond_conductivity_k=mapped.beyond_conductivity_k,
    )


def resampled(power_w: Floats, size: int) -> Floats:
    """A map on another grid of the same outline; the sum does not change."""
    result = power_w
    for axis in (0, 1):
        count = result.shape[axis]
        edges = np.linspace(0, count, size + 1)
        low = np.arange(count)
        share = np.maximum(
            np.minimum(edges[1:, None], low + 1) - np.maximum(edges[:-1, None], low), 0
        )
        result = np.moveaxis(numerics.matmul(np.moveaxis(result, axis, -1), share.T), -1, axis)
    return np.asarray(result, dtype=np.float64)


def _name(i: int, j: int) -> str:
    return f"{i} {j}"


def _divided(stack: Stack) -> Stack:
    """The stack with its one source divided into the squares of the grid."""

    def divided(layer: Layer) -> Layer:
        if not layer.sources:
            return layer
        (source,) = layer.sources
        wide, high = source.width_m / GRID, source.height_m / GRID
        squares = tuple(
            Rectangle(
                name=_name(i, j),
                left_m=source.left_m + i * wide,
                bottom_m=source.bottom_m + j * high,
                width_m=wide,
                height_m=high,
            )
            for i in range(GRID)
            for j in range(GRID)
        )
        return dataclasses.replace(layer, sources=squares)

    return dataclasses.replace(stack, layers=tuple(divided(layer) for layer in stack.layers))
