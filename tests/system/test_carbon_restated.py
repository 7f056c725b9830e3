"""Embodied carbon of drawn systems against the published equations, restated in g, mm² and kWh."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import numpy as np
import pytest
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.arrays.carbon import carbon_of
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.arrays.dies import ADVANCED, FANOUT, dies_of
from chipdse.system.arrays.fabrication import fabrication_of
from chipdse.system.models.yields import YIELD_LAWS
from chipdse.system.parameters import ARRANGEMENTS, STACKS, PackageParameters
from chipdse.technology.constants import Sources
from tests.support.system_cases import block

GRID_G_PER_KWH = {"taiwan": 642, "world": 481, "france": 56}
FAB = {  # node: kWh/cm², g/cm² at 95 % and at 99 % abatement (ACT)
    3: (3.25, 470, 275),
    5: (2.75, 430, 225),
    7: (2.15, 350, 200),
    8: (1.52, 240, 150),
    10: (1.475, 240, 150),
    14: (1.2, 200, 125),
    20: (1.2, 190, 110),
    28: (0.9, 175, 100),
}
DEFECTS = {3: 0.2, 5: 0.11, 7: 0.09, 10: 0.08, 14: 0.08, 20: 0.07, 28: 0.07, 40: 0.07, 55: 0.07}
TRANSISTORS_PER_MM2 = {7: 82.86e6, 10: 38.72e6, 14: 18.09e6, 22: 8.45e6, 28: 3.95e6}
PLACING = {
    "monolithic": 0.99,
    "organic": 0.99,
    "fanout_chip_last": 0.98,
    "fanout_chip_first": 1.0,
    "silicon_interposer": 0.95,
    "active_interposer": 0.95,
}
BONDING = {"microbump": {"die": 0.96, "wafer": 0.98}, "hybrid": {"die": 0.95, "wafer": 0.97}}


def between(table: Mapping[int, float], node: float):
    """Log-log between entries, the last one beyond."""
    nodes = sorted(table)
    values = np.log([table[n] for n in nodes])
    return math.exp(np.interp(math.log(node), np.log(nodes), values))


def fab_g_per_mm2(package: PackageParameters, node: float):
    energy, gas_95, gas_99 = (between({n: v[i] for n, v in FAB.items()}, node) for i in range(3))
    gas = gas_95 + (package.gas_abatement - 0.95) / 0.04 * (gas_99 - gas_95)
    return (GRID_G_PER_KWH[package.grid_fab] * energy + gas + 500) / 100


def good_share(law: str, defects: float):
    """Of dies with so many defects on average."""
    return {
        "negative_binomial": (1 + defects / 10) ** -10,
        "poisson": math.exp(-defects),
        "murphy": ((1 - math.exp(-defects)) / defects) ** 2,
    }[law]


def wafer_over_dies_mm2(area_mm2: float):
    """Wafer area per die: 300 mm, 5 mm of edge, lanes of 0.2 mm."""
    cut = (math.sqrt(area_mm2) + 0.2) ** 2
    dies = math.pi * 145**2 / cut - math.pi * 290 / math.sqrt(2 * cut)
    return math.pi * 150**2 / dies


def carrier(package: PackageParameters, silicon_mm2: float):
    """Area [mm²], yield and carbon [g] of what carries the dies."""
    name, grid = package.arrangement, GRID_G_PER_KWH[package.grid_fab]
    if name in FANOUT:
        area = 1.2 * silicon_mm2
        return area, (1 + 0.05 * area / 100 / 3) ** -3, grid * 0.011 * area
    if name == "silicon_interposer":
        area = 1.1 * silicon_mm2
        return area, (1 + 0.06 * area / 100 / 6) ** -6, (grid * 1.2 + 350) / 100 * area
    if name == "active_interposer":
        area = 1.1 * silicon_mm2
        return area, (1 + 0.07 * area / 100 / 10) ** -10, (grid * 0.9 + 675) / 100 * area
    return 0.0, 1.0, 0.0


def embodied_kg(package: PackageParameters, unit_mm2: float, die_mm2: float):
    """`unit_mm2`: of the block and its overhead, designed once; `die_mm2`: of a compute die."""
    grid, name = GRID_G_PER_KWH[package.grid_fab], package.arrangement
    dies = [(package.chiplets, die_mm2, package.node_nm)]
    if package.memory_dies:
        dies.append((package.memory_dies, package.memory_area_m2 * 1e6, package.memory_node_nm))
    total, silicon = sum(n for n, _, _ in dies), sum(n * a for n, a, _ in dies)
    stacked, by_wafer = name in STACKS, name in STACKS and package.stack_bonding == "wafer"
    good = [good_share(package.yield_law, a / 100 * between(DEFECTS, node)) for _, a, node in dies]
    passed = [1 - package.test_coverage * (1 - y) for y in good]
    counts = [n for n, _, _ in dies]
    area, carrier_yield, carrier_g = carrier(package, silicon)
    if stacked:
        kept = BONDING[name.removeprefix("stack_")][package.stack_bonding] ** (total - 1)
    else:
        kept = PLACING[name] ** total
    if not by_wafer:
        kept *= math.prod((y / t) ** n for y, t, n in zip(good, passed, counts, strict=True))
    if name == "fanout_chip_first":
        kept *= carrier_yield
    if name in ADVANCED or stacked:
        kept *= 0.99
    tried = [math.prod(y**n for y, n in zip(good, counts, strict=True))] * 2 if by_wafer else passed
    grams = sum(
        n * fab_g_per_mm2(package, node) * wafer_over_dies_mm2(a) / share
        for (n, a, node), share in zip(dies, tried, strict=False)
    )
    grams += carrier_g / carrier_yield
    largest = max(a for _, a, _ in dies)
    if stacked:
        bond = 0.0028 if name == "stack_hybrid" else 0.0009
        grams += grid * (bond + 0.0025) * (total - 1) * largest
    elif name in ADVANCED:
        grams += grid * 0.0009 * silicon
    grams += grid * 0.00135 * max(1.2 * (largest if stacked else silicon), area)
    gates = unit_mm2 * between(TRANSISTORS_PER_MM2, max(package.node_nm, 7)) / 8
    design = GRID_G_PER_KWH[package.grid_design] * 10 / 1000 * gates / 3645.833
    shared = package.volume * package.products_sharing
    return (grams / kept + package.design_iterations * design / shared) / 1000


def drawn(rng: random.Random):
    """A package that can be built; nodes in the tables, between them and beyond."""
    while True:
        name = rng.choice([n for n in ARRANGEMENTS if n not in ("bridge", "glass")])
        one = name == "monolithic"
        try:
            return PackageParameters(
                arrangement=name,
                chiplets=1 if one else rng.choice([1, 2, 3, 4, 6, 8, 12]),
                memory_dies=0 if one else rng.choice([0, 0, 1, 2]),
                tiles=rng.choice([12, 1000, 20000, 40000]),
                die_overhead_frac=rng.choice([0.0, 0.1, 1.0]),
                node_nm=rng.choice([3.0, 4.0, 5.0, 7.0, 9.0, 14.0, 16.0, 28.0, 65.0, 130.0]),
                memory_area_m2=rng.choice([1e-6, 50e-6, 400e-6]),
                memory_node_nm=rng.choice([3.0, 14.0, 33.0]),
                stack_bonding=rng.choice(["die", "wafer"]),
                grid_fab=rng.choice(sorted(GRID_G_PER_KWH)),
                grid_design=rng.choice(sorted(GRID_G_PER_KWH)),
                gas_abatement=rng.choice([0.95, 0.962, 0.97, 0.99]),
                volume=rng.choice([1.0, 1e3, 1e9]),
                products_sharing=rng.choice([1.0, 4.0]),
                yield_law=rng.choice(tuple(YIELD_LAWS)),
                test_coverage=rng.choice([0.0, 0.5, 0.95, 1.0]),
                design_iterations=rng.choice([0.0, 1.0, 90.0]),
            )
        except DesignError:
            continue


@pytest.mark.parametrize("seed", range(3))
def test_drawn_systems(seed: int) -> None:
    rng, measured, sources = random.Random(seed), block(), Sources()
    packages = [drawn(rng) for _ in range(100)]
    columns = PackageColumns.of(packages)
    blocks = BlockPoints.of([measured]).take(np.zeros(len(packages), dtype=np.int64))
    dies = dies_of(blocks, columns, sources)
    made = fabrication_of(columns, dies, sources)
    found = carbon_of(columns, dies, made, sources).embodied_kg
    for package, area_m2, kilograms in zip(packages, dies.area_m2[:, 0], found, strict=True):
        tiles = math.ceil(package.tiles / package.chiplets)
        unit = measured.area_m2 * 1e6 * (1 + tiles * package.die_overhead_frac)
        assert kilograms == approx(embodied_kg(package, unit, area_m2 * 1e6), rel=1e-6), package
