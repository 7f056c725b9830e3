"""Would an analytic estimate do as a cheap rung? Of what is known before a design is mapped.

    nice python -m benchmarks.search.estimate [--seeds 5]

Some designs, drawn, are evaluated in full. Everything measured of the others (delay, energies,
leakage, areas at each supply) is estimated from these by linear regression of logarithms on

- "parameters": those of the design, a feature each, shape and sparsity of choices included;
- "generic netlist": gates, registers and depth after a quick generic synthesis, besides the period.

Their cheap points, and so their local fronts, follow as for a measured design. Judged as the other
rungs (`retention`), and by how many of the estimate's best 10 are truly among the best 10. Cycles
are taken as known: blocks have a formula. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.search.compare import Truth
from benchmarks.search.freeze import measure
from benchmarks.search.frozen import GROUPED, SCALARS, Frozen, Measured, load
from benchmarks.search.retention import KEPT, PROMOTED, added, local_front, promoted
from chipdse.hardware.elaborate import elaborate
from chipdse.stages.operate import Corner
from chipdse.store.store import Store, default_store
from chipdse.study.search.lattice import places_of
from chipdse.tools import run_yosys

BEST = 10
KNOWN = (10, 25)
RIDGE = 1e-3
GENERIC = """read_rtlil {rtl}
synth -flatten -top top
abc -g AND,XOR,MUX
opt_clean
tee -q -o stat.json stat -json
tee -q -o path.txt ltp -noff
"""


def by_parameters(frozen: Frozen, designs: list[int]) -> np.ndarray:
    """Places in the lattice of expensive points; of choices a feature each."""
    space = frozen.sweep.proposed_space
    numbers = [space.number_of(frozen.points[at].point) for at in designs]
    return places_of(space, np.array(numbers, dtype=np.int64))


def by_netlist(frozen: Frozen, designs: list[int], store: Store) -> np.ndarray:
    """Gates, registers and depth of generic netlists, and the period asked of synthesis."""
    rows = []
    for at in designs:
        point = frozen.points[at].point
        rows.append([*generic(frozen, at, store), point["target_period_s"]])
    return np.log(np.array(rows))


def generic(frozen: Frozen, at: int, store: Store) -> tuple[float, float, float]:
    """Gates, registers, and gates in a row of a design's generic netlist."""
    point = {**next(iter(frozen.sweep.space.points())), **frozen.points[at].point}
    design = frozen.sweep.template.design(point)
    rtl = elaborate(design.block, design.parameters, store)
    inputs = {"rtl": rtl.content, "script": GENERIC}

    def build(folder: Path) -> None:
        run_yosys(GENERIC.format(rtl=rtl.rtlil), folder)

    folder = store.folder("generic", inputs, build)
    counts = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    gates = {name: count for name, count in counts.items() if name.startswith("$_")}
    registers = sum(count for name, count in gates.items() if "DFF" in name)
    depth = re.search(r"length=(\d+)", (folder / "path.txt").read_text())
    assert depth is not None
    return float(sum(gates.values()) - registers), float(registers), float(depth[1])


def estimated(
    frozen: Frozen, designs: list[int], features: np.ndarray, known: np.ndarray
) -> list[Measured]:
    """The designs as measured, those beside the `known` ones (places in `designs`) estimated."""
    measured = [frozen.points[at] for at in designs]
    values = np.array([flat(one_row.corners) for one_row in measured])
    positive = (values[known] > 0).all(axis=0)
    target = np.where(positive, np.log(np.where(positive, values, 1.0)), values)
    centre, width = features.mean(axis=0), features.std(axis=0) + 1e-12
    scaled = np.hstack([np.ones((len(features), 1)), (features - centre) / width])
    seen = scaled[known]
    penalty = RIDGE * len(seen) * np.diag([0.0, *np.ones(features.shape[1])])
    weights = np.linalg.solve(seen.T @ seen + penalty, seen.T @ target[known])
    guess = scaled @ weights
    guess = np.where(positive, np.exp(np.where(positive, guess, 0.0)), guess)
    guess[known] = values[known]
    return [
        Measured(
            point=one_row.point, job=one_row.job, corners=unflat(measured[known[0]].corners, row)
        )
        for one_row, row in zip(measured, guess, strict=True)
    ]


def flat(corners: list[Corner]) -> list[float]:
    """Everything measured of a design that is a quantity."""
    results: list[float] = []
    for corner in corners:
        results += [getattr(corner, name) for name in SCALARS]
        for name in GROUPED:
            results += getattr(corner, name).values()
        results += corner.leakage_powers_w
    return results


def unflat(like: list[Corner], values: np.ndarray) -> list[Corner]:
    """Corners with other quantities."""
    rest, corners = iter(values.tolist()), []
    for corner in like:
        scalars = {name: next(rest) for name in SCALARS}
        grouped = {name: {key: next(rest) for key in getattr(corner, name)} for name in GROUPED}
        powers = tuple(next(rest) for _ in corner.leakage_powers_w)
        changed = {**scalars, **grouped, "leakage_powers_w": powers}
        corners.append(dataclasses.replace(corner, **changed))
    return corners


def judge(true: list[np.ndarray], rung: list[np.ndarray], names: list[str]) -> dict[str, list[int]]:
    """For each objective and for hypervolume: how many of the truly best 10 are among the rung's
    best 50, and how many of the rung's best 10 are truly among them.
    """
    scores = {
        name: [[front[:, at].min(initial=np.inf) for front in fronts] for fronts in (true, rung)]
        for at, name in enumerate(names)
    }
    scores["hypervolume"] = [-added(fronts) for fronts in (true, rung)]
    results = {}
    for name, both in scores.items():
        best, guessed = (np.argsort(one_row, kind="stable") for one_row in both)
        top = set(best[:BEST])
        results[name] = [len(top & set(guessed[:KEPT])), len(top & set(guessed[:BEST]))]
    return results


def cost(frozen: Frozen, at: int) -> float:
    """Processor time of a generic netlist over that of the full evaluation, both from nothing."""
    spent = []
    for run in (
        lambda store: measure(frozen.sweep, frozen.points[at].point, store),
        lambda store: generic(frozen, at, store),
    ):
        with tempfile.TemporaryDirectory() as name:
            start = sum(os.times()[:4])
            run(Store(root=Path(name)))
            spent.append(sum(os.times()[:4]) - start)
    return spent[1] / spent[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--timed", type=int, default=8)
    given = parser.parse_args()
    frozen, store = load(), Store(root=default_store())
    designs = [at for at, one_row in enumerate(frozen.points) if one_row.point["effort"] == "full"]
    true = [frozen.fronts[at][1] for at in designs]
    names = [one_row.metric for one_row in frozen.sweep.objectives]
    truth = Truth(frozen.front)
    drawn = np.random.default_rng(0).choice(designs, given.timed, replace=False)
    share = {"parameters": 0.0, "generic netlist": 0.0}
    if given.timed:
        share["generic netlist"] = float(np.median([cost(frozen, int(at)) for at in drawn]))
    features = {
        "parameters": by_parameters(frozen, designs),
        "generic netlist": by_netlist(frozen, designs, store),
    }
    asked = ("effort", "target_period_s")  # of synthesis: designs that differ in these share RTL
    points = [frozen.points[at].point for at in designs]
    shared = {tuple(v for name, v in one_row.items() if name not in asked) for one_row in points}
    results: dict[str, object] = {"designs": len(designs), "rtl": len(shared), "seeds": given.seeds}
    for name, columns in features.items():
        for count in KNOWN:
            judged, gained = [], []
            for seed in range(given.seeds):
                known = np.random.default_rng(seed).choice(len(designs), count, replace=False)
                guess = estimated(frozen, designs, columns, known)
                rung = [local_front(frozen, one_row) for one_row in guess]
                judged.append(judge(true, rung, names))
                paid = {*known.tolist(), *promoted(rung, PROMOTED)}
                gained.append(truth.hypervolume_frac(np.concatenate([true[at] for at in paid])))
            results[f"{name}, {count} known"] = {
                "cost": round(share[name], 3),
                "kept_and_right": {
                    key: np.median([one_row[key] for one_row in judged], axis=0).tolist()
                    for key in judged[0]
                },
                "evaluations_paid": round(share[name] * len(shared) + count + PROMOTED),
                "hypervolume_frac": round(float(np.median(gained)), 4),
                "hypervolume_worst": round(min(gained), 4),
            }
            print(name, count, results[f"{name}, {count} known"], flush=True, file=sys.stderr)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
