"""Composed against whole-chip search: hypervolume after N evaluations, on frozen chips.

    nice python -m benchmarks.search.composed --seeds 10

The composed search is that of `chipdse sweep`: an evaluation measures a hardware point of one part
(the first: of each part), and every chip with known points of the other parts is composed. The
whole-chip search evaluates chips: each evaluation proposes and measures a hardware point of all
three parts, and gives the chips of these part points alone. Both combine supplies, counts and
buffers as arrays. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import optuna

from benchmarks.search.compare import Truth
from benchmarks.search.frozen_chip import FrozenChips, load
from chipdse.study.results.front import is_on_front, knee_of
from chipdse.study.search.parts import open_space
from chipdse.study.search.samplers import make_sampler
from chipdse.study.storage.attributes import HARVESTED_FROM, PART_POINTS
from chipdse.study.storage.fast_writes import complete
from chipdse.study.storage.finish import FinishedTrial
from chipdse.study.storage.optuna_private import trial_id_of

BUDGETS = (5, 10, 15, 20, 27, 40)
"""Evaluations; the composed search knows every part point after 27."""
MODES = ("composed", "whole")


class ChipSearch:
    """One search of the frozen chips, by Optuna's ask and tell.

    is_composed : whether the points of earlier evaluations make chips with new ones
    """

    def __init__(self, frozen: FrozenChips, is_composed: bool) -> None:
        self._frozen, self._is_composed = frozen, is_composed
        assert frozen.sweep.chip is not None
        self._chip = frozen.sweep.chip
        self.study = optuna.create_study(directions=["minimize"] * len(frozen.sweep.objectives))

    def run(self, sampler: str, seed: int, evaluations: int) -> list[tuple[int, np.ndarray]]:
        """Search with so many evaluations, or until every part point is known.

        Returns
        -------
        After each evaluation: part points known by then, and the objectives of the chips it gave
        """
        sweep, gave = self._frozen.sweep, []
        known = [np.zeros(part.hardware.size, bool) for part in self._chip.parts]
        if self._is_composed:
            evaluations = min(evaluations, self._chip.evaluations)
        measured = 0
        for number in range(evaluations):
            space = open_space(sweep, self.study) if self._is_composed else sweep.proposed_space
            self.study.sampler = make_sampler(sampler, space, evaluations, 1000 * seed + number)
            trial = self.study.ask(space.distributions())
            place = [*self._chip.part_numbers(space.point(trial.params)).values()]
            new = [not some[at] for some, at in zip(known, place, strict=True)]
            for some, at in zip(known, place, strict=True):
                some[at] = True
            gave.append((measured := measured + sum(new), self._give(trial, place, known, new)))
        return gave

    def _give(
        self, trial: optuna.Trial, place: list[int], known: list[np.ndarray], new: list[bool]
    ) -> np.ndarray:
        """Finish a trial, with the best of the chips that it makes possible; their objectives.

        Parameters
        ----------
        place : number of the hardware point of each part
        known : of each part, which hardware points are known now
        new : of each part, whether the trial measured a new one
        """
        hardware, sweep = self._frozen.hardware, self._frozen.sweep
        is_same = np.all(hardware == place, axis=1)
        possible = is_same
        if self._is_composed:
            columns = range(len(known))
            is_known = np.all([known[at][hardware[:, at]] for at in columns], axis=0)
            is_new = np.any([new[at] & (hardware[:, at] == place[at]) for at in columns], axis=0)
            possible = is_same | (is_known & is_new)
        rows = np.flatnonzero(possible)
        rows = rows[is_on_front(self._frozen.objectives[rows])]
        mine = np.flatnonzero(is_same)
        mine = mine[is_on_front(self._frozen.objectives[mine])]
        chosen = mine[knee_of(self._frozen.objectives[mine])]
        cheap = sweep.space.part(cheap=True)
        parts: dict[str, Any] = {part.name: {} for part in self._chip.parts}
        proposed = FinishedTrial(
            params=cheap.point_at(int(self._frozen.numbers[chosen]) % cheap.size),
            values=self._frozen.objectives[chosen].tolist(),
            attributes={PART_POINTS: parts},
        )
        harvested = [
            FinishedTrial(
                params=sweep.space.point_at(int(self._frozen.numbers[row])),
                values=self._frozen.objectives[row].tolist(),
                attributes={HARVESTED_FROM: trial.number},
            )
            for row in rows
            if row != chosen
        ]
        complete(self.study, trial_id_of(trial), proposed, harvested, sweep.space.distributions())
        return self._frozen.objectives[rows]


def curve(truth: Truth, gave: list[tuple[int, np.ndarray]], evaluations: int) -> list[float]:
    """Share of the full hypervolume after each evaluation; the last one stays."""
    shares: list[float] = []
    every = np.zeros((0, 3))
    for _, objectives in gave:
        every = np.concatenate([every, objectives])
        every = every[is_on_front(every)] if len(every) else every
        shares.append(truth.hypervolume_frac(every))
    return shares + shares[-1:] * (evaluations - len(shares))


def main() -> None:
    """Search with every mode, sampler and seed, print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--samplers", nargs="+", default=["lattice", "random"])
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    frozen = load()
    truth, most = Truth(frozen.front), max(BUDGETS)
    rows = []
    for sampler in given.samplers:
        for mode in MODES:
            runs = [
                ChipSearch(frozen, mode == "composed").run(sampler, seed, most)
                for seed in range(given.seeds)
            ]
            shares = np.array([curve(truth, run, most) for run in runs])
            known = [[count for count, _ in run] for run in runs]
            rows.append(_row(mode, sampler, shares, known))
    counts = {name: len(points) for name, points in frozen.points.items()}
    settings = {"seeds": given.seeds, "points": counts, "chips": len(frozen.numbers)}
    settings["front"] = len(frozen.front)
    print(json.dumps({"benchmark": "composed", **settings, "results": rows}))


def _row(mode: str, sampler: str, shares: np.ndarray, known: list[list[int]]) -> dict[str, Any]:
    """Medians over the seeds and the worst of them, and how many part points were measured."""
    row: dict[str, Any] = {"mode": mode, "sampler": sampler}
    for budget in BUDGETS:
        column = shares[:, budget - 1]
        row[f"after_{budget}"] = round(float(np.median(column)), 4)
        row[f"worst_{budget}"] = round(float(column.min()), 4)
        counts = [counts[min(budget, len(counts)) - 1] for counts in known]
        row[f"part_points_{budget}"] = float(np.median(counts))
    return row


if __name__ == "__main__":
    main()
