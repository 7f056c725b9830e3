"""Drawn stacks against a dense solve written cell by cell, on the same grid lines."""

from __future__ import annotations

import random

import numpy as np
import pytest
from pytest import approx

from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Stack, centred

MOST_CELLS = 300


def covers(rectangle: Rectangle, x: float, y: float):
    return rectangle.left_m < x < rectangle.right_m and rectangle.bottom_m < y < rectangle.top_m


def cells_of(stack: Stack, lines_x: np.ndarray, lines_y: np.ndarray):
    """Slice, row, column, size (x, y, z) and conductivities of every cell that exists."""
    cells, z = [], 0
    for layer in stack.layers:
        for _ in range(layer.slices):
            for j, (y0, y1) in enumerate(zip(lines_y, lines_y[1:], strict=False)):
                for i, (x0, x1) in enumerate(zip(lines_x, lines_x[1:], strict=False)):
                    x, y = (x0 + x1) / 2, (y0 + y1) / 2
                    if covers(layer.outline, x, y):
                        of = [m for r, m in layer.regions if covers(r, x, y)]
                        k = (of[-1] if of else layer.material).xyz
                        size = (x1 - x0, y1 - y0, layer.thickness_m / layer.slices)
                        cells.append(((z, j, i), size, k, layer))
            z += 1
    return cells


def half(size, k, axis):
    """Resistance from a cell's middle to its face [K/W]."""
    across = size[(axis + 1) % 3] * size[(axis + 2) % 3]
    return size[axis] / 2 / (k[axis] * across)


def dense(stack: Stack, lines_x: np.ndarray, lines_y: np.ndarray):
    """Conductances, heat of one watt in each source, and conductance of each cell to the air."""
    cells = cells_of(stack, lines_x, lines_y)
    number = {place: n for n, (place, *_) in enumerate(cells)}
    g, out = np.zeros((len(cells), len(cells))), np.zeros(len(cells))
    for (z, j, i), size, k, _ in cells:
        for axis, beside in enumerate([(z, j, i + 1), (z, j + 1, i), (z + 1, j, i)]):
            if beside in number:
                a, b = number[z, j, i], number[beside]
                joint = 1 / (half(size, k, axis) + half(cells[b][1], cells[b][2], axis))
                g[a, a] += joint
                g[b, b] += joint
                g[a, b] -= joint
                g[b, a] -= joint
    ends = (
        (max(z for z, _, _ in number), stack.cooler_resistance_k_per_w),
        (0, stack.board_resistance_k_per_w),
    )
    for level, resistance in ends:
        if np.isfinite(resistance):
            here = [(n, s, k) for n, ((z, _, _), s, k, _) in enumerate(cells) if z == level]
            whole = sum(s[0] * s[1] for _, s, _ in here)
            for n, s, k in here:
                out[n] += 1 / (resistance * whole / (s[0] * s[1]) + half(s, k, 2))
    heat = []
    for layer in stack.layers:
        for source in layer.sources:
            column = np.zeros(len(cells))
            for n, ((_, j, i), _, _, own) in enumerate(cells):
                wide = min(lines_x[i + 1], source.right_m) - max(lines_x[i], source.left_m)
                high = min(lines_y[j + 1], source.top_m) - max(lines_y[j], source.bottom_m)
                if own is layer and wide > 0 and high > 0:
                    column[n] = wide * high / source.width_m / source.height_m / layer.slices
            heat.append(column)
    return g + np.diag(out), np.array(heat).T, out


def inside(rng: random.Random, name: str, width: float, height: float):
    """A rectangle somewhere within one around the origin."""
    w, h = width * rng.uniform(0.1, 0.5), height * rng.uniform(0.1, 0.5)
    left, bottom = rng.uniform(-width / 2, width / 2 - w), rng.uniform(-height / 2, height / 2 - h)
    return Rectangle(name=name, left_m=left, bottom_m=bottom, width_m=w, height_m=h)


def drawn(rng: random.Random):
    base, count = rng.uniform(2e-3, 2e-2), rng.randint(2, 4)
    heated, layers = rng.randrange(count - 1), []
    for n in range(count):
        width, height = base * rng.choice([1, 1, 1.2]), base * rng.choice([1, 1, 0.7])
        materials = [
            Material(
                name="m",
                conductivity_w_per_mk=10 ** rng.uniform(-0.5, 3),
                vertical_w_per_mk=rng.choice([0.0, 10 ** rng.uniform(-0.5, 3)]),
                lateral_y_w_per_mk=rng.choice([0.0, 10 ** rng.uniform(-0.5, 3)]),
            )
            for _ in range(3)
        ]
        regions = [(inside(rng, "r", width, height), m) for m in materials[1 : rng.randint(1, 3)]]
        sources = [inside(rng, f"s{k}", width, height) for k in range(rng.randint(1, 2))]
        layers.append(
            Layer(
                name=f"l{n}",
                thickness_m=10 ** rng.uniform(-5, -2.5),
                outline=centred("o", width, height),
                material=materials[0],
                regions=tuple(regions),
                sources=tuple(sources) if n == heated else (),
                slices=rng.choice([1, 1, 2]),
            )
        )
    return Stack(
        layers=tuple(layers),
        cooler_resistance_k_per_w=10 ** rng.uniform(-2, 1),
        board_resistance_k_per_w=rng.choice([float("inf"), 10 ** rng.uniform(-1, 2)]),
    )


@pytest.mark.parametrize("seed", range(10))
def test_drawn_stacks(seed: int) -> None:
    rng = random.Random(seed)
    while True:
        stack = drawn(rng)
        network = assemble(stack, rng.randint(2, 4))
        if len(network.capacity) <= MOST_CELLS:
            break
    found = solve(network)
    matrix, heat, out = dense(stack, network.x, network.y)
    rise = np.linalg.solve(matrix, heat)
    power = np.array([rng.uniform(0, 50) for _ in stack.sources])
    assert found.average == approx(heat.T @ rise, rel=1e-7)
    hottest = [(rise @ power)[column > 0].max() for column in heat.T]
    assert found.peak_rise(power) == approx(hottest, rel=1e-7)
    assert sum(found.heat_out(power)) == approx(power.sum(), rel=1e-9)
    assert out @ (rise @ power) == approx(power.sum(), rel=1e-6)
