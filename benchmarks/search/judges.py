"""What searches are compared on: spaces of which every point is known.

- `boom`: BOOM-Explorer's public table (`--table FILE`; it does not ship)
- `dtlz2`, `zdt3`: published functions on lattices, with known fronts
- `array_points`, `array_harvest`: the frozen space of an array (`space.toml`)
- `array_shuffled`: the same with harvest, results dealt out at random to the designs
- `link_points`, `link_harvest`: the frozen space of a link between dies (`link.toml`), with designs
  that fail and limits

References
----------
.. [1] K. Deb, L. Thiele, M. Laumanns, E. Zitzler, Scalable test problems for evolutionary
   multiobjective optimization, in Evolutionary Multiobjective Optimization, Springer 2005
.. [2] E. Zitzler, K. Deb, L. Thiele, Comparison of multiobjective evolutionary algorithms:
   empirical results, Evolutionary Computation 8(2), 2000, pages 173-195
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.search.compare import Search, Table, Truth
from benchmarks.search.frozen import data_file, load
from benchmarks.search.searches import SEARCHES
from benchmarks.search.table import MARGIN, read_table
from chipdse.study.results.front import hypervolume, is_on_front


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A space, and how much of its front was found.

    run : by a search's name, a seed and a budget: the feasible objectives that each evaluation gave
        and the search's processor time per proposal [s]
    share : of objectives: part of the true front's hypervolume
    """

    run: Callable[[str, int, int], tuple[list[np.ndarray], float]]
    share: Callable[[np.ndarray], float]


def table_judge(places: np.ndarray, values: np.ndarray, is_complete: bool) -> Judge:
    """A table of designs with one point each.

    Parameters
    ----------
    places : of the designs, as `SEARCHES` take them
    values : objectives of each design [designs, objectives], all to be small
    is_complete : the hypervolume's scale is that of all values, and not that of the front
    """
    scale = values if is_complete else values[is_on_front(values)]
    low, width = scale.min(axis=0), np.ptp(scale, axis=0)
    reference = np.full(values.shape[1], MARGIN)

    def size(points_so_far: np.ndarray) -> float:
        return hypervolume((points_so_far - low) / width, reference)

    full = size(values[is_on_front(values)])

    def run(name: str, seed: int, budget: int) -> tuple[list[np.ndarray], float]:
        start = time.process_time()
        order = SEARCHES[name](places, values, low + MARGIN * width, seed, budget)
        spent = time.process_time() - start
        return [values[at : at + 1] for at in order], spent / budget

    return Judge(
        run=run, share=lambda points_so_far: size(points_so_far[is_on_front(points_so_far)]) / full
    )


def dtlz2() -> tuple[np.ndarray, np.ndarray]:
    """DTLZ2 with three objectives [1]_: 7 x 7 values along the front, 3 x 3 x 3 towards it.

    Returns
    -------
    Places (1,323, 5) and values (1,323, 3). The front is the part of the unit sphere on which the
    last three coordinates are 1/2.
    """
    along, towards = np.linspace(0, 1, 7), np.linspace(0, 1, 3)
    places = np.array(list(itertools.product(along, along, towards, towards, towards)))
    radius = 1 + ((places[:, 2:] - 0.5) ** 2).sum(axis=1)
    first, second = places[:, 0] * np.pi / 2, places[:, 1] * np.pi / 2
    values = radius[:, None] * np.stack(
        [np.cos(first) * np.cos(second), np.cos(first) * np.sin(second), np.sin(first)], axis=1
    )
    return places, values.round(12)


def zdt3() -> tuple[np.ndarray, np.ndarray]:
    """ZDT3 [2]_, whose front has five parts: one axis of 25 values along it, four of 3 towards it.

    Returns
    -------
    Places (2,025, 5) and values (2,025, 2). Points of the front have zeros from the second
    coordinate on.
    """
    places = np.array(list(itertools.product(np.linspace(0, 1, 25), *[np.linspace(0, 1, 3)] * 4)))
    first, rest = places[:, 0], 1 + 9 * places[:, 1:].mean(axis=1)
    share = first / rest
    second = rest * (1 - np.sqrt(share) - share * np.sin(10 * np.pi * first))
    return places, np.stack([first, second], axis=1)


def frozen_judge(name: str, harvest: bool, shuffled: bool = False) -> Judge:
    """A frozen space, with or without harvest.

    Raises
    ------
    ValueError : the space was not measured
    """
    if not data_file(name).is_file():
        raise ValueError(f"measure the space first: python -m benchmarks.search.freeze {name}")
    frozen = load(name)
    truth = Truth(frozen.front)
    table = None if harvest else Table(frozen)

    def run(search: str, seed: int, budget: int) -> tuple[list[np.ndarray], float]:
        deal = np.random.default_rng(seed).permutation(len(frozen.points)) if shuffled else None
        return Search(frozen, table, harvest, deal).run(search, seed, budget)

    return Judge(run=run, share=truth.hypervolume_frac)


def boom(file: Path | None) -> Judge:
    """BOOM-Explorer's table: cycles and power of designs with a fetch width of 4.

    Raises
    ------
    ValueError : no file is given
    """
    if file is None:
        raise ValueError("the judge 'boom' needs BOOM-Explorer's dataset/demo.csv: --table FILE")
    return table_judge(*read_table(file, ["cycle", "power"], {"fetchWidth": 4}), is_complete=True)


JUDGES: Mapping[str, Callable[[Path | None], Judge]] = {
    "boom": boom,
    "dtlz2": lambda _: table_judge(*dtlz2(), is_complete=False),
    "zdt3": lambda _: table_judge(*zdt3(), is_complete=False),
    "array_points": lambda _: frozen_judge("space", harvest=False),
    "array_harvest": lambda _: frozen_judge("space", harvest=True),
    "array_shuffled": lambda _: frozen_judge("space", harvest=True, shuffled=True),
    "link_points": lambda _: frozen_judge("link", harvest=False),
    "link_harvest": lambda _: frozen_judge("link", harvest=True),
}


@cache
def judge(name: str, table: Path | None) -> Judge:
    """The judge of that name."""
    return JUDGES[name](table)
