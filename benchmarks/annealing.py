"""Simulated annealing of a full core: a second placement method, independent of the placer.

Cells of equal area are exchanged between the places of a regular grid, so every state is legal.
256 cells take about 10 s per run. Single runs end up to 8 % apart, so the shortest of several
counts. Global positions are compared after legalisation: each cell goes to a place at the least
total distance, then cells are exchanged where that shortens wires.
"""

from __future__ import annotations

import math
import random

import numpy as np
from scipy.optimize import linear_sum_assignment

from chipdse.arrays import Floats
from chipdse.netlist.layout.placer.place import place
from chipdse.netlist.layout.placer.problem import PlacementProblem

FULL = 0.92
"""Share of the target density that the cells of a full core take."""
_COLDEST = 0.02  # of the side of a place
_RUNS = 3  # of annealing, of which the shortest counts


def full_core(cells: int, seed: int, target_density: float = 0.8) -> PlacementProblem:
    """A netlist of equal cells in a full core: each cell drives 1 to 5 others, mostly near ones."""
    rng = np.random.default_rng(seed)
    side = math.ceil(math.sqrt(cells))
    owner = np.repeat(np.arange(cells), rng.choice([1, 1, 1, 2, 2, 3, 5], cells))
    reach = (1 - rng.random(len(owner))) ** -0.7
    turn = rng.uniform(0, 2 * np.pi, len(owner))
    x = np.clip(np.rint(owner % side + reach * np.cos(turn)), 0, side - 1)
    y = np.clip(np.rint(owner // side + reach * np.sin(turn)), 0, side - 1)
    loads = np.minimum((y * side + x).astype(np.int64), cells - 1)
    number = rng.permutation(cells)  # the numbers tell nothing of the places
    pins = np.unique(
        np.concatenate(
            [np.stack([owner, number[owner]], axis=1), np.stack([owner, number[loads]], axis=1)]
        ),
        axis=0,
    )
    edge = math.sqrt(cells * 4e-12 / (FULL * target_density))
    return PlacementProblem(
        pin_net=pins[:, 0].astype(np.int32),
        pin_node=pins[:, 1].astype(np.int32),
        cell_area_m2=np.full(cells, 4e-12),
        port_count=0,
        core_width_m=edge,
        core_height_m=edge,
        target_density=target_density,
    )


def places_across(problem: PlacementProblem) -> int:
    """Places along an edge of the core: as many as the target density allows."""
    core_m2 = problem.core_width_m * problem.core_height_m
    return int(math.sqrt(core_m2 * problem.target_density / float(problem.cell_area_m2[0])))


def legal_places(problem: PlacementProblem, x_m: Floats, y_m: Floats) -> list[int]:
    """The place of each cell, at the least total distance from a global placement."""
    across = places_across(problem)
    middle_m = (np.arange(across) + 0.5) * (problem.core_width_m / across)
    to_x = np.abs(x_m[:, None] - np.tile(middle_m, across))
    to_y = np.abs(y_m[:, None] - np.repeat(middle_m, across))
    _, chosen = linear_sum_assignment(to_x + to_y)
    return [int(place) for place in chosen]


def annealed_length_m(
    problem: PlacementProblem,
    seed: int,
    *,
    moves_per_cell: int = 2000,
    start: list[int] | None = None,
    warmest: float | None = None,
) -> float:
    """Half-perimeter wire length after annealing, by default from random places.

    warmest : the first temperature, in sides of a place; half of the core by default
    """
    cells, across = len(problem.cell_area_m2), places_across(problem)
    step_m = problem.core_width_m / across
    members: list[list[int]] = [[] for _ in range(int(problem.pin_net.max()) + 1)]
    nets: list[list[int]] = [[] for _ in range(cells)]
    for net, cell in zip(problem.pin_net.tolist(), problem.pin_node.tolist(), strict=True):
        members[net].append(cell)
        nets[cell].append(net)
    chance = random.Random(seed)
    places = chance.sample(range(across * across), cells) if start is None else list(start)
    cell_at = [-1] * (across * across)
    for cell in range(cells):
        cell_at[places[cell]] = cell
    x = [places[cell] % across for cell in range(cells)]
    y = [places[cell] // across for cell in range(cells)]

    def span(net: int) -> int:
        at_x, at_y = [x[c] for c in members[net]], [y[c] for c in members[net]]
        return max(at_x) - min(at_x) + max(at_y) - min(at_y)

    length = [span(net) for net in range(len(members))]
    moves, warmest = cells * moves_per_cell, warmest or 0.5 * across
    cooling = (_COLDEST / warmest) ** (1.0 / max(moves, 1))
    warmth = warmest
    for _ in range(moves):
        warmth *= cooling
        cell = int(chance.random() * cells)
        reach = max(1.0, min(across, 3.0 * warmth))
        to_x = min(max(round(x[cell] + chance.uniform(-reach, reach)), 0), across - 1)
        to_y = min(max(round(y[cell] + chance.uniform(-reach, reach)), 0), across - 1)
        from_x, from_y = x[cell], y[cell]
        other = cell_at[to_y * across + to_x]
        if other == cell:
            continue
        x[cell], y[cell] = to_x, to_y
        touched = set(nets[cell])
        if other >= 0:
            x[other], y[other] = from_x, from_y
            touched.update(nets[other])
        changed = [(net, span(net)) for net in touched]
        worse = sum(after - length[net] for net, after in changed)
        if worse <= 0 or chance.random() < math.exp(-worse / warmth):
            for net, after in changed:
                length[net] = after
            cell_at[to_y * across + to_x], cell_at[from_y * across + from_x] = cell, other
        else:
            x[cell], y[cell] = from_x, from_y
            if other >= 0:
                x[other], y[other] = to_x, to_y
    return sum(length) * step_m


def full_core_row(cells: int, seed: int = 1) -> dict[str, float]:
    """Wire lengths of a full core over the shortest of some annealings.

    global, legal, legal with exchanges : of the placer, as it is, on places, and then improved
    """
    problem = full_core(cells, seed)
    annealed_m = min(annealed_length_m(problem, seed + run) for run in range(_RUNS))
    placed = place(problem)
    legal = legal_places(problem, placed.x_m, placed.y_m)
    moves = {"legal": 0, "legal_exchanged": 100}
    return {
        "cells": cells,
        "global": round(placed.wire_length_m / annealed_m, 3),
        **{
            name: round(
                annealed_length_m(
                    problem, seed, moves_per_cell=count, start=legal, warmest=_COLDEST
                )
                / annealed_m,
                3,
            )
            for name, count in moves.items()
        },
    }
