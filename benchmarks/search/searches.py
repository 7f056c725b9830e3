"""Searches of a table whose rows are all known: which rows each proposes, in order.

Only rows can be proposed. Random search is without repetition; Optuna's samplers get the row
nearest to what they propose that remains. `lattice` and `qlognehvi` score every row that remains
and start with the same designs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna

from benchmarks.search.botorch_scores import qlognehvi
from chipdse.study.search.lattice import START, evenness
from chipdse.study.search.surrogate import SearchHistory, scores

TableSearch = Callable[[np.ndarray, np.ndarray, np.ndarray, int, int], list[int]]
"""Places, values (minimised), the reference point of the hypervolume, a seed, a budget: rows."""


def by_chance(
    places: np.ndarray, values: np.ndarray, reference: np.ndarray, seed: int, budget: int
) -> list[int]:
    """Rows at random."""
    return list(np.random.default_rng(seed).permutation(len(places))[:budget])


def by_model(
    places: np.ndarray, values: np.ndarray, reference: np.ndarray, seed: int, budget: int
) -> list[int]:
    """Rows by the model of `lattice`, one after the other."""
    return _by_workers(1)(places, values, reference, seed, budget)


def _by_workers(workers: int) -> TableSearch:
    """`lattice` with several workers that always have work.

    A row is proposed while all other workers evaluate: the results of the last `workers` - 1 rows
    are not known yet.
    """

    def search(
        places: np.ndarray, values: np.ndarray, reference: np.ndarray, seed: int, budget: int
    ) -> list[int]:
        level_counts = np.array([len(np.unique(column)) for column in places.T])

        def score(left: np.ndarray, order: list[int]) -> np.ndarray:
            count = max(len(order) - workers + 1, 0)
            known, pending = order[:count], order[count:]
            if count < _start_of(places):
                return evenness(places[left], places[order])
            seen = SearchHistory(
                places=places[known],
                fronts=[values[at : at + 1] for at in known],
                violation=np.zeros(count),
                pending=places[pending],
                level_counts=level_counts,
            )
            return scores(places[left], seen)

        return _best_first(places, seed, budget, score)

    return search


def by_qlognehvi(
    places: np.ndarray, values: np.ndarray, reference: np.ndarray, seed: int, budget: int
) -> list[int]:
    """Rows by BoTorch's qLogNEHVI; the reference point is that of the measured hypervolume."""

    def score(left: np.ndarray, order: list[int]) -> np.ndarray:
        return qlognehvi(places[left], places[order], values[order], reference)

    return _best_first(places, seed, budget, score)


def _best_first(
    places: np.ndarray,
    seed: int,
    budget: int,
    score: Callable[[np.ndarray, list[int]], np.ndarray],
) -> list[int]:
    random = np.random.default_rng(seed)
    order = starting(places, random)[:budget]
    while len(order) < budget:
        left = np.setdiff1d(np.arange(len(places)), order)
        order_scores = score(left, order)
        best = order_scores >= order_scores.max() - 1e-9 * abs(order_scores.max())
        order.append(int(random.choice(left[best])))
    return order


def _start_of(places: np.ndarray) -> int:
    return max(START, places.shape[1])


def starting(places: np.ndarray, random: np.random.Generator) -> list[int]:
    """Designs spread evenly over each axis and over all, the first drawn."""
    order = [int(random.integers(len(places)))]
    while len(order) < _start_of(places):
        left = np.setdiff1d(np.arange(len(places)), order)
        score = evenness(places[left], places[order])
        order.append(int(random.choice(left[score >= score.max() - 1e-9 * abs(score.max())])))
    return order


def _by_optuna(
    make: Callable[[int], optuna.samplers.BaseSampler],
) -> TableSearch:
    def search(
        places: np.ndarray, values: np.ndarray, reference: np.ndarray, seed: int, budget: int
    ) -> list[int]:
        study = optuna.create_study(directions=["minimize"] * values.shape[1], sampler=make(seed))
        names = [str(at) for at in range(places.shape[1])]
        unit = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in names}
        order: list[int] = []
        while len(order) < budget:
            trial = study.ask(unit)
            wanted = np.array([trial.params[name] for name in names])
            distance = ((places - wanted) ** 2).sum(axis=1)
            distance[order] = np.inf
            order.append(int(distance.argmin()))
            study.tell(trial, values[order[-1]].tolist())
        return order

    return search


SEARCHES: dict[str, TableSearch] = {
    "random": by_chance,
    "tpe": _by_optuna(lambda seed: optuna.samplers.TPESampler(seed=seed)),
    "nsga2": _by_optuna(lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20)),
    "gp": _by_optuna(lambda seed: optuna.samplers.GPSampler(seed=seed)),
    "lattice": by_model,
    **{f"lattice_{workers}_workers": _by_workers(workers) for workers in (2, 8, 32)},
    "qlognehvi": by_qlognehvi,
}
