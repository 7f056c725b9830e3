"""Grid lines across a package, and how a symmetric grid folds onto a half, quarter or eighth."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s


def mesh_lines(
    edges: list[float], fine: list[tuple[float, float]], cell: float, growth: float
) -> Floats:
    """Grid lines through all `edges`: cells of about `cell` inside the `fine` intervals, and
    growing by `growth` away from them."""
    points = sorted(set(edges))
    span = points[-1] - points[0]
    points = [p for i, p in enumerate(points) if i == 0 or p - points[i - 1] > 1e-9 * span]
    low, high = min(a for a, _ in fine), max(b for _, b in fine)
    lines = [points[0]]
    for a, b in zip(points, points[1:], strict=False):
        length = b - a
        distance = max(low - b, a - high, 0.0)
        if b > low and a < high or growth <= 1:
            fractions = np.linspace(0, 1, max(ceil(length / cell * (1 - 1e-9)), 1) + 1)[1:]
        else:
            # Cells grow with the distance from the fine region: h(x) = cell + (growth - 1)·x.
            slope = growth - 1
            first, last = cell + slope * distance, cell + slope * (distance + length)
            count = max(ceil(numerics.log_of(last / first) / numerics.log_of(1 + slope)), 1)
            steps = numerics.power(last / first, np.arange(count + 1) / count)
            fractions = (steps - 1) / (steps[-1] - 1)
            if b <= low:
                fractions = (1 - fractions)[::-1]
            fractions = fractions[1:]
        lines.extend(a + length * f for f in fractions)
    return np.array(lines)


def overlaps(lines: Floats, low: float, high: float) -> Floats:
    """Length of each cell between `lines` inside [low, high]."""
    inside = np.minimum(lines[1:], high) - np.maximum(lines[:-1], low)
    return np.asarray(np.maximum(inside, 0.0))


def same_lines(first: Floats, second: Floats) -> bool:
    """Whether two sets of grid lines lie on each other."""
    if len(first) != len(second):
        return False
    return bool(np.abs(first - second).max() <= 1e-9 * (first.max() - first.min()))


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Mirrors that a stack and its powers do not feel; cells they swap have one temperature.

    x, y : left and right, near and far are alike
    diagonal : x and y are alike
    sources : of all sources, those that stand for the ones they are swapped with
    copies : how many each of them stands for, itself included
    """

    x: bool = False
    y: bool = False
    diagonal: bool = False
    sources: tuple[int, ...]
    copies: tuple[int, ...]


def unfolded(sources: int) -> Fold:
    """The fold of a stack whose every cell and source is solved."""
    return Fold(sources=tuple(range(sources)), copies=(1,) * sources)


def halved(lines: Floats, fold: bool) -> Floats:
    """Lines up to the middle, the cell that contains it included."""
    return lines[: (len(lines) + 2) // 2] if fold else lines


def multiplicity(lines: Floats, fold: bool) -> Floats:
    """How many cells between all lines each cell of the half stands for."""
    count = len(lines) - 1
    if not fold:
        return np.ones(count)
    cell_counts = np.full((count + 1) // 2, 2.0)
    if count % 2:
        cell_counts[-1] = 1.0
    return cell_counts


def folded(values: Floats, fold: bool) -> Floats:
    """Sums of one value per cell over the cells that a mirror swaps."""
    if not fold:
        return values
    half, pairs = (len(values) + 1) // 2, len(values) // 2
    sums = values[:half].copy()
    sums[:pairs] += values[::-1][:pairs]
    return sums


def across_diagonal(cell: Int64s) -> Int64s:
    """Cells [.., n, n] renumbered so that those a diagonal mirror swaps share a number."""
    first = np.minimum(cell, np.swapaxes(cell, -1, -2))
    exists = first >= 0
    result = np.full(cell.shape, -1, dtype=np.int64)
    kept = np.zeros(int(first.max(initial=-1)) + 1, dtype=np.int64)
    kept[first[exists]] = 1
    result[exists] = (np.cumsum(kept) - 1)[first[exists]]
    return result
