"""Clusters of cells that a large placement starts from: neighbours are joined two by two."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.netlist.layout.placer.arrays import sums
from chipdse.netlist.layout.placer.problem import PlacementProblem

CELLS_A_CLUSTER = 8
"""Cells per cluster, on average, that joining stops at."""
_MOST_PINS = 6  # of a net that counts for joining cells
_MOST_AREA = 3.0  # of a cluster, over the mean area that is wanted
_MOST_ROUNDS = 8
_MATCHINGS = 3  # per round: who lost the best neighbour to another cell may take the next best
_LEAST_JOINED = 0.05  # share of clusters that a round must join, or it is the last


@dataclass(frozen=True, kw_only=True, eq=False)
class Clusters:
    """A problem with clusters for cells, and the cluster of each cell [cells]."""

    problem: PlacementProblem
    cluster_of: Int64s


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedClusters:
    """Where clusters, ports and fillers lie, in this order.

    Parameters
    ----------
    cluster_of : [cells]
    ports : which of the nodes are ports; before them are clusters, behind them fillers
    x_m, y_m : [nodes] centres
    width_m, height_m : [nodes]
    """

    cluster_of: Int64s
    ports: slice
    x_m: Floats
    y_m: Floats
    width_m: Floats
    height_m: Floats

    def cells(self, random: np.random.Generator, fillers: int) -> tuple[Floats, Floats]:
        """Centres [m] of cells, ports and fillers; cells are spread over their cluster."""
        cells, there = len(self.cluster_of), len(self.x_m) - self.ports.stop
        if there:
            source = self.ports.stop + np.arange(fillers) * there // max(fillers, 1)
        else:
            source = np.arange(fillers) % self.ports.start  # in a full core they lie on clusters
        follows = np.concatenate([self.cluster_of, source])

        def along(at: Floats, size: Floats) -> Floats:
            placed = at[follows] + size[follows] * random.uniform(-0.5, 0.5, len(follows))
            return np.concatenate([placed[:cells], at[self.ports], placed[cells:]])

        return along(self.x_m, self.width_m), along(self.y_m, self.height_m)


def clusters_of(problem: PlacementProblem) -> Clusters:
    """Clusters of about `CELLS_A_CLUSTER` cells with many wires among them."""
    cells = len(problem.cell_area_m2)
    wanted = -(-cells // CELLS_A_CLUSTER)
    most_m2 = _MOST_AREA * float(problem.cell_area_m2.sum()) / max(wanted, 1)
    cluster_of = np.arange(cells)
    for _ in range(_MOST_ROUNDS):
        before = len(problem.cell_area_m2)
        if before <= wanted:
            break
        joined = _joined(problem, most_m2)
        problem, cluster_of = _coarser(problem, joined), joined[cluster_of]
        if len(problem.cell_area_m2) > (1.0 - _LEAST_JOINED) * before:
            break
    return Clusters(problem=problem, cluster_of=cluster_of)


def _joined(problem: PlacementProblem, most_m2: float) -> Int64s:
    """The number of the pair that each cell is in, or of the cell alone [cells]."""
    first, second, score = _edges(problem, most_m2)
    cells = len(problem.cell_area_m2)
    other = np.arange(cells)
    for _ in range(_MATCHINGS):
        free = other == np.arange(cells)
        open_ = free[first] & free[second]
        first, second, score = first[open_], second[open_], score[open_]
        if not len(first):
            break
        best = _best(first, second, score, cells)
        mutual = np.flatnonzero((best >= 0) & (best[best] == np.arange(cells)))
        other[mutual] = best[mutual]
    least = np.minimum(other, np.arange(cells))  # a pair has the number of its first cell
    return (np.cumsum(least == np.arange(cells)) - 1)[least]


def _best(first: Int64s, second: Int64s, score: Floats, cells: int) -> Int64s:
    """The neighbour with the highest score of each cell, -1 without one; rows are sorted."""
    start = np.flatnonzero(np.diff(first, prepend=-1))
    highest = np.repeat(np.maximum.reduceat(score, start), np.diff(np.append(start, len(first))))
    at = np.flatnonzero(score == highest)
    best = np.full(cells, -1, dtype=np.int64)
    best[first[at]] = second[at]
    return best


def _edges(problem: PlacementProblem, most_m2: float) -> tuple[Int64s, Int64s, Floats]:
    """Pairs of cells on nets of few pins, both ways and sorted, and how much they belong together.

    The weight of a net of d pins is ``1 / (d - 1)``; the score is that weight over the area of
    both, so that clusters grow evenly.
    """
    import scipy.sparse  # a third of a second to load

    cells, area = len(problem.cell_area_m2), problem.cell_area_m2
    start = np.flatnonzero(np.diff(problem.pin_net, prepend=-1))
    degree = np.diff(np.append(start, len(problem.pin_net)))
    rows, columns, weights = [], [], []
    for pins in range(2, _MOST_PINS + 1):
        nodes = problem.pin_node[start[degree == pins][:, None] + np.arange(pins)].astype(np.int64)
        for a in range(pins):
            for b in range(a):
                rows.append(nodes[:, a])
                columns.append(nodes[:, b])
                weights.append(np.full(len(nodes), 1.0 / (pins - 1)))
    row, column, weight = (np.concatenate(parts) for parts in (rows, columns, weights))
    fits: Bools = (row != column) & (row < cells) & (column < cells)
    row, column, weight = row[fits], column[fits], weight[fits]
    fits = area[row] + area[column] <= most_m2
    row, column, weight = row[fits], column[fits], weight[fits]
    both = (np.concatenate([row, column]), np.concatenate([column, row]))
    matrix = scipy.sparse.coo_array((np.concatenate([weight, weight]), both), (cells, cells))
    edges = matrix.tocsr()
    edges.sort_indices()
    first = np.repeat(np.arange(cells), np.diff(edges.indptr))
    second = edges.indices.astype(np.int64)
    score = edges.data / (area[first] + area[second])
    # Ties are broken equally from both sides; otherwise chains of equal cells would not pair.
    low, high = np.minimum(first, second), np.maximum(first, second)
    score *= 1.0 + 1e-3 * ((low * 7919 + high * 104729) % 1021) / 1021
    return first, second, score


def _coarser(problem: PlacementProblem, joined: Int64s) -> PlacementProblem:
    """The problem with pairs for cells; a net has each pair once."""
    cells = len(problem.cell_area_m2)
    count = int(joined.max()) + 1
    node_of = np.concatenate([joined, count + np.arange(problem.port_count)])
    pins = problem.pin_net.astype(np.int64) * (count + problem.port_count)
    pins = np.unique(pins + node_of[problem.pin_node])
    net, node = np.divmod(pins, count + problem.port_count)
    degree = np.bincount(net)
    keep = degree[net] >= 2
    return dataclasses.replace(
        problem,
        pin_net=net[keep].astype(np.int32),
        pin_node=node[keep].astype(np.int32),
        cell_area_m2=sums(joined, problem.cell_area_m2[:cells], count),
    )
