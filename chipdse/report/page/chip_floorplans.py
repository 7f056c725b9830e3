"""The floorplan of each die of a chip with its temperatures, as values of the page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chipdse.application.inside.floorplan import Region, Tile, floorplan, regions_of
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.inside.system import chip_system
from chipdse.arrays import Floats
from chipdse.records import BlockMetrics
from chipdse.system.arrays.temperature import geometry_of
from chipdse.system.described import Evaluation, evaluate_block, evaluate_described
from chipdse.system.temperature_map import TemperatureMap, temperature_maps


def floorplans(chip: OneChip) -> tuple[list[dict[str, Any]], Evaluation]:
    """Tiles and temperatures of one die of each kind, and the chip in its package.

    Leakage of all tiles is that of the package's temperature, shared as it was measured. Of several
    equal dies it is the hottest.

    Raises
    ------
    DesignError : the network does not fit
    """
    parts, buffer = regions_of(chip)
    evaluation = _evaluated(chip, parts, buffer)
    on_dies = [(parts, buffer)] if chip.dies is None else _on_dies(chip, evaluation, parts, buffer)
    leakage_w = sum(part.leakage_w for part in parts) + (buffer.leakage_w if buffer else 0.0)
    hotter = evaluation.metrics.leakage_power_w / leakage_w if leakage_w else 0.0
    if not math.isfinite(hotter):
        hotter = 1.0
    tiles = [floorplan(*regions) for regions in on_dies]
    powers = [np.array([t.dynamic_w + hotter * t.leakage_w for t in some]) for some in tiles]
    geometry = geometry_of(evaluation.columns, evaluation.parts.dies, 0)
    kinds = [outline.kind for outline in geometry.dies]
    heats = temperature_maps(
        geometry,
        [[tile.rectangle for tile in tiles[kind]] for kind in kinds],
        [powers[kind] for kind in kinds],
        evaluation.sources,
    )
    stable = math.isfinite(evaluation.metrics.peak_temperature_c)
    plans = []
    for kind, (some, power_w) in enumerate(zip(tiles, powers, strict=True)):
        of_kind = [heat for heat, heated in zip(heats, kinds, strict=True) if heated == kind]
        heat = max(of_kind, key=lambda die_heat: float(die_heat.rise_k.max()))
        plan = _plan(some, power_w, heat, chip.package.ambient_c)
        plans.append(
            {
                "name": "" if chip.dies is None else chip.dies.names[kind],
                "count": len(of_kind),
                "area_m2": geometry.dies[kinds.index(kind)].area_m2,
                "regions": _regions(on_dies[kind], hotter),
                "stable": stable,
                **plan,
            }
        )
    return plans, evaluation


def _evaluated(chip: OneChip, parts: list[Region], buffer: Region | None) -> Evaluation:
    """The chip in its package."""
    if chip.dies is not None:
        return evaluate_described(chip_system(chip))
    regions = [*parts, *([] if buffer is None else [buffer])]
    table = chip.task()
    block = BlockMetrics(
        area_m2=sum(region.area_m2 for region in regions),
        dynamic_power_w=sum(region.dynamic_w for region in regions),
        leakage_power_w=sum(region.leakage_w for region in regions),
        temperature_c=float(table.temperature_c[0]),
        throughput_ops_per_s=1 / float(table.latency_s[0]),
        io_bits_per_op=0.0,
        node_nm=chip.node_nm,
    )
    return evaluate_block(block, chip.package, tuple(chip.sources.given.values()))


def _on_dies(
    chip: OneChip, evaluation: Evaluation, parts: list[Region], buffer: Region | None
) -> list[tuple[list[Region], Region | None]]:
    """What lies on one die of each kind, with the modules of its links and its other area."""
    assert chip.dies is not None
    layout, contents = chip.dies.layout, []
    dies, link = evaluation.parts.dies, evaluation.parts.link
    for kind, die in enumerate(layout.dies):
        on_die = [
            Region(
                name=part.name,
                copies=part.copies // die.count,
                area_m2=part.area_m2 / die.count,
                dynamic_w=part.dynamic_w / die.count,
                leakage_w=part.leakage_w / die.count,
            )
            for part in parts
            if layout.places[part.name] == die.name
        ]
        memory = buffer if buffer and layout.places[buffer.name] == die.name else None
        used_m2 = sum(part.area_m2 for part in on_die) + (memory.area_m2 if memory else 0.0)
        links_m2 = float(dies.area_m2[0, kind] - dies.logic_m2[0, kind])
        others_m2 = float(dies.logic_m2[0, kind]) - used_m2
        watts = float(link.power_w[0] / dies.total[0])
        for name, area_m2, power_w in (("links", links_m2, watts), ("other", others_m2, 0.0)):
            if area_m2 > 1e-9 * dies.area_m2[0, kind]:  # more than a rounding error
                on_die.append(
                    Region(name=name, copies=1, area_m2=area_m2, dynamic_w=power_w, leakage_w=0.0)
                )
        contents.append((on_die, memory))
    return contents


def _regions(regions: tuple[list[Region], Region | None], hotter: float) -> list[dict[str, Any]]:
    parts, buffer = regions
    return [
        {
            "name": region.name,
            "copies": region.copies,
            "area_m2": region.area_m2,
            "power_w": region.dynamic_w + hotter * region.leakage_w,
        }
        for region in (*parts, *([] if buffer is None else [buffer]))
    ]


def _plan(
    tiles: tuple[Tile, ...], power_w: Floats, heat: TemperatureMap, ambient_c: float
) -> dict[str, Any]:
    return {
        "tiles": [
            {
                "name": tile.rectangle.name,
                "box_m": [
                    tile.rectangle.left_m,
                    tile.rectangle.bottom_m,
                    tile.rectangle.right_m,
                    tile.rectangle.top_m,
                ],
                "power_w": float(watts),
            }
            for tile, watts in zip(tiles, power_w, strict=True)
        ],
        "x_m": heat.x_m.tolist(),
        "y_m": heat.y_m.tolist(),
        "temperature_c": np.round(ambient_c + heat.rise_k, 4).tolist(),
        "hotspot_k": heat.hotspot_k,
    }
