"""Would a cheap rung before the dear evaluation pay? What it keeps, what it costs, what it gains.

    nice python -m benchmarks.search.retention [--timed 12]    # after freeze.py, with its store

The rungs: a short workload, quick synthesis, cells without layout (no wires, no glitches), and
the last two together. Of every rung, for the designs of the frozen space in full synthesis:

- retention: the share of the truly best 10 (and 25) inside the rung's best 50, for each objective
  and for the hypervolume that a design's local front adds to all others';
- cost: its processor time over that of a full evaluation right before, of designs drawn, each with
  a store of its own (promoting costs the rest only where the rung has the same netlist);
- gain: the hypervolume found when the rung of all designs is paid for and its best 25 are promoted
  (`compare` says what the samplers reach after as many dear evaluations as that costs).

Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import moocore
import numpy as np

from benchmarks.search.compare import Truth
from benchmarks.search.freeze import measure
from benchmarks.search.frozen import Frozen, Measured, evaluate, load
from chipdse.design import Design
from chipdse.store.store import Store, default_store

BEST, KEPT, PROMOTED = (10, 25), 50, 25


def _short(design: Design) -> Design:
    return replace(design, workload=replace(design.workload, depth=4))


def _quick(design: Design) -> Design:
    return replace(design, synthesis=replace(design.synthesis, effort="quick"))


def _cells(design: Design) -> Design:
    return replace(design, physical=replace(design.physical, wires="none", glitches=False))


RUNGS: dict[str, Callable[[Design], Design]] = {
    "short workload": _short,
    "quick synthesis": _quick,
    "cells alone": _cells,
    "quick synthesis, cells alone": lambda design: _cells(_quick(design)),
}


def local_front(frozen: Frozen, frozen_point: Measured) -> np.ndarray:
    """Objectives of a design's local front, within the limits."""
    front = evaluate(frozen.sweep, frozen_point).local_front()
    return front.take(front.violation <= 0).objectives


def added(fronts: list[np.ndarray]) -> np.ndarray:
    """Hypervolume of the whole that is lost without each front."""
    logs = [np.sign(front) * np.log(np.abs(front)) for front in fronts]
    every = np.concatenate(logs)
    reference = every.max(axis=0) + 0.1 * np.ptp(every, axis=0)
    owner = np.repeat(np.arange(len(logs)), [len(front) for front in logs])
    best = moocore.is_nondominated(every, keep_weakly=True)
    complete = moocore.hypervolume(every[best], ref=reference)
    lost = np.zeros(len(logs))
    for at in np.unique(owner[best]):
        lost[at] = complete - moocore.hypervolume(every[owner != at], ref=reference)
    return lost


def promoted(fronts: list[np.ndarray], count: int) -> list[int]:
    """The designs that make most of a rung's front, and of what is left without them."""
    left, chosen = list(range(len(fronts))), []
    while left and len(chosen) < count:
        lost = added([fronts[at] for at in left])
        layer = [left[at] for at in np.argsort(-lost) if lost[at] > 0]
        chosen += layer[: count - len(chosen)]
        left = [at for at in left if at not in layer]
    return chosen


def cost(frozen: Frozen, frozen_point: Measured, change: Callable[[Design], Design]) -> float:
    """Processor time of a rung over that of the full evaluation, both from nothing."""
    spent = []
    for change_or_none in (lambda design: design, change):
        with tempfile.TemporaryDirectory() as name:
            start = sum(os.times()[:4])
            measure(frozen.sweep, frozen_point.point, Store(root=Path(name)), change_or_none)
            spent.append(sum(os.times()[:4]) - start)
    return spent[1] / spent[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timed", type=int, default=12)
    timed = parser.parse_args().timed
    frozen, store = load(), Store(root=default_store())
    dear = [
        at
        for at, frozen_point in enumerate(frozen.points)
        if frozen_point.point["effort"] == "full"
    ]
    true = [frozen.fronts[at][1] for at in dear]
    drawn = np.random.default_rng(0).choice(dear, timed, replace=False)
    names = [frozen_point.metric for frozen_point in frozen.sweep.objectives]
    truth = Truth(frozen.front)
    results: dict[str, object] = {"designs": len(dear)}
    results["hypervolume_of_all"] = round(truth.hypervolume_frac(np.concatenate(true)), 4)
    for name, change in RUNGS.items():
        points = [frozen.points[at].point for at in dear]
        rung = [
            local_front(frozen, measure(frozen.sweep, point, store, change)) for point in points
        ]
        ranks = {
            metric: [np.argsort([front[:, at].min() for front in all_]) for all_ in (true, rung)]
            for at, metric in enumerate(names)
        }
        ranks["hypervolume"] = [np.argsort(-added(all_)) for all_ in (true, rung)]
        part = statistics.median(cost(frozen, frozen.points[at], change) for at in drawn)
        best = np.concatenate([true[at] for at in promoted(rung, PROMOTED)])
        results[name] = {
            "cost": round(part, 2),
            "retention": {
                metric: [len(set(a[:n]) & set(b[:KEPT])) / n for n in BEST]
                for metric, (a, b) in ranks.items()
            },
            "evaluations_paid": round(part * len(dear) + PROMOTED),
            "hypervolume_frac": round(truth.hypervolume_frac(best), 4),
        }
        print(name, results[name], flush=True, file=sys.stderr)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
