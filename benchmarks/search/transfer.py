"""Evaluations that a search saves if it starts from a study of the same block on another library.

    chipdse sweep benchmarks/search/multipliers.toml --study sky130
    chipdse sweep benchmarks/search/multipliers.toml --study ihp --liberty FILE
    python -m benchmarks.search.transfer sky130 ihp

Both studies have every point of their space. `lattice` searches the space of the second, with and
without the first points that the first study gives (`--start-from`), and the other way round.
Prints one JSON line: medians over the seeds of the share of the full hypervolume (logarithms of the
objectives, scaled to the front) after some evaluations, and of the evaluations until a share.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from benchmarks.search.compare import Truth
from chipdse.study.question.space import Point
from chipdse.study.results.front import is_on_front
from chipdse.study.results.points import points_table
from chipdse.study.search.earlier import first_points
from chipdse.study.search.samplers import make_sampler
from chipdse.study.storage.folder import open_study

AT = (4, 6, 8, 10, 15, 20)
SHARES = (0.9, 0.95, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    all_results = {"seeds": given.seeds}
    for old, new in ((given.first, given.second), (given.second, given.first)):
        sweep = open_study(new).sweep
        for name, points in (("alone", []), (f"from {old.name}", first_points(sweep, old))):
            curves = [curve(new, points, seed) for seed in range(given.seeds)]
            all_results[f"{new.name} {name}"] = {"first": len(points)} | summary(curves)
    print(json.dumps(all_results))


def curve(folder: Path, first: Sequence[Point], seed: int) -> list[float]:
    """The share of the full hypervolume after each evaluation of a search of all points.

    Parameters
    ----------
    folder : of a study that has every point of its space, without harvest
    first : points to evaluate first
    """
    study_folder = open_study(folder)
    sweep, table = study_folder.sweep, points_table(study_folder, every_metric=False)
    space = sweep.space
    values = table[[objective.metric for objective in sweep.objectives]].to_numpy()
    signs = np.array([objective.sign for objective in sweep.objectives])
    row_of = {
        space.number_of(space.point(row)): at
        for at, row in enumerate(table[list(space.names)].to_dict("records"))
    }
    truth = Truth((values * signs)[is_on_front(values * signs)])
    study = optuna.create_study(
        directions=[
            "minimize" if single_curve.minimize else "maximize" for single_curve in sweep.objectives
        ]
    )
    for point in first:
        study.enqueue_trial(dict(point))
    shares, rows = [], []
    for number in range(len(row_of)):
        study.sampler = make_sampler("lattice", space, len(row_of), 1000 * seed + number)
        trial = study.ask(space.distributions())
        rows.append(row_of[space.number_of(space.point(trial.params))])
        study.tell(trial, values[rows[-1]].tolist())
        shares.append(truth.hypervolume_frac(values[rows] * signs))
        if shares[-1] >= max(SHARES) and number >= max(AT):
            break
    return shares


def summary(curves: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Medians over searches: shares after `AT` evaluations, evaluations until each of `SHARES`."""
    shares = {at: float(np.median([single_curve[at - 1] for single_curve in curves])) for at in AT}
    until = {
        share: float(
            np.median(
                [int((np.array(single_curve) >= share).argmax()) + 1 for single_curve in curves]
            )
        )
        for share in SHARES
    }
    return {"share": {at: round(share, 3) for at, share in shares.items()}, "until": until}


if __name__ == "__main__":
    main()
