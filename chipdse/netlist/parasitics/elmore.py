"""Elmore delays in networks of resistors and capacitors, all nets of a design at once."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as graphs
import scipy.sparse.linalg as linalg

from chipdse.arrays import Bools, Floats, Int64s

SHORT_OHM = 1e-6
"""Nodes that are joined by no more than this resistance have the same delay."""


def elmore_delays_s(
    root: Int64s,
    resistor_from: Int64s,
    resistor_to: Int64s,
    resistor_ohm: Floats,
    node_f: Floats,
) -> Floats:
    """Delay from the roots to every node [nodes]; nan where no resistor leads from a root [1]_.

    In a tree, each node's delay is its predecessor's plus the resistance between them times all
    capacitance behind it. Parallel resistors count as one; where resistors form loops, the first
    moment of the network is solved for, which is the same definition without the tree.

    Parameters
    ----------
    root : nodes at which delays are 0, at most one per connected network
    resistor_from, resistor_to, resistor_ohm : [resistors]
    node_f : [nodes] capacitance to ground [F]

    References
    ----------
    .. [1] J. Rubinstein, P. Penfield, M. A. Horowitz, Signal delay in RC tree networks, IEEE
       Trans. Computer-Aided Design 2(3), 202-211, 1983
    """
    joined, of_node = _without_shorts(resistor_from, resistor_to, resistor_ohm, len(node_f))
    capacitance = np.bincount(of_node, node_f, minlength=joined).astype(np.float64)
    conductance = _conductances(of_node[resistor_from], of_node[resistor_to], resistor_ohm, joined)
    roots = np.unique(of_node[root])
    order, before = _outwards(conductance, roots)
    delay = _tree_delays(conductance, capacitance, order, before)
    delay[roots] = 0.0
    looped = _with_loops(conductance, roots, order)
    if len(looped):
        delay[looped] = _solved(conductance, capacitance, looped)
    result: Floats = delay[of_node]
    return result


def _without_shorts(start: Int64s, end: Int64s, ohm: Floats, nodes: int) -> tuple[int, Int64s]:
    """How many nodes there are if shorts join them, and which of these each node belongs to."""
    shorts = ohm <= SHORT_OHM
    if not shorts.any():
        return nodes, np.arange(nodes)
    links = sp.coo_array(
        (np.ones(int(shorts.sum())), (start[shorts], end[shorts])), shape=(nodes, nodes)
    )
    count, labels = graphs.connected_components(links.tocsr(), directed=False)
    return int(count), labels.astype(np.int64)


def _conductances(start: Int64s, end: Int64s, ohm: Floats, nodes: int) -> sp.csr_array:
    """Conductance between each two nodes, symmetric; parallel resistors add up."""
    resistive = (start != end) & (ohm > SHORT_OHM)
    start, end, siemens = start[resistive], end[resistive], 1.0 / ohm[resistive]
    ends = np.concatenate([start, end]), np.concatenate([end, start])
    matrix = sp.coo_array((np.tile(siemens, 2), ends), shape=(nodes, nodes)).tocsr()
    matrix.sum_duplicates()
    return matrix


def _outwards(conductance: sp.csr_array, roots: Int64s) -> tuple[Int64s, Int64s]:
    """Nodes that the roots reach, nearest first, and each node's predecessor."""
    nodes = conductance.shape[0]
    # One further node is connected to every root, so that a single search visits every network.
    inner = conductance.tocoo()
    start = np.concatenate([inner.row, np.full(len(roots), nodes)])
    end = np.concatenate([inner.col, roots])
    links = sp.coo_array((np.ones(len(start)), (start, end)), shape=(nodes + 1, nodes + 1))
    order, before = graphs.breadth_first_order(links.tocsr(), nodes, directed=True)
    return order[1:].astype(np.int64), before.astype(np.int64)


def _tree_delays(
    conductance: sp.csr_array, capacitance: Floats, order: Int64s, before: Int64s
) -> Floats:
    """Delays along the tree of predecessors [nodes]; nan for nodes outside `order`."""
    nodes = len(capacitance)
    delay = np.full(nodes, np.nan)
    inner = order[before[order] < nodes]
    ohm = np.zeros(nodes)
    if len(inner):
        ohm[inner] = 1.0 / np.asarray(conductance[inner, before[inner]]).ravel()
    # Sequential by nature: plain lists are faster here than single elements of arrays.
    behind, ohms, parents = capacitance.tolist(), ohm.tolist(), before.tolist()
    for node in reversed(inner.tolist()):
        behind[parents[node]] += behind[node]
    after = delay.tolist()
    for node in order.tolist():
        parent = parents[node]
        after[node] = 0.0 if parent == nodes else after[parent] + ohms[node] * behind[node]
    return np.array(after)


def _with_loops(conductance: sp.csr_array, roots: Int64s, order: Int64s) -> Int64s:
    """Nodes, without roots, of the networks in which resistors form loops."""
    count, label = graphs.connected_components(conductance, directed=False)
    nodes = np.bincount(label, minlength=count)
    ends = np.bincount(label, np.diff(conductance.indptr), minlength=count)
    loops: Bools = ends / 2 > nodes - 1
    inside = np.zeros(len(label), dtype=bool)
    inside[order] = loops[label[order]]
    inside[roots] = False
    return np.flatnonzero(inside)


def _solved(conductance: sp.csr_array, capacitance: Floats, nodes: Int64s) -> Floats:
    """First moments of nodes: ``G m = C`` with the roots at 0."""
    inner = conductance[nodes][:, nodes]
    total = np.asarray(conductance.sum(axis=1)).ravel()[nodes]
    matrix = (sp.diags_array(total) - inner).tocsc()
    return np.asarray(linalg.spsolve(matrix, capacitance[nodes]))
