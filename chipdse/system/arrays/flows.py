"""Data between known dies: which links they cross, and what they load; arrays of systems."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chipdse.arrays import Bools, Floats
from chipdse.sorting import distinct_rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Flows:
    """Data between dies that are known, in place of dies that are drawn among all.

    Each flow is shared evenly by the dies of the kinds at its ends. Side by side, two dies that
    exchange data are neighbours and have a link of their own; in a stack data pass the dies between
    them, whose order is that of the kinds, lowest first.

    ends : of each flow, the places of two kinds of dies; the same kind twice: among its dies
    bits_per_s : at full throughput [systems x flows]
    """

    ends: tuple[tuple[int, int], ...]
    bits_per_s: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """What a bit of each flow crosses.

    hops : links [flows]
    loads : of the busiest die of each kind, shares of the flow's bits that enter or leave it
        [flows x kinds]; 1 for both ends of a flow between two dies
    """

    hops: Floats
    loads: Floats


@lru_cache(maxsize=256)
def paths_of(ends: tuple[tuple[int, int], ...], counts: tuple[int, ...], stacked: bool) -> Paths:
    """The paths of flows between dies.

    Parameters
    ----------
    ends : as of `Flows`
    counts : dies of each kind
    stacked : whether the dies lie on each other; otherwise one link joins any two

    Notes
    -----
    The busiest die of a kind is that of each flow by itself: where two flows load different dies of
    a kind in a stack most, their sum is an upper bound.
    """
    kind = np.repeat(np.arange(len(counts)), counts)
    hops, loads = np.zeros(len(ends)), np.zeros((len(ends), len(counts)))
    for flow, (first, second) in enumerate(ends):
        at, other = np.flatnonzero(kind == first), np.flatnonzero(kind == second)
        pairs = [(a, b) for a in at for b in other if a != b]
        load = np.zeros(len(kind))
        for a, b in pairs:
            low, high = min(a, b), max(a, b)
            hops[flow] += high - low if stacked else 1
            load[[low, high]] += 1
            if stacked:
                load[low + 1 : high] += 2  # data enter and leave the dies between
        hops[flow] /= len(pairs)
        load /= len(pairs)
        loads[flow] = [load[kind == number].max(initial=0.0) for number in range(len(counts))]
    return Paths(hops=hops, loads=loads)


def crossings(
    ends: tuple[tuple[int, int], ...], counts: Floats, stacked: Bools
) -> tuple[Floats, Floats]:
    """Links that a bit of each flow crosses [systems x flows], and what it loads
    [systems x flows x kinds].

    Parameters
    ----------
    ends, stacked : as of `paths_of`; stacked of each system
    counts : dies of each kind [systems x kinds]
    """
    rows = np.column_stack([counts, stacked]).astype(np.int64)
    each, at = distinct_rows(rows)
    paths_of_row = [paths_of(ends, tuple(row[:-1].tolist()), bool(row[-1])) for row in each]
    hops = np.array([paths.hops for paths in paths_of_row])[at]
    return hops, np.array([paths.loads for paths in paths_of_row])[at]


def crossing_bits(flows: Flows, counts: Floats, stacked: Bools) -> tuple[Floats, Floats]:
    """Bits per second over all links, every hop counted [systems], and through the busiest die of
    each kind [systems x kinds]."""
    hops, loads = crossings(flows.ends, counts, stacked)
    total = (flows.bits_per_s * hops).sum(axis=1)
    load = (flows.bits_per_s[:, :, None] * loads).sum(axis=1)
    return np.asarray(total), np.asarray(load)


def memory_bits(flows: Flows, memory: Bools) -> Floats:
    """Bits per second that end at memory dies [systems].

    Parameters
    ----------
    memory : whether a kind is one of memory dies [systems x kinds]
    """
    total = np.zeros(len(flows.bits_per_s))
    for flow, (first, second) in enumerate(flows.ends):
        ending = memory[:, first] | memory[:, second]
        total += np.where(ending, flows.bits_per_s[:, flow], 0.0)
    return total
