"""The floorplan of a chip: its parts as rows of equal tiles, the buffer's macros beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chipdse.application.chips import LEVELS
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.measured import operation_j, operations_of, part_area_m2
from chipdse.errors import DesignError
from chipdse.system.thermal.stack import Rectangle

MOST_TILES = 64
"""Above this number the copies of a part are one tile: its area and its power are the same."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """All copies of a part, or all macros of a buffer.

    area_m2, dynamic_w, leakage_w : of all copies together; leakage as it was measured
    """

    name: str
    copies: int
    area_m2: float
    dynamic_w: float
    leakage_w: float


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A rectangle of the die, from its centre.

    copies : of the part in this tile
    dynamic_w, leakage_w : of the tile; leakage as it was measured
    """

    rectangle: Rectangle
    copies: int
    dynamic_w: float
    leakage_w: float


def regions_of(chip: OneChip) -> tuple[list[Region], Region | None]:
    """The parts of a chip, and its buffer if it has one, with their power during a task.

    Raises
    ------
    DesignError : the network does not fit
    """
    table, parts = chip.task(), []
    latency_s = float(table.latency_s[0])
    if not math.isfinite(latency_s):
        raise DesignError("the network does not fit on this chip: it has no power to draw")
    joules = {level: float(table.energies_j[level][0]) for level in LEVELS}
    for part in chip.parts:
        place, copies = chip.point[part.name], chip.count[part.name]
        point = chip.point_of(part)
        operations = operations_of(part, chip.application.work)[place]
        energy_j = float(operations * operation_j(part)[place])
        if point.contract is not None:
            energy_j += joules["tile"]
        parts.append(
            Region(
                name=part.name,
                copies=copies,
                area_m2=copies * float(part_area_m2(part)[place]),
                dynamic_w=energy_j / latency_s,
                leakage_w=copies * point.metrics["block_leakage_power_w"],
            )
        )
    if chip.buffer is None:
        return parts, None
    buffer = Region(
        name=chip.memories.names[0] or "buffer",
        copies=chip.buffer.macros,
        area_m2=chip.buffer.area_m2,
        dynamic_w=joules["sram"] / latency_s,
        leakage_w=chip.buffer.leakage_w,
    )
    return parts, buffer


def floorplan(parts: Sequence[Region], buffer: Region | None) -> tuple[Tile, ...]:
    """Tiles that fill a square around the die's centre, each with the area of its copies.

    The buffer is a column on the right; each part is a band of the rest, over its full width.
    """
    areas = [part.area_m2 for part in parts]
    side_m = math.sqrt(sum(areas) + (0.0 if buffer is None else buffer.area_m2))
    width_m = sum(areas) / side_m
    left_m = -side_m / 2
    tiles: list[Tile] = []
    top_m = side_m / 2
    for part, area_m2 in zip(parts, areas, strict=True):
        height_m = area_m2 / width_m
        tiles += _tiles(part, left_m, top_m - height_m, width_m, height_m)
        top_m -= height_m
    if buffer is not None:
        tiles += _tiles(buffer, left_m + width_m, -side_m / 2, side_m - width_m, side_m)
    return tuple(tiles)


def _tiles(
    region: Region, left_m: float, bottom_m: float, width_m: float, height_m: float
) -> list[Tile]:
    """Rows of tiles of equal area; the number of rows makes the tiles nearly square."""
    count = region.copies if region.copies <= MOST_TILES else 1

    def elongation(rows: int) -> float:
        ratio = (height_m / rows) / (width_m * rows / count)
        return max(ratio, 1 / ratio)

    rows = min(range(1, count + 1), key=elongation)
    tiles = []
    done = 0
    for row in range(rows):
        in_row = (count - done) // (rows - row)
        tile_width_m, tile_height_m = width_m / in_row, height_m * in_row / count
        for column in range(in_row):
            rectangle = Rectangle(
                name=region.name if count == 1 else f"{region.name} {done + column + 1}",
                left_m=left_m + column * tile_width_m,
                bottom_m=bottom_m + height_m * done / count,
                width_m=tile_width_m,
                height_m=tile_height_m,
            )
            tiles.append(
                Tile(
                    rectangle=rectangle,
                    copies=region.copies // count,
                    dynamic_w=region.dynamic_w / count,
                    leakage_w=region.leakage_w / count,
                )
            )
        done += in_row
    return tiles
