"""The model behind `lattice` on a table of designs that somebody else evaluated.

    python -m benchmarks.search.table demo.csv --where fetchWidth=4 --minimize cycle power

The table is BOOM-Explorer's `dataset/demo.csv` or has its form: a row per design with all
parameters in the first cell, separated by spaces, and one cell per result; the header names every
parameter in a cell of its own. Designs with the same parameters count once. Only rows can be
proposed, so random search is without repetition and Optuna's TPE gets the row nearest to what it
proposes. `--searches ... qlognehvi` adds BoTorch's (`pip install botorch`). Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import optuna
import pandas as pd

from benchmarks.search.searches import SEARCHES
from chipdse.study.question.space import widens
from chipdse.study.results.front import hypervolume

BUDGETS = (25, 50, 100)
MARGIN = 1.1
"""The reference point, where the table's values span 0 to 1 in every objective."""
ALIKE = 0.999
"""Parameters whose correlation is above this are one parameter."""


def read_table(
    file: Path, objectives: Sequence[str], where: Mapping[str, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the designs in the unit cube, and their objectives; one row per design.

    Parameters
    ----------
    where : values that parameters of the used rows have, by name

    Raises
    ------
    ValueError : a row has another number of parameters than the header
    """
    header, *rows = (line.split(",") for line in file.read_text().split("\n") if line.strip())
    results = len(rows[0]) - 1
    names = header[:-results]
    table = pd.DataFrame([row[0].split() for row in rows], dtype=float)
    if len(names) == 1:  # a header of one cell names no parameter
        names = [str(number) for number in range(table.shape[1])]
    if table.shape[1] != len(names):
        raise ValueError(f"{file}: rows of {table.shape[1]} parameters, a header of {len(names)}")
    table.columns = pd.Index(names)
    values = pd.DataFrame([row[1:] for row in rows], columns=header[-results:], dtype=float)
    used = np.ones(len(rows), dtype=bool)
    for name, value in (where or {}).items():
        used &= (table[name] == value).to_numpy()
    table, values = table[used], values[used]
    table = table[_independent(table)]
    first = ~table.duplicated().to_numpy()
    columns = [_unit(column) for column in table[first].to_numpy().T]
    return np.stack(columns, axis=1), values.loc[first, list(objectives)].to_numpy()


def _independent(table: pd.DataFrame) -> list[str]:
    """Parameters that vary; of those that change together (correlation above 0.999) the first."""
    varied = [name for name in table.columns if np.ptp(table[name].to_numpy())]
    correlation = table[varied].corr().abs()
    chosen: list[str] = []
    for name in varied:
        if not (correlation.loc[name, chosen] > ALIKE).any():
            chosen.append(name)
    return chosen


def _unit(column: np.ndarray) -> np.ndarray:
    values = np.unique(column)
    if values[0] > 0 and len(values) > 2 and widens(values):
        column = np.log(column)
    return (column - column.min()) / np.ptp(column)


USUAL = ("random", "tpe", "lattice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--minimize", nargs="+", required=True, metavar="COLUMN")
    parser.add_argument("--where", nargs="+", default=[], metavar="PARAMETER=VALUE")
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=USUAL)
    parser.add_argument("--budgets", nargs="+", type=int, default=BUDGETS)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    where = {name: float(value) for name, _, value in (text.partition("=") for text in given.where)}
    places, values = read_table(given.table, given.minimize, where)
    low, width = values.min(axis=0), np.ptp(values, axis=0)
    scaled = (values - low) / width
    reference = np.full(values.shape[1], MARGIN)
    full = hypervolume(scaled, reference)
    all_results: dict[str, object] = {
        "designs": len(places),
        "seeds": given.seeds,
        "budgets": given.budgets,
    }
    for name in given.searches:
        start = time.process_time()
        orders = [
            SEARCHES[name](places, values, low + MARGIN * width, seed, max(given.budgets))
            for seed in range(given.seeds)
        ]
        spent = time.process_time() - start
        parts = np.array(
            [
                [hypervolume(scaled[order[:n]], reference) / full for n in given.budgets]
                for order in orders
            ]
        )
        first, middle, third = np.quantile(parts, (0.25, 0.5, 0.75), axis=0).round(3).tolist()
        all_results[name] = {
            "median": middle,
            "quartiles": [first, third],
            "mean": parts.mean(axis=0).round(3).tolist(),
            "suggestion_s": round(spent / given.seeds / max(given.budgets), 4),
        }
    print(json.dumps(all_results))


if __name__ == "__main__":
    main()
