"""Speed of the package models on one core; prints one JSON line.

python benchmarks/system.py [ranges]    # ranges: only the rates under draws
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from chipdse.records import BlockMetrics
from chipdse.system.arrays.carbon import carbon_of
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.arrays.cost import cost_of
from chipdse.system.arrays.dies import dies_of
from chipdse.system.arrays.fabrication import fabrication_of
from chipdse.system.arrays.links import links_of
from chipdse.system.evaluate import evaluate_systems
from chipdse.system.metrics import SystemColumns
from chipdse.system.parameters import PackageParameters
from chipdse.system.ranges.draws import Systems
from chipdse.system.ranges.factored import blocks_of
from chipdse.system.ranges.inputs import sample
from chipdse.system.ranges.statistics import interval
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Stack, centred
from chipdse.technology.constants import Sources

ENDS = ("embodied_low", "embodied_high")
BLOCK = BlockMetrics(
    area_m2=0.02e-6,
    dynamic_power_w=2e-3,
    leakage_power_w=1e-4,
    temperature_c=25.0,
    throughput_ops_per_s=1e9,
    io_bits_per_op=0.5,
    node_nm=14.0,
    leakage_temperatures_c=(25.0, 75.0, 125.0),
    leakage_powers_w=(1e-4, 4e-4, 1.6e-3),
)


def packages() -> list[PackageParameters]:
    flat = ("organic", "silicon_interposer", "fanout_chip_last", "bridge", "glass")
    return [
        PackageParameters(
            arrangement=a,
            chiplets=c,
            tiles=20000,
            cooling=k,
            grid_use=g,
            link="ucie_standard" if a == "organic" else "ucie_advanced",
        )
        for a in flat
        for c in (2, 4, 9)
        for k in ("heatsink_forced_air", "cold_plate")
        for g in ("ontario", "alberta", "united_kingdom")
    ]


def points(count: int) -> list[BlockMetrics]:
    return [
        dataclasses.replace(BLOCK, dynamic_power_w=2e-3 * (0.5 + i / count)) for i in range(count)
    ]


def best_of(runs: int, work: object) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)


def closed_form_rate() -> float:
    """Systems per second for cost, links and carbon."""
    chosen = packages()
    columns, blocks = PackageColumns.of(chosen), BlockPoints.of(points(1000))
    b, p = np.indices((len(blocks), columns.count)).reshape(2, -1)
    blocks, columns = blocks.take(b), columns.take(p)

    def work() -> None:
        sources = Sources()
        dies = dies_of(blocks, columns, sources)
        links_of(blocks.io_bits_per_op * 1e12, columns, dies, sources)
        fabrication_columns = fabrication_of(columns, dies, sources)
        cost_of(columns, dies, fabrication_columns, sources)
        carbon_of(columns, dies, fabrication_columns, sources)

    return columns.count / best_of(3, work)


def ranged_rates() -> dict[str, float]:
    """Systems per second of processor time with 1,024 draws, of known geometries: all metrics
    with their intervals, stage by stage; and all metrics, every draw of every system in full."""
    names = [f.name for f in dataclasses.fields(SystemColumns) if not f.name.startswith(ENDS)]

    def systems(count: int) -> Systems:
        columns, blocks = PackageColumns.of(packages()), BlockPoints.of(points(count))
        b, p = np.indices((len(blocks), columns.count)).reshape(2, -1)
        return Systems.of(blocks.take(b), columns.take(p))

    many, few = systems(100), systems(1)
    inputs = few.inputs()
    shares = sample(inputs)

    def staged() -> None:
        for block in blocks_of(many, inputs, shares, names):
            for name in names:
                interval(getattr(block.metrics, name))

    def seconds(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    full_s = seconds(lambda: few.values(inputs, shares, names))
    metrics_s = seconds(lambda: list(map(_release, blocks_of(many, inputs, shares, names))))
    return {
        "in_full": round(few.packages.count / full_s),
        "stage_by_stage": round(many.packages.count / metrics_s),
        "stage_by_stage_with_intervals": round(many.packages.count / seconds(staged)),
    }


def _release(_: object) -> None:
    """Of the blocks of a result none is held."""


def whole_rate() -> float:
    """Systems per second, temperature with its leakage fixed point included, geometries known."""
    blocks, chosen = points(1000), packages()
    evaluate_systems(blocks[:1], chosen)
    return len(blocks) * len(chosen) / best_of(3, lambda: evaluate_systems(blocks, chosen))


def cold_rate(count: int) -> float:
    """The same with as many operating points, every geometry new: dies of another area each run."""
    chosen, areas = packages(), iter((1.01, 1.02, 1.03))

    def work() -> None:
        grown = BLOCK.area_m2 * next(areas)
        evaluate_systems([dataclasses.replace(b, area_m2=grown) for b in points(count)], chosen)

    return count * len(chosen) / best_of(3, work)


def stack(cells: int) -> Stack:
    """Six layers of one outline, 32 heat sources."""
    side, columns, rows = 0.016, 8, 4
    sources = tuple(
        Rectangle(
            name=f"b{i}",
            left_m=-side / 2 + (i % columns) * side / columns,
            bottom_m=-side / 2 + (i // columns) * side / rows,
            width_m=side / columns,
            height_m=side / rows,
        )
        for i in range(columns * rows)
    )
    values = (
        ("bumps", 1e-4, 1.6),
        ("die", 15e-5, 130.0),
        ("interface", 2e-5, 4.0),
        ("spreader", 1e-3, 400.0),
        ("joint", 2e-5, 10.0),
        ("sink", 6.9e-3, 400.0),
    )
    layers = tuple(
        Layer(
            name=n,
            thickness_m=t,
            outline=centred(n, side, side),
            material=Material(name=n, conductivity_w_per_mk=k),
            sources=sources if n == "die" else (),
        )
        for n, t, k in values
    )
    return Stack(layers=layers, cooler_resistance_k_per_w=0.1)


def main() -> None:
    if sys.argv[1:] == ["ranges"]:
        print(json.dumps({"systems_per_cpu_s_1024_draws": ranged_rates()}))
        return
    geometry = stack(64)
    new_geometry_s = best_of(3, lambda: solve(assemble(geometry, 64)))
    operator = solve(assemble(geometry, 64))
    maps = np.random.default_rng(1).uniform(0, 5, (20000, 32))
    print(
        json.dumps(
            {
                "benchmark": "system",
                "systems_per_s_cost_links_carbon": round(closed_form_rate()),
                "systems_per_s_with_temperature": round(whole_rate()),
                "systems_per_cpu_s_1024_draws": ranged_rates(),
                "systems_per_s_new_geometries_100_points": round(cold_rate(100)),
                "systems_per_s_new_geometries_1000_points": round(cold_rate(1000)),
                "cells": int(operator.field.shape[0]),
                "new_geometry_64x64x6_s": round(new_geometry_s, 3),
                "mean_maps_per_s": round(len(maps) / best_of(3, lambda: operator.rise(maps))),
                "peak_maps_per_s": round(
                    2000 / best_of(3, lambda: operator.peak_rise(maps[:2000]))
                ),
            }
        )
    )


if __name__ == "__main__":
    main()
